// Millipede's likelihood: energy losses along a track, unfolded from all DOMs' time-binned charges
// (M. G. Aartsen et al., JINST 9 (2014) P03009). A track is a row of electromagnetic cascades at
// even spacing; given the track, their energies solve a convex problem (poisson_energies.hpp); the
// track's vertex then minimises what is left.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "light/light_model.hpp"
#include "millipede/data_vector.hpp"
#include "millipede/poisson_energies.hpp"
#include "millipede/response.hpp"

namespace skyscan {

struct MillipedeSettings {
  double boundary;        // m: cascades lie within |x|, |y|, |z| <= boundary
  double regularisation;  // 1/GeV^2
};

// A choice of a track's cascades, and the light that the likelihood's energy floor gives to the
// others.
struct CascadeSelection {
  long first;                 // number of the first entry of `keep`
  std::vector<char> keep;     // per number
  std::vector<double> floor;  // PE per bin with charge
  double floor_sum;           // PE in all bins

  bool keeps(long number) const {
    const long i = number - first;
    return i >= 0 && i < static_cast<long>(keep.size()) && keep[static_cast<std::size_t>(i)] != 0;
  }
};

struct MillipedeValue {
  bool placed = false;  // false: the track misses the boundary cube, nothing else is set
  double llh = 0;       // negative log-likelihood
  // With respect to the vertex x, y, z, t; the energies follow.
  std::array<double, 4> gradient{};
  std::array<std::array<double, 4>, 4> hessian{};  // Gauss-Newton, energies eliminated
  std::vector<Cascade> cascades;
  Response response;
  EnergySolution solution;
  std::vector<double> floor;  // of the cascades not selected, per bin with charge; empty: none
};

// Where the infinite track is inside the cube |x|, |y|, |z| <= boundary: metres from the vertex
// along the track. Nothing when it misses.
struct Chord {
  double first, last;
};
std::optional<Chord> chord(const Track& track, double boundary);

// A DOM's first light.
struct FirstLight {
  Vec3 position;
  double time;    // ns
  double charge;  // PE, all of the DOM's
};

class Millipede {
 public:
  // GeV, added to every energy in the likelihood, as the reference does.
  static constexpr double energy_floor = 1e-3;

  // The light must outlive this.
  Millipede(const CascadeLight& light, std::vector<MillipedeDom> doms, MillipedeSettings settings);

  // The track's cascades inside the boundary, in the order of their numbers; without energies.
  std::vector<Cascade> cascades(const Track& track, double spacing) const;

  // The columns of these cascades and the energies that minimise llh, to `tolerance` in llh,
  // starting from `start` (GeV, one per cascade).
  MillipedeValue solve(const Track& track, std::vector<Cascade> cascades, const LightCutoff& cutoff,
                       const std::vector<double>& start, double tolerance,
                       const CascadeSelection* selection = nullptr) const;

  // The same of all the track's cascades, or of those selected, starting from the energies of
  // `previous` (may be null).
  MillipedeValue solve(const Track& track, double spacing, const LightCutoff& cutoff,
                       const MillipedeValue* previous, double tolerance,
                       const CascadeSelection* selection = nullptr) const;

  // Energies solved from nothing, to rounding.
  MillipedeValue evaluate(const Track& track, double spacing, const LightCutoff& cutoff,
                          bool with_gradient) const;

  // `value` (of all cascades) with all light of the selected ones, its energies solved again.
  void refine(const Track& track, const LightCutoff& cutoff, const CascadeSelection& selection,
              double tolerance, MillipedeValue& value) const;

  // Sets the value's gradient and hessian.
  void differentiate(const Track& track, const LightCutoff& cutoff, MillipedeValue& value) const;

  // llh of given energies (GeV, one per cascade), every expectation uncertain by this relative
  // width; throws BadInput where their number is wrong.
  double llh_of(const Track& track, double spacing, const std::vector<double>& energies,
                double relative_uncertainty) const;

  // llh of other energies (GeV, one per cascade) in an evaluated track's light.
  double llh_of(const MillipedeValue& value, const std::vector<double>& energies) const {
    return llh(value.response, energies, nullptr);
  }

  // Sum over all bins for every cascade, PE per GeV.
  std::vector<double> column_sums(const Track& track, double spacing,
                                  const LightCutoff& cutoff) const;

  // m: beyond, a cascade of this energy [GeV] puts less than `light` PE into any DOM.
  double reach(double energy, double light) const { return response_.reach(energy, light); }

  const std::vector<MillipedeDom>& doms() const { return response_.doms(); }
  const std::vector<FirstLight>& first_light() const { return first_light_; }
  double boundary() const { return settings_.boundary; }
  std::size_t charged_bins() const { return charged_.charge.size(); }
  bool has_charge() const { return charged_bins() > 0; }

 private:
  double llh(const Response& response, const std::vector<double>& energies,
             const CascadeSelection* selection) const;
  double widened_llh(const Track& track, const std::vector<Cascade>& cascades,
                     const std::vector<double>& energies, double relative_uncertainty) const;
  void solve_energies_of(MillipedeValue& value, const std::vector<double>& start, double tolerance,
                         const CascadeSelection* selection) const;

  DetectorResponse response_;
  MillipedeSettings settings_;
  double noise_sum_ = 0;       // PE, all valid bins
  double log_factorials_ = 0;  // sum of ln Gamma(d + 1)
  ChargedBins charged_;
  std::vector<FirstLight> first_light_;
};

}  // namespace skyscan

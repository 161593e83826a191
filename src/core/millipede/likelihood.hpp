// Millipede: energy losses along a track, unfolded from all DOMs' time-binned charges (M. G.
// Aartsen et al., JINST 9 (2014) P03009). A track is a string of electromagnetic cascades at even
// spacing; given the track, their energies solve a convex problem (poisson_energies.hpp); the
// track's vertex then minimises what is left.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "light/light_model.hpp"
#include "millipede/data_vector.hpp"
#include "millipede/poisson_energies.hpp"

namespace skyscan {

struct MillipedeDom {
  DomSite site;       // efficiency: relative DOM efficiency x mean SPE charge x eta
  double noise_rate;  // 1/ns
  DomBins bins;
};

struct MillipedeSettings {
  double boundary;        // m: cascades lie within |x|, |y|, |z| <= boundary
  double regularisation;  // 1/GeV^2
};

struct Cascade {
  long number;  // distance from the vertex along the track in units of the spacing
  Vec3 position;
  double time;
  double energy;  // GeV
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
  std::vector<double> floor;  // of the cascades screened off, per bin with charge; empty: none
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
  struct Neglect;
  struct Screen;

  // The light must outlive this.
  Millipede(const CascadeLight& light, std::vector<MillipedeDom> doms, MillipedeSettings settings);

  std::vector<Cascade> cascades(const Track& track, double spacing) const;

  // Energies solved from nothing.
  MillipedeValue evaluate(const Track& track, double spacing, const Neglect& neglect,
                          bool with_gradient) const;

  // Energies solved from those of `previous` (may be null), to `tolerance` in llh. With a screen
  // only its cascades are looked at.
  MillipedeValue solve(const Track& track, double spacing, const Neglect& neglect,
                       const MillipedeValue* previous, double tolerance,
                       const Screen* screen = nullptr) const;

  // The same from every few cascades alone, those about `stride` metres apart: where energy goes is
  // seen well before how much.
  std::optional<Screen> scout(const Track& track, double spacing, const Neglect& neglect,
                              const MillipedeValue* previous, double stride, double reach,
                              double threshold) const;

  // The cascades worth looking at near the track of `value`: those with energy, their neighbours
  // within `reach` numbers, and those whose gradient is above `threshold`. `outer`: the screen the
  // value was made with; null: none.
  Screen screen(const MillipedeValue& value, const Screen* outer, long reach,
                double threshold) const;

  // `value` (made without a screen) with all light of the cascades of `screen` and energies to
  // `tolerance`.
  void refine(const Track& track, const Neglect& neglect, const Screen& screen, double tolerance,
              MillipedeValue& value) const;

  // Sets the value's gradient and hessian.
  void differentiate(const Track& track, const Neglect& neglect, MillipedeValue& value) const;

  // llh of given energies (GeV, one per cascade); throws BadInput where their number is wrong.
  double llh_of(const Track& track, double spacing, const std::vector<double>& energies,
                double relative_uncertainty) const;

  // Sum over all bins for every cascade, PE per GeV.
  std::vector<double> column_sums(const Track& track, double spacing, const Neglect& neglect) const;

  // Invalid bins count too, as the reference counts them.
  std::size_t bins() const { return bins_; }
  const std::vector<MillipedeDom>& doms() const { return doms_; }
  const std::vector<FirstLight>& first_light() const { return first_light_; }
  double boundary() const { return settings_.boundary; }
  bool has_charge() const { return !rows_.charge.empty(); }

 private:
  struct Shells;
  struct Scratch;
  struct Member {
    std::size_t dom;
    std::size_t first_row;  // of its bins with charge
    double efficiency;
    double contrast;  // largest charge / noise of its bins; 0 without charge
  };

  void sort(const Vec3& position, const std::vector<Member>& members, double contrast,
            Shells& shells) const;
  template <typename See>
  void visit(const Cascade& cascade, const Track& track, const Neglect& neglect, bool with_gradient,
             Scratch& scratch, See see) const;
  void add_column(const Cascade& cascade, const Track& track, const Neglect& neglect,
                  Scratch& scratch, std::size_t j, Response& response) const;
  Response faded_response(const Track& track, const std::vector<Cascade>& cascades,
                          const Neglect& neglect) const;
  std::vector<double> far_light(const Track& track, const std::vector<double>& lengths,
                                const Neglect& neglect) const;
  Response response(const Track& track, const std::vector<Cascade>& cascades,
                    const Neglect& neglect) const;
  static void add_floor(const Response& response, std::size_t j, Screen& screen);
  double llh(const Response& response, const std::vector<double>& energies,
             const Screen* screen) const;

  void settle(const std::vector<double>& start, double tolerance, const Screen* screen,
              MillipedeValue& value) const;

  const CascadeLight& light_;
  std::vector<MillipedeDom> doms_;
  MillipedeSettings settings_;
  std::size_t bins_ = 0;
  double noise_sum_ = 0;       // PE, all valid bins
  double log_factorials_ = 0;  // sum of ln Gamma(d + 1)
  Rows rows_;
  std::vector<FirstLight> first_light_;
  std::vector<Member> hit_, quiet_;  // DOMs with charge, and those without
  std::vector<double> bound_;        // CascadeLight::amplitude_bound per shell of distance
};

// Light left out of a cascade's column. DOMs are visited in shells of growing distance, and the
// visit ends where CascadeLight::amplitude_bound proves that all DOMs further out together hold
//   - among DOMs without charge at most `quiet` of the light found so far. At the best energies
//     all cascades' light together is at most the charge D of all bins, so the sum of
//     expectations, and with it llh, is off by less than quiet x D;
//   - among DOMs with charge at most `hit` of it, each bin counted charge / mu-fold, as its light
//     enters the energies' gradient: the energies' certificate, and with it llh, is off by less
//     than hit x D. mu is at least the noise; `contrast` may assume more while searching.
struct Millipede::Neglect {
  double quiet, hit;
  double contrast;  // charge / expectation is taken to be no more than this
  // Searches: light fades out between these distances [m] instead, smoothly, so that llh has no
  // steps where a DOM comes or goes. 0: the bounds above.
  double fade_from, fade_to;
  // Searches: of very many dark DOMs further off only every so-many-th is looked at, and stands for
  // as many.
  std::size_t dark_stride = 1;
};

// A choice of cascades, and the light that the likelihood's energy floor gives to the others.
struct Millipede::Screen {
  long first;                 // number of the first entry of `keep`
  std::vector<char> keep;     // per number
  std::vector<double> floor;  // PE per bin with charge
  double floor_sum;           // PE in all bins

  bool keeps(long number) const {
    const long i = number - first;
    return i >= 0 && i < static_cast<long>(keep.size()) && keep[static_cast<std::size_t>(i)] != 0;
  }
};

// How much light of far cascades may be left out: while searching roughly, and finely, of a fit's
// result, and where the likelihood is asked for itself.
enum class Precision { rough_scan, scan, result, full };
Millipede::Neglect neglect_for(Precision precision);

}  // namespace skyscan

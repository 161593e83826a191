// What the cascades along a track put into the DOMs' time bins: the columns that are unfolded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <variant>
#include <vector>

#include "light/light_model.hpp"
#include "millipede/data_vector.hpp"
#include "millipede/poisson_energies.hpp"

namespace skyscan {

// One of the electromagnetic cascades that stand for a track.
struct Cascade {
  long number;  // distance from the vertex along the track in units of the spacing
  Vec3 position;
  double time;
  double energy;  // GeV
};

// Leaves out light that provably does not matter. DOMs are visited in shells of growing distance,
// and the visit ends where CascadeLight::amplitude_bound proves that all DOMs further out together
// hold
//   - among DOMs without charge at most `unhit_share` of the light found so far. At the best
//     energies all cascades' light together is at most the charge D of all bins, so the sum of
//     expectations, and with it llh, is off by less than unhit_share x D;
//   - among DOMs with charge at most `hit_share` of it, each bin counted charge / mu-fold, as its
//     light enters the energies' gradient: the energies' certificate, and with it llh, is off by
//     less than hit_share x D. mu is at least the noise; `most_contrast` may assume that charge /
//     mu is nowhere more than this.
struct ProvenCutoff {
  double unhit_share, hit_share;
  double most_contrast;
};

// Lets light fade out smoothly between two distances [m], so that a search meets no step in llh
// where a DOM comes or goes.
struct FadingCutoff {
  double from, to;
  // Of very many DOMs without charge that are not near, only every so-many-th is evaluated, and
  // stands for as many.
  std::size_t unhit_stride = 1;
};

using LightCutoff = std::variant<ProvenCutoff, FadingCutoff>;

// Where the likelihood itself is asked for: llh is off by about 1e-4 at most with an alert's 1e4
// PE.
inline constexpr ProvenCutoff exact_cutoff{1e-9, 1e-8, std::numeric_limits<double>::infinity()};
// Of a fit's result: off by 2e-2 at most with 1e4 PE, as far as no bin holds more than 1000 times
// what is expected there.
inline constexpr ProvenCutoff result_cutoff{1e-6, 1e-6, 1e3};
// While searching with the result's cascades. Absorption leaves about exp(-700 m / 100 m) of the
// light at the outer distance; what a search leaves out, its result has again.
inline constexpr FadingCutoff search_cutoff{550, 700};
// While searching with cascades far apart, where only the order of minima counts.
inline constexpr FadingCutoff rough_cutoff{300, 420, 3};

struct ResponseOptions {
  // m: width of a proven cut-off's shells. Narrower ones end a visit nearer to what was asked for
  // and cost more bookkeeping; the light that is left out is bounded whatever they are.
  double shell_width = 20;
  // m: in searches, light of one-bin DOMs without charge further from a cascade than `near_from` ..
  // `near_to` is evaluated at points `far_step` apart along the track and interpolated by cubics:
  // it enters llh through its sum alone and changes over the ice's effective scattering length, of
  // 25 m and more. Nearer or wider is quicker and less true.
  double near_from = 40, near_to = 80;
  double far_step = 20;
  // From so many DOMs without charge on, a search lets their light fade out between these
  // distances [m] already: only their sum enters, to which those further out add little. An event
  // read out in full has 5000 of them, and they are most of its cost. The search's llh is too low
  // where light comes from so far outside that those further out add much: by 157 for a track
  // 516 m from the middle, far from any source, which then won the search and lost by its result.
  std::size_t many_unhit = 1000;
  double many_from = 180, many_to = 300;
};

// A DOM that a cascade of 1 GeV lights.
struct LitDom {
  const MillipedeDom& dom;
  std::size_t index;          // in doms()
  std::size_t first_charged;  // index of the first of its bins with charge among all such bins
  double amplitude;           // PE
  Gradient4 gradient;         // of the amplitude, by the cascade's position and time, if asked for
  // Share of the amplitude before each edge, and the gradient of that; undefined for one bin.
  const double* cumulative;
  const Gradient4* cumulative_gradient;

  double share(std::size_t bin) const;  // of the amplitude
};

class DetectorResponse {
 public:
  // The light must outlive this, which is for one thread.
  DetectorResponse(const CascadeLight& light, std::vector<MillipedeDom> doms,
                   const ResponseOptions& options = {});

  // A column per cascade, in the order of their numbers.
  Response columns(const Track& track, const std::vector<Cascade>& cascades,
                   const LightCutoff& cutoff) const;

  // Makes column j again.
  void replace_column(const Track& track, const Cascade& cascade, const LightCutoff& cutoff,
                      std::size_t j, Response& response) const;

  // Calls `see` for every DOM that the cascade lights as far as `cutoff` asks; it must return the
  // light (PE) in the DOM's valid bins.
  using See = std::function<double(const LitDom&)>;
  void for_each_lit_dom(const Track& track, const Cascade& cascade, const LightCutoff& cutoff,
                        bool with_gradient, const See& see) const;

  const std::vector<MillipedeDom>& doms() const { return doms_; }

  // m: beyond, a cascade of this energy [GeV] puts less than `light` PE into any DOM.
  double reach(double energy, double light) const;

 private:
  struct Member {
    std::size_t dom;
    std::size_t first_charged;
    double efficiency;
    double contrast;  // largest charge / noise of its bins; 0 without charge
  };
  struct Shells;
  class Visit;
  struct Range {
    double from, to;
  };

  Shells shells(const Vec3& position, const std::vector<Member>& members, double contrast) const;
  bool has_many_unhit() const { return unhit_.size() >= options_.many_unhit; }
  Range unhit_range(const FadingCutoff& cutoff) const;
  Response faded_columns(const Track& track, const std::vector<Cascade>& cascades,
                         const FadingCutoff& cutoff) const;
  std::vector<double> far_light(const Track& track, const std::vector<double>& lengths,
                                const FadingCutoff& cutoff) const;
  std::vector<double> far_light_at(const Track& track, const std::vector<double>& places,
                                   const FadingCutoff& cutoff) const;

  const CascadeLight& light_;
  std::unique_ptr<LightScratch> scratch_;
  std::vector<MillipedeDom> doms_;
  ResponseOptions options_;
  std::size_t charged_bins_ = 0;
  std::vector<Member> hit_, unhit_;  // DOMs with charge, and those without
  std::vector<double> bound_;        // CascadeLight::amplitude_bound per shell of distance
};

}  // namespace skyscan

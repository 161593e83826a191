// The track likelihood on first pulses ("SplineMPE, max"), after K. Abbasi et al., JINST 16 (2021)
// P08034, with the constants of IceCube's reconstruction.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "light/light_model.hpp"
#include "splinempe/coarse_map.hpp"

namespace skyscan {

// What one DOM saw.
struct FirstPulse {
  DomSite site;
  double time;    // of its first pulse [ns]
  double charge;  // of all its pulses [PE]
};

struct Symmetric3 {
  double xx, xy, xz, yy, yz, zz;
};

// The likelihood's derivatives by the vertex's x, y, z. `scores`: sum over DOMs of the outer
// products of their gradients, an estimate of the second derivatives that is never negative.
struct SplineMpeSlope {
  Vec3 gradient;
  Symmetric3 scores;
};

struct SplineMpeFit {
  double llh;
  Vec3 position;
  double time;
  std::int64_t evaluations;
};

class SplineMpe {
 public:
  // `light` must outlive this. `start`, `stop`: first and last pulse time over all DOMs [ns].
  // `energy`: GeV; 0 or less switches noise model off.
  SplineMpe(const MuonLight& light, std::vector<FirstPulse> pulses, double start, double stop,
            double energy);
  SplineMpe(SplineMpe&&) noexcept;
  ~SplineMpe();

  void set_energy(double energy);

  // Negative log-likelihood. `slope` may be null.
  double evaluate(const Track& track, SplineMpeSlope* slope) const;
  // The same, smeared as the reference smears it; no derivatives.
  double evaluate_exactly(const Track& track) const;

  // Best vertex position at fixed direction and time, starting from `seeds` (time and position are
  // used, the direction is the first one's).
  //
  // What all fits of one direction share is kept from one call to the next; where they end does not
  // depend on it, the number of evaluations does.
  SplineMpeFit fit(const Track* seeds, std::size_t count);

 private:
  // A lowest place nearby, at the time all of them have.
  struct Minimum {
    double llh;
    Vec3 position;
  };
  // The likelihood as sketches want it.
  class Model;
  struct Sketches {
    TrackSketch coarse, fine;
  };
  class Search;
  const Sketches& sketches(double zenith);

  const MuonLight& light_;
  std::vector<FirstPulse> pulses_;
  double start_, window_, energy_;
  double jitter_;  // post-jitter sigma [ns]
  // Of tracks in bands of the zenith angle, as they come up.
  std::array<std::unique_ptr<const Sketches>, 4> sketches_;
  std::vector<std::int64_t> photons_;  // N of the MPE term; 0 where the single-photon one serves
  double middle_time_;                 // of the pulses [ns]: the time of minima
  std::vector<Minimum> minima_;        // of the latest direction
  Vec3 minima_direction_{};
  bool minima_closely_ = false;
};

}  // namespace skyscan

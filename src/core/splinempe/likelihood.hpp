// The track likelihood on first pulses ("SplineMPE, max"), after K. Abbasi et al., JINST 16 (2021)
// P08034, with the constants of IceCube's reconstruction.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "splinempe/first_pulse.hpp"
#include "splinempe/smearing.hpp"

namespace skyscan {

struct Symmetric3 {
  double xx, xy, xz, yy, yz, zz;
};

// The likelihood's derivatives by the vertex's x, y, z [1/m]. `scores`: sum over DOMs of the outer
// products of their gradients [1/m^2], an estimate of the second derivatives that is never
// negative.
struct SplineMpeSlope {
  Vec3 gradient;
  Symmetric3 scores;
};

// What the likelihood of an event is made of besides light and pulses, at one energy.
struct SplineMpeSetting {
  double start, window;  // of the readout [ns]
  double energy;         // GeV; 0 or less: no noise model
  bool has_noise;
  double bare_factor;  // of a bare muon's light, for small losses
  double jitter;       // post-jitter sigma [ns]
  double middle_time;  // of the pulses, weighted by the square root of their charge [ns]
  // Of each pulse: N of the MPE term; 0 where the single-photon one serves.
  std::vector<std::int64_t> photons;

  bool smears(double residual) const {
    return residual <= latest_smeared && residual >= earliest_smeared();
  }
  double earliest_smeared() const { return -3 * jitter - earlier_smeared; }

  // The reference's.
  static constexpr double noise_rate = 1e-8;    // 1/ns: 10 Hz
  static constexpr double latest_smeared = 40;  // ns: later residuals are not smeared
  static constexpr double earlier_smeared = 5;  // ns before -3 sigma: nor are earlier ones
  static constexpr double llh_where_undefined = 1e9;
};

// One event at one energy. Nothing changes once it is made but the light's scratch: for one thread.
class SplineMpe final : public FirstPulseModel {
 public:
  // `light` must outlive this; there is a pulse. `start`, `stop`: first and last pulse time over
  // all DOMs [ns]. `energy`: GeV; 0 or less switches the noise model off.
  SplineMpe(const MuonLight& light, std::vector<FirstPulse> pulses, double start, double stop,
            double energy);

  // Negative log-likelihood. `slope` may be null.
  double evaluate(const Track& track, SplineMpeSlope* slope) const;
  // The same, smeared as the reference smears it; no derivatives.
  double evaluate_exactly(const Track& track) const;

  const MuonLight& light() const { return light_; }
  // What the light's searches keep. Only where it has some.
  LightScratch& rough_scratch() const { return *rough_scratch_; }
  const std::vector<FirstPulse>& pulses() const { return pulses_; }
  // The mean of the pulses' times [ns].
  double middle_time() const { return setting_.middle_time; }
  const SplineMpeSetting& setting() const { return setting_; }

  double floor() const override;
  bool are_alike(std::size_t pulse, std::size_t other) const override;
  void likelihoods(std::size_t pulse, const DomExpectation& expectation, const double* direct,
                   const double* noise, const double* after, double step, std::size_t n,
                   double* out) const override;

 private:
  struct Noise;
  struct SmearedSums;
  struct DomLikelihood {
    double value;
    Vec3 score;  // the gradient of its logarithm [1/m]
  };
  DomLikelihood likelihood_of(std::size_t pulse, const DomExpectation& expectation, double residual,
                              bool with_score) const;
  Noise noise_at(const FirstPulse& pulse, const DomExpectation& expectation, double residual) const;
  double expected_charge(const DomExpectation& expectation) const;

  const MuonLight& light_;
  std::unique_ptr<LightScratch> scratch_, rough_scratch_;
  std::vector<FirstPulse> pulses_;
  SplineMpeSetting setting_;
  const smearing::Rule& smearing_;
};

}  // namespace skyscan

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
  const std::vector<FirstPulse>& pulses() const { return pulses_; }
  // The mean of the pulses' times, weighted by the square root of their charge [ns].
  double middle_time() const { return middle_time_; }

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
  std::unique_ptr<LightScratch> scratch_;
  std::vector<FirstPulse> pulses_;
  double start_, window_, energy_;
  bool has_noise_;      // the noise model is on
  double bare_factor_;  // of a bare muon's light, for small losses
  double jitter_;       // post-jitter sigma [ns]
  const smearing::Rule& smearing_;
  double middle_time_;
  std::vector<std::int64_t> photons_;  // N of the MPE term; 0 where the single-photon one serves
};

}  // namespace skyscan

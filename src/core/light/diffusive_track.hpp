// The diffusive light of an infinite track: D. Chirkin, arXiv:1208.3430 eq. 1.
#pragma once

#include <numbers>

#include "base/constants.hpp"
#include "math/jet.hpp"
#include "math/lanes.hpp"

namespace skyscan {

// In given ice: effective scattering and absorption [1/m].
template <typename Number>
class DiffusiveTrack {
 public:
  DiffusiveTrack(const Number& scattering, const Number& absorption)
      : DiffusiveTrack(scattering, absorption, root(3 * (absorption * scattering))) {}
  // With another decay [1/m] than that of this ice everywhere.
  DiffusiveTrack(const Number& scattering, const Number& absorption, const Number& decay)
      : decay_(decay) {
    const Number per_scattering = inverse(scattering);
    // lambda_mu = (lambda_c / sin)^2 2 decay / pi, lambda_c = exp(a / b) / (3 b): its inverse root.
    inverse_near_ =
        (3 * sin_cherenkov) * (scattering * exponential_of((-1.0) * (absorption * per_scattering)) *
                               inverse(root((2 / std::numbers::pi) * decay_)));
  }
  const Number& decay() const { return decay_; }
  // At this distance [m], but for the constants.
  Number amplitude(const Number& distance) const {
    return amplitude_of(distance, (-1.0) * (distance * decay_));
  }
  // The same times the exponential of `correction`.
  Number amplitude(const Number& distance, const Number& correction) const {
    return amplitude_of(distance, correction - distance * decay_);
  }

 private:
  Number amplitude_of(const Number& distance, const Number& exponent) const {
    const Number root_distance = root(distance);
    const Number tail = exponential_of((-2.0) * (root_distance * inverse_near_));
    return exponential_of(exponent) * inverse_near_ * (1 + tail) *
           inverse(root_distance * (1 - tail));
  }

  Number decay_, inverse_near_;
};

}  // namespace skyscan

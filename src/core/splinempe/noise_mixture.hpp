// How much of the light a DOM sees first is physics, noise, pre-pulse or after-pulse: the
// reference's noise model "SRT", as functions of the expected charge.
#pragma once

#include "math/lanes.hpp"

namespace skyscan {

struct NoiseWeights {
  double physics, random, pre, after;
};

// At x = log10 of the expected PE, by the reference's formulae.
NoiseWeights noise_weights(double x);

// Which share of the first photons of a DOM each kind has. Random ones are partly as the noise
// timing has them (`structured`), the rest is flat in time.
struct NoiseMixture {
  double physics, random, after;  // add up to 1; pre-pulses count as physics
  double structured;              // of the random share
};

// For this many expected PE, by the formulae.
NoiseMixture noise_mixture(double expected);

// The same from a table (relative error below 1e-6), with the derivatives by the expected PE.
// Expectations outside least_expected to 1e7 PE count as these.
void noise_mixture(double expected, NoiseMixture& value, NoiseMixture& slope);

// The same for searches: by the logarithm of the expected PE, and with derivatives by it. Below
// 1e-37 PE nothing changes any more.
struct NoiseMixtureLanes {
  Lanes physics, random, after, structured;
};
void noise_mixture(const Lanes& log_expected, NoiseMixtureLanes& value, NoiseMixtureLanes& slope);

inline constexpr double least_expected = 1e-60;  // PE

// After-pulses follow the light that made them by so long (the reference's) [ns].
inline constexpr double after_pulse_delay = 2000;

}  // namespace skyscan

// How much of the light a DOM sees first is physics, noise, pre-pulse or after-pulse: the
// reference's noise model "SRT", as functions of the expected charge.
#pragma once

namespace skyscan {

struct NoiseWeights {
  double physics, random, pre, after;
};

// At x = log10 of the expected PE, by their formulae.
NoiseWeights noise_weights(double x);

// The same from a table (relative error below 1e-6), with the derivatives by x.
void noise_weights(double x, NoiseWeights& value, NoiseWeights& slope);

}  // namespace skyscan

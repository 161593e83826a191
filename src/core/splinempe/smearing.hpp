// Post-jitter smearing of the splinempe likelihood.
//
// The reference convolves 21 samples over +-3 sigma with the recursive Gaussian of L. Alvarez and
// L. Mazorra, SIAM J. Numer. Anal. 31 (1994) 590, in four steps of single precision, and keeps the
// value at the centre. Being linear, that is a weighted sum of the samples with weights that never
// change: a measure on 21 points. Fits use the Gauss quadrature of this very measure, which has
// fewer points and is exact for polynomials.
#pragma once

#include <array>
#include <cstddef>

namespace skyscan::smearing {

inline constexpr std::size_t samples = 21;
inline constexpr std::size_t centre = samples / 2;
inline constexpr double reach = 3;  // in units of sigma
inline constexpr double spacing = 2 * reach / (samples - 1);

// The reference's filter, in its precision: the value at the centre of the smeared samples.
double recursive(std::array<float, samples> values);

struct Rule {
  std::size_t points;
  std::array<double, samples> offset;  // in units of sigma
  std::array<double, samples> weight;  // sum to 1
};

// The filter's own samples and weights.
Rule all();

// The Gauss quadrature of that measure with this many points, 1 to 20.
Rule gauss(std::size_t points);

}  // namespace skyscan::smearing

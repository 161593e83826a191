// The embedded light of 2026b: all its constants, and the formulae that muons and cascades share.
//
// Diffusive amplitudes (D. Chirkin, arXiv:1208.3430 eq. 1) and gamma-distributed arrival times
// (J. Ahrens et al., NIM A 524 (2004) 169, after D. Pandel), as in the model of 2026a; but
// - the rate of the times follows the absorption, their shape the scattering;
// - scattered light comes as from a source displaced forward, and as to a DOM displaced along its
//   view, each by its mean cosine over the scattering: both follow from diffusion with a dipole;
// - how fast it decays is that of diffusion through the layers, so that it goes around dust;
// - the amplitude is multiplied by a polynomial in the optical distance;
// - what is direct is early.
// Numbers: scripts/light/fit.py, from cells of a photon Monte Carlo with the Cherenkov spectrum
// times the DOM's acceptance by wavelength.
#pragma once

#include <cstddef>
#include <vector>

#include "base/constants.hpp"
#include "light/analytic_optics.hpp"
#include "light/layered_ice.hpp"
#include "math/jet.hpp"
#include "math/lanes.hpp"

namespace skyscan::fitted {

// What scripts/light/fit.py gives. b, a: mean effective scattering and absorption between source
// and DOM; s: the light's straight path in scattering lengths; d: distance from the source, of the
// displaced light where it says so.
struct Constants {
  double direct_share, direct_fading;  // direct light: share * exp(-s / fading)
  double shift_fading;                 // displacements grow as 1 - exp(-s / fading)
  double window;                       // of d: ice this much further up and down counts
  // ln(amplitude / diffusive one): 1, u, v, v^2, u^2, u v, v ln(25 m b); v = ln(1 + b d),
  // u = k d / (1 + k d / 8) with the diffusive decay k.
  double amplitude[7];
  // Shape: factor * s^power * (what is accepted / the mean)^-by_direct, s of the displaced light.
  double shape_factor, shape_power, shape_by_direct;
  double rate_factor, rate_power;  // rate: factor * c / n_g * a * s^power
};

// Fitted to 865 cells of level and inclined muons at seven heights: rms of ln(quantile + 10 ns) at
// 10, 50, 90 % is 0.24 to 200 m, for level ones 0.17; of ln(amplitude) 0.15 at 50 to 200 m.
constexpr Constants muon{
    0.8694, 1.0235, 2.5513, 0.1247, {0.2528, 0.9396, -1.5391, 0.5484, -0.1471, -0.2002, 0.1487},
    0.6258, 0.8464, 0.5081, 2.4983, -0.1806};
// To 2136 cells of level and steep cascades there: 0.27, and 0.11. Nothing is scattered at the
// source.
constexpr Constants cascade{
    1,      1.0537, 1.3928, 0.0734, {0.1655, -0.0979, 0.0383, -0.2834, -0.1684, 0.3637, 0.1354},
    0.5539, 1.0873, 0.4254, 2.9430, -0.1316};

// m: clear ice scatters effectively once on such a way; in this unit scattering has a logarithm.
constexpr double usual_scattering_length = 25;
// Where k d saturates in the polynomial: further out the diffusive fall-off alone counts.
constexpr double far_optical_distance = 8;
// m: rounds off distances at the source, and ice is averaged over twice as much at least.
constexpr double rounding = 0.5;

// sigma of the DOMs' time resolution that goes with these times [ns]: 3 ns of electronics and
// photomultiplier, and what the form of the distributions misses near their beginning.
constexpr double jitter = 5;

// Rate of the noise's Pandel function [1/ns]: smeared by 1000 ns nobody sees which.
constexpr double noise_rate = 0.004;

// --- Shared formulae: for jets, plain numbers, and four of them at a time ------------------------

// Mean scattering and absorption between two heights, and their slopes by these.
template <typename Number>
struct MeanIce {
  Number scattering, absorption;
};

// The ice between two heights, and `window` [m] more: how the window opens as the heights come
// together is smooth.
template <typename Number>
[[gnu::always_inline]] inline MeanIce<Number> mean_ice(const LayeredIce& ice, const Number& from,
                                                       double to, const Number& window) {
  const Number middle = 0.5 * (to + from), half_height = 0.5 * (to - from);
  const Number half = root(half_height * half_height + window * window + rounding * rounding);
  const Number low = middle - half, high = middle + half;
  const LayeredIce::Point bottom = ice.point(value_of(low)), top = ice.point(value_of(high));
  const double per_height = 0.5 / value_of(half);
  Number mean[2];
  for (int k = 0; k < 2; ++k) {
    const double value = (top.integral[k] - bottom.integral[k]) * per_height;
    mean[k] = chained(low, high, value, (value - bottom.value[k]) * per_height,
                      (top.value[k] - value) * per_height);
  }
  return {mean[0], mean[1]};
}

[[gnu::always_inline]] inline MeanIce<Lanes> mean_ice(const LayeredIce& ice, const Lanes& from,
                                                      double to, const Lanes& window) {
  const Lanes middle = 0.5 * (to + from), half_height = 0.5 * (to - from);
  const Lanes half = root(half_height * half_height + window * window + rounding * rounding);
  const auto [scattering, absorption] = ice.mean(middle - half, middle + half);
  return {scattering, absorption};
}

// The same of eight paths.
template <typename Number>
[[gnu::always_inline]] inline MeanIce<Number> mean_ice(const LayeredIce& ice, const Number& from,
                                                       const Lanes& to, const Number& window) {
  const Number middle = 0.5 * (to + from), half_height = 0.5 * (to - from);
  const Number half = root(half_height * half_height + window * window + rounding * rounding);
  const Number low = middle - half, high = middle + half;
  // Of integrals over a kilometre single precision would leave too little of their difference.
  float mean[2][Lanes::count], at_low[2][Lanes::count], at_high[2][Lanes::count];
  for (std::size_t i = 0; i < Lanes::count; ++i) {
    const double begin = static_cast<double>(value_of(low)[i]),
                 end = static_cast<double>(value_of(high)[i]);
    const LayeredIce::Point bottom = ice.point(begin), top = ice.point(end);
    for (int k = 0; k < 2; ++k) {
      mean[k][i] = static_cast<float>((top.integral[k] - bottom.integral[k]) / (end - begin));
      at_low[k][i] = static_cast<float>(bottom.value[k]);
      at_high[k][i] = static_cast<float>(top.value[k]);
    }
  }
  const Lanes per_height = 0.5 / value_of(half);
  const auto one = [&](int k) {
    const Lanes value = load(mean[k]);
    return chained(low, high, value, (value - load(at_low[k])) * per_height,
                   (load(at_high[k]) - value) * per_height);
  };
  return {one(0), one(1)};
}

// The logarithm of what the diffusive amplitude is multiplied by. `log_scattering`: ln(25 m b).
template <typename Number>
[[gnu::always_inline]] inline Number correction(const Constants& of, const Number& distance,
                                                const Number& scattering, const Number& decay,
                                                const Number& log_scattering) {
  const double* const c = of.amplitude;
  const Number optical = distance * decay;
  const Number u = optical * inverse(1 + (1 / far_optical_distance) * optical);
  const Number v = logarithm_of(1 + scattering * distance);
  return c[0] + (u * (c[1] + c[4] * u + c[5] * v) + v * (c[2] + c[3] * v + c[6] * log_scattering));
}

// Shape and ln(rate) of the arrival times.
template <typename Number>
struct TimingParameters {
  Number shape, log_rate;
};

// scatterings: of the displaced light; accepted: its direct part's, relative to the mean.
template <typename Number>
[[gnu::always_inline]] inline TimingParameters<Number> timing(const Constants& of,
                                                              const Number& scatterings,
                                                              const Number& accepted,
                                                              const Number& absorption) {
  const Number log_scatterings = logarithm_of(scatterings);
  const Number shape =
      of.shape_factor * exponential_of(of.shape_power * log_scatterings -
                                       of.shape_by_direct * logarithm_of(accepted));
  return {shape, logarithm_of((of.rate_factor * speed_of_light / group_index) * absorption) +
                     of.rate_power * log_scatterings};
}

// Mean cosine of the light a DOM accepts: its view, along which light seems displaced.
inline double mean_cosine(const std::vector<double>& acceptance) {
  double sum = 0, mean = 0;
  for (std::size_t i = 0; i < acceptance.size(); ++i)
    (i % 2 == 0 ? mean : sum) += acceptance[i] / static_cast<double>(i + 1 + i % 2);
  return sum / mean;
}

}  // namespace skyscan::fitted

// Optics of the analytic light: all its constants, and the formulae that muons and cascades share.
//
// Yields and propagation: D. Chirkin, arXiv:1208.3430 eq. 1 and earlier. Arrival times:
// J. Ahrens et al., NIM A 524 (2004) 169.
#pragma once

#include <cstddef>
#include <numbers>
#include <vector>

#include "base/constants.hpp"
#include "math/jet.hpp"
#include "math/lanes.hpp"

namespace skyscan::analytic {

// --- Light that is made -------------------------------------------------------------------------

// Cherenkov photons per metre of a bare muon, and per metre of the track length that 1 GeV of an
// electromagnetic cascade has in all; 300-600 nm weighted with the DOM's sensitivity.
constexpr double muon_photons = 32240;     // 1/m
constexpr double cascade_photons = 32582;  // 1/m
constexpr double cascade_length = 5.21;    // m/GeV
// A muon's light relative to a bare one's is 1.22 + 1.36e-3/GeV * E: here what small losses add to
// 1, and what stochastic ones do.
constexpr double muon_small_losses = 0.22;
constexpr double muon_stochastic = 1.36e-3;  // 1/GeV

// A cascade's light by its angle to the axis is proportional to exp(-2.61 |x|^0.39), where x is
// the cosine less that of the Cherenkov angle. The cusp there is rounded off within so much of the
// cosine that gradients stay finite.
constexpr double emission_steepness = 2.61, emission_power = 0.39, emission_rounding = 2e-3;

// --- The DOM ------------------------------------------------------------------------------------

constexpr double dom_radius = 0.16510;  // m, of the 13-inch glass sphere
// Photomultiplier, glass, gel and quantum efficiency averaged over the Cherenkov spectrum.
constexpr double effective_area = 20.2e-4;  // m^2

// --- Arrival times: Pandel functions, parameters "H2" of Ahrens et al. --------------------------

// The mean scattering length they were fitted with belongs to ice with one effective scattering
// per so many metres: in other ice the length goes with the local one.
constexpr double pandel_ice = 25;             // m
constexpr double pandel_absorption = 98;      // m
constexpr double muon_pandel_tau = 556.7;     // ns
constexpr double muon_pandel_lambda = 33.29;  // m
constexpr double cascade_pandel_tau = 450;    // ns
constexpr double cascade_pandel_lambda = 47;  // m

// The distance [m] a muon's light seems to have scattered over, from the distance to the track and
// the cosine x of the direction light arrives in (upwards: head-on): a rho + b - c x + d x^2.
constexpr double effective_distance_by_rho = 0.8395;
constexpr double effective_distance_constant = 3.094;          // m
constexpr double effective_distance_by_rising = 3.946;         // m
constexpr double effective_distance_by_rising_square = 4.636;  // m

// sigma of electronics and photomultiplier that goes with these parameters [ns].
constexpr double jitter = 15;
constexpr double noise_jitter = 1000;       // ns: sigma of the timing of random noise
constexpr double longest_residual = 30000;  // ns: where the Pandel tables end

// --- Shared formulae ----------------------------------------------------------------------------

// Rate of the Pandel function [1/ns] with this tau [ns].
inline double pandel_rate(double tau) {
  return 1 / tau + speed_of_light / (group_index * pandel_absorption);
}

struct ValueAndSlope {
  double value, slope;
};

inline ValueAndSlope polynomial(const std::vector<double>& coefficients, double x) {
  ValueAndSlope sum{0, 0};
  for (std::size_t i = coefficients.size(); i-- > 0;) {
    sum.slope = sum.slope * x + sum.value;
    sum.value = sum.value * x + coefficients[i];
  }
  return sum;
}

// The acceptance's polynomial.
[[gnu::always_inline]] inline Jet accepted(const std::vector<double>& coefficients,
                                           const Jet& rising) {
  const ValueAndSlope at = polynomial(coefficients, rising.value());
  return chained(rising, at.value, at.slope);
}
[[gnu::always_inline]] inline LaneJet accepted(const std::vector<double>& coefficients,
                                               const LaneJet& rising) {
  Lanes value = 0, slope = 0;
  for (std::size_t i = coefficients.size(); i-- > 0;) {
    slope = slope * rising.value + value;
    value = value * rising.value + coefficients[i];
  }
  return chained(rising, value, slope);
}
template <typename Coefficient, typename Plain>
[[gnu::always_inline]] inline Plain accepted(const std::vector<Coefficient>& coefficients,
                                             const Plain& rising) {
  Plain sum{};
  for (std::size_t i = coefficients.size(); i-- > 0;) sum = sum * rising + coefficients[i];
  return sum;
}

// tanh(x) from exp(-2 x), and its logarithmic slope 2 x / sinh(2 x).
struct Tanh {
  double value, tail;
};

inline Tanh tanh_with_tail(double x, double exp_minus_2x) {
  const double below = 1 - exp_minus_2x, above = 1 + exp_minus_2x;
  return {below / above, 4 * x * exp_minus_2x / (below * above)};
}

}  // namespace skyscan::analytic

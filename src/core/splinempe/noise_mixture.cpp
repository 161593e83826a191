#include "splinempe/noise_mixture.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace skyscan {
namespace {

double saturating(double exponent) { return -std::expm1(-std::exp(std::numbers::ln10 * exponent)); }

// Share of flat noise, beside light as random as the noise timing.
constexpr double flat_share = 0.01;

// The table has 16 equal steps in every octave of the expectation, from 2^-200 to 2^24, so that
// finding a cell is reading the bits of a number.
constexpr int step_bits = 4;
constexpr int first_octave = -200, last_octave = 24;
constexpr std::uint64_t mask = ~std::uint64_t{0} << (52 - step_bits);

std::uint64_t index_of(double x) { return std::bit_cast<std::uint64_t>(x) >> (52 - step_bits); }

struct Node {
  double value[4], slope[4];
};

void list(const Mixture& m, double* out) {
  out[0] = m.physics, out[1] = m.random, out[2] = m.after, out[3] = m.structured;
}

std::vector<Node> make_table() {
  const std::uint64_t first = index_of(std::ldexp(1, first_octave));
  std::vector<Node> table(index_of(std::ldexp(1, last_octave)) - first + 1);
  constexpr double h = 1e-4;  // relative; a symmetric difference is good to 1e-8
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double x = std::bit_cast<double>((first + i) << (52 - step_bits));
    double above[4], below[4];
    list(mixture(x), table[i].value);
    list(mixture(x * (1 + h)), above);
    list(mixture(x * (1 - h)), below);
    for (int k = 0; k < 4; ++k) table[i].slope[k] = (above[k] - below[k]) / (2 * h * x);
  }
  return table;
}

}  // namespace

NoiseWeights noise_weights(double x) {
  const auto atan = [x](double offset, double slope) { return std::atan(offset + slope * x); };
  return {
      saturating(0.774234 - 1.02385 * atan(0.969486, -0.577865) +
                 0.193763 * atan(16.2363, 4.76944)),
      saturating(std::fmin(0, -1.36638 - 1.10099 * atan(1.08653, 0.850798))),
      saturating(0.144828 + 0.928378 * x - 1.11346 * atan(1.3868, 0.780568)),
      saturating(-0.186922 + 0.946511 * x - 1.08804 * atan(1.73241, 0.760878)),
  };
}

Mixture mixture(double expected) {
  const NoiseWeights w = noise_weights(std::log10(expected));
  const double total = w.physics + w.random + w.pre + w.after;
  const double seen = -std::expm1(-expected);
  return {(w.physics + w.pre) / total, w.random / total, w.after / total,
          seen / (seen + flat_share)};
}

void mixture(double expected, Mixture& value, Mixture& slope) {
  static const std::vector<Node> table = make_table();
  static const std::uint64_t first = index_of(std::ldexp(1, first_octave));
  const double x = std::fmin(std::fmax(expected, least_expected), 1e7);
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const std::uint64_t index = bits >> (52 - step_bits);
  const double low = std::bit_cast<double>(bits & mask);
  const double width = std::bit_cast<double>((index + 1) << (52 - step_bits)) - low;
  const double per_width = 1 / width;
  const double f = (x - low) * per_width, g = 1 - f;
  const Node &a = table[index - first], &b = table[index - first + 1];
  const double v = g * g * (1 + 2 * f), s0 = width * f * g * g, s1 = -width * f * f * g;
  const double dv = 6 * f * g * per_width, ds0 = g * (1 - 3 * f), ds1 = f * (3 * f - 2);
  double values[4], slopes[4];
  for (int k = 0; k < 4; ++k) {
    values[k] = v * a.value[k] + (1 - v) * b.value[k] + s0 * a.slope[k] + s1 * b.slope[k];
    slopes[k] = dv * (b.value[k] - a.value[k]) + ds0 * a.slope[k] + ds1 * b.slope[k];
  }
  value = {values[0], values[1], values[2], values[3]};
  slope = {slopes[0], slopes[1], slopes[2], slopes[3]};
}

}  // namespace skyscan

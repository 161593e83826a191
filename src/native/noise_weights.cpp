#include "noise_weights.hpp"

#include <cmath>
#include <numbers>
#include <vector>

namespace skyscan {
namespace {

double saturating(double exponent) { return -std::expm1(-std::exp(std::numbers::ln10 * exponent)); }

// Far wider than any charge that occurs.
constexpr double first = -61, last = 7, step = 1.0 / 32;

struct Node {
  double value[4], slope[4];
};

std::vector<Node> make_table() {
  const auto count = static_cast<std::size_t>((last - first) / step) + 1;
  std::vector<Node> table(count);
  // Slopes by a symmetric difference: good to 1e-8.
  constexpr double h = 1e-4;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = first + static_cast<double>(i) * step;
    const auto list = [](const NoiseWeights& w, double* out) {
      out[0] = w.physics, out[1] = w.random, out[2] = w.pre, out[3] = w.after;
    };
    double above[4], below[4];
    list(noise_weights(x), table[i].value);
    list(noise_weights(x + h), above);
    list(noise_weights(x - h), below);
    for (int k = 0; k < 4; ++k) table[i].slope[k] = step * (above[k] - below[k]) / (2 * h);
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

void noise_weights(double x, NoiseWeights& value, NoiseWeights& slope) {
  static const std::vector<Node> table = make_table();
  const double at =
      std::fmin(std::fmax((x - first) / step, 0), static_cast<double>(table.size() - 1) - 1e-9);
  const auto index = static_cast<std::size_t>(at);
  const double f = at - static_cast<double>(index), g = 1 - f;
  const Node &a = table[index], &b = table[index + 1];
  const double v = g * g * (1 + 2 * f), s0 = f * g * g, s1 = -f * f * g;
  const double dv = 6 * f * g, ds0 = g * (1 - 3 * f), ds1 = f * (3 * f - 2);
  double values[4], slopes[4];
  for (int k = 0; k < 4; ++k) {
    values[k] = v * a.value[k] + (1 - v) * b.value[k] + s0 * a.slope[k] + s1 * b.slope[k];
    slopes[k] = (dv * (b.value[k] - a.value[k]) + ds0 * a.slope[k] + ds1 * b.slope[k]) / step;
  }
  value = {values[0], values[1], values[2], values[3]};
  slope = {slopes[0], slopes[1], slopes[2], slopes[3]};
}

}  // namespace skyscan

#include "splinempe/noise_mixture.hpp"

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "math/smooth_table.hpp"

namespace skyscan {
namespace {

double saturating(double exponent) { return -std::expm1(-std::exp(std::numbers::ln10 * exponent)); }

// Share of flat noise, beside light as random as the noise timing (the reference's).
constexpr double flat_share = 0.01;

// From 2^-200, below least_expected, to 2^24, above most_expected.
constexpr int first_octave = -200, last_octave = 24;
using ExpectedAxis = OctaveAxis<4, first_octave>;
constexpr double most_expected = 1e7;  // PE

struct Node {
  std::array<double, 4> value, slope;
};

std::array<double, 4> list(const NoiseMixture& m) {
  return {m.physics, m.random, m.after, m.structured};
}
NoiseMixture mixture(const std::array<double, 4>& list) {
  return {list[0], list[1], list[2], list[3]};
}

std::vector<Node> make_table() {
  std::vector<Node> table(ExpectedAxis::cell(std::ldexp(1, last_octave)).index + 1);
  constexpr double h = 1e-4;  // relative; a symmetric difference is good to 1e-8
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double x = ExpectedAxis::node(i);
    const auto above = list(noise_mixture(x * (1 + h))), below = list(noise_mixture(x * (1 - h)));
    table[i].value = list(noise_mixture(x));
    for (std::size_t k = 0; k < 4; ++k) table[i].slope[k] = (above[k] - below[k]) / (2 * h * x);
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

NoiseMixture noise_mixture(double expected) {
  const NoiseWeights w = noise_weights(std::log10(expected));
  const double total = w.physics + w.random + w.pre + w.after;
  const double seen = -std::expm1(-expected);
  return {(w.physics + w.pre) / total, w.random / total, w.after / total,
          seen / (seen + flat_share)};
}

void noise_mixture(double expected, NoiseMixture& value, NoiseMixture& slope) {
  static const std::vector<Node> table = make_table();
  const TableCell cell =
      ExpectedAxis::cell(std::fmin(std::fmax(expected, least_expected), most_expected));
  const HermiteCubic h(cell);
  const Node &a = table[cell.index], &b = table[cell.index + 1];
  std::array<double, 4> values, slopes;
  for (std::size_t k = 0; k < 4; ++k) {
    values[k] = h.v0 * a.value[k] + h.v1 * b.value[k] + h.s0 * a.slope[k] + h.s1 * b.slope[k];
    slopes[k] = h.dv * (b.value[k] - a.value[k]) + h.ds0 * a.slope[k] + h.ds1 * b.slope[k];
  }
  value = mixture(values);
  slope = mixture(slopes);
}

namespace {

// Nodes in ln(expected), each with its four values and their slopes per step.
constexpr double first_log = -85, last_log = 16, steps_per_log = 8;
constexpr std::size_t log_nodes = static_cast<std::size_t>((last_log - first_log) * steps_per_log);

std::vector<Float8> make_log_table() {
  std::vector<Float8> table;
  for (std::size_t i = 0; i <= log_nodes; ++i) {
    const double x = std::exp(first_log + static_cast<double>(i) / steps_per_log);
    NoiseMixture value, slope;
    noise_mixture(x, value, slope);
    Float8 node{};
    for (std::size_t k = 0; k < 4; ++k) {
      node[k] = static_cast<float>(list(value)[k]);
      node[k + 4] = static_cast<float>(list(slope)[k] * x / steps_per_log);
    }
    table.push_back(node);
  }
  return table;
}

}  // namespace

void noise_mixture(const Lanes& log_expected, NoiseMixtureLanes& value, NoiseMixtureLanes& slope) {
  static const std::vector<Float8> table = make_log_table();
  const Lanes at = clamped((log_expected - first_log) * steps_per_log, 0, log_nodes - 0.01);
  const Integer8 index = __builtin_convertvector(at.v, Integer8);
  Float8 begin[8], end[8];
  for (std::size_t i = 0; i < Lanes::count; ++i) {
    const auto cell = static_cast<std::size_t>(index[i]);
    begin[i] = table[cell];
    end[i] = table[cell + 1];
  }
  transpose(begin);
  transpose(end);
  const Lanes f = at - Lanes(__builtin_convertvector(index, Float8)), g = 1 - f;
  const Lanes s0 = f * g * g, s1 = -1.0 * (f * f * g), v1 = f * f * (3 - 2 * f);
  const Lanes ds0 = g * (1 - 3 * f), ds1 = f * (3 * f - 2), dv = 6 * (f * g);
  Lanes values[4], slopes[4];
  for (std::size_t k = 0; k < 4; ++k) {
    const Lanes a = begin[k], step = end[k] - begin[k], from = begin[k + 4], to = end[k + 4];
    values[k] = a + v1 * step + s0 * from + s1 * to;
    slopes[k] = steps_per_log * (dv * step + ds0 * from + ds1 * to);
  }
  value = {values[0], values[1], values[2], values[3]};
  slope = {slopes[0], slopes[1], slopes[2], slopes[3]};
}

}  // namespace skyscan

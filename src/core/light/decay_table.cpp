#include "light/decay_table.hpp"

#include <array>
#include <cmath>
#include <cstring>

#include "math/simd4.hpp"

namespace skyscan {
namespace {

// Within 0 and this; what is no number is 0.
double inside(double x, double most) { return x > 0 ? (x < most ? x : most) : 0; }

// Numbers of a parabolic spline with these values at its nodes; straight at its ends.
// values: n of them, every `stride`-th; numbers: n + 2, as far apart, one before the first node.
void solve_parabolic(const float* values, std::size_t n, std::size_t stride, float* numbers) {
  std::vector<double> factor(n), x(n);
  x[0] = values[0];
  for (std::size_t i = 1; i + 1 < n; ++i) {
    const double pivot = 0.75 - 0.125 * factor[i - 1];
    factor[i] = 0.125 / pivot;
    x[i] = (values[i * stride] - 0.125 * x[i - 1]) / pivot;
  }
  x[n - 1] = values[(n - 1) * stride];
  for (std::size_t i = n - 1; i-- > 1;) x[i] -= factor[i] * x[i + 1];
  for (std::size_t i = 0; i < n; ++i) numbers[(i + 1) * stride] = static_cast<float>(x[i]);
  numbers[0] = static_cast<float>(2 * x[0] - x[1]);
  numbers[(n + 1) * stride] = static_cast<float>(2 * x[n - 1] - x[n - 2]);
}

// What three neighbouring numbers of a parabolic spline weigh, and the slopes of that.
template <typename Real>
struct Parabola {
  Real weight[3], slope[3];

  // x: from the middle number's node, within half a step.
  [[gnu::always_inline]] explicit Parabola(const Real& x) {
    const Real before = 0.5 - x, after = 0.5 + x;
    weight[0] = 0.5 * (before * before);
    weight[1] = 0.75 - x * x;
    weight[2] = 0.5 * (after * after);
    slope[0] = -1.0 * before;
    slope[1] = -2.0 * x;
    slope[2] = after;
  }
};

// The nodes nearest to eight coordinates, and how far after them these are.
struct Nearest {
  Integer8 node;
  Lanes after;
};
[[gnu::always_inline]] inline Nearest nearest(const Lanes& at) {
  const Integer8 node = __builtin_convertvector((at + 0.5).v, Integer8);
  return {node, at - Lanes(__builtin_convertvector(node, Float8))};
}

typedef float Float4 __attribute__((vector_size(16)));

Float4 four(const float* from) {
  Float4 numbers;
  std::memcpy(&numbers, from, sizeof numbers);
  return numbers;
}
template <typename Four>
auto total(const Four& v) {
  return (v[0] + v[1]) + (v[2] + v[3]);
}

// Value and slopes, by distance and by cosine, from the numbers of two layers. Four: of Reals.
template <typename Four, typename Real>
[[gnu::always_inline]] inline std::array<Real, 3> between(
    const float* first, std::size_t layer, std::size_t row, Real share, const Real (&weight)[3],
    const Real (&slope)[3], const Real (&cosine_weight)[3], const Real (&cosine_slope)[3]) {
  Four sum{}, by_distance{};
  for (std::size_t k = 0; k < 3; ++k) {
    const Four low = __builtin_convertvector(four(first + k * row), Four),
               high = __builtin_convertvector(four(first + layer + k * row), Four);
    const Four here = low + share * (high - low);
    sum += weight[k] * here;
    by_distance += slope[k] * here;
  }
  const Four across{cosine_weight[0], cosine_weight[1], cosine_weight[2], 0},
      across_slope{cosine_slope[0], cosine_slope[1], cosine_slope[2], 0};
  return {total(sum * across), total(by_distance * across), total(sum * across_slope)};
}

}  // namespace

DecayTable::DecayTable(const NodeAt& node_at) : numbers_(heights * layer) {
  std::vector<float> values(distances * row), across((distances + 2) * row);
  for (std::size_t z = 0; z < heights; ++z) {
    const double height = lowest + spacing * static_cast<double>(z);
    for (std::size_t r = 0; r < distances; ++r) {
      const double share = static_cast<double>(r) / per_share;
      const double distance = near * share / (1 - share);
      for (std::size_t c = 0; c < cosines; ++c) {
        const double cosine = -1 + 2 * static_cast<double>(c) / (cosines - 1);
        const auto [decay, log_scattering] = node_at(height, std::fmax(distance, diffused), cosine);
        values[r * row + c] = static_cast<float>(decay - log_scattering / (rounding + distance));
      }
    }
    for (std::size_t c = 0; c < cosines; ++c)
      solve_parabolic(&values[c], distances, row, &across[c]);
    for (std::size_t r = 0; r < distances + 2; ++r)
      solve_parabolic(&across[r * row], cosines, 1, &numbers_[z * layer + r * row]);
  }
}

void DecayTable::mix(const DecayTable& a, const DecayTable& b, double share_of_b) {
  const float share = static_cast<float>(share_of_b);
  numbers_.resize(a.numbers_.size());
  for (std::size_t i = 0; i < numbers_.size(); ++i)
    numbers_[i] = a.numbers_[i] + share * (b.numbers_[i] - a.numbers_[i]);
}

DecayTable::Spot<double> DecayTable::look(double height, double far, double cosine) const {
  const double z = inside((height - lowest) / spacing, heights - 1.001);
  const double r = inside(far, distances - 1.0);
  const double per_cosine = (cosines - 1) / 2.0;
  const double c = inside((cosine + 1) * per_cosine, cosines - 1.0);
  const double layer_at = std::floor(z), r_node = std::floor(r + 0.5), c_node = std::floor(c + 0.5);
  const Parabola<double> by_r(r - r_node), by_c(c - c_node);
  const std::size_t first = static_cast<std::size_t>(layer_at) * layer +
                            static_cast<std::size_t>(r_node) * row +
                            static_cast<std::size_t>(c_node);
  const auto [value, by_distance, by_cosine] = between<Double4>(
      &numbers_[first], layer, row, z - layer_at, by_r.weight, by_r.slope, by_c.weight, by_c.slope);
  return {value, r == far ? by_distance : 0, by_cosine * per_cosine};
}

DecayTable::AtHeight DecayTable::at_height(double height) const {
  const double z = inside((height - lowest) / spacing, heights - 1.001);
  const auto i = static_cast<std::size_t>(z);
  const float share = static_cast<float>(z - static_cast<double>(i));
  const float *const low = &numbers_[i * layer], *const high = low + layer;
  AtHeight there;
  for (std::size_t k = 0; k < layer; ++k) there.numbers_[k] = low[k] + share * (high[k] - low[k]);
  return there;
}

Lanes DecayTable::AtHeight::look(const Lanes& far, const Lanes& cosine) const {
  const auto [r, r_share] = nearest(clamped(far, 0, distances - 1.0));
  const auto [c, c_share] =
      nearest(clamped((cosine + 1) * ((cosines - 1) / 2.0), 0, cosines - 1.0));
  const Parabola<Lanes> by_r(r_share), by_c(c_share);
  // By DOM: what the cosines' and the distances' numbers weigh.
  Float8 weights[8] = {by_c.weight[0].v, by_c.weight[1].v, by_c.weight[2].v, {},
                       by_r.weight[0].v, by_r.weight[1].v, by_r.weight[2].v, {}};
  transpose(weights);
  const Integer8 first = r * static_cast<std::int32_t>(row) + c;
  Lanes value;
  for (std::size_t i = 0; i < Lanes::count; ++i) {
    const float* const at = &numbers_[static_cast<std::size_t>(first[i])];
    const Float8& weight = weights[i];
    const Float4 sum =
        weight[4] * four(at) + weight[5] * four(at + row) + weight[6] * four(at + 2 * row);
    value.v[i] = total(sum * __builtin_shufflevector(weight, weight, 0, 1, 2, 3));
  }
  return value;
}

DecayTable::Spot<Lanes> DecayTable::look(const Lanes& height, const Lanes& far,
                                         const Lanes& cosine) const {
  const double per_cosine = (cosines - 1) / 2.0;
  // Half a step before a node is where it is the nearest.
  const auto [z, z_share] =
      nearest(clamped((height - lowest) * (1 / spacing), 0, heights - 1.001) - 0.5);
  const Lanes share = z_share + 0.5;
  const auto [r, r_share] = nearest(clamped(far, 0, distances - 1.0));
  const auto [c, c_share] = nearest(clamped((cosine + 1) * per_cosine, 0, cosines - 1.0));
  const Parabola<Lanes> by_r(r_share), by_c(c_share);
  const Integer8 first =
      z * static_cast<std::int32_t>(layer) + r * static_cast<std::int32_t>(row) + c;
  Spot<Lanes> spot;
  for (std::size_t i = 0; i < Lanes::count; ++i) {
    const auto of = [i](const Lanes(&numbers)[3], float(&out)[3]) {
      for (int k = 0; k < 3; ++k) out[k] = numbers[k][i];
    };
    float weight[3], slope[3], cosine_weight[3], cosine_slope[3];
    of(by_r.weight, weight);
    of(by_r.slope, slope);
    of(by_c.weight, cosine_weight);
    of(by_c.slope, cosine_slope);
    const auto [value, by_distance, by_cosine] =
        between<Float4>(&numbers_[static_cast<std::size_t>(first[i])], layer, row, share[i], weight,
                        slope, cosine_weight, cosine_slope);
    spot.value.v[i] = value;
    spot.by_distance.v[i] = by_distance;
    spot.by_cosine.v[i] = by_cosine * static_cast<float>(per_cosine);
  }
  spot.by_distance = chosen(far.v <= static_cast<float>(distances - 1), spot.by_distance, 0);
  return spot;
}

}  // namespace skyscan

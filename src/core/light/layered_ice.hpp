// Scattering and absorption along straight paths through horizontally layered ice.
#pragma once

#include <cstddef>
#include <vector>

#include "math/lanes.hpp"
#include "math/simd4.hpp"

namespace skyscan {

// A quantity averaged over a path between two heights, and its derivative by the first height.
struct PathMean {
  double value;
  double by_from;
};

// Both coefficients of the ice over one path.
struct PathIce {
  PathMean scattering, absorption;
};

// Effective scattering and absorption as functions of height: linear between the layers' centres,
// constant beyond the outermost ones. Integrals are tabulated, so that the mean over any path costs
// the same.
class LayeredIce {
 public:
  // Per layer: height of its centre [m, detector coordinates; ascending and evenly spaced],
  // scattering, absorption [1/m].
  LayeredIce(const double* layers, std::size_t n);

  PathIce mean(double from, double to) const;

  // Of scattering and absorption at a height.
  struct Point {
    double value[2], slope[2], integral[2];
  };
  Point point(double z) const;

  // The integrals of scattering and absorption up to four heights.
  struct Integrals4 {
    Double4 scattering, absorption;
  };
  [[gnu::always_inline]] Integrals4 integrals(const Double4& z) const;

  // The means of scattering and absorption between eight heights and eight above them.
  struct MeanLanes {
    Lanes scattering, absorption;
  };
  [[gnu::always_inline]] MeanLanes mean(const Lanes& low, const Lanes& high) const;

  double lowest_scattering() const;
  double highest_scattering() const;
  double lowest_absorption() const;
  double highest_absorption() const;

 private:
  struct Layer {
    double value[2];     // scattering, absorption
    double step[2];      // to the next layer's
    double integral[2];  // from the first layer's height
  };

  // A layer's numbers as four heights want them: a parabola over the way to the next layer.
  struct alignas(64) Parabolas {
    double scattering[4], absorption[4];  // constant, linear, square, nothing
  };

  // The same in single precision, for eight: what the constants lose by it stands where their
  // parabolas have nothing.
  struct alignas(32) RoughParabolas {
    float scattering[4], absorption[4];
  };
  // Of eight heights: by number of a parabola's numbers.
  struct IntegralLanes {
    Float8 numbers[8];
    Lanes fraction;
  };
  [[gnu::always_inline]] IntegralLanes rough_integrals(const Lanes& z) const;

  void set_parabolas();

  double first_, spacing_, per_spacing_;
  std::vector<Layer> layers_;
  std::vector<Parabolas> parabolas_;  // one more, before the first layer
  std::vector<RoughParabolas> rough_parabolas_;
};

inline LayeredIce::IntegralLanes LayeredIce::rough_integrals(const Lanes& z) const {
  const Lanes at = clamped((z - first_) * per_spacing_ + 1, 0, static_cast<double>(layers_.size()));
  const Integer8 index = __builtin_convertvector(at.v, Integer8);
  IntegralLanes integrals;
  for (std::size_t k = 0; k < Lanes::count; ++k)
    integrals.numbers[k] = load(rough_parabolas_[static_cast<std::size_t>(index[k])].scattering).v;
  transpose(integrals.numbers);
  integrals.fraction =
      (z - first_) * per_spacing_ + 1 - Lanes(__builtin_convertvector(index, Float8));
  return integrals;
}

inline LayeredIce::MeanLanes LayeredIce::mean(const Lanes& low, const Lanes& high) const {
  const IntegralLanes bottom = rough_integrals(low), top = rough_integrals(high);
  const Lanes per_height = 1 / (high - low);
  const auto mean = [&](int k) {
    const auto &a = bottom.numbers, &b = top.numbers;
    const Lanes &f = bottom.fraction, &g = top.fraction;
    const Lanes whole = Lanes(b[k] - a[k]) + Lanes(b[k + 3] - a[k + 3]);
    return (whole + (g * (b[k + 1] + g * b[k + 2]) - f * (a[k + 1] + f * a[k + 2]))) * per_height;
  };
  return {mean(0), mean(4)};
}

inline LayeredIce::Integrals4 LayeredIce::integrals(const Double4& z) const {
  const Double4 from_first = (z - first_) * per_spacing_ + 1;
  const Double4 least = {}, last = Double4{} + static_cast<double>(layers_.size());
  const Double4 above = from_first > least ? from_first : least;
  const Double4 at = above < last ? above : last;
  const Parabolas* rows[4];
  Double4 whole;
  for (std::size_t k = 0; k < 4; ++k) {
    const auto i = static_cast<std::size_t>(at[k]);
    rows[k] = &parabolas_[i];
    whole[k] = static_cast<double>(i);
  }
  const Double4 f = from_first - whole;
  const auto sum = [&](const auto numbers) {
    const Double4 a = load4(numbers(0)), b = load4(numbers(1));
    const Double4 c = load4(numbers(2)), d = load4(numbers(3));
    const Double4 ab = __builtin_shufflevector(a, b, 0, 4, 2, 6);
    const Double4 cd = __builtin_shufflevector(c, d, 0, 4, 2, 6);
    const Double4 linear_ab = __builtin_shufflevector(a, b, 1, 5, 3, 7);
    const Double4 linear_cd = __builtin_shufflevector(c, d, 1, 5, 3, 7);
    const Double4 constant = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    const Double4 linear = __builtin_shufflevector(linear_ab, linear_cd, 0, 1, 4, 5);
    const Double4 square = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    return constant + f * (linear + f * square);
  };
  return {sum([&](int k) { return rows[k]->scattering; }),
          sum([&](int k) { return rows[k]->absorption; })};
}

}  // namespace skyscan

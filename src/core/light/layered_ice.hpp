// Scattering and absorption along straight paths through horizontally layered ice.
#pragma once

#include <cstddef>
#include <vector>

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

  void set_parabolas();

  double first_, spacing_, per_spacing_;
  std::vector<Layer> layers_;
  std::vector<Parabolas> parabolas_;  // one more, before the first layer
};

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

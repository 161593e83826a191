// Scattering and absorption along straight paths through horizontally layered ice.
#pragma once

#include <cstddef>
#include <vector>

#include "math/lanes.hpp"

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

  // A layer's numbers as eight heights want them: a parabola over the way to the next layer.
  struct alignas(32) Parabolas {
    // Of scattering, then of absorption: constant, linear, square, and what single precision leaves
    // out of the constant.
    float numbers[8];
  };
  // Of eight heights: by number of a parabola's numbers.
  struct IntegralLanes {
    Float8 numbers[8];
    Lanes fraction;
  };
  [[gnu::always_inline]] IntegralLanes integrals(const Lanes& z) const;

  void set_parabolas();

  double first_, spacing_, per_spacing_;
  std::vector<Layer> layers_;
  std::vector<Parabolas> parabolas_;  // one more, before the first layer
};

inline LayeredIce::IntegralLanes LayeredIce::integrals(const Lanes& z) const {
  const Lanes at = clamped((z - first_) * per_spacing_ + 1, 0, static_cast<double>(layers_.size()));
  const Integer8 index = __builtin_convertvector(at.v, Integer8);
  IntegralLanes integrals;
  for (std::size_t k = 0; k < Lanes::count; ++k)
    integrals.numbers[k] = load(parabolas_[static_cast<std::size_t>(index[k])].numbers).v;
  transpose(integrals.numbers);
  integrals.fraction =
      (z - first_) * per_spacing_ + 1 - Lanes(__builtin_convertvector(index, Float8));
  return integrals;
}

inline LayeredIce::MeanLanes LayeredIce::mean(const Lanes& low, const Lanes& high) const {
  const IntegralLanes bottom = integrals(low), top = integrals(high);
  const Lanes per_height = 1 / (high - low);
  const auto mean = [&](int k) {
    const auto &a = bottom.numbers, &b = top.numbers;
    const Lanes &f = bottom.fraction, &g = top.fraction;
    const Lanes whole = Lanes(b[k] - a[k]) + Lanes(b[k + 3] - a[k + 3]);
    return (whole + (g * (b[k + 1] + g * b[k + 2]) - f * (a[k + 1] + f * a[k + 2]))) * per_height;
  };
  return {mean(0), mean(4)};
}

}  // namespace skyscan

// The downhill simplex (J. Nelder, R. Mead, Computer Journal 7 (1965) 308): for surfaces so rough
// that slopes lead nowhere.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace skyscan {

template <std::size_t n>
struct SimplexPoint {
  std::array<double, n> x;
  double value;
};

struct SimplexLimits {
  int evaluations;
  double tolerance;  // ends when all corners' values are within this
};

// The lowest point found. `value` of a std::array<double, n>; not finite where there is nothing.
// The first corners are `start` (its value known) and that moved by `steps` along each axis.
template <std::size_t n, typename Value>
SimplexPoint<n> simplex_minimum(const Value& value, SimplexPoint<n> start,
                                const std::array<double, n>& steps, SimplexLimits limits) {
  using Point = SimplexPoint<n>;
  const auto at = [&](const std::array<double, n>& x) {
    --limits.evaluations;
    const double found = value(x);
    return Point{x, std::isfinite(found) ? found : std::numeric_limits<double>::max()};
  };
  std::array<Point, n + 1> corners;
  corners[0] = start;
  for (std::size_t i = 0; i < n; ++i) {
    std::array<double, n> x = start.x;
    x[i] += steps[i];
    corners[i + 1] = at(x);
  }
  Point &best = corners[0], &worst = corners[n];
  while (true) {
    std::stable_sort(corners.begin(), corners.end(),
                     [](const Point& a, const Point& b) { return a.value < b.value; });
    if (limits.evaluations <= 0 || worst.value - best.value < limits.tolerance) return best;
    // Along the line from the worst corner through the middle of the others: 1 mirrors it.
    const auto beyond_middle = [&](double length) {
      std::array<double, n> x;
      for (std::size_t k = 0; k < n; ++k) {
        double middle = 0;
        for (std::size_t i = 0; i < n; ++i) middle += corners[i].x[k] / n;
        x[k] = middle + length * (middle - worst.x[k]);
      }
      return at(x);
    };
    const Point mirrored = beyond_middle(1);
    if (mirrored.value < best.value) {
      const Point further = beyond_middle(2);
      worst = further.value < mirrored.value ? further : mirrored;
    } else if (mirrored.value < corners[n - 1].value) {
      worst = mirrored;
    } else {
      const bool is_better = mirrored.value < worst.value;
      const Point nearer = beyond_middle(is_better ? 0.5 : -0.5);
      if (nearer.value < std::min(mirrored.value, worst.value)) {
        worst = nearer;
        continue;
      }
      for (std::size_t i = 1; i <= n; ++i) {
        std::array<double, n> x;
        for (std::size_t k = 0; k < n; ++k) x[k] = 0.5 * (best.x[k] + corners[i].x[k]);
        corners[i] = at(x);
      }
    }
  }
}

}  // namespace skyscan

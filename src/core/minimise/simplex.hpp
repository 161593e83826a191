// The downhill simplex of J. Nelder and R. Mead, Computer Journal 7 (1965) 308: for surfaces so
// rough that slopes lead nowhere.
//
// Written here because no library at hand takes a callback without copying points about for each
// value. It departs from the paper in two ways. It ends when the corners' values are within a
// tolerance (theirs: when the values' standard deviation is), and a contracted corner must be lower
// than both the reflected and the worst one to be taken (theirs: than the worst one).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "minimise/point.hpp"

namespace skyscan {

struct SimplexLimits {
  int evaluations;   // at most about so many: the step begun is finished
  double tolerance;  // ends when all corners' values are within this
};

// Returns the lowest point found, `start` if there is none lower.
//
// `value` takes a std::array<double, n>; what it returns is not finite where the function is not
// defined. The first corners are `start`, whose value is known, and `start` moved by `steps` along
// each axis in turn. `is_end(best, worst)` tells of the corners, before each step, whether to end
// there: such as where it has become clear that nothing wanted comes of them.
template <std::size_t n, typename Value, typename IsEnd>
Point<n> simplex_minimum(const Value& value, const Point<n>& start,
                         const std::array<double, n>& steps, SimplexLimits limits,
                         const IsEnd& is_end) {
  const auto at = [&](const std::array<double, n>& x) {
    --limits.evaluations;
    const double found = value(x);
    return Point<n>{x, std::isfinite(found) ? found : std::numeric_limits<double>::max()};
  };
  std::array<Point<n>, n + 1> corners;
  corners[0] = start;
  for (std::size_t i = 0; i < n; ++i) {
    std::array<double, n> x = start.x;
    x[i] += steps[i];
    corners[i + 1] = at(x);
  }
  Point<n>&best = corners[0], &worst = corners[n];
  while (true) {
    std::stable_sort(corners.begin(), corners.end(),
                     [](const Point<n>& a, const Point<n>& b) { return a.value < b.value; });
    if (limits.evaluations <= 0 || worst.value - best.value < limits.tolerance ||
        is_end(best, worst))
      return best;
    // Along the line from the worst corner through the middle of the others: 1 reflects it.
    const auto beyond_middle = [&](double length) {
      std::array<double, n> x;
      for (std::size_t k = 0; k < n; ++k) {
        double middle = 0;
        for (std::size_t i = 0; i < n; ++i) middle += corners[i].x[k] / n;
        x[k] = middle + length * (middle - worst.x[k]);
      }
      return at(x);
    };
    const Point<n> reflected = beyond_middle(1);
    if (reflected.value < best.value) {
      const Point<n> expanded = beyond_middle(2);
      worst = expanded.value < reflected.value ? expanded : reflected;
    } else if (reflected.value < corners[n - 1].value) {
      worst = reflected;
    } else {
      const bool is_better = reflected.value < worst.value;
      const Point<n> contracted = beyond_middle(is_better ? 0.5 : -0.5);
      if (contracted.value < std::min(reflected.value, worst.value)) {
        worst = contracted;
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

template <std::size_t n, typename Value>
Point<n> simplex_minimum(const Value& value, const Point<n>& start,
                         const std::array<double, n>& steps, SimplexLimits limits) {
  const auto never = [](const Point<n>&, const Point<n>&) { return false; };
  return simplex_minimum<n>(value, start, steps, limits, never);
}

}  // namespace skyscan

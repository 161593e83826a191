#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "splines/basis.hpp"

using namespace skyscan;

namespace {

// Function `i` of a basis at x; 0 where it is none.
double function_at(const SplineBasis& basis, int i, double x) {
  const int interval = basis.locate(x);
  if (interval < 0) return 0;
  std::vector<double> near(static_cast<std::size_t>(basis.width()));
  basis.evaluate(interval, x, 1, near.data(), basis.width());
  const int j = i - basis.first(interval);
  return j >= 0 && j < basis.width() ? near[static_cast<std::size_t>(j)] : 0;
}

// The unit-area triangle from -h to h.
double triangle(double y, double h) { return std::max(0.0, 1 - std::fabs(y) / h) / h; }

}  // namespace

TEST_CASE("a box convolved with a box is a trapezium") {
  const SplineBasis box({0, 1}, 0);
  const SplineBasis convolved(box, {-0.25, 0.25});
  for (const double x : {-0.2, -0.1, 0.1, 0.25, 0.5, 0.8, 1.1, 1.24}) {
    const double expected =
        std::clamp((x + 0.25) / 0.5, 0.0, 1.0) - std::clamp((x - 1 + 0.25) / 0.5, 0.0, 1.0);
    CHECK(std::fabs(function_at(convolved, 0, x) - expected) < 1e-14);
  }
}

TEST_CASE("a convolved basis is the integral of the plain one under the kernel") {
  // Repeated knots among them, which photospline cannot convolve.
  const SplineBasis plain({0, 0, 0, 1, 1.5, 3, 3, 4, 6, 6, 6}, 2);
  constexpr double h = 0.7;
  const SplineBasis convolved(plain, {-h, 0, h});
  constexpr int steps = 20000;
  for (const double x : {-0.5, 0.2, 1.4, 2.9, 3.3, 5.5, 6.4})
    for (int i = 0; i < plain.size(); ++i) {
      double sum = 0;
      for (int k = 0; k < steps; ++k) {
        const double y = -h + 2 * h * (k + 0.5) / steps;
        sum += function_at(plain, i, x - y) * triangle(y, h) * 2 * h / steps;
      }
      CAPTURE(x);
      CAPTURE(i);
      // The midpoint rule errs by a step times a jump where the plain function has one.
      CHECK(std::fabs(function_at(convolved, i, x) - sum) < 1e-4 * h);
    }
}

TEST_CASE("a convolution keeps every function's area, and a sum of 1") {
  const SplineBasis plain({0, 1, 1.5, 3, 3.6, 4, 6, 7, 7.5}, 3);
  const SplineBasis convolved(plain, {-0.4, 0.4});
  constexpr int steps = 8000;
  for (int i = 0; i < plain.size(); ++i) {
    double before = 0, after = 0;
    for (int k = 0; k < steps; ++k) {
      const double x = -1 + 10 * (k + 0.5) / steps;
      before += function_at(plain, i, x);
      after += function_at(convolved, i, x);
    }
    CHECK(std::fabs(before - after) * 10 / steps < 1e-7);
  }
  double sum = 0;
  for (int i = 0; i < plain.size(); ++i) sum += function_at(convolved, i, 3.5);
  CHECK(std::fabs(sum - 1) < 1e-13);
}

#include "minimise/trust_region.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace skyscan;

namespace {

// Rosenbrock's function as a sum of squares, with Gauss and Newton's curvature.
struct Rosenbrock {
  int values = 0;
  double value(const std::array<double, 2>& x) {
    ++values;
    return 100 * std::pow(x[1] - x[0] * x[0], 2) + std::pow(1 - x[0], 2);
  }
  Slopes<2> slopes(const std::array<double, 2>& x) {
    const double bend = x[1] - x[0] * x[0];
    return {{-400 * x[0] * bend - 2 * (1 - x[0]), 200 * bend},
            {{{800 * x[0] * x[0] + 2, -400 * x[0]}, {-400 * x[0], 200}}}};
  }
};

// A function that is not zero at its minimum: Gauss-Newton's curvature lacks a part there.
struct Residual {
  // The sum of (x + 3)^2, (y - 1)^2 and (x y - 9)^2.
  double value(const std::array<double, 2>& x) {
    return std::pow(x[0] + 3, 2) + std::pow(x[1] - 1, 2) + std::pow(x[0] * x[1] - 9, 2);
  }
  Slopes<2> slopes(const std::array<double, 2>& x) {
    const double r = x[0] * x[1] - 9;
    return {{2 * (x[0] + 3) + 2 * r * x[1], 2 * (x[1] - 1) + 2 * r * x[0]},
            {{{2 + 2 * x[1] * x[1], 2 * x[0] * x[1]}, {2 * x[0] * x[1], 2 + 2 * x[0] * x[0]}}}};
  }
};

const TrustRegionOptions options{.first_radius = 1, .least_gain = 1e-14};

}  // namespace

TEST_CASE("the trust region finds the end of Rosenbrock's valley, with either way to learn") {
  Rosenbrock bfgs, secant;
  const auto first = trust_region_minimum<2>(bfgs, {-1.2, 1}, BfgsNearby<2>(1), options);
  const auto second = trust_region_minimum<2>(secant, {-1.2, 1}, StructuredSecant<2>(), options);
  for (const auto& found : {first, second}) {
    CHECK(std::fabs(found.x[0] - 1) < 1e-6);
    CHECK(std::fabs(found.x[1] - 1) < 1e-6);
    CHECK(found.value < 1e-12);
  }
  CHECK(bfgs.values < 100);
  CHECK(secant.values < 100);
}

TEST_CASE(
    "the trust region stands on a slope of zero where the curvature given is not the true one") {
  Residual function;
  for (const auto& found :
       {trust_region_minimum<2>(function, {1, 1}, BfgsNearby<2>(1), options),
        trust_region_minimum<2>(function, {1, 1}, StructuredSecant<2>(), options)}) {
    const auto slopes = function.slopes(found.x);
    // Near a minimum a gain of 1e-14 is a slope of about its root times the curvature.
    CHECK(std::fabs(slopes.gradient[0]) < 1e-5);
    CHECK(std::fabs(slopes.gradient[1]) < 1e-5);
  }
}

TEST_CASE("the trust region ends at its limits, and where it is told to") {
  Rosenbrock function;
  auto few = options;
  few.most_evaluations = 5;
  const auto cut = trust_region_minimum<2>(function, {-1.2, 1}, BfgsNearby<2>(1), few);
  CHECK(function.values <= 6);
  CHECK(cut.value <= 24.2);  // f(-1.2, 1)

  int arrivals = 0;
  const auto found = trust_region_minimum<2>(
      function, {-1.2, 1}, BfgsNearby<2>(1), options,
      [&](const std::array<double, 2>&, double value) { return ++arrivals, value < 4; });
  CHECK(arrivals > 1);
  CHECK(found.value < 4);
  CHECK(found.value > 1e-3);
}

TEST_CASE(
    "the trust region goes round where a function is not defined, and stays where it starts so") {
  struct Root {
    double value(const std::array<double, 1>& x) { return x[0] - 2 * std::sqrt(x[0]); }
    Slopes<1> slopes(const std::array<double, 1>& x) {
      return {{1 - 1 / std::sqrt(x[0])}, {{{0.5 * std::pow(x[0], -1.5)}}}};
    }
  } root;
  const auto found = trust_region_minimum<1>(root, {9}, BfgsNearby<1>(1),
                                             {.first_radius = 50, .least_gain = 1e-15});
  CHECK(std::fabs(found.x[0] - 1) < 1e-6);
  const auto nowhere = trust_region_minimum<1>(root, {-1}, BfgsNearby<1>(1), options);
  CHECK(nowhere.x[0] == -1);
  CHECK(std::isnan(nowhere.value));
}

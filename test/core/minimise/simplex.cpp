#include "minimise/simplex.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace skyscan;

namespace {

double rosenbrock(const std::array<double, 2>& x) {
  return 100 * std::pow(x[1] - x[0] * x[0], 2) + std::pow(1 - x[0], 2);
}

}  // namespace

TEST_CASE("the simplex finds the end of Rosenbrock's valley") {
  const std::array<double, 2> start{-1.2, 1};
  const auto found =
      simplex_minimum<2>(rosenbrock, {start, rosenbrock(start)}, {0.5, 0.5}, {1000, 1e-14});
  CHECK(std::fabs(found.x[0] - 1) < 1e-5);
  CHECK(std::fabs(found.x[1] - 1) < 1e-5);
  CHECK(found.value == rosenbrock(found.x));
}

TEST_CASE("the simplex walks along the edge of where a function is defined") {
  // The minimum of the half plane x >= 1 is on its edge.
  const auto value = [](const std::array<double, 2>& x) {
    return x[0] < 1 ? std::nan("") : x[0] * x[0] + x[1] * x[1];
  };
  const auto found = simplex_minimum<2>(value, {{4, 3}, 25}, {1, 1}, {2000, 1e-12});
  CHECK(found.x[0] >= 1);
  CHECK(std::fabs(found.value - 1) < 1e-4);
}

TEST_CASE("the simplex keeps its start where nothing is lower, and ends when told") {
  int calls = 0;
  const auto bowl = [&](const std::array<double, 3>& x) {
    ++calls;
    return x[0] * x[0] + x[1] * x[1] + x[2] * x[2];
  };
  const auto kept = simplex_minimum<3>(bowl, {{0, 0, 0}, 0}, {1, 1, 1}, {200, 1e-9});
  CHECK(kept.value == 0);
  calls = 0;
  simplex_minimum<3>(bowl, {{9, 9, 9}, 243}, {1, 1, 1}, {20, 0});
  // The step begun is finished: a contraction that shrinks everything takes five values.
  CHECK(calls <= 20 + 5);
}

TEST_CASE("the simplex ends where it is told that nothing comes of it") {
  // A bowl whose bottom is at 3, beside another known at 0.
  const auto bowl = [](const std::array<double, 2>& x) {
    return 3 + std::pow(x[0] - 5, 2) + std::pow(x[1], 2);
  };
  const auto is_end = [](const Point<2>& best, const Point<2>& worst) {
    return worst.value - best.value < best.value;
  };
  int calls = 0;
  const auto counted = [&](const std::array<double, 2>& x) {
    ++calls;
    return bowl(x);
  };
  const auto whole = simplex_minimum<2>(counted, {{0, 0}, 28}, {4, 4}, {1000, 1e-6});
  const int all = calls;
  calls = 0;
  const auto ended = simplex_minimum<2>(counted, {{0, 0}, 28}, {4, 4}, {1000, 1e-6}, is_end);
  CHECK(whole.value < 3 + 1e-6);
  CHECK(ended.value == bowl(ended.x));
  CHECK(ended.value > whole.value);
  CHECK(2 * calls < all);
}

#include "math/exp_log4.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace skyscan;

namespace {

// Largest error of four numbers at a time against the C library, relative to `scale` of the truth.
template <typename Ours, typename Truth, typename Scale>
double worst(double from, double to, Ours ours, Truth truth, Scale scale) {
  double largest = 0;
  constexpr int steps = 40000;
  for (int i = 0; i < steps; i += 4) {
    Double4 x;
    for (int k = 0; k < 4; ++k) x[k] = from + (to - from) * (i + k + 0.37) / steps;
    const Double4 found = ours(x);
    for (int k = 0; k < 4; ++k) {
      const double expected = truth(x[k]);
      largest = std::max(largest, std::fabs(found[k] - expected) / scale(expected));
    }
  }
  return largest;
}
const auto exp_truth = [](double x) { return std::exp(x); };
const auto log_truth = [](double x) { return std::log(std::exp2(x)); };
const auto relative = [](double truth) { return truth; };
const auto at_least_one = [](double truth) { return std::max(1.0, std::fabs(truth)); };

}  // namespace

TEST_CASE("exp of four numbers is as exact as its header says") {
  CHECK(worst(
            -700, 700, [](Double4 x) { return exp4(x); }, exp_truth, relative) < 4e-16);
  CHECK(worst(
            -1, 1, [](Double4 x) { return exp4(x); }, exp_truth, relative) < 4e-16);
  CHECK(worst(
            -700, 700, [](Double4 x) { return rough_exp4(x); }, exp_truth, relative) < 8e-9);
}

TEST_CASE("exp of four numbers vanishes far below, each by itself") {
  const Double4 found = exp4(Double4{-1e9, 0, -800, 1});
  CHECK(found[0] < 1e-300);
  CHECK(found[1] == 1);
  CHECK(found[2] < 1e-300);
  CHECK(std::fabs(found[3] - std::exp(1.0)) < 1e-15);
}

TEST_CASE("log of four numbers is as exact as its header says") {
  const auto powers = [](Double4 x) {
    for (int k = 0; k < 4; ++k) x[k] = std::exp2(x[k]);
    return x;
  };
  const auto ours = [&](Double4 x) { return log4(powers(x)); };
  const auto rough = [&](Double4 x) { return rough_log4(powers(x)); };
  CHECK(worst(-1000, 1000, ours, log_truth, at_least_one) < 4e-16);
  CHECK(worst(-1, 1, ours, log_truth, at_least_one) < 4e-16);
  CHECK(worst(-1000, 1000, rough, log_truth, at_least_one) < 1e-9);
}

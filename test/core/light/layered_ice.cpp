#include "light/layered_ice.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace skyscan;

namespace {

// Five layers 10 m apart: height, scattering, absorption.
constexpr double layers[] = {-20,  0.04, 0.010, -10,   0.02, 0.008, 0,    0.06,
                             0.02, 10,   0.03,  0.004, 20,   0.05,  0.012};
const LayeredIce ice(layers, 5);

double value_at(double z, int kind) { return ice.point(z).value[kind]; }

// The ice is linear between layers: the trapezoidal rule on a grid that hits them is exact.
double mean_by_sum(double from, double to, int kind) {
  constexpr int steps = 4000;
  double sum = 0;
  for (int i = 0; i < steps; ++i)
    sum += 0.5 * (value_at(from + (to - from) * i / steps, kind) +
                  value_at(from + (to - from) * (i + 1) / steps, kind));
  return sum / steps;
}

}  // namespace

TEST_CASE("the ice is linear between layers and constant beyond them") {
  CHECK(std::fabs(value_at(-10, 0) - 0.02) < 1e-16);
  CHECK(std::fabs(value_at(5, 0) - 0.045) < 1e-15);
  CHECK(std::fabs(value_at(5, 1) - 0.012) < 1e-15);
  CHECK(value_at(-500, 1) == 0.010);
  CHECK(value_at(500, 0) == 0.05);
  CHECK(ice.lowest_scattering() == 0.02);
  CHECK(ice.highest_scattering() == 0.06);
  CHECK(ice.lowest_absorption() == 0.004);
}

TEST_CASE("the mean over a path is the integral over its length, either way, with its slope") {
  const double ends[][2] = {{-15, 15}, {15, -15}, {-40, 40}, {3, 7}, {25, 90}, {-60, -10}};
  for (const auto& [from, to] : ends) {
    CAPTURE(from);
    CAPTURE(to);
    const PathIce mean = ice.mean(from, to);
    CHECK(std::fabs(mean.scattering.value - mean_by_sum(from, to, 0)) < 1e-7);
    CHECK(std::fabs(mean.absorption.value - mean_by_sum(from, to, 1)) < 1e-7);
    constexpr double step = 1e-5;
    const PathIce above = ice.mean(from + step, to), below = ice.mean(from - step, to);
    CHECK(std::fabs(mean.scattering.by_from -
                    (above.scattering.value - below.scattering.value) / (2 * step)) < 1e-9);
    CHECK(std::fabs(mean.absorption.by_from -
                    (above.absorption.value - below.absorption.value) / (2 * step)) < 1e-9);
  }
}

TEST_CASE("a level path has the ice of its height") {
  const PathIce mean = ice.mean(5, 5);
  CHECK(std::fabs(mean.scattering.value - 0.045) < 1e-12);
  CHECK(std::fabs(mean.absorption.value - 0.012) < 1e-12);
}

TEST_CASE("means over eight paths at a time are the means, within the layers and beyond") {
  const Lanes low(Float8{-70, -23.5, -10, 3, -9, 14, 25, -60});
  const Lanes high(Float8{-31, 4, 20, 55, -8, 15.5, 90, 60});
  const auto means = ice.mean(low, high);
  for (std::size_t k = 0; k < Lanes::count; ++k) {
    const auto from = static_cast<double>(low[k]), to = static_cast<double>(high[k]);
    CAPTURE(from);
    const double scattering = mean_by_sum(from, to, 0), absorption = mean_by_sum(from, to, 1);
    CHECK(std::fabs(static_cast<double>(means.scattering[k]) - scattering) < 1e-5 * scattering);
    CHECK(std::fabs(static_cast<double>(means.absorption[k]) - absorption) < 1e-5 * absorption);
  }
}

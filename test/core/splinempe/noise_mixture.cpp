#include "splinempe/noise_mixture.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace skyscan;

TEST_CASE("the noise model's table agrees with its formulae") {
  for (double expected = 1.1e-60; expected < 1e7; expected *= 1.7) {
    NoiseMixture value, slope;
    noise_mixture(expected, value, slope);
    const NoiseMixture formula = noise_mixture(expected);
    CHECK(value.physics == doctest::Approx(formula.physics).epsilon(1e-6));
    CHECK(value.random == doctest::Approx(formula.random).epsilon(1e-6));
    CHECK(value.structured == doctest::Approx(formula.structured).epsilon(1e-6));
    CHECK(std::fabs(value.after - formula.after) < 1e-6);
    CHECK(formula.physics + formula.random + formula.after == doctest::Approx(1).epsilon(1e-14));
  }
}

TEST_CASE("expectations beyond the table's ends count as its ends") {
  NoiseMixture end, beyond, slope;
  noise_mixture(1e7, end, slope);
  noise_mixture(1e9, beyond, slope);
  CHECK(beyond.physics == end.physics);
  noise_mixture(least_expected, end, slope);
  noise_mixture(0, beyond, slope);
  CHECK(beyond.structured == end.structured);
}

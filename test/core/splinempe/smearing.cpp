#include "splinempe/smearing.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace skyscan;

TEST_CASE("smearing's Gauss quadrature has the moments of the filter's own samples") {
  const auto all = smearing::all();
  const auto moment = [](const smearing::Rule& rule, int power) {
    double sum = 0;
    for (std::size_t i = 0; i < rule.points; ++i)
      sum += rule.weight[i] * std::pow(rule.offset[i], power);
    return sum;
  };
  for (const std::size_t points : {1u, 5u, 7u, 12u}) {
    const auto few = smearing::gauss(points);
    REQUIRE(few.points == points);
    // Exact for polynomials of degree 2 n - 1, up to rounding of powers of 3.
    for (int power = 0; power < 2 * static_cast<int>(points); ++power)
      CHECK(std::fabs(moment(few, power) - moment(all, power)) < 1e-12 * std::pow(3, power));
  }
}

TEST_CASE("the filter's samples and weights are the recursive filter, up to its single precision") {
  std::array<float, smearing::samples> values;
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = 1 + std::sin(0.3f * static_cast<float>(i));
  const auto all = smearing::all();
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    sum += all.weight[i] * static_cast<double>(values[i]);
  CHECK(smearing::recursive(values) == doctest::Approx(sum).epsilon(1e-5));
}

#include "math/quadrature.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace skyscan;

namespace {

double integral_of_power(const QuadratureRule& rule, int power) {
  double sum = 0;
  for (std::size_t i = 0; i < rule.weights.size(); ++i)
    sum += rule.weights[i] * std::pow(rule.abscissae[i], power);
  return sum;
}

}  // namespace

TEST_CASE("Gauss and Legendre's rule is exact to degree 2n - 1, and wrong by what is known at 2n") {
  for (int n = 1; n <= 16; ++n) {
    CAPTURE(n);
    const auto rule = gauss_legendre(n);
    REQUIRE(rule.weights.size() == static_cast<std::size_t>(n));
    for (int power = 0; power < 2 * n; ++power)
      CHECK(std::fabs(integral_of_power(rule, power) - (power % 2 == 0 ? 2.0 / (power + 1) : 0)) <
            4e-15);
    // M. Abramowitz, I. Stegun, 25.4.29, for a function whose 2n-th derivative is (2n)!.
    const double error = std::exp2(2 * n + 1) * std::pow(std::tgamma(n + 1.0), 4) /
                         ((2 * n + 1) * std::pow(std::tgamma(2 * n + 1.0), 2));
    CHECK(std::fabs(2.0 / (2 * n + 1) - integral_of_power(rule, 2 * n) - error) < 4e-15);
  }
}

TEST_CASE("the rule of three points is the textbook's, in descending order") {
  const auto rule = gauss_legendre(3);
  CHECK(std::fabs(rule.abscissae[0] - std::sqrt(0.6)) < 2e-16);
  CHECK(rule.abscissae[1] == 0);
  CHECK(rule.abscissae[2] == -rule.abscissae[0]);
  CHECK(std::fabs(rule.weights[0] - 5.0 / 9) < 4e-16);
  CHECK(std::fabs(rule.weights[1] - 8.0 / 9) < 4e-16);
}

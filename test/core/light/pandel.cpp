#include "light/pandel.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "math/quadrature.hpp"

using namespace skyscan;

namespace {

// tau = 556.7 ns and absorption over 98 m (J. Ahrens et al., NIM A 524 (2004) 169, "H2").
constexpr double rate = 1 / 556.7 + 0.299792458 / (1.35634 * 98);
constexpr double sigma = 15;

const ConvolutedPandel& pandel() {
  static const ConvolutedPandel distribution(rate, sigma, 12000);
  return distribution;
}

PandelPoint at(double shape, double delay) {
  PandelPoint point;
  pandel().evaluate(shape, &delay, 1, &point);
  return point;
}

// The integral of f times the density, by Gauss and Legendre's rule on pieces of 5 ns.
template <typename F>
double moment(double shape, F f) {
  static const QuadratureRule rule = gauss_legendre(6);
  double sum = 0;
  for (double low = -120; low < 11800; low += 5)
    for (std::size_t i = 0; i < rule.weights.size(); ++i) {
      const double delay = low + 2.5 * (1 + rule.abscissae[i]);
      sum += 2.5 * rule.weights[i] * f(delay) * at(shape, delay).density;
    }
  return sum;
}

// The table interpolates; its header's users are promised 1e-3, its moments are better.
constexpr double tolerance = 2e-5;

}  // namespace

TEST_CASE(
    "the convoluted Pandel density has the norm, mean and variance of a gamma with a Gaussian") {
  for (const double shape : {0.1, 0.5, 1.0, 2.5, 8.0}) {
    CAPTURE(shape);
    const double norm = moment(shape, [](double) { return 1.0; });
    const double mean = moment(shape, [](double t) { return t; });
    const double variance = moment(shape, [&](double t) { return (t - mean) * (t - mean); });
    CHECK(std::fabs(norm - 1) < tolerance);
    CHECK(std::fabs(mean - shape / rate) < tolerance * (shape / rate + sigma));
    const double expected = shape / (rate * rate) + sigma * sigma;
    CHECK(std::fabs(variance - expected) < 5 * tolerance * expected);
  }
}

TEST_CASE("without shape the convoluted Pandel distribution is the Gaussian") {
  for (const double delay : {-30.0, -10.0, 0.0, 7.0, 25.0}) {
    const double u = delay / sigma;
    const double gauss = std::exp(-0.5 * u * u) / (sigma * std::sqrt(2 * M_PI));
    const double cumulative = 0.5 * std::erfc(-u / std::sqrt(2.0));
    CHECK(std::fabs(at(0, delay).density / gauss - 1) < 1e-3);
    CHECK(std::fabs(at(0, delay).cumulative - cumulative) < 1e-4);
  }
}

TEST_CASE("with shape 1 it is the exponential with a Gaussian, in closed form") {
  for (const double delay : {-20.0, 0.0, 30.0, 200.0, 900.0}) {
    const double z = (rate * sigma - delay / sigma) / std::sqrt(2.0);
    const double density =
        0.5 * rate * std::exp(0.5 * std::pow(rate * sigma, 2) - rate * delay) * std::erfc(z);
    CHECK(std::fabs(at(1, delay).density / density - 1) < 1e-3);
  }
}

TEST_CASE("far above the Gaussian's width its cumulative is the incomplete gamma function") {
  for (const double shape : {2.0, 6.0})
    for (const double delay : {1500.0, 2500.0}) {
      // To second order in sigma the convolution adds sigma^2 / 2 times the density's slope.
      const double slope = boost::math::gamma_p_derivative(shape, rate * delay) * rate *
                           ((shape - 1) / delay - rate);
      const double expected =
          boost::math::gamma_p(shape, rate * delay) + 0.5 * sigma * sigma * slope;
      CHECK(std::fabs(at(shape, delay).cumulative - expected) < 1e-4);
    }
}

TEST_CASE("the rough cumulative is the exact one to 5e-6, for shapes above 0.4 to 1e-6") {
  const RoughPandel rough(pandel(), 5000);
  double worst = 0, worst_above = 0;
  for (double shape = 0.01; shape < 30; shape *= 1.07)
    for (double delay = -80; delay < 4900; delay += 3.7) {
      double found;
      rough.cumulative(shape, &delay, 1, &found);
      double& largest = shape > 0.4 ? worst_above : worst;
      largest = std::max(largest, std::fabs(found - at(shape, delay).cumulative));
    }
  CHECK(worst < 5e-6);
  CHECK(worst_above < 1e-6);
}

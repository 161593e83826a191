#include "light/pandel_family.hpp"

#include <doctest/doctest.h>

#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

using namespace skyscan;

namespace {

constexpr double sigma = 5;

const PandelFamily& family() {
  static const PandelFamily made(sigma, 12000);
  return made;
}

RatedPandelPoint at(double shape, double log_rate, double residual) {
  RatedPandelPoint point;
  family().evaluate(shape, log_rate, &residual, 1, &point);
  return point;
}

}  // namespace

TEST_CASE("at a table's own rate the distribution is a gamma, but for the smearing") {
  for (const int step : {0, 3, 7})
    for (const double shape : {0.2, 1.0, 4.0, 20.0})
      for (const double residual : {80.0, 200.0, 900.0}) {
        const double rate = PandelFamily::least_rate * std::pow(PandelFamily::rate_step, step);
        CAPTURE(rate);
        CAPTURE(shape);
        CAPTURE(residual);
        const double x = rate * residual;
        // A smooth function smeared by a Gaussian gains half of sigma^2 times its second slope.
        const double slope = boost::math::gamma_p_derivative(shape, x) * rate;
        const double expected = boost::math::gamma_p(shape, x) +
                                0.5 * sigma * sigma * slope * ((shape - 1) / residual - rate);
        CHECK(std::fabs(at(shape, std::log(rate), residual).cumulative - expected) < 1e-4);
      }
}

TEST_CASE("between two rates the mixture's derivatives are those of differences") {
  constexpr double step = 1e-5;
  for (const double rate : {0.0013, 0.004, 0.019})
    for (const double shape : {0.3, 2.0, 9.0})
      for (const double residual : {-8.0, 3.0, 60.0, 700.0}) {
        CAPTURE(rate);
        CAPTURE(shape);
        CAPTURE(residual);
        const double log_rate = std::log(rate);
        const RatedPandelPoint here = at(shape, log_rate, residual);
        const auto close = [](double slope, double above, double below, double scale) {
          CHECK(std::fabs(slope - (above - below) / (2 * step)) < 1e-6 * scale);
        };
        const RatedPandelPoint faster = at(shape, log_rate + step, residual),
                               slower = at(shape, log_rate - step, residual);
        close(here.cumulative_by_rate, faster.cumulative, slower.cumulative, 1);
        close(here.density_by_rate, faster.density, slower.density, 1);
        const RatedPandelPoint wider = at(shape + step, log_rate, residual),
                               narrower = at(shape - step, log_rate, residual);
        close(here.cumulative_by_shape, wider.cumulative, narrower.cumulative, 1);
        const RatedPandelPoint later = at(shape, log_rate, residual + step),
                               earlier = at(shape, log_rate, residual - step);
        close(here.density, later.cumulative, earlier.cumulative, 1);
        close(here.density_slope, later.density, earlier.density, 1);
      }
}

TEST_CASE("rates beyond the tables count as the nearest inside") {
  CHECK(at(2, std::log(1e-5), 100).cumulative ==
        at(2, std::log(PandelFamily::least_rate), 100).cumulative);
  CHECK(at(2, std::log(5.0), 100).density_by_rate == 0);
}

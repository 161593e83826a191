#include "light/cascade_decay.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "dusty_ice.hpp"
#include "light/fitted_optics.hpp"

using namespace skyscan;

namespace {

constexpr double window = 0.1;

double log_scattering(const LayeredIce& ice, double from, double to, double distance) {
  return std::log(fitted::usual_scattering_length *
                  fitted::mean_ice(ice, from, to, window * distance).scattering);
}

}  // namespace

TEST_CASE("in even ice a cascade's light decays as that of a point") {
  constexpr double b = 0.04, a = 0.01;
  const DecayTable decays = cascade_decay(even_ice(b, a), window);
  for (const double distance : {30, 70, 150, 300})
    for (const double rising : {-0.9, 0.0, 0.4})
      CHECK(decays.at(20.0, distance, rising, std::log(b * fitted::usual_scattering_length)) *
                distance ==
            doctest::Approx(std::sqrt(3 * a * b) * distance).epsilon(0.05));
}

TEST_CASE("light takes the same ways forth and back") {
  const LayeredIce ice = dusty_ice(-100);
  const DecayTable decays = cascade_decay(ice, window);
  for (const double height : {-240, -100, 40})
    for (const double distance : {40, 100, 180})
      for (const double rising : {-0.7, 0.1, 0.5}) {
        const double other = height - distance * rising;
        const double log = log_scattering(ice, other, height, distance);
        CHECK(decays.at(height, distance, rising, log) * distance ==
              doctest::Approx(decays.at(other, distance, -rising, log) * distance).epsilon(0.03));
      }
}

TEST_CASE("eight decays at one height are as those of the table") {
  const DecayTable decays = cascade_decay(dusty_ice(-100), window);
  for (const double height : {-433.0, -100.0, 77.7, 700.0}) {
    const DecayTable::AtHeight there = decays.at_height(height);
    Lanes distance, rising, log;
    for (std::size_t i = 0; i < Lanes::count; ++i) {
      distance.v[i] = static_cast<float>(5 << i);
      rising.v[i] = -0.95f + 0.27f * static_cast<float>(i);
      log.v[i] = 0.1f * static_cast<float>(i);
    }
    const Lanes eight = there.at(distance, rising, log);
    for (std::size_t i = 0; i < Lanes::count; ++i)
      CHECK(std::fabs(static_cast<double>(eight[i]) -
                      decays.at(height, static_cast<double>(distance[i]),
                                static_cast<double>(rising[i]), static_cast<double>(log[i]))) <
            1e-6);
  }
}

#include "light/layered_diffusion.hpp"

#include <doctest/doctest.h>

#include <boost/math/special_functions/bessel.hpp>
#include <cmath>
#include <numbers>

#include "base/constants.hpp"
#include "dusty_ice.hpp"

using namespace skyscan;

TEST_CASE("in even ice light of a track diffuses as K0") {
  constexpr double b = 0.04, a = 0.01;
  const LayeredDiffusion diffusion(even_ice(b, a));
  for (const double upwards : {0.0, 0.5, -0.9}) {
    const LayeredDiffusion::Tracks tracks(diffusion, upwards);
    for (const double distance : {20, 50, 120, 250})
      for (const double cosine : {-0.8, 0.0, 0.5}) {
        CAPTURE(upwards);
        CAPTURE(distance);
        CAPTURE(cosine);
        // What is absorbed before it scatters first does not diffuse.
        const double expected = b / (a + b) * 3 * b / (2 * std::numbers::pi) *
                                boost::math::cyl_bessel_k(0, std::sqrt(3 * a * b) * distance);
        CHECK(tracks.density(0, distance, cosine) == doctest::Approx(expected).epsilon(0.02));
      }
  }
}

TEST_CASE("what a level track emits is absorbed, wherever it went") {
  const LayeredIce ice = dusty_ice(-100);
  const LayeredDiffusion diffusion(ice);
  const LayeredDiffusion::Tracks tracks(diffusion, 0);
  for (const double height : {-100.0, -60.0, 0.0, 200.0}) {
    double absorbed = 0;
    for (double z = -650; z <= 650; z += 10) {
      const LayeredIce::Point layer = ice.point(z);
      // On both sides: y = 10 m sinh t.
      constexpr double step = 0.05;
      for (double t = step / 2; t < 5; t += step) {
        const double y = 10 * std::sinh(t), distance = std::hypot(y, z - height);
        absorbed += 2 * layer.value[1] * tracks.density(z, distance, (z - height) / distance) * 10 *
                    (10 * std::cosh(t) * step);
      }
    }
    const LayeredIce::Point here = ice.point(height);
    CAPTURE(height);
    CHECK(absorbed ==
          doctest::Approx(here.value[0] / (here.value[0] + here.value[1])).epsilon(0.02));
  }
}

TEST_CASE("in ice upside down tracks shine upside down") {
  const LayeredDiffusion above(dusty_ice(100)), below(dusty_ice(-100));
  for (const double upwards : {0.0, 0.3, -0.9}) {
    const LayeredDiffusion::Tracks of_above(above, upwards), of_below(below, -upwards);
    for (const double height : {-40, 100, 170})
      for (const double cosine : {-0.9, 0.1, 0.6})
        CHECK(of_above.density(height, 80, cosine) ==
              doctest::Approx(of_below.density(-height, 80, -cosine)).epsilon(1e-3));
  }
}

TEST_CASE("light goes around dust") {
  const LayeredIce ice = dusty_ice(-100);
  const LayeredDiffusion diffusion(ice);
  // In the middle of the dust, along it, little would come 200 m far.
  const LayeredIce::Point dust = ice.point(-100);
  const double straight = std::sqrt(3 * dust.value[0] * dust.value[1]) * 200;
  CHECK(std::log(LayeredDiffusion::Tracks(diffusion, 0).density(-100, 200, 0)) >
        std::log(boost::math::cyl_bessel_k(0, straight)) + 5);
}

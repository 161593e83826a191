// The fitted light of a cascade: what Millipede's selection of DOMs trusts.

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <numbers>

#include "../random.hpp"
#include "dusty_ice.hpp"
#include "light/analytic.hpp"

using namespace skyscan;

TEST_CASE("no cascade puts more light into a DOM than its bound at that distance") {
  // A DOM that sees light coming up best.
  const auto light = fitted_cascade_light(
      std::make_shared<const AnalyticSetting>(AnalyticSetting{dusty_ice(-100), {1, 0.9}, 3}));
  Random random(11);
  for (int i = 0; i < 40000; ++i) {
    const double distance = std::exp(random.uniform(0, std::log(900)));
    const double rising = random.uniform(-1, 1), level = std::sqrt(1 - rising * rising);
    const double phi = random.uniform(0, 2 * std::numbers::pi);
    const Vec3 way{level * std::cos(phi), level * std::sin(phi), rising};
    const DomSite dom{{0, 0, random.uniform(-520, 520)}, 1};
    // Often straight at the DOM, or at the Cherenkov angle beside it.
    const double nz = random.uniform(-1, 1), across = std::sqrt(1 - nz * nz);
    const Vec3 other{across, 0, nz};
    const Vec3 direction = i % 2 == 0 ? way : other;
    double amplitude = 0;
    light->evaluate(dom.position - distance * way, direction, 0, 0, 0, dom, nullptr, 0, amplitude,
                    nullptr, nullptr, nullptr);
    CAPTURE(distance);
    CAPTURE(rising);
    CHECK(amplitude <= light->amplitude_bound(distance));
  }
}

#include "splinempe/rough_likelihood.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <numbers>

#include "../random.hpp"
#include "light/analytic.hpp"

using namespace skyscan;

namespace {

// Ice whose coefficients rise and fall by a factor of four.
LayeredIce wavy_ice() {
  std::vector<double> layers;
  for (int i = 0; i < 120; ++i) {
    const double swing = std::exp(0.7 * std::sin(0.3 * i));
    layers.insert(layers.end(), {-600 + 10. * i, 0.035 * swing, 0.009 * swing});
  }
  return {layers.data(), layers.size() / 3};
}

struct Model {
  const char* name;
  std::shared_ptr<const MuonLight> light;
};

std::vector<Model> models() {
  const auto setting = [](double jitter) {
    return std::make_shared<const AnalyticSetting>(
        AnalyticSetting{wavy_ice(), {1, -0.6, 0.2, 0.1}, jitter});
  };
  return {{"2026a", analytic_muon_light(setting(15))}, {"2026b", fitted_muon_light(setting(5))}};
}

}  // namespace

TEST_CASE("the rough likelihood and its slopes are the exact ones to single precision") {
  for (const auto& [name, light] : models()) {
    CAPTURE(name);
    REQUIRE(light->rough() != nullptr);
    Random random(4);
    for (int event = 0; event < 20; ++event) {
      const double zenith = std::acos(random.uniform(-1, 1));
      const double azimuth = random.uniform(0, 2 * std::numbers::pi);
      const Vec3 direction{-std::sin(zenith) * std::cos(azimuth),
                           -std::sin(zenith) * std::sin(azimuth), -std::cos(zenith)};
      std::vector<FirstPulse> pulses;
      // Not a whole number of groups of eight.
      for (int i = 0; i < 83; ++i) {
        const Vec3 at{random.uniform(-450, 450), random.uniform(-450, 450),
                      random.uniform(-450, 450)};
        const double charge = std::exp(random.uniform(-1, 3));
        pulses.push_back({{at, random.uniform(0.8, 1.2)},
                          10000 + dot(at, direction) / speed_of_light + random.uniform(0, 500),
                          charge});
      }
      // From 1 TeV, where smearing is wide and the exact one's own quadrature is good to 1e-3 and
      // its slopes to a few hundredths, to 1 PeV.
      const double energy = std::pow(10, event % 2 == 0 ? random.uniform(3, 5) : 6);
      const double of_slopes = event % 2 == 0 ? 0.05 : 2e-3;
      const SplineMpe exact(*light, pulses, 9000, 17000, energy);
      const RoughSplineMpe rough(exact, *light->rough(), direction);
      for (int k = 0; k < 20; ++k) {
        const Track track{
            {random.uniform(-200, 200), random.uniform(-200, 200), random.uniform(-200, 200)},
            direction,
            exact.middle_time(),
            zenith,
            azimuth};
        SplineMpeSlope of_exact, of_rough;
        const double value = exact.evaluate(track, &of_exact);
        CHECK(std::fabs(rough.evaluate(track.position, nullptr) - value) < 2e-3);
        CHECK(std::fabs(rough.evaluate(track.position, &of_rough) - value) < 2e-3);
        const double scale =
            std::sqrt(of_exact.scores.xx + of_exact.scores.yy + of_exact.scores.zz);
        CHECK(length(of_rough.gradient - of_exact.gradient) < of_slopes * scale);
        const Symmetric3 &a = of_exact.scores, &b = of_rough.scores;
        for (const double difference :
             {a.xx - b.xx, a.xy - b.xy, a.xz - b.xz, a.yy - b.yy, a.yz - b.yz, a.zz - b.zz})
          CHECK(std::fabs(difference) < of_slopes * scale * scale);
      }
    }
  }
}

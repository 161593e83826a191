#include "splinempe/rough_likelihood.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <numbers>

#include "../random.hpp"
#include "../splines/test_table.hpp"
#include "light/analytic.hpp"
#include "light/rough_muon.hpp"
#include "light/table_light.hpp"

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

// A random event: where pulses are, and when.
struct Event {
  Track track;
  std::vector<FirstPulse> pulses;
};

Event random_event(Random& random) {
  const double zenith = std::acos(random.uniform(-1, 1));
  const double azimuth = random.uniform(0, 2 * std::numbers::pi);
  const Vec3 direction{-std::sin(zenith) * std::cos(azimuth), -std::sin(zenith) * std::sin(azimuth),
                       -std::cos(zenith)};
  Event event{{{0, 0, 0}, direction, 0, zenith, azimuth}, {}};
  // Not a whole number of groups of eight.
  for (int i = 0; i < 83; ++i) {
    const Vec3 at{random.uniform(-450, 450), random.uniform(-450, 450), random.uniform(-450, 450)};
    const double charge = std::exp(random.uniform(-1, 3));
    event.pulses.push_back({{at, random.uniform(0.8, 1.2)},
                            10000 + dot(at, direction) / speed_of_light + random.uniform(0, 500),
                            charge});
  }
  return event;
}

// How far two likelihoods are apart [llh], and their slopes, relative to the scores.
struct Difference {
  double value, slope;
};

Difference difference(const SplineMpe& exact, const RoughSplineMpe& rough, const Track& track) {
  SplineMpeSlope of_exact, of_rough;
  const double value = exact.evaluate(track, &of_exact);
  const double scale = std::sqrt(of_exact.scores.xx + of_exact.scores.yy + of_exact.scores.zz);
  const Symmetric3 &a = of_exact.scores, &b = of_rough.scores;
  Difference found{std::fmax(std::fabs(rough.evaluate(track.position, nullptr) - value),
                             std::fabs(rough.evaluate(track.position, &of_rough) - value)),
                   length(of_rough.gradient - of_exact.gradient) / scale};
  for (const double score :
       {a.xx - b.xx, a.xy - b.xy, a.xz - b.xz, a.yy - b.yy, a.yz - b.yz, a.zz - b.zz})
    found.slope = std::fmax(found.slope, std::fabs(score) / (scale * scale));
  return found;
}

Track random_track(Random& random, const Event& event, const SplineMpe& likelihood) {
  Track track = event.track;
  track.position = {random.uniform(-200, 200), random.uniform(-200, 200),
                    random.uniform(-200, 200)};
  track.time = likelihood.middle_time();
  return track;
}

// --- Photon tables: of the axes and orders IceCube's have ---

TestAxis axis_of(int order, double low, double high, int pieces) {
  TestAxis axis{order, {}};
  for (int i = -order; i <= pieces + order; ++i)
    axis.knots.push_back(low + (high - low) * i / pieces);
  return axis;
}

// Dense where light begins, as tables have them.
TestAxis time_axis() {
  TestAxis axis{3, {-12, -5, -1, 0}};
  for (double time = 1, step = 4; time < 8200; time += step, step *= 1.2)
    axis.knots.push_back(time);
  return axis;
}

double site_of(const TestAxis& axis, int i) {
  double sum = 0;
  for (int k = 1; k <= axis.order; ++k) sum += axis.knots[static_cast<std::size_t>(i + k)];
  return sum / axis.order;
}

struct Tables {
  Tables()
      : bare(
            axes(false), [&](const auto& at) { return amplitude(at, 0); }, keys),
        stochastic(
            axes(false), [&](const auto& at) { return amplitude(at, 0.2); }, keys),
        timing(
            axes(true), [&](const auto& at) { return cumulative(at); }, keys),
        light(table_muon_light(bare.path(), timing.path(), stochastic.path())) {}

  static constexpr const char* keys = "GEOTYPE=1\nGEOMETRY=2\nPARITY=0\nNGROUP=1.35634";
  static std::vector<TestAxis> axes(bool with_time) {
    std::vector<TestAxis> axes{axis_of(2, 0, 1400, 20), axis_of(2, 0, std::numbers::pi, 5)};
    if (with_time) axes.push_back(time_axis());
    axes.push_back(axis_of(2, 0, 180, 4));
    axes.push_back(axis_of(2, -800, 800, 12));
    return axes;
  }
  // ln(PE), but for the yield.
  static double amplitude(const std::vector<int>& at, double more) {
    const auto of = axes(false);
    const double rho = site_of(of[0], at[0]), depth = site_of(of[3], at[3]);
    return -11 + more - std::fabs(rho) / (40 + 5 * std::sin(0.01 * depth)) +
           0.3 * std::cos(site_of(of[1], at[1])) * std::sin(0.02 * site_of(of[2], at[2]));
  }
  static double cumulative(const std::vector<int>& at) {
    const auto of = axes(true);
    const double rho = std::fabs(site_of(of[0], at[0])), time = site_of(of[2], at[2]);
    const double late = 10 + rho * (1.5 + 0.3 * std::cos(site_of(of[1], at[1])) +
                                    0.2 * std::sin(0.01 * site_of(of[4], at[4])));
    return time > 0 ? 1 - std::exp(-time / late) * (1 + 0.5 * time / late) : 0;
  }

  TestTable bare, stochastic, timing;
  std::unique_ptr<const MuonLight> light;
};

}  // namespace

TEST_CASE("the rough likelihood and its slopes are the exact ones to single precision") {
  for (const auto& [name, light] : models()) {
    CAPTURE(name);
    REQUIRE(light->rough() != nullptr);
    Random random(4);
    for (int i = 0; i < 20; ++i) {
      const Event event = random_event(random);
      // From 1 TeV, where smearing is wide and the exact one's own quadrature is good to 1e-3 and
      // its slopes to a few hundredths, to 1 PeV.
      const double energy = std::pow(10, i % 2 == 0 ? random.uniform(3, 5) : 6);
      const double of_slopes = i % 2 == 0 ? 0.05 : 2e-3;
      const SplineMpe exact(*light, event.pulses, 9000, 17000, energy);
      const RoughSplineMpe rough(exact, *light->rough(), event.track);
      for (int k = 0; k < 20; ++k) {
        const auto [value, slope] = difference(exact, rough, random_track(random, event, exact));
        CHECK(value < 2e-3);
        CHECK(slope < of_slopes);
      }
    }
  }
}

// Of noise the rough one has a coarser spline: where light comes before all but noise, which has
// decades of densities, that shows.
TEST_CASE("on photon tables the rough likelihood is the exact one to a few hundredths") {
  const Tables tables;
  const RoughMuon* const light = tables.light->rough();
  REQUIRE(light != nullptr);
  Random random(5);
  for (int i = 0; i < 20; ++i) {
    const Event event = random_event(random);
    const SplineMpe exact(*tables.light, event.pulses, 9000, 17000,
                          std::pow(10, random.uniform(3, 6)));
    const RoughSplineMpe rough(exact, *light, event.track);
    for (int k = 0; k < 20; ++k) {
      const auto [value, slope] = difference(exact, rough, random_track(random, event, exact));
      CHECK(value < 0.02);
      CHECK(slope < 0.01);
    }
  }
}

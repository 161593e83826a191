#include "light/track_decay.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "../random.hpp"
#include "dusty_ice.hpp"
#include "light/fitted_optics.hpp"

using namespace skyscan;

namespace {

constexpr double window = 0.1;

}  // namespace

TEST_CASE("in even ice decays are those of diffusion, to all sides") {
  constexpr double b = 0.04, a = 0.01;
  const TrackDecay decay(even_ice(b, a), window);
  TrackDecay::Slice slice;
  for (const double upwards : {0.0, 0.37, -0.81, 1.0}) {
    decay.turn(slice, upwards);
    for (const double distance : {40, 100, 200})
      for (const double cosine : {-1.0, -0.3, 0.8}) {
        const double at = slice.decay.at(0.0, distance * 1.0, cosine,
                                         std::log(b * fitted::usual_scattering_length));
        // exp(-k rho) loses what is absorbed before it scatters, too.
        CHECK(
            at * distance ==
            doctest::Approx(std::sqrt(3 * a * b) * distance + std::log((a + b) / b)).epsilon(0.05));
      }
  }
}

TEST_CASE("slopes of decays are those of differences, and eight at a time are as each") {
  const TrackDecay decay(dusty_ice(-100), window);
  TrackDecay::Slice slice;
  Random random(3);
  for (int turn = 0; turn < 20; ++turn) {
    decay.turn(slice, random.uniform(-1, 1));
    LaneJet distances{}, cosines{};
    Lanes heights, logs;
    double height[8], distance[8], cosine[8], log_scattering[8];
    for (std::size_t i = 0; i < 8; ++i) {
      heights.v[i] = static_cast<float>(height[i] = random.uniform(-500, 500));
      distances.value.v[i] = static_cast<float>(distance[i] = random.uniform(0, 400));
      cosines.value.v[i] = static_cast<float>(cosine[i] = random.uniform(-1, 1));
      logs.v[i] = static_cast<float>(log_scattering[i] = random.uniform(-1, 2));
    }
    distances.slope[0] = 1;
    cosines.slope[1] = 1;
    const LaneJet lanes = slice.decay.at(heights, distances, cosines, LaneJet{logs, {}});
    for (std::size_t i = 0; i < 8; ++i) {
      const auto at = [&](double d, double c) {
        return slice.decay.at(height[i], d, c, log_scattering[i]);
      };
      const Jet exact = slice.decay.at(height[i], number<Jet>(distance[i], {1, 0, 0}),
                                       number<Jet>(cosine[i], {0, 1, 0}),
                                       number<Jet>(log_scattering[i], {0, 0, 0}));
      CAPTURE(height[i]);
      CAPTURE(distance[i]);
      CAPTURE(cosine[i]);
      CHECK(std::fabs(exact.value() - at(distance[i], cosine[i])) < 1e-15);
      constexpr double step = 1e-5;
      const double by_distance =
          (at(distance[i] + step, cosine[i]) - at(distance[i] - step, cosine[i])) / (2 * step);
      const double by_cosine =
          (at(distance[i], cosine[i] + step) - at(distance[i], cosine[i] - step)) / (2 * step);
      CHECK(std::fabs(exact.gradient().x - by_distance) < 1e-6 * (1 + std::fabs(by_distance)));
      CHECK(std::fabs(exact.gradient().y - by_cosine) < 1e-6 * (1 + std::fabs(by_cosine)));
      CHECK(std::fabs(static_cast<double>(lanes.value[i]) - exact.value()) < 2e-6);
      CHECK(std::fabs(static_cast<double>(lanes.slope[0][i]) - by_distance) < 2e-5);
      CHECK(std::fabs(static_cast<double>(lanes.slope[1][i]) - by_cosine) < 2e-5);
    }
  }
}

TEST_CASE("tracks straight up are seen alike from all sides") {
  const TrackDecay decay(dusty_ice(-100), window);
  TrackDecay::Slice slice;
  decay.turn(slice, 1);
  for (const double height : {-120.0, 30.0, 411.0})
    CHECK(slice.decay.at(height, 60.0, -0.7, 0.0) ==
          doctest::Approx(slice.decay.at(height, 60.0, 0.9, 0.0)));
}

TEST_CASE("odd ice gives light all the same") {
  // So clear between walls of dust that light has nowhere to go.
  std::vector<double> layers;
  for (int z = -700; z <= 700; z += 10)
    layers.insert(layers.end(), {1.0 * z, z % 40 == 0 ? 3.0 : 0.002, z % 60 == 0 ? 2.0 : 1e-5});
  const TrackDecay decay(LayeredIce(layers.data(), layers.size() / 3), window);
  TrackDecay::Slice slice;
  Random random(8);
  for (int turn = 0; turn < 30; ++turn) {
    decay.turn(slice, random.uniform(-1, 1));
    for (int i = 0; i < 200; ++i) {
      const double at = slice.decay.at(random.uniform(-600, 600), random.uniform(0, 800),
                                       random.uniform(-1, 1), random.uniform(-8, 5));
      CHECK(at >= 1e-4);
      CHECK(at < 10);
    }
  }
}

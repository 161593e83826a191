#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "../random.hpp"
#include "base/constants.hpp"
#include "base/track_frame.hpp"
#include "light/analytic.hpp"
#include "millipede/likelihood.hpp"

using namespace skyscan;

namespace {

std::unique_ptr<const CascadeLight> light() {
  std::vector<double> layers;
  for (int i = 0; i < 120; ++i) {
    const double swing = std::exp(0.7 * std::sin(0.3 * i));
    layers.insert(layers.end(), {-600 + 10. * i, 0.035 * swing, 0.009 * swing});
  }
  return fitted_cascade_light(std::make_shared<const AnalyticSetting>(
      AnalyticSetting{{layers.data(), layers.size() / 3}, {1, -0.6, 0.2, 0.1}, 5}));
}

// DOMs on a lattice, with the light of three losses of 1 to 4 TeV along the track: in four bins
// each, or in one where there is hardly any.
std::vector<MillipedeDom> doms(const CascadeLight& light, const Track& track) {
  std::vector<MillipedeDom> doms;
  const std::vector<double> edges{9000, 10300, 10700, 11200, 16000};
  for (int x = -2; x <= 2; ++x)
    for (int y = -2; y <= 2; ++y)
      for (int z = -6; z <= 6; ++z) {
        const DomSite site{{125. * x, 125. * y, 60. * z}, 0.85};
        std::vector<double> charges(edges.size() - 1, 0);
        double sum = 0;
        for (const auto& [length, energy] : {std::pair{-120., 1e3}, {30., 4e3}, {90., 2e3}}) {
          const Track at = advanced_along(track, length);
          double amplitude = 0, cumulative[5];
          light.evaluate(at.position, at.direction, at.zenith, at.azimuth, at.time, site,
                         edges.data(), edges.size(), amplitude, cumulative, nullptr, nullptr);
          for (std::size_t i = 0; i < charges.size(); ++i)
            charges[i] += energy * amplitude * (cumulative[i + 1] - cumulative[i]);
          sum += energy * amplitude;
        }
        // There are no pulses of less.
        for (double& charge : charges)
          if (charge < 0.25) charge = 0;
        if (sum > 0.3)
          doms.push_back({site, 5e-7, {edges, charges, std::vector<bool>(charges.size(), true)}});
        else
          doms.push_back({site, 5e-7, {{9000, 16000}, {0}, {true}}});
      }
  return doms;
}

}  // namespace

TEST_CASE("slopes along a track's steps by differences are those by derivatives") {
  const auto model = light();
  Random random(11);
  const Track truth{{10, -20, 30}, {-0.6, 0, -0.8}, 10000, std::acos(0.8), 0};
  const Millipede millipede(*model, doms(*model, truth), {600, 0});
  const TrackShifts shifts = TrackFrame(truth.direction).shifts();
  for (int i = 0; i < 10; ++i) {
    const Track track = displaced(
        truth, shifts, {random.uniform(-8, 8), random.uniform(-8, 8), random.uniform(-4, 4)});
    MillipedeValue value = millipede.solve(track, 5, search_cutoff, nullptr, 1e-4);
    REQUIRE(value.placed);
    millipede.differentiate(track, search_cutoff, value);
    const ShiftSlopes slopes = millipede.slopes_along(track, shifts, search_cutoff, value);
    for (std::size_t k = 0; k < 3; ++k) {
      const double way[] = {shifts.position[k].x, shifts.position[k].y, shifts.position[k].z,
                            shifts.time[k]};
      double gradient = 0, curvature = 0;
      for (std::size_t p = 0; p < 4; ++p) {
        gradient += way[p] * value.gradient[p];
        for (std::size_t q = 0; q < 4; ++q) curvature += way[p] * way[q] * value.hessian[p][q];
      }
      CAPTURE(k);
      // Where light begins it changes by e in 2 ns or 0.4 of a step: over a tenth of a step a
      // difference is 13 % off its slope there, and half a tenth of the curvature at most
      // elsewhere.
      CHECK(std::fabs(slopes.gradient[k] - gradient) <
            0.13 * (std::fabs(gradient) + std::fabs(slopes.curvature[k][k])));
      CHECK(std::fabs(slopes.curvature[k][k] - curvature) < 0.26 * std::fabs(curvature));
    }
  }
}

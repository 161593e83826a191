// The best track of all directions: the likelihood minimised over direction and place together, and
// how well the event says where it came from.
//
// A scan's coarse pixels show the valley; inside of it the likelihood is smooth enough in five
// dimensions for slopes, so that the answer is there long before fine pixels are.
#pragma once

#include <cstdint>
#include <vector>

#include "base/track.hpp"
#include "splinempe/fit.hpp"
#include "splinempe/likelihood.hpp"

namespace skyscan {

// Chosen on three alerts so that all of the starts of a valley end in its bottom.
struct FreeDirectionOptions {
  // A turn by an angle moves a track's far end as much as a step across this long [m]: directions
  // are steps of metres to the descents.
  double lever = 150;
  // For differences by direction [rad]: below it kinks count, above it the valley's walls.
  double difference = 0.0035;
  double first_radius = 30, least_gain = 0.02;  // of the descents [m, llh]
  int most_steps = 25;
  double search_limit = 6000;  // |x|, |y|, |z| of a place [m]
  // From starts whose end is no more than this above the lowest, and so many, a simplex goes on.
  double finish_margin = 10;
  std::size_t most_finished = 3;
  double simplex_step = 4;  // m
  int simplex_evaluations = 250;
  double simplex_tolerance = 0.003;  // llh
  // In the direction found, minima no more than this above it are followed too, and so again where
  // one of them leads to a lower direction: valleys lie side by side.
  double follow_margin = 15;
  int most_searches = 3;
  // The ellipse: directions on rings about the lowest, where the likelihood has risen by so much.
  int ring_directions = 12, rings = 3;
  double first_ring = 0.004, rise = 0.8;  // rad, llh
  double smallest_ring = 3e-4, largest_ring = 0.2;
};

// Of the direction, in the tangent plane: `u` towards growing azimuth, `v` towards smaller zenith.
struct DirectionCovariance {
  double uu, uv, vv;  // rad^2
};

struct FreeDirection {
  double llh;
  Track track;  // at the likelihood's middle time
  // Of the Gaussian with the curvature of the likelihood, minimised over the place, about it; not a
  // number where it does not curve upwards.
  DirectionCovariance covariance;
  std::int64_t evaluations;  // likelihood calls
};

// Goes down from each of these tracks, whose positions are those at the likelihood's middle time.
// Not empty. `maps` are those of this likelihood. Throws BadInput when the likelihood is defined at
// none of them.
FreeDirection free_direction(const SplineMpe& likelihood, CoarseMaps& maps,
                             const std::vector<Track>& starts,
                             const FreeDirectionOptions& options = {});

}  // namespace skyscan

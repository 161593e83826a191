// Starting tracks of one direction, told from the DOMs' first light alone, the cheapest first.
#pragma once

#include <cstddef>
#include <vector>

#include "base/track_frame.hpp"
#include "millipede/likelihood.hpp"

namespace skyscan {

// Only the order of places matters and simplices of 80 m start from the best, so these need not be
// fine; finer grids cost more and find the same places. None was measured apart.
struct StartingTrackOptions {
  // The grid: across the track, a third of the distance between strings; along time, as far as
  // light gets in the ice in 13 m.
  double grid_step = 40;            // m
  double time_step = 60;            // ns
  int earliest = -25, latest = 12;  // time steps about the mean time of the light: most is late
  // A DOM's first light costs like a Gaussian of this width where it is early, and like an
  // exponential where it is late, which widens with the distance as light scatters.
  double early_sigma = 30;    // ns
  double late_width = 20;     // ns, next to the track
  double late_per_metre = 3;  // ns/m
  // Both level off here, so that noise does not decide.
  double most_cost = 8;
};

// At most `most` tracks from the places of a grid around the light where neighbours are worse, best
// first; `reach`: of the grid across the track [m]. Tracks are `like` but for their vertex, which
// is next to the middle of the light. `hits` must not be empty.
std::vector<Track> starting_tracks(const std::vector<FirstLight>& hits, const Track& like,
                                   const TrackFrame& frame, double reach, std::size_t most,
                                   const StartingTrackOptions& options = {});

}  // namespace skyscan

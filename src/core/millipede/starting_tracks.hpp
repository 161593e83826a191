// Where a direction's tracks may be, told from the DOMs' first light alone.
#pragma once

#include <cstddef>
#include <vector>

#include "base/track_frame.hpp"
#include "millipede/likelihood.hpp"

namespace skyscan {

// The best places, at most `most`, of a grid around the light where neighbours are worse; `reach`:
// of the grid across the track [m]. Tracks are `like` but for their vertex.
std::vector<Track> first_light_starts(const std::vector<FirstLight>& hits, const Track& like,
                                      const TrackFrame& frame, double reach, std::size_t most);

}  // namespace skyscan

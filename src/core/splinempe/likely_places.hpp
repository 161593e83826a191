// Where the likelihood's minima of one direction should be, by coarse maps.
#pragma once

#include <cstddef>
#include <vector>

#include "splinempe/coarse_map.hpp"

namespace skyscan {

// Distances in metres, across the track and, at the speed of light, along time. What is said to
// trade was chosen so that pixels of three alerts end as low as the reference's fits and as
// repeated simplices do (test/long/splinempe.long.ts); single values were not measured apart.
struct LikelyPlacesOptions {
  // The disc of tracks surveyed around the middle of the DOMs: as wide as the detector. Its spacing
  // trades minima missed for time.
  double radius = 550, spacing = 45;
  // Times surveyed: direct light from this distance beyond the disc's middle would be later than
  // all but the first share of the pulses, up to later than the second share.
  float beyond = 300;
  double early_share = 0.05, late_share = 0.7;
  // Bottoms of the disc: none lower so near, at most so far above the lowest [llh], at most so
  // many; and those still so far apart when they have been followed down, at most so many.
  double basin_size = 60, basin_margin = 80;
  std::size_t most_followed = 16;
  double basin_gap = 40;
  std::size_t most_basins = 8;
  // So far above the lowest of them nothing is looked at closer [llh]: of 768 pixels none ended
  // elsewhere.
  double followed_margin = 40;
  double last_step = 8;  // of the way down: the fine map goes on from there
  // Around each of them a small disc surveyed on the fine map: its radius, spacing, and the times
  // on either side [ns]; places so far apart, at most so many. From there the likelihood's own
  // slopes go on: with places 15 m apart, twice as many of them, followed down on the map, a search
  // took half as long again, and of 2304 pixels of nside 8 of three alerts 31 ended lower by 0.1,
  // 26 higher.
  double near_radius = 45, near_spacing = 15;
  float near_times = 150;
  double near_gap = 20;
  std::size_t most_near = 6;
  double least_gain = 0.1;  // llh: of a step down; maps are coarser than that
};

// The same for a thorough search: wider discs around basins, and more places there. Of 1728 pixels
// of nside 64 of two alerts 20 ended more than 0.1 above version 0.1.0's, 28 without.
LikelyPlacesOptions thorough_places(LikelyPlacesOptions options);

// Places of vertices at the track's time, in no order. `coarse` and `fine` are maps at about the
// track's zenith angle.
std::vector<Vec3> likely_places(const CoarseMap& coarse, const CoarseMap& fine, const Track& track,
                                const LikelyPlacesOptions& options = {});

}  // namespace skyscan

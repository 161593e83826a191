#include "splinempe/likely_places.hpp"

#include "minimise/distinct_minima.hpp"
#include "splinempe/coarse_map_view.hpp"

namespace skyscan {
namespace {

// Whether two tracks are closer than this [m], across and in time.
auto within(double size) {
  return [size](const Passage& p, const Passage& q) {
    const float t = (p.time - q.time) * static_cast<float>(speed_of_light);
    const float a = p.a - q.a, b = p.b - q.b;
    return a * a + b * b + t * t < static_cast<float>(size * size);
  };
}

std::vector<Passage> basins_of(const CoarseMapView& view, const LikelyPlacesOptions& options) {
  const auto by_rho = static_cast<float>(direct_delay_per_metre);
  const float low = view.time_of(options.early_share), high = view.time_of(options.late_share);
  const auto earliest = [&](float r) { return low - (r + options.beyond) * by_rho; };
  std::vector<Passage> found = view.survey(0, 0, options.radius, options.spacing, earliest, high);
  drop_above(found, &Passage::llh, options.basin_margin);
  keep_basins(found, &Passage::llh, within(options.basin_size), options.most_followed);
  for (Passage& passage : found)
    view.follow(passage, options.spacing / 2, options.last_step, options.least_gain);
  keep_distinct(found, &Passage::llh, within(options.basin_gap), options.most_basins);
  drop_above(found, &Passage::llh, options.followed_margin);
  return found;
}

std::vector<Passage> bottoms_near(const CoarseMapView& view, const Passage& basin,
                                  const LikelyPlacesOptions& options) {
  const float start = basin.time - options.near_times;
  std::vector<Passage> near = view.survey(
      basin.a, basin.b, options.near_radius, options.near_spacing, [start](float) { return start; },
      basin.time + options.near_times);
  keep_distinct(near, &Passage::llh, within(options.near_gap), options.most_near);
  if (near.empty()) near.push_back(basin);
  return near;
}

}  // namespace

LikelyPlacesOptions thorough_places(LikelyPlacesOptions options) {
  options.near_radius = 60;
  options.near_spacing = 10;
  options.near_times = 250;
  options.near_gap = 15;
  options.most_near = 12;
  return options;
}

std::vector<Vec3> likely_places(const CoarseMap& coarse, const CoarseMap& fine, const Track& track,
                                const LikelyPlacesOptions& options) {
  const CoarseMapView view(coarse, track.direction), closer(fine, track.direction);
  std::vector<Vec3> places;
  for (const Passage& basin : basins_of(view, options))
    for (const Passage& bottom : bottoms_near(closer, basin, options))
      places.push_back(closer.place(bottom, track.time));
  return places;
}

}  // namespace skyscan

// A coarse map of the likelihood seen from one direction: the likelihood of tracks along it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/track_frame.hpp"
#include "splinempe/coarse_map.hpp"

namespace skyscan {

// A track of the view's direction that passes (a, b) [m] across it and, there, the plane through
// the middle of the map's DOMs at `time` [ns].
struct Passage {
  float llh, a, b, time;
};

class CoarseMapView {
 public:
  // `map` must outlive this.
  CoarseMapView(const CoarseMap& map, const Vec3& direction);

  // The time of a track through the middle after which this share of the pulses is earlier [ns].
  float time_of(double share) const;

  // Local minima in time of tracks all over a disc of this radius around (a, b), so far apart [m],
  // lowest first. Times go from first(distance from the disc's middle) to `last` [ns], 200 steps of
  // the map's scale at most.
  std::vector<Passage> survey(float a, float b, double radius, double spacing,
                              const std::function<float(float)>& first, float last) const;

  // Down to the minimum nearby, with steps from the first size to the last [m]. Ends where a step
  // gains less than `least_gain` [llh] at the last size.
  void follow(Passage& passage, double first, double last, double least_gain) const;

  // Where the track is at this time [ns].
  Vec3 place(const Passage& passage, double time) const;

 private:
  // A track, and the times its likelihood is wanted at: `count` of them from `start` on, one a
  // step.
  struct Profile {
    float a, b, start;
    std::size_t count;
    std::size_t at;  // of its first value among all
  };
  class Profiles;
  void add_doms(std::size_t first_dom, const Profile& profile, std::int32_t* total) const;
  void evaluate(Profiles& profiles) const;

  const CoarseMap& map_;
  float step_, earliest_;
  TrackFrame frame_;
  // Of each DOM: across the track, and its time less that of the track's passing [ns].
  // Filled up to whole vectors with DOMs nothing is known of.
  std::vector<float> a_, b_, residual_, edge_;
  std::vector<const std::int16_t*> rows_;
};

}  // namespace skyscan

// Tracks of one direction: a family of three dimensions, two offsets across and one time. Where
// along a track its vertex is, is a fourth that hardly matters.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "base/constants.hpp"
#include "base/track.hpp"

namespace skyscan {

constexpr double metres_in_time = 5;  // ns that change as much as a metre across

using Three = std::array<double, 3>;

// Ways to move a track of one direction.
struct Ways {
  Vec3 shift[3];
  double delay[3];  // ns
};

struct TrackFrame {
  explicit TrackFrame(const Vec3& n) : along(n) {
    const double h = std::hypot(n.x, n.y);
    u = h > 1e-6 ? Vec3{-n.y / h, n.x / h, 0} : Vec3{1, 0, 0};
    v = {n.y * u.z - n.z * u.y, n.z * u.x - n.x * u.z, n.x * u.y - n.y * u.x};
  }
  Ways ways() const { return {{u, v, {0, 0, 0}}, {0, 0, metres_in_time}}; }
  // The same, the vertex staying in its plane across the axis x, y or z: where cascades are between
  // boundaries across that axis stays too.
  Ways ways_across(int axis) const {
    const auto part = [axis](const Vec3& a) { return axis == 0 ? a.x : axis == 1 ? a.y : a.z; };
    Ways ways = this->ways();
    for (int k = 0; k < 2; ++k) {
      const double back = part(ways.shift[k]) / part(along);
      ways.shift[k] = {ways.shift[k].x - back * along.x, ways.shift[k].y - back * along.y,
                       ways.shift[k].z - back * along.z};
      ways.delay[k] = -back / speed_of_light;
    }
    return ways;
  }
  Vec3 along, u, v;
};

inline Track moved(Track track, const Ways& ways, const Three& step) {
  for (std::size_t k = 0; k < 3; ++k) {
    track.position.x += step[k] * ways.shift[k].x;
    track.position.y += step[k] * ways.shift[k].y;
    track.position.z += step[k] * ways.shift[k].z;
    track.time += step[k] * ways.delay[k];
  }
  return track;
}

// The same track, its vertex elsewhere.
inline Track slid(Track track, double length) {
  track.position.x += length * track.direction.x;
  track.position.y += length * track.direction.y;
  track.position.z += length * track.direction.z;
  track.time += length / speed_of_light;
  return track;
}

inline double distance(const Track& a, const Track& b) {
  return std::hypot(a.position.x - b.position.x, a.position.y - b.position.y,
                    a.position.z - b.position.z);
}

// How far apart two tracks of one direction are, across and in time [m].
inline double apart(const Track& a, const Track& b) {
  const Vec3& n = a.direction;
  const Vec3 d{a.position.x - b.position.x, a.position.y - b.position.y,
               a.position.z - b.position.z};
  const double along = d.x * n.x + d.y * n.y + d.z * n.z;
  const double square = d.x * d.x + d.y * d.y + d.z * d.z - along * along;
  const double late = (a.time - b.time) * speed_of_light - along;
  return std::sqrt(std::max(0.0, square) + late * late);
}

}  // namespace skyscan

// A frame across a track, and the tracks next to it.
//
// Tracks of one direction are a family of three dimensions: two offsets across and one time. Where
// along a track its vertex is, is a fourth that hardly matters.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "base/constants.hpp"
#include "base/track.hpp"

namespace skyscan {

// So many ns change a likelihood about as much as a metre across: a step in time is this long where
// one across is a metre.
constexpr double ns_per_metre_step = 5;

// How a track's vertex [m] and time [ns] change with each of n steps; see `displaced`.
template <std::size_t n>
struct TrackShifts {
  std::array<Vec3, n> position;
  std::array<double, n> time;
};

// Axes of unit length for one direction: `u` is level, `v` points up, `along` is the direction of
// travel. u, v, along are right-handed; of vertical tracks u is x.
struct TrackFrame {
  explicit TrackFrame(const Vec3& n) : along(n) {
    const double level = std::hypot(n.x, n.y);
    u = level > 1e-6 ? Vec3{-n.y / level, n.x / level, 0} : Vec3{1, 0, 0};
    v = {n.y * u.z - n.z * u.y, n.z * u.x - n.x * u.z, n.x * u.y - n.y * u.x};
  }

  // A vector's components along u, v and the track, and back.
  Vec3 components(const Vec3& a) const { return {dot(a, u), dot(a, v), dot(a, along)}; }
  Vec3 vector(double a, double b, double l) const { return a * u + b * v + l * along; }

  // Steps by a metre across along u and v, and by as much in time.
  TrackShifts<3> shifts() const { return {{u, v, {0, 0, 0}}, {0, 0, ns_per_metre_step}}; }

  // The same, and by a metre along the track itself.
  TrackShifts<4> shifts_and_along() const {
    return {{u, v, {0, 0, 0}, along}, {0, 0, ns_per_metre_step, 1 / speed_of_light}};
  }

  // The same, the vertex staying in its plane across the axis x (0), y (1) or z (2): where cascades
  // are between boundaries across that axis stays too. The track must not lie in that plane.
  TrackShifts<3> shifts_across(int axis) const {
    const auto part = [axis](const Vec3& a) { return axis == 0 ? a.x : axis == 1 ? a.y : a.z; };
    TrackShifts<3> shifts = this->shifts();
    for (std::size_t k = 0; k < 2; ++k) {
      const double back = part(shifts.position[k]) / part(along);
      shifts.position[k] = shifts.position[k] - back * along;
      shifts.time[k] = -back / speed_of_light;
    }
    return shifts;
  }

  Vec3 along, u, v;
};

// The track next to this one, `steps` of these shifts away.
template <std::size_t n>
Track displaced(Track track, const TrackShifts<n>& shifts, const std::array<double, n>& steps) {
  for (std::size_t k = 0; k < n; ++k) {
    track.position = track.position + steps[k] * shifts.position[k];
    track.time += steps[k] * shifts.time[k];
  }
  return track;
}

// The same track, its vertex `length` [m] further along it.
inline Track advanced_along(Track track, double length) {
  track.position = track.position + length * track.direction;
  track.time += length / speed_of_light;
  return track;
}

// How far apart two tracks of one direction are, across and in time [m]; where on them their
// vertices are does not matter.
inline double track_separation(const Track& a, const Track& b) {
  const Vec3 d = a.position - b.position;
  const double along = dot(d, a.direction);
  const double square = dot(d, d) - along * along;
  const double late = (a.time - b.time) * speed_of_light - along;
  return std::sqrt(std::max(0.0, square) + late * late);
}

}  // namespace skyscan

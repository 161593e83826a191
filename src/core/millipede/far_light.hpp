// Light that changes so slowly from place to place that it is made on a lattice and interpolated.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "base/track_frame.hpp"

namespace skyscan {

// Of tracks of one direction: lines of the lattice that were made for one serve all that come by.
// What it gives depends on the track alone, not on what was asked for before.
class FarLightLattice {
 public:
  // Of a line of the lattice, at these places along it [m from the plane through the origin].
  using AtPlaces = std::function<std::vector<double>(const Track&, const std::vector<double>&)>;

  explicit FarLightLattice(double step) : step_(step) {}

  // At `lengths` [m from the vertex, ascending], by the cubics through the nearest four places
  // along each axis; at least 0.
  std::vector<double> along(const Track& track, const std::vector<double>& lengths,
                            const AtPlaces& at_places);

 private:
  struct Line {
    long first = 0;              // place along it, in steps
    std::vector<double> values;  // not a number: not made yet
  };

  std::vector<double> across(const Track& track, const TrackFrame& frame, const Vec3& vertex,
                             const std::vector<long>& places, const AtPlaces& at_places);
  void add_places(const Track& track, const TrackFrame& frame, const std::pair<long, long>& across,
                  const std::vector<long>& places, const AtPlaces& at_places, Line& line) const;

  // Lines kept: as many as a direction's ways down come by, a few MB.
  static constexpr std::size_t most_lines = 2000;

  double step_;
  Vec3 direction_{0, 0, 0};
  std::map<std::pair<long, long>, Line> lines_;  // by their places across, in steps
};

}  // namespace skyscan

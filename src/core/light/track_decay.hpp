// How fast the light of an infinite track falls off towards a DOM, where it may go around dust.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

#include "light/layered_diffusion.hpp"
#include "light/layered_ice.hpp"
#include "math/jet.hpp"
#include "math/lanes.hpp"

namespace skyscan {

// The decay k [1/m] with which K0(k rho) 3 b / (2 pi), the diffused light of a track in even ice,
// is the light there is in layered ice; b: the scattering between track and DOM. Tabulated by the
// track's direction and the DOM's height, linear between nodes, for tracks of one direction have no
// slopes by these; and by the distance and the side the DOM is on, parabolic.
class TrackDecay {
 public:
  // window: of the distance; ice this much further up and down counts for b (fitted_optics.hpp).
  TrackDecay(const LayeredIce& ice, double window);

  // What of it tracks of one direction need. For one thread.
  class Slice;

 private:
  // Of the tracks' directions, by the z component.
  static constexpr std::size_t directions = 13;
  // Heights [m, detector coordinates]; DOMs beyond count as the outermost.
  static constexpr double lowest = -560, spacing = 10;
  static constexpr std::size_t heights = 113;
  // ln(1 + (rho / near)^2) / 2 up to 600 m: even steps near the track, even ratios further out.
  static constexpr double near = 20, longest_log = 3.4017;  // m; ln
  static constexpr std::size_t distances = 14;
  // Cosines of the angle about the track from "up across it".
  static constexpr std::size_t cosines = 17;

  // A parabolic spline needs a number more on either side of its nodes; and rows are whole vectors.
  static constexpr std::size_t row = 20, layer = (distances + 2) * row;
  static_assert(row >= cosines + 3);
  using Table = std::vector<float>;

  const Table& of_direction(std::size_t i) const;
  Table made(double upwards) const;

  LayeredIce ice_;
  double window_;
  mutable std::once_flag diffuses_;
  mutable std::optional<LayeredDiffusion> diffusion_;  // once a direction was asked for
  mutable std::array<std::once_flag, directions> is_made_;
  mutable std::array<Table, directions> tables_;
};

class TrackDecay::Slice {
 public:
  // upwards: z component of the tracks' direction.
  void turn_to(const TrackDecay& decay, double upwards);

  // cosine: of the angle about the track; log_scattering: ln(b * usual_scattering_length).
  // Number, Plain: double or Jet, and double; or Lanes or LaneJet, and Lanes.
  template <typename Number, typename Plain>
  [[gnu::always_inline]] Number at(const Plain& height, const Number& distance,
                                   const Number& cosine, const Number& log_scattering) const {
    // What follows the scattering at the very place is no matter for tables.
    const Number scattered = log_scattering * inverse(rounding + distance);
    const Number squared = 1 + (1 / (near * near)) * (distance * distance);
    const Number far = (0.5 / step_of_logs) * logarithm_of(squared);
    const Spot<Plain> spot = look(height, value_of(far), value_of(cosine));
    return scattered + chained(far, cosine, spot.value, spot.by_distance, spot.by_cosine);
  }

  // m: ln(b) counts divided by the distance and this.
  static constexpr double rounding = 10;

 private:
  friend class TrackDecay;
  static constexpr double step_of_logs = longest_log / (distances - 1);

  template <typename Plain>
  struct Spot {
    Plain value, by_distance, by_cosine;  // by steps of the table, and by the cosine
  };
  Spot<double> look(double height, double far, double cosine) const;
  Spot<Lanes> look(const Lanes& height, const Lanes& far, const Lanes& cosine) const;

  double upwards_ = 2;  // of no direction
  std::vector<float> numbers_;
};

}  // namespace skyscan

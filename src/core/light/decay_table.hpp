// How fast light falls off on the way to a DOM, by the DOM's height, the distance, and a direction.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

#include "math/jet.hpp"
#include "math/lanes.hpp"

namespace skyscan {

// Decays k [1/m] for light that may go around dust: linear between heights of DOMs, which do not
// move, and parabolic, with slopes that go on smoothly, by distance and by a cosine.
class DecayTable {
 public:
  // What a decay is at a place. log_scattering: ln(b * usual_scattering_length), b [1/m] being the
  // scattering on the straight way: what of the decay goes with it is no matter for tables.
  struct Node {
    double decay, log_scattering;
  };
  using NodeAt = std::function<Node(double height, double distance, double cosine)>;

  DecayTable() = default;  // of nothing
  explicit DecayTable(const NodeAt& node_at);

  // Becomes what is between two tables.
  void mix(const DecayTable& a, const DecayTable& b, double share_of_b);

  // height, distance: m. Number, Plain: double or Jet, and double; or Lanes or LaneJet, and Lanes.
  template <typename Number, typename Plain>
  [[gnu::always_inline]] Number at(const Plain& height, const Number& distance,
                                   const Number& cosine, const Number& log_scattering) const {
    const Number far = steps(distance);
    const Spot<Plain> spot = look(height, value_of(far), value_of(cosine));
    return at_least(least, scattered(distance, log_scattering) +
                               chained(far, cosine, spot.value, spot.by_distance, spot.by_cosine));
  }

  // Of a DOM that many sources shine at.
  class AtHeight;
  AtHeight at_height(double height) const;

 private:
  // m, detector coordinates; DOMs beyond count as the outermost.
  static constexpr double lowest = -560, spacing = 10;
  static constexpr std::size_t heights = 113;
  // Even steps of distance / (distance + near), up to 500 m.
  static constexpr double near = 150, longest = 500;  // m
  static constexpr std::size_t distances = 14;
  static constexpr double per_share = (distances - 1) * (longest + near) / longest;
  static constexpr std::size_t cosines = 17;
  // m: nearer than layers of ice are thick, light has not yet diffused.
  static constexpr double diffused = 10;
  // 1/m: no ice is as clear, but given ice may be odd.
  static constexpr double least = 1e-4;
  // m: ln(b) counts divided by the distance and this.
  static constexpr double rounding = 20;

  // A parabolic spline needs a number more on either side of its nodes; and four are read at once.
  static constexpr std::size_t row = cosines + 3, layer = (distances + 2) * row;

  template <typename Number>
  [[gnu::always_inline]] static Number steps(const Number& distance) {
    return per_share * (distance * inverse(near + distance));
  }
  template <typename Number>
  [[gnu::always_inline]] static Number scattered(const Number& distance,
                                                 const Number& log_scattering) {
    return log_scattering * inverse(rounding + distance);
  }

  template <typename Plain>
  struct Spot {
    Plain value, by_distance, by_cosine;  // by steps of the table, and by the cosine
  };
  Spot<double> look(double height, double far, double cosine) const;
  Spot<Lanes> look(const Lanes& height, const Lanes& far, const Lanes& cosine) const;

  std::vector<float> numbers_;
};

class DecayTable::AtHeight {
 public:
  // As of the table.
  [[gnu::always_inline]] Lanes at(const Lanes& distance, const Lanes& cosine,
                                  const Lanes& log_scattering) const {
    return at_least(least, scattered(distance, log_scattering) + look(steps(distance), cosine));
  }

 private:
  friend class DecayTable;
  Lanes look(const Lanes& far, const Lanes& cosine) const;

  std::array<float, layer> numbers_;
};

}  // namespace skyscan

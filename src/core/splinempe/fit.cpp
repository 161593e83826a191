// Fits of splinempe.
//
// At a fixed direction tracks are a family of three dimensions: two offsets across, one time. Which
// point of the track is the vertex does not matter: at another vertex time the surface is the same,
// moved along the direction. Its minima, dozens far from the true direction, thus depend on the
// direction alone and are searched for once for all seeds of it: sketches say where they may be,
// the likelihood which of these places are worth going down from. A seed that is better than one
// would think, from a neighbouring direction, is followed down as well.

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/constants.hpp"
#include "base/track_frame.hpp"
#include "minimise/distinct_minima.hpp"
#include "minimise/simplex.hpp"
#include "minimise/trust_region.hpp"
#include "splinempe/coarse_map.hpp"
#include "splinempe/likelihood.hpp"

namespace skyscan {
namespace {

constexpr double limit = 2000;  // m: |x|, |y|, |z| of a vertex
// The same while searching, where the vertex is that point of the track that suits the search.
constexpr double search_limit = 3 * limit;

// Steps longer than this teach nothing of the curvature [m].
constexpr double longest_lesson = 30;
constexpr double first_radius = 50;  // m: of the trust region
constexpr double settled = 0.05;     // llh: an improvement not worth another step
constexpr int most_steps = 60;
// Closer than this [m] to a minimum known and hardly higher [llh], a descent would end there.
constexpr double same_place = 10, same_llh = 5;

// Descents of the search: so many at most, from places not so much [llh] above the lowest minimum
// yet. Seeds are followed down under the same condition.
constexpr std::size_t descents = 12;
constexpr double promising = 20;
// The lowest minima, so many of them that are not so much [llh] above the lowest, are finished by a
// simplex: some have lower ones behind a kink.
constexpr std::size_t finishes = 4;
constexpr double worth_finishing = 5;

// Around the lowest minimum found it jumps so often, at first so far [m], then closer.
constexpr int jumps = 6;
constexpr double first_jump = 40, closer = 0.6;
constexpr std::size_t descents_per_jump = 2;

// The simplex: first steps as the reference's.
constexpr double simplex_step = 20;                 // m
constexpr SimplexLimits simplex_limits{160, 0.02};  // evaluations, llh

Vec3 sum(const Vec3& a, double factor, const Vec3& b) {
  return {a.x + factor * b.x, a.y + factor * b.y, a.z + factor * b.z};
}

bool is_within(const Vec3& p, double limit) {
  return std::fabs(p.x) <= limit && std::fabs(p.y) <= limit && std::fabs(p.z) <= limit;
}

using Position = std::array<double, 3>;
Position array(const Vec3& v) { return {v.x, v.y, v.z}; }
Vec3 vector(const Position& x) { return {x[0], x[1], x[2]}; }

}  // namespace

// The likelihood at one direction and time, and the ways down it.
class SplineMpe::Search {
 public:
  Search(const SplineMpe& likelihood, Track track, std::int64_t& evaluations)
      : likelihood_(likelihood), track_(track), evaluations_(evaluations) {}

  double value(const Vec3& position, SplineMpeSlope* slope) const {
    ++evaluations_;
    return likelihood_.evaluate(at(position), slope);
  }

  // The direction's minima, those that matter. `closely`: also those right beside the lowest, which
  // sketches are too coarse to show.
  std::vector<Minimum> minima(const Sketches& sketches, bool closely) const {
    std::vector<Minimum> starts;
    for (const Vec3& place : likely_places(sketches.coarse, sketches.fine, track_))
      starts.push_back({value(place, nullptr), place});
    sort_lowest_first(starts, &Minimum::llh);
    std::vector<Minimum> found;
    for (const Minimum& start : starts) {
      if (found.size() == descents) break;
      if (!found.empty() && start.llh > lowest_of(found, &Minimum::llh).llh + promising) break;
      found.push_back(descend_from(start.position, found));
    }
    std::vector<Minimum> finished;
    const auto finish_lowest = [&](std::vector<Minimum> of) {
      sort_lowest_first(of, &Minimum::llh);
      std::size_t count = 0;
      for (const Minimum& minimum : of) {
        if (count == finishes ||
            minimum.llh > lowest_of(found, &Minimum::llh).llh + worth_finishing)
          break;
        if (is_known(finished, minimum, are_same)) continue;
        finished.push_back(minimum);
        found.push_back(finish(minimum));
        ++count;
      }
    };
    const std::vector<Minimum> beside =
        closely ? around(lowest_of(found, &Minimum::llh), found) : std::vector<Minimum>{};
    finish_lowest(found);
    finish_lowest(beside);
    return found;
  }

  Minimum descend_from(const Vec3& position, const std::vector<Minimum>& known) const {
    struct Function {
      double value(const Position& x) {
        if (!is_within(vector(x), search_limit)) return std::nan("");
        return search.value(vector(x), &slope);
      }
      Slopes<3> slopes(const Position&) const {
        const auto& [gradient, s] = slope;
        return {array(gradient), {{{s.xx, s.xy, s.xz}, {s.xy, s.yy, s.yz}, {s.xz, s.yz, s.zz}}}};
      }
      const Search& search;
      SplineMpeSlope slope;
    };
    const auto is_end = [&](const Position& x, double llh) {
      return std::ranges::any_of(known, [&](const Minimum& minimum) {
        return llh >= minimum.llh && llh < minimum.llh + same_llh &&
               distance(vector(x), minimum.position) < same_place;
      });
    };
    Function function{*this, {}};
    const auto found = trust_region_minimum<3>(
        function, array(position), BfgsNearby<3>(longest_lesson),
        {.first_radius = first_radius, .least_gain = settled, .most_steps = most_steps}, is_end);
    return {found.value, vector(found.x)};
  }

  // A minimum's last metres: kinks, where slopes mislead, do not stop a simplex.
  Minimum finish(const Minimum& minimum) const {
    const auto at = [&](const Position& x) { return value(vector(x), nullptr); };
    const auto found =
        simplex_minimum<3>(at, {array(minimum.position), minimum.llh},
                           {simplex_step, simplex_step, simplex_step}, simplex_limits);
    return {found.value, vector(found.x)};
  }

 private:
  static bool are_same(const Minimum& a, const Minimum& b) {
    return distance(a.position, b.position) < same_place;
  }

  // What jumps around a minimum, and on from what they find, lead to. Minima come in groups.
  std::vector<Minimum> around(Minimum centre, const std::vector<Minimum>& known) const {
    const TrackFrame frame(track_.direction);
    std::vector<Minimum> found = known;
    double reach = first_jump;
    for (int jump = 0; jump < jumps; ++jump) {
      // To the faces of a cube and to its corners in turns.
      const int axes = jump % 2 == 0 ? 1 : 3;
      const double step = reach / std::sqrt(axes);
      std::vector<Minimum> starts;
      for (int i = -1; i <= 1; ++i)
        for (int j = -1; j <= 1; ++j)
          for (int k = -1; k <= 1; ++k) {
            if (std::abs(i) + std::abs(j) + std::abs(k) != axes) continue;
            const Vec3 p = sum(centre.position, 1, frame.vector(i * step, j * step, k * step));
            starts.push_back({value(p, nullptr), p});
          }
      sort_lowest_first(starts, &Minimum::llh);
      starts.resize(descents_per_jump);
      for (const Minimum& start : starts)
        if (start.llh < centre.llh + promising)
          found.push_back(descend_from(start.position, found));
      const Minimum& best = lowest_of(found, &Minimum::llh);
      if (best.llh < centre.llh - settled)
        centre = best;
      else
        reach *= closer;
    }
    found.erase(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(known.size()));
    return found;
  }

  Track at(const Vec3& position) const {
    Track track = track_;
    track.position = position;
    return track;
  }

  const SplineMpe& likelihood_;
  Track track_;
  std::int64_t& evaluations_;
};

SplineMpeFit SplineMpe::fit(const Track* seeds, std::size_t count) {
  std::int64_t evaluations = 0;
  const double time = seeds[0].time;
  Track track = seeds[0];
  track.time = middle_time_;
  const Vec3 n = track.direction;
  const auto moved = [&n](const Vec3& position, double from, double to) {
    return sum(position, speed_of_light * (to - from), n);
  };
  const Search search(*this, track, evaluations);
  // Where a coarser pixel's fit is given, the pixel is one of those that decide the result.
  const bool closely = count > 1;
  const bool is_known = minima_direction_.x == n.x && minima_direction_.y == n.y &&
                        minima_direction_.z == n.z && minima_closely_ == closely;
  if (!is_known) {
    minima_ = search.minima(sketches(track.zenith), closely);
    minima_direction_ = n;
    minima_closely_ = closely;
  }

  std::vector<Minimum> places = minima_;
  for (std::size_t i = 0; i < count; ++i) {
    const Vec3 position = moved(seeds[i].position, seeds[i].time, middle_time_);
    if (search.value(position, nullptr) < lowest_of(minima_, &Minimum::llh).llh + promising)
      places.push_back(search.descend_from(position, places));
  }
  if (const Minimum best = lowest_of(places, &Minimum::llh);
      best.llh < lowest_of(minima_, &Minimum::llh).llh - settled)
    places.push_back(search.finish(best));

  // The lowest one whose vertex, at the seed's time, is within the limit.
  sort_lowest_first(places, &Minimum::llh);
  track.time = time;
  track.position = {std::clamp(seeds[0].position.x, -limit, limit),
                    std::clamp(seeds[0].position.y, -limit, limit),
                    std::clamp(seeds[0].position.z, -limit, limit)};
  for (const Minimum& place : places) {
    const Vec3 position = moved(place.position, middle_time_, time);
    if (!is_within(position, limit)) continue;
    track.position = position;
    break;
  }
  ++evaluations;
  return {evaluate(track, nullptr), track.position, time, evaluations};
}

}  // namespace skyscan

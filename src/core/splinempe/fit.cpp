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
#include "splinempe/coarse_map.hpp"
#include "splinempe/descent.hpp"
#include "splinempe/likelihood.hpp"

namespace skyscan {
namespace {

constexpr double limit = 2000;  // m: |x|, |y|, |z| of a vertex
// The same while searching, where the vertex is that point of the track that suits the search.
constexpr double search_limit = 3 * limit;

constexpr double first_radius = 50;  // m: of the trust region
constexpr double settled = 0.05;     // llh: an improvement not worth another step
constexpr long most_steps = 60;
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
constexpr double simplex_step = 20;       // m
constexpr double simplex_settled = 0.02;  // llh
constexpr int most_simplex_steps = 80;

Vec3 sum(const Vec3& a, double factor, const Vec3& b) {
  return {a.x + factor * b.x, a.y + factor * b.y, a.z + factor * b.z};
}

bool is_within(const Vec3& p, double limit) {
  return std::fabs(p.x) <= limit && std::fabs(p.y) <= limit && std::fabs(p.z) <= limit;
}

// Two axes across a direction and the direction itself.
struct Frame {
  explicit Frame(const Vec3& n) : along(n) {
    const Vec3 level = std::fabs(n.z) < 0.9 ? Vec3{-n.y, n.x, 0} : Vec3{0, -n.z, n.y};
    u = sum({0, 0, 0}, 1 / distance(level, {0, 0, 0}), level);
    v = {n.y * u.z - n.z * u.y, n.z * u.x - n.x * u.z, n.x * u.y - n.y * u.x};
  }
  Vec3 at(double right, double up, double forward) const {
    return sum(sum(sum({0, 0, 0}, right, u), up, v), forward, along);
  }
  Vec3 along, u, v;
};

template <typename Place>
void sort_by_llh(std::vector<Place>& places) {
  std::stable_sort(places.begin(), places.end(),
                   [](const Place& a, const Place& b) { return a.llh < b.llh; });
}

template <typename Place>
const Place& lowest(const std::vector<Place>& places) {
  return *std::min_element(places.begin(), places.end(),
                           [](const Place& a, const Place& b) { return a.llh < b.llh; });
}

template <typename Place>
bool is_near_any(const std::vector<Place>& places, const Vec3& position) {
  return std::any_of(places.begin(), places.end(), [&](const Place& place) {
    return distance(place.position, position) < same_place;
  });
}

// Stops when improvements get small, when it has taken long, or on the way into a minimum known.
template <typename Place>
class Stop {
 public:
  Stop(double settled, const std::vector<Place>& known) : settled_(settled), known_(known) {}

  bool should_continue_search(const Column& x, double value, const Column&) {
    for (const Place& place : known_)
      if (value >= place.llh && value < place.llh + same_llh &&
          distance(vector(x), place.position) < same_place)
        return false;
    const bool is_first = taken_ == 0;
    const double gain = before_ - value;
    before_ = value;
    return ++taken_ <= most_steps && (is_first || std::fabs(gain) > settled_);
  }

 private:
  double settled_;
  const std::vector<Place>& known_;
  long taken_ = 0;
  double before_ = 0;
};

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
    sort_by_llh(starts);
    std::vector<Minimum> found;
    for (const Minimum& start : starts) {
      if (found.size() == descents) break;
      if (!found.empty() && start.llh > lowest(found).llh + promising) break;
      found.push_back(descend_from(start.position, found));
    }
    std::vector<Minimum> finished;
    const auto finish_lowest = [&](std::vector<Minimum> of) {
      sort_by_llh(of);
      std::size_t count = 0;
      for (const Minimum& minimum : of) {
        if (count == finishes || minimum.llh > lowest(found).llh + worth_finishing) break;
        if (is_near_any(finished, minimum.position)) continue;
        finished.push_back(minimum);
        found.push_back(finish(minimum));
        ++count;
      }
    };
    const std::vector<Minimum> beside =
        closely ? around(lowest(found), found) : std::vector<Minimum>{};
    finish_lowest(found);
    finish_lowest(beside);
    return found;
  }

  Minimum descend_from(Vec3 position, const std::vector<Minimum>& known) const {
    const double llh =
        descend([&](const Vec3& at, SplineMpeSlope& slope) { return value(at, &slope); },
                search_limit, first_radius, Stop(settled, known), position);
    return {llh, position};
  }

  // A minimum's last metres, by the method of J. Nelder and R. Mead, Computer Journal 7 (1965) 308:
  // kinks, where slopes mislead, do not stop it.
  Minimum finish(const Minimum& minimum) const {
    const auto place = [&](const Vec3& at) { return Minimum{value(at, nullptr), at}; };
    std::vector<Minimum> corners = {minimum};
    for (const Vec3& way : {Vec3{1, 0, 0}, Vec3{0, 1, 0}, Vec3{0, 0, 1}})
      corners.push_back(place(sum(minimum.position, simplex_step, way)));
    sort_by_llh(corners);
    for (int i = 0; i < most_simplex_steps; ++i) {
      if (corners[3].llh - corners[0].llh < simplex_settled) break;
      const Vec3 middle =
          sum(sum(sum({0, 0, 0}, 1 / 3., corners[0].position), 1 / 3., corners[1].position), 1 / 3.,
              corners[2].position);
      const Vec3 away = sum(middle, -1, corners[3].position);
      const Minimum reflected = place(sum(middle, 1, away));
      if (reflected.llh < corners[0].llh) {
        const Minimum further = place(sum(middle, 2, away));
        corners[3] = further.llh < reflected.llh ? further : reflected;
      } else if (reflected.llh < corners[2].llh) {
        corners[3] = reflected;
      } else {
        const bool is_beyond = reflected.llh < corners[3].llh;
        const Minimum nearer = place(sum(middle, is_beyond ? 0.5 : -0.5, away));
        if (nearer.llh < std::min(reflected.llh, corners[3].llh)) {
          corners[3] = nearer;
        } else {
          for (std::size_t k = 1; k < 4; ++k)
            corners[k] = place(
                sum(corners[0].position, 0.5, sum(corners[k].position, -1, corners[0].position)));
        }
      }
      sort_by_llh(corners);
    }
    return corners[0];
  }

 private:
  // What jumps around a minimum, and on from what they find, lead to. Minima come in groups.
  std::vector<Minimum> around(Minimum centre, const std::vector<Minimum>& known) const {
    const Frame frame(track_.direction);
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
            const Vec3 p = sum(centre.position, 1, frame.at(i * step, j * step, k * step));
            starts.push_back({value(p, nullptr), p});
          }
      sort_by_llh(starts);
      starts.resize(descents_per_jump);
      for (const Minimum& start : starts)
        if (start.llh < centre.llh + promising)
          found.push_back(descend_from(start.position, found));
      const Minimum& best = lowest(found);
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
    if (search.value(position, nullptr) < lowest(minima_).llh + promising)
      places.push_back(search.descend_from(position, places));
  }
  if (const Minimum best = lowest(places); best.llh < lowest(minima_).llh - settled)
    places.push_back(search.finish(best));

  // The lowest one whose vertex, at the seed's time, is within the limit.
  sort_by_llh(places);
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

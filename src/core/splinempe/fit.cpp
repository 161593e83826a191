#include "splinempe/fit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>

#include "base/track_frame.hpp"
#include "minimise/distinct_minima.hpp"
#include "minimise/trust_region.hpp"
#include "splinempe/rough_likelihood.hpp"

namespace skyscan {
namespace {

bool is_within(const Vec3& p, double limit) {
  return std::fabs(p.x) <= limit && std::fabs(p.y) <= limit && std::fabs(p.z) <= limit;
}

using Position = std::array<double, 3>;
Position array(const Vec3& v) { return {v.x, v.y, v.z}; }
Vec3 vector(const Position& x) { return {x[0], x[1], x[2]}; }

const Minimum& lowest(const std::vector<Minimum>& minima) {
  return lowest_of(minima, &Minimum::llh);
}

double least_of(std::span<const Minimum> minima) {
  double least = std::numeric_limits<double>::infinity();
  for (const Minimum& minimum : minima) least = std::fmin(least, minimum.llh);
  return least;
}

// The likelihood at one direction, at the middle time, and the ways down it.
class Surface {
 public:
  Surface(const SplineMpe& likelihood, Track track, const SplineMpeOptions& options)
      : likelihood_(likelihood), track_(track), options_(options) {
    track_.time = likelihood.middle_time();
    if (const RoughMuon* light = likelihood.light().rough();
        light && likelihood.setting().has_noise)
      rough_.emplace(likelihood, *light, track);
  }

  // By the rough likelihood where there is one. `slope` may be null.
  double value(const Vec3& position, SplineMpeSlope* slope) {
    if (!rough_) return exact(position, slope);
    ++evaluations_;
    return rough_->evaluate(position, slope);
  }

  // Those that can be the lowest anew by the exact likelihood, and the lowest in any case; `least`:
  // of others that are exact.
  void make_exact(std::span<Minimum> minima,
                  double least = std::numeric_limits<double>::infinity()) {
    if (!rough_) return;
    std::vector<Minimum*> rough;
    for (Minimum& minimum : minima) rough.push_back(&minimum);
    std::ranges::sort(rough, {}, &Minimum::llh);
    double least_rough = least;
    for (Minimum* const minimum : rough) {
      least_rough = std::fmin(least_rough, minimum->llh);
      if (minimum->llh > std::fmax(least_rough + options_.rough_error, least)) break;
      minimum->llh = exact(minimum->position, nullptr);
      least = std::fmin(least, minimum->llh);
    }
  }

  // Down to a minimum, or until it is clear that it is one of those known.
  Minimum descend_from(const Vec3& position, const std::vector<Minimum>& known) {
    return descend_from(position, known, options_.same_place, options_.same_llh);
  }
  Minimum descend_from(const Vec3& position, const std::vector<Minimum>& known, double same_place,
                       double same_llh);

  // A minimum's last metres: kinks, where slopes mislead, do not stop a simplex. It ends where it
  // is clear that it comes to nothing as low as `least`.
  Minimum finish(const Minimum& minimum, double step, const SimplexLimits& limits, double least) {
    const auto at = [&](const Position& x) { return value(vector(x), nullptr); };
    const auto is_end = [least](const Point<3>& best, const Point<3>& worst) {
      return worst.value - best.value < best.value - least;
    };
    const auto found = simplex_minimum<3>(at, {array(minimum.position), minimum.llh},
                                          {step, step, step}, limits, is_end);
    return {found.value, vector(found.x)};
  }

  std::int64_t evaluations() const { return evaluations_; }

 private:
  double exact(const Vec3& position, SplineMpeSlope* slope) {
    ++evaluations_;
    Track track = track_;
    track.position = position;
    return likelihood_.evaluate(track, slope);
  }

  const SplineMpe& likelihood_;
  Track track_;
  const SplineMpeOptions& options_;
  std::optional<RoughSplineMpe> rough_;
  std::int64_t evaluations_ = 0;
};

Minimum Surface::descend_from(const Vec3& position, const std::vector<Minimum>& known,
                              double same_place, double same_llh) {
  // Value and slope come together.
  struct Function {
    double value(const Position& x) {
      if (!is_within(vector(x), surface.options_.search_limit)) return std::nan("");
      return surface.value(vector(x), &slope);
    }
    Slopes<3> slopes(const Position&) const {
      const auto& [gradient, s] = slope;
      return {array(gradient), {{{s.xx, s.xy, s.xz}, {s.xy, s.yy, s.yz}, {s.xz, s.yz, s.zz}}}};
    }
    Surface& surface;
    SplineMpeSlope slope;
  };
  const auto is_end = [&](const Position& x, double llh) {
    return std::ranges::any_of(known, [&](const Minimum& minimum) {
      return llh >= minimum.llh && llh < minimum.llh + same_llh &&
             distance(vector(x), minimum.position) < same_place;
    });
  };
  Function function{*this, {}};
  const auto found =
      trust_region_minimum<3>(function, array(position), BfgsNearby<3>(options_.longest_lesson),
                              {.first_radius = options_.first_radius,
                               .least_gain = options_.least_gain,
                               .most_steps = options_.most_steps},
                              is_end);
  return {found.value, vector(found.x)};
}

// The search for a direction's minima.
class Search {
 public:
  Search(Surface& surface, const Vec3& direction, const SplineMpeOptions& options)
      : surface_(surface), frame_(direction), options_(options) {}

  // Coarse maps say where minima may be, the likelihood which of these places are worth going down
  // from.
  std::vector<Minimum> minima(const std::vector<Vec3>& places, bool is_thorough) {
    found_ = descents_from(places);
    std::vector<Minimum> beside;
    if (is_thorough) beside = around_lowest();
    finish_lowest(found_);
    finish_lowest(beside);
    finish_again();
    return std::move(found_);
  }

 private:
  std::vector<Minimum> evaluated(const std::vector<Vec3>& places) {
    std::vector<Minimum> starts;
    for (const Vec3& place : places) starts.push_back({surface_.value(place, nullptr), place});
    sort_lowest_first(starts, &Minimum::llh);
    return starts;
  }

  std::vector<Minimum> descents_from(const std::vector<Vec3>& places) {
    std::vector<Minimum> found;
    for (const Minimum& start : evaluated(places)) {
      if (found.size() == options_.most_descents) break;
      if (!found.empty() && start.llh > lowest(found).llh + options_.follow_margin) break;
      found.push_back(surface_.descend_from(start.position, found));
    }
    return found;
  }

  // What jumps around the lowest minimum, and on from what they find, lead to: minima come in
  // groups.
  std::vector<Minimum> around_lowest() {
    Minimum centre = lowest(found_);
    std::vector<Minimum> all = found_;
    double reach = options_.first_jump;
    for (int jump = 0; jump < options_.jumps; ++jump) {
      std::vector<Minimum> starts = evaluated(cube_around(centre.position, reach, jump % 2 == 0));
      starts.resize(options_.descents_per_jump);
      for (const Minimum& start : starts)
        if (start.llh < centre.llh + options_.follow_margin)
          all.push_back(surface_.descend_from(start.position, all));
      const Minimum& best = lowest(all);
      if (best.llh < centre.llh - options_.least_gain)
        centre = best;
      else
        reach *= options_.closer;
    }
    return {all.begin() + static_cast<std::ptrdiff_t>(found_.size()), all.end()};
  }

  // The middles of a cube's faces, or its corners, all at one distance.
  std::vector<Vec3> cube_around(const Vec3& centre, double reach, bool faces) const {
    const int axes = faces ? 1 : 3;
    const double step = reach / std::sqrt(axes);
    std::vector<Vec3> places;
    for (int i = -1; i <= 1; ++i)
      for (int j = -1; j <= 1; ++j)
        for (int k = -1; k <= 1; ++k)
          if (std::abs(i) + std::abs(j) + std::abs(k) == axes)
            places.push_back(centre + frame_.vector(i * step, j * step, k * step));
    return places;
  }

  void finish_lowest(std::vector<Minimum> minima) {
    sort_lowest_first(minima, &Minimum::llh);
    const auto are_same = [&](const Minimum& a, const Minimum& b) {
      return distance(a.position, b.position) < options_.same_place;
    };
    std::size_t count = 0;
    for (const Minimum& minimum : minima) {
      if (count == options_.most_finished ||
          minimum.llh > lowest(found_).llh + options_.finish_margin)
        break;
      if (is_known(finished_, minimum, are_same)) continue;
      finished_.push_back(minimum);
      found_.push_back(
          surface_.finish(minimum, options_.simplex_step, options_.simplex, lowest(found_).llh));
      ++count;
    }
  }

  void finish_again() {
    for (int turn = 0; turn < options_.most_again; ++turn) {
      const double step = turn % 2 == 0 ? -options_.step_again : options_.step_again;
      const Minimum before = lowest(found_);
      found_.push_back(surface_.finish(before, step, options_.simplex, before.llh));
      if (!(found_.back().llh < before.llh - options_.least_gain_again)) break;
    }
  }

  Surface& surface_;
  TrackFrame frame_;
  const SplineMpeOptions& options_;
  std::vector<Minimum> found_, finished_;
};

}  // namespace

const CoarseMaps::Pair& CoarseMaps::at(const SplineMpe& likelihood, double zenith) {
  // Bands of equal solid angle.
  const auto count = static_cast<double>(bands_.size());
  const double band = std::fmin(std::floor((1 - std::cos(zenith)) / 2 * count), count - 1);
  auto& pair = bands_[static_cast<std::size_t>(band)];
  if (!pair) {
    const double middle = std::acos(1 - (2 * band + 1) / count);
    const auto map = [&](const CoarseMapScale& scale) {
      return CoarseMap(likelihood.light(), likelihood.pulses(), likelihood, scale, middle);
    };
    pair = std::make_unique<const Pair>(Pair{map(coarse_scale), map(fine_scale)});
  }
  return *pair;
}

DirectionMinima minima_along(const SplineMpe& likelihood, CoarseMaps& maps, const Track& track,
                             bool is_thorough, const SplineMpeOptions& options) {
  Track at = track;
  at.time = likelihood.middle_time();
  const auto& [coarse, fine] = maps.at(likelihood, track.zenith);
  Surface surface(likelihood, at, options);
  Search search(surface, track.direction, options);
  const LikelyPlacesOptions places = is_thorough ? thorough_places(options.places) : options.places;
  std::vector<Minimum> minima = search.minima(likely_places(coarse, fine, at, places), is_thorough);
  surface.make_exact(minima);
  if (minima.empty() || minima.size() > DirectionMinima::most)
    throw std::logic_error("splinempe: the search's options allow for too many minima or none");
  return {std::move(minima), surface.evaluations()};
}

namespace {

// Where guesses lead to, beside what is known.
std::vector<Minimum> descents_beside(Surface& surface, std::vector<Minimum> guesses,
                                     std::vector<Minimum> known, const SplineMpeOptions& options) {
  const auto first = static_cast<std::ptrdiff_t>(known.size());
  sort_lowest_first(guesses, &Minimum::llh);
  for (const Minimum& guess : guesses) {
    if (known.size() == static_cast<std::size_t>(first) + options.most_descents_beside) break;
    if (!known.empty() && guess.llh > lowest(known).llh + options.follow_margin_beside) break;
    known.push_back(surface.descend_from(guess.position, known, options.same_place_beside,
                                         options.same_llh_beside));
  }
  return {known.begin() + first, known.end()};
}

// The last metres of those that can be the lowest, and of the lowest once more.
void finish_beside(Surface& surface, std::vector<Minimum>& found, const std::vector<Minimum>& known,
                   const SplineMpeOptions& options) {
  double least = std::fmin(least_of(found), least_of(known));
  const double limit = least + options.finish_margin_beside;
  std::vector<Minimum> finished;
  Minimum* best = nullptr;
  for (Minimum& minimum : found) {
    const auto leads_to = [&](const Minimum& other) {
      return minimum.llh >= other.llh &&
             distance(minimum.position, other.position) < options.known_beside;
    };
    const auto is_same = [&](const Minimum& other) {
      return distance(minimum.position, other.position) < options.same_place_beside;
    };
    if (!(minimum.llh < limit) || std::ranges::any_of(finished, is_same) ||
        std::ranges::any_of(known, leads_to))
      continue;
    finished.push_back(minimum);
    minimum = surface.finish(minimum, options.simplex_step_beside, options.simplex_beside, least);
    if (!(minimum.llh < least)) continue;
    least = minimum.llh;
    best = &minimum;
  }
  if (best != nullptr)
    *best = surface.finish(*best, options.second_step_beside, options.simplex_beside, least);
}

}  // namespace

DirectionMinima minima_beside(const SplineMpe& likelihood, const Track& track,
                              const std::vector<Minimum>& starts, const SplineMpeOptions& options) {
  Surface surface(likelihood, track, options);
  std::vector<Minimum> known, guesses;
  for (const Minimum& start : starts) {
    if (std::isfinite(start.llh))
      known.push_back(start);
    else
      guesses.push_back({surface.value(start.position, nullptr), start.position});
  }
  std::vector<Minimum> found = descents_beside(surface, guesses, known, options);
  finish_beside(surface, found, known, options);
  surface.make_exact(found, least_of(known));
  found.insert(found.end(), known.begin(), known.end());
  if (found.empty()) throw std::logic_error("splinempe: no place to start from is a number");
  const auto are_same = [&](const Minimum& a, const Minimum& b) {
    return distance(a.position, b.position) < options.same_place_beside;
  };
  keep_distinct(found, &Minimum::llh, are_same, DirectionMinima::most);
  return {std::move(found), surface.evaluations()};
}

SplineMpeFit fit(const SplineMpe& likelihood, const std::vector<Minimum>& minima,
                 std::span<const Track> seeds, const SplineMpeOptions& options) {
  const Track& seed = seeds.front();
  const double middle_time = likelihood.middle_time();
  Surface surface(likelihood, seed, options);
  std::vector<Minimum> places = minima;
  for (const Track& other : seeds) {
    const Vec3 position =
        other.position + speed_of_light * (middle_time - other.time) * seed.direction;
    if (surface.value(position, nullptr) < lowest(minima).llh + options.follow_margin)
      places.push_back(surface.descend_from(position, places));
  }
  if (const Minimum best = lowest(places); best.llh < lowest(minima).llh - options.least_gain)
    places.push_back(
        surface.finish(best, options.simplex_step, options.simplex, lowest(minima).llh));
  surface.make_exact(std::span(places).subspan(minima.size()), lowest(minima).llh);
  SplineMpeFit best = vertex_at(likelihood, places, seed, options);
  for (const Track& other : seeds.subspan(1)) {
    if (best.llh == lowest(places).llh) break;
    const SplineMpeFit its = vertex_at(likelihood, places, other, options);
    if (its.llh < best.llh) best = its;
  }
  best.llh = likelihood.evaluate(
      {best.position, seed.direction, best.time, seed.zenith, seed.azimuth}, nullptr);
  best.evaluations = surface.evaluations() + 1;
  return best;
}

SplineMpeFit vertex_at(const SplineMpe& likelihood, const std::vector<Minimum>& minima,
                       const Track& seed, const SplineMpeOptions& options) {
  const double middle_time = likelihood.middle_time();
  std::vector<Minimum> places = minima;
  sort_lowest_first(places, &Minimum::llh);
  for (const Minimum& place : places) {
    const Vec3 position =
        place.position + speed_of_light * (seed.time - middle_time) * seed.direction;
    if (is_within(position, options.limit)) return {place.llh, position, seed.time, 0};
  }
  Track track = seed;
  track.position = {std::clamp(seed.position.x, -options.limit, options.limit),
                    std::clamp(seed.position.y, -options.limit, options.limit),
                    std::clamp(seed.position.z, -options.limit, options.limit)};
  return {likelihood.evaluate(track, nullptr), track.position, seed.time, 1};
}

}  // namespace skyscan

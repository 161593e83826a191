#include "millipede/fit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/track_frame.hpp"
#include "millipede/descent.hpp"
#include "millipede/starting_tracks.hpp"
#include "minimise/simplex.hpp"

namespace skyscan {

namespace {

// Cascades so few follow the light's shape only roughly, but cost little.
struct Scale {
  double spacing;     // m: of cascades
  double step;        // m: of the simplex's first corners
  int evaluations;    // of each simplex
  double worthwhile;  // llh: a simplex whose corners are as even ends
  double tolerance;   // llh: optimality of the energies
};
constexpr Scale rough{30, 80, 30, 2, 0.05}, coarse{15, 25, 25, 1, 0.01};
constexpr double seed_step = 150;       // m: the same as `rough.step` from a seed
constexpr double delay_per_step = 0.4;  // of a simplex's first corners

// How many places are looked at roughly, how many of them followed, and how many of what they find
// followed coarsely and finely. Then the first two where a neighbouring direction's minimum is
// known.
constexpr std::size_t most_places = 24, most_starts = 8, most_basins = 5;
constexpr std::size_t passing_places = 8, passing_starts = 2;
constexpr double same_start = 30;          // m: of starts closer than this the better one will do
constexpr double same_basin = 15;          // m: the same of what they find
constexpr double same_minimum = 2;         // m
constexpr double hopeless = 120;           // llh: what is this much worse than the best is dropped
constexpr double hopeless_finally = 8;     // llh: the same with cascades twice as far as wanted
constexpr double close = 3;                // llh: the same with the result's cascades
constexpr double medium_worthwhile = 0.1;  // llh: smaller steps are not taken with those
constexpr double worthwhile = 1e-2;        // llh: the same with the result's cascades
constexpr double fine_radius = 10;         // m: first steps of descents
// With the result's cascades: first corners [m], their evaluations, and how even they end [llh].
constexpr double fine_step = 5, last_step = 3;
constexpr SimplexLimits fine_limits{40, 1e-2};
// The last simplex may also slide the track's cascades along it, and starts again, the other way
// round, while it gains as much.
constexpr double slide_step = 1.2;      // m
constexpr double worth_another = 0.05;  // llh
constexpr int most_last = 3;
// How far a lit cascade may be from the boundary for others beyond it to be wished for.
constexpr double at_the_edge = 10;  // m
constexpr double rippling = 0.1;    // llh: less than this makes no difference
constexpr double inside_by = 1e-6;  // m: safe from rounding

// Sorts best first, and keeps of those closer than `same` [m] the best, of all at most `most`.
template <typename Place>
void choose(std::vector<Place>& places, double same, std::size_t most) {
  std::stable_sort(places.begin(), places.end(),
                   [](const Place& a, const Place& b) { return a.llh() < b.llh(); });
  std::vector<Place> chosen;
  for (Place& place : places) {
    const bool known = std::any_of(chosen.begin(), chosen.end(), [&](const Place& better) {
      return track_separation(place.track, better.track) < same;
    });
    if (!known && chosen.size() < most && std::isfinite(place.llh()))
      chosen.push_back(std::move(place));
  }
  places = std::move(chosen);
}

// Drops what is worse than the best, the first, by more than `margin` [llh].
template <typename Place>
void drop_hopeless(std::vector<Place>& places, double margin) {
  std::erase_if(places, [bar = places.empty() ? 0 : places.front().llh() + margin](
                            const Place& place) { return place.llh() > bar; });
}

class Finder {
 public:
  Finder(const Millipede& millipede, const Track& seed, const MillipedeSearch& search,
         int& evaluations)
      : millipede_(millipede), frame_(seed.direction), search_(search), evaluations_(evaluations) {}

  const TrackFrame& frame() const { return frame_; }

  // llh with cascades so few; infinite where there is none.
  double look(const Millipede& millipede, const Scale& scale, const Track& track) const {
    return value(millipede, scale, track, nullptr).llh();
  }

  // Down by a simplex with cascades so few.
  template <typename Place>
  void walk(const Millipede& millipede, const Scale& scale, double step, Place& place) const {
    Settlement latest;
    const Track start = place.track;
    const auto at = [&](const std::array<double, 3>& x) {
      Settlement next = value(millipede, scale, displaced(start, frame_.shifts(), x),
                              latest.found() ? &latest.value : nullptr);
      const double llh = next.llh();
      if (next.found()) latest = std::move(next);
      return llh;
    };
    const auto lowest =
        simplex_minimum<3>(at, {{0, 0, 0}, at({0, 0, 0})}, {step, step, delay_per_step * step},
                           {scale.evaluations, scale.worthwhile});
    place = {displaced(start, frame_.shifts(), lowest.x), lowest.value};
  }

  // Down to the minimum next to where it is, with cascades so far apart.
  void settle(double spacing, double worthwhile, Settlement& at) const {
    ScreenedSurface surface(millipede_, spacing, light_, evaluations_);
    at.value = surface.at(at.track, nullptr);
    if (at.found())
      descend(millipede_, surface, frame_.shifts(),
              {fine_radius, worthwhile, search_.max_evaluations}, at);
  }

  // llh is rough, and slopes get stuck: down by a simplex from where they did.
  void polish(Settlement& best) const {
    const auto move = [&, start = best.track](const std::array<double, 3>& x) {
      return displaced(start, frame_.shifts(), x);
    };
    polish<3>(move, {fine_step, fine_step, delay_per_step * fine_step}, best);
  }

  // The same, the cascades sliding too, until it gains nothing any more.
  void polish_last(Settlement& best) const {
    double sign = -1;
    for (int round = 0; round < most_last; ++round, sign = -sign) {
      const double before = best.llh();
      const auto move = [&, start = best.track](const std::array<double, 4>& x) {
        return advanced_along(displaced(start, frame_.shifts(), {x[0], x[1], x[2]}), x[3]);
      };
      const double step = sign * last_step;
      polish<4>(move, {step, step, delay_per_step * step, sign * slide_step}, best);
      if (!(best.llh() < before - worth_another)) return;
    }
  }

  // Where the cascades are along the track makes ripples in llh, and where light is wanted beyond
  // the boundary, it jumps as one leaves: best are those as far out as can be. The track's cascades
  // are put there, or between where they are, and the way down goes on.
  void put_cascades(Settlement& best) const {
    const double spacing = search_.spacing;
    for (int round = 0; round < 2; ++round) {
      const double before = best.value.llh;
      struct Shift {
        double length;
        int axis;  // of the boundary cascades keep their distance to; -1: none
      };
      std::vector<Shift> shifts;
      const auto inside = chord(best.track, millipede_.boundary());
      if (!inside) return;
      double lit_from = 1e9, lit_to = -1e9;
      for (const Cascade& c : best.value.cascades)
        if (c.energy > 0) {
          lit_from = std::min(lit_from, static_cast<double>(c.number) * spacing);
          lit_to = std::max(lit_to, static_cast<double>(c.number) * spacing);
        }
      if (lit_to > inside->last - at_the_edge) {
        const double wanted = inside->last - inside_by;
        shifts.push_back({wanted - std::floor(wanted / spacing) * spacing, axis_at(best, wanted)});
      }
      if (lit_from < inside->first + at_the_edge) {
        const double wanted = inside->first - 0.5 * spacing + inside_by;
        shifts.push_back(
            {wanted - std::ceil(wanted / spacing) * spacing, axis_at(best, inside->first)});
      }
      if (shifts.empty() && round > 0) return;
      const bool is_edged = !shifts.empty();
      if (round == 0) shifts.push_back({0.5 * spacing, -1});
      int axis = -1;
      Settlement chosen;
      ScreenedSurface surface(millipede_, spacing, light_, evaluations_);
      for (const Shift& shift : shifts) {
        const Track track = advanced_along(best.track, shift.length);
        surface.look_anew();
        MillipedeValue value = surface.at(track, &best.value);
        if (!value.placed || (chosen.found() && value.llh >= chosen.value.llh)) continue;
        chosen = {track, std::move(value)};
        axis = shift.axis;
      }
      if (!chosen.found()) return;
      if (chosen.value.llh > best.value.llh + (is_edged ? 0.5 : 0.05)) return;
      surface.look_anew();
      const TrackShifts here = axis < 0 ? frame_.shifts() : frame_.shifts_across(axis);
      descend(millipede_, surface, here, {fine_radius, worthwhile, search_.max_evaluations},
              chosen);
      if (chosen.value.llh < best.value.llh) best = std::move(chosen);
      if (!(best.value.llh < before - rippling)) return;
    }
  }

  // The result with all light of the cascades that matter; its vertex where the seed wants it.
  MillipedeFit result(Settlement best, const Track& seed) const {
    ++evaluations_;
    best.value =
        millipede_.solve(best.track, search_.spacing, light_, &best.value, energy_tolerance);
    MillipedeFit fit{FitOutcome::outside, seed, std::nan(""), {}, 0};
    if (!best.found()) return fit;
    millipede_.refine(best.track, result_cutoff,
                      narrowed(millipede_, best.value, nullptr, 0, -0.03), 1e-6, best.value);
    ++evaluations_;
    fit.track = best.track;
    fit.llh = best.value.llh;
    fit.losses = std::move(best.value.cascades);
    fit.outcome = std::isfinite(fit.llh) ? FitOutcome::done : FitOutcome::not_a_number;
    return fit;
  }

 private:
  Settlement value(const Millipede& millipede, const Scale& scale, const Track& track,
                   const MillipedeValue* previous) const {
    ++evaluations_;
    return {track, millipede.solve(track, scale.spacing, rough_cutoff, previous, scale.tolerance)};
  }

  template <std::size_t n, typename Move>
  void polish(const Move& move, const std::array<double, n>& steps, Settlement& best) const {
    ScreenedSurface surface(millipede_, search_.spacing, light_, evaluations_);
    best.value = surface.at(best.track, &best.value);
    MillipedeValue latest = best.value;
    const auto at = [&](const std::array<double, n>& x) {
      const Track track = move(x);
      latest = surface.at(track, &latest);
      if (Settlement there{track, latest}; there.llh() < best.llh()) best = std::move(there);
      return latest.placed ? latest.llh : std::nan("");
    };
    simplex_minimum<n>(at, {{}, best.llh()}, steps, fine_limits);
  }

  // The axis across which the boundary is where the track goes in or out, `length` from its vertex.
  int axis_at(const Settlement& at, double length) const {
    const Track end = advanced_along(at.track, length);
    const double place[] = {std::fabs(end.position.x), std::fabs(end.position.y),
                            std::fabs(end.position.z)};
    return static_cast<int>(std::max_element(place, place + 3) - place);
  }

  const Millipede& millipede_;
  const TrackFrame frame_;
  const MillipedeSearch& search_;
  const LightCutoff light_ = search_cutoff;
  int& evaluations_;
};

}  // namespace

MillipedeFit MillipedeFitter::fit(const Millipede& millipede, const Millipede& sketch,
                                  const Track& seed, const Track* fallback,
                                  const MillipedeSearch& search) {
  MillipedeFit none{FitOutcome::outside, seed, std::nan(""), {}, 0};
  if (!millipede.has_charge()) {
    none.outcome = FitOutcome::dark;
    return none;
  }
  int evaluations = 0;
  const Finder finder(millipede, seed, search, evaluations);

  // The best of what lies next to these, with the result's cascades.
  const auto settled = [&](const std::vector<Place>& places) {
    std::vector<Settlement> all;
    for (const Place& place : places) {
      all.push_back({place.track, {}});
      finder.settle(2 * search.spacing, medium_worthwhile, all.back());
    }
    choose(all, same_minimum, most_basins);
    drop_hopeless(all, hopeless_finally);
    for (Settlement& each : all) finder.settle(search.spacing, worthwhile, each);
    choose(all, same_minimum, most_basins);
    drop_hopeless(all, close);
    for (Settlement& each : all) finder.polish(each);
    choose(all, same_minimum, most_basins);
    for (Settlement& each : all) finder.put_cascades(each);
    choose(all, same_minimum, 1);
    if (all.empty()) return none;
    finder.polish_last(all.front());
    return finder.result(std::move(all.front()), seed);
  };

  // The vertex where the seed wants it, as far as cascades stay where they are.
  const auto placed = [&](MillipedeFit fit) {
    fit.evaluations = evaluations;
    if (fit.outcome != FitOutcome::done) return fit;
    const Vec3 &n = seed.direction, &a = seed.position, &b = fit.track.position;
    const double length = search.keeps_time
                              ? (seed.time - fit.track.time) * speed_of_light
                              : (a.x - b.x) * n.x + (a.y - b.y) * n.y + (a.z - b.z) * n.z;
    fit.track = advanced_along(fit.track, std::round(length / search.spacing) * search.spacing);
    return fit;
  };

  if (!(search.reach > 0)) return placed(settled({{seed, 0}}));

  // The best places of the grid, followed down roughly.
  const auto from_grid = [&](std::size_t most_looks, std::size_t most) {
    std::vector<Place> places;
    for (const Track& track : first_light_starts(millipede.first_light(), seed, finder.frame(),
                                                 search.reach, most_looks))
      places.push_back({track, finder.look(sketch, rough, track)});
    choose(places, same_start, most);
    for (Place& place : places) finder.walk(sketch, rough, rough.step, place);
    choose(places, same_basin, most_basins);
    return places;
  };
  const auto follow = [&](const Millipede& light, std::vector<Place>& places) {
    for (Place& place : places) finder.walk(light, coarse, coarse.step, place);
    choose(places, same_basin, most_basins);
    drop_hopeless(places, hopeless);
  };

  if (fallback != nullptr) {
    std::vector<Place> places = from_grid(passing_places, passing_starts);
    places.push_back({seed, 0});
    places.push_back({*fallback, 0});
    follow(millipede, places);
    return placed(settled(places));
  }

  // The family of this direction, whatever the seed.
  const bool is_known = known_ && known_->zenith == seed.zenith &&
                        known_->azimuth == seed.azimuth && known_->spacing == search.spacing &&
                        known_->reach == search.reach;
  if (!is_known) {
    std::vector<Place> places = from_grid(most_places, most_starts);
    follow(sketch, places);
    MillipedeFit best = settled(places);
    known_ = Known{seed.zenith,  seed.azimuth,      search.spacing,
                   search.reach, std::move(places), std::move(best)};
  }
  // What the seed knows beyond that: from there with the fit's own light, as the reference goes.
  const auto is_known_place = [&](const Place& own, double value_at_most) {
    return std::any_of(known_->coarse.begin(), known_->coarse.end(), [&](const Place& other) {
      return track_separation(own.track, other.track) < same_basin ||
             value_at_most > other.value + hopeless;
    });
  };
  Place own{seed, 0};
  finder.walk(millipede, rough, seed_step, own);
  bool is_news = !is_known_place(own, -1e300);
  if (is_news) {
    finder.walk(millipede, coarse, coarse.step, own);
    is_news = !is_known_place(own, finder.look(sketch, coarse, own.track));
  }
  MillipedeFit best = known_->best;
  if (is_news) {
    MillipedeFit other = settled({own});
    if (other.outcome == FitOutcome::done &&
        (best.outcome != FitOutcome::done || other.llh < best.llh))
      best = std::move(other);
  }
  return placed(std::move(best));
}

}  // namespace skyscan

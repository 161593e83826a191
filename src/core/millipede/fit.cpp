#include "millipede/fit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/constants.hpp"
#include "base/track_frame.hpp"
#include "millipede/local_likelihood.hpp"
#include "millipede/starting_tracks.hpp"
#include "minimise/distinct_minima.hpp"

namespace skyscan {

namespace {

// Keeps of minima closer than this [m] the lowest, of all at most `most`, lowest first.
void keep_distinct(std::vector<RoughMinimum>& minima, double separation, std::size_t most) {
  keep_distinct(
      minima, &RoughMinimum::llh,
      [&](const auto& a, const auto& b) { return track_separation(a.track, b.track) < separation; },
      most);
}
void keep_distinct(std::vector<Candidate>& candidates, double separation, std::size_t most) {
  keep_distinct(
      candidates, &Candidate::llh,
      [&](const auto& a, const auto& b) { return track_separation(a.track, b.track) < separation; },
      most);
}

// The steps of one direction's fits.
class DirectionFit {
 public:
  DirectionFit(const Millipede& millipede, const Track& like, const MillipedeSearch& search,
               const MillipedeFitOptions& options)
      : millipede_(millipede),
        like_(like),
        frame_(like.direction),
        search_(search),
        options_(options) {}

  int evaluations() const { return evaluations_; }

  // llh with cascades so far apart; infinite where there is none.
  double rough_llh(const Millipede& millipede, const RoughPass& pass, const Track& track) {
    return solve(millipede, pass, track, nullptr).llh();
  }

  // Goes down by a simplex, its first corners this far away [m].
  void walk(const Millipede& millipede, const RoughPass& pass, double step, RoughMinimum& at) {
    Candidate latest;
    const Track start = at.track;
    const auto llh = [&](const std::array<double, 3>& x) {
      Candidate next = solve(millipede, pass, displaced(start, frame_.shifts(), x),
                             latest.found() ? &latest.value : nullptr);
      const double found = next.llh();
      if (next.found()) latest = std::move(next);
      return found;
    };
    const auto lowest = simplex_minimum<3>(llh, {{0, 0, 0}, llh({0, 0, 0})},
                                           {step, step, in_time(step)}, pass.limits);
    at = {displaced(start, frame_.shifts(), lowest.x), lowest.value};
  }

  // The best starting tracks, followed down roughly.
  std::vector<RoughMinimum> starts(const Millipede& sketch, std::size_t evaluated,
                                   std::size_t followed) {
    std::vector<RoughMinimum> minima;
    for (const Track& track :
         starting_tracks(millipede_.first_light(), like_, frame_, search_.reach, evaluated))
      minima.push_back({track, rough_llh(sketch, options_.rough, track)});
    keep_distinct(minima, options_.start_separation, followed);
    for (RoughMinimum& each : minima) walk(sketch, options_.rough, options_.rough.step, each);
    keep_distinct(minima, options_.rough_separation, options_.minima_kept);
    return minima;
  }

  void follow(const Millipede& millipede, std::vector<RoughMinimum>& minima) {
    for (RoughMinimum& each : minima) walk(millipede, options_.medium, options_.medium.step, each);
    keep_distinct(minima, options_.rough_separation, options_.minima_kept);
    drop_above(minima, &RoughMinimum::llh, options_.abandon_margin);
  }

  // The lowest of these with few cascades; `known`: minima of this direction, lowest first.
  std::vector<RoughMinimum> lowest_guesses(std::vector<RoughMinimum> guesses,
                                           const std::vector<RoughMinimum>& known) {
    double lowest = std::numeric_limits<double>::infinity();
    const auto look = [&](const Track& track) {
      const Candidate seen = solve(millipede_, options_.medium, track, nullptr);
      if (seen.llh() < lowest) shorten_cutoff(seen.value);
      lowest = std::min(lowest, seen.llh());
      return seen.llh();
    };
    for (RoughMinimum& each : guesses) each.llh = look(each.track);
    keep_distinct(guesses, options_.separation, options_.guesses_followed);
    drop_above(guesses, &RoughMinimum::llh, options_.guess_margin);
    if (guesses.empty() || known.empty()) return guesses;
    const double most = look(known.front().track) + options_.guess_margin_known;
    std::erase_if(guesses, [&](const RoughMinimum& each) { return each.llh > most; });
    return guesses;
  }

  // The best of what lies next to these, with the result's cascades. `known`: minima of this
  // direction, with the result's cascades too. `is_beside`: the starts are minima of directions
  // nearby.
  MillipedeFit minimum(const std::vector<RoughMinimum>& starts,
                       const std::vector<RoughMinimum>& known = {}, bool is_beside = false) {
    std::vector<Candidate> all;
    for (const RoughMinimum& start : starts) {
      // Neighbours' minima are most often one another's.
      const auto is_reached = [&](const Candidate& other) {
        return track_separation(other.track, start.track) < options_.reached;
      };
      if (is_beside && std::ranges::any_of(all, is_reached)) continue;
      all.push_back({start.track, {}});
      minimise(2 * search_.spacing, options_.llh_tolerance_half, all.back());
    }
    keep_distinct(all, options_.separation, options_.minima_kept);
    std::vector<RoughMinimum> passed = minima_of(all);
    drop_above(all, &Candidate::llh, options_.abandon_margin_half);
    drop_known(all, known, options_.abandon_margin_half);
    for (Candidate& each : all) minimise(search_.spacing, options_.llh_tolerance, each);
    keep_distinct(all, options_.separation, options_.minima_kept);
    add_minima(passed, minima_of(all));
    drop_above(all, &Candidate::llh, options_.abandon_margin_full);
    drop_known(all, known, options_.abandon_margin_full);
    const auto nothing_lower = [&] {
      MillipedeFit nothing = none(FitOutcome::nothing_lower);
      add_minima(passed, known);
      nothing.minima = std::move(passed);
      return nothing;
    };
    if (all.empty() && !known.empty()) return nothing_lower();
    keep_distinct(all, options_.separation, options_.polished);
    const bool settles = is_beside && search_.settles;
    for (Candidate& each : all) settles ? settle(each) : polish(each);
    keep_distinct(all, options_.separation, 1);
    for (Candidate& each : all)
      place_cascades(millipede_, frame_, search_.spacing, descent_limits(options_.llh_tolerance),
                     settles ? options_.placement_settling : options_.placement, cutoff_,
                     evaluations_, each);
    keep_distinct(all, options_.separation, 1);
    if (all.empty()) return none(FitOutcome::outside);
    settles ? settle_on(all.front()) : polish_last(all.front());
    MillipedeFit best = result(std::move(all.front()));
    // What began apart from them may end in one of them after all.
    for (const RoughMinimum& other : known)
      if (best.llh > other.llh - options_.repeat_gain) return nothing_lower();
    add_minima(passed, known);
    if (best.outcome == FitOutcome::done) add_minima(passed, {{best.track, best.llh}});
    best.minima = std::move(passed);
    return best;
  }

  // Adds minima to a list, in place of those they were on the way to.
  void add_minima(std::vector<RoughMinimum>& list, const std::vector<RoughMinimum>& more) const {
    for (const RoughMinimum& minimum : more)
      std::erase_if(list, [&](const RoughMinimum& other) {
        return track_separation(other.track, minimum.track) < options_.rough_separation;
      });
    list.insert(list.end(), more.begin(), more.end());
    sort_lowest_first(list, &RoughMinimum::llh);
  }

  MillipedeFit none(FitOutcome outcome) const {
    return {outcome, like_, std::nan(""), {}, evaluations_};
  }

  // A fit with its vertex where the seed wants it, as far as cascades stay where they are.
  MillipedeFit at_seed(MillipedeFit fit, const Track& seed) const {
    fit.evaluations = evaluations_;
    if (fit.outcome != FitOutcome::done) {
      fit.track = seed;
      return fit;
    }
    const double length = search_.keeps_time
                              ? (seed.time - fit.track.time) * speed_of_light
                              : dot(seed.position - fit.track.position, seed.direction);
    fit.track = advanced_along(fit.track, std::round(length / search_.spacing) * search_.spacing);
    return fit;
  }

 private:
  static std::vector<RoughMinimum> minima_of(const std::vector<Candidate>& candidates) {
    std::vector<RoughMinimum> minima;
    for (const Candidate& each : candidates)
      if (each.found()) minima.push_back({each.track, each.llh()});
    return minima;
  }

  // Drops what is one of these, or no lower than the lowest of them and this much.
  void drop_known(std::vector<Candidate>& candidates, const std::vector<RoughMinimum>& known,
                  double margin) const {
    for (const RoughMinimum& other : known)
      std::erase_if(candidates, [&](const Candidate& each) {
        return each.llh() > other.llh + margin ||
               (each.llh() > other.llh - options_.repeat_gain &&
                track_separation(each.track, other.track) < options_.separation);
      });
  }

  // Leaves out light so far from the brightest of these cascades that hardly any gets there.
  void shorten_cutoff(const MillipedeValue& value) {
    double brightest = 0;
    for (const Cascade& cascade : value.cascades) brightest = std::max(brightest, cascade.energy);
    const double reach =
        std::max(options_.least_reach, millipede_.reach(brightest, options_.least_light));
    const bool is_short = reach < search_cutoff.to;
    cutoff_ = is_short ? FadingCutoff{options_.fading_from * reach, reach} : search_cutoff;
  }

  double in_time(double step) const { return options_.ns_per_metre_step * step; }
  DescentLimits descent_limits(double llh_tolerance) const {
    return {options_.first_radius, llh_tolerance, search_.max_evaluations};
  }

  Candidate solve(const Millipede& millipede, const RoughPass& pass, const Track& track,
                  const MillipedeValue* previous) {
    ++evaluations_;
    return {track,
            millipede.solve(track, pass.spacing, rough_cutoff, previous, pass.energy_tolerance)};
  }

  // Goes down to the minimum next to where it is, with cascades so far apart.
  void minimise(double spacing, double llh_tolerance, Candidate& at) {
    LocalLikelihood likelihood(millipede_, spacing, evaluations_, cutoff_);
    at.value = likelihood.at(at.track, nullptr);
    if (at.found()) descend(likelihood, frame_.shifts(), descent_limits(llh_tolerance), at);
  }

  void polish(Candidate& best) {
    const auto track_at = [&, start = best.track](const std::array<double, 3>& x) {
      return displaced(start, frame_.shifts(), x);
    };
    const double step = options_.polish_step;
    polish<3>(track_at, {step, step, in_time(step)}, best);
  }

  // The same, the cascades moving along the track too, until it gains nothing any more.
  void polish_last(Candidate& best) {
    double sign = -1;
    for (int round = 0; round < options_.most_last_polishes; ++round, sign = -sign) {
      const double before = best.llh();
      const auto track_at = [&, start = best.track](const std::array<double, 4>& x) {
        return advanced_along(displaced(start, frame_.shifts(), {x[0], x[1], x[2]}), x[3]);
      };
      const double step = sign * options_.last_polish_step;
      polish<4>(track_at, {step, step, in_time(step), sign * options_.last_polish_along}, best);
      if (!(best.llh() < before - options_.repeat_gain)) return;
    }
  }

  template <std::size_t n, typename TrackAt>
  void polish(const TrackAt& track_at, const std::array<double, n>& steps, Candidate& best) {
    LocalLikelihood likelihood(millipede_, search_.spacing, evaluations_, cutoff_);
    best.value = likelihood.at(best.track, &best.value);
    MillipedeValue latest = best.value;
    const auto llh = [&](const std::array<double, n>& x) {
      const Track track = track_at(x);
      latest = likelihood.at(track, &latest);
      if (Candidate there{track, latest}; there.llh() < best.llh()) best = std::move(there);
      return latest.placed ? latest.llh : std::nan("");
    };
    simplex_minimum<n>(llh, {{}, best.llh()}, steps, options_.polish_limits);
  }

  // Goes down by slopes, the cascades moving along the track too.
  void settle(Candidate& best) {
    LocalLikelihood likelihood(millipede_, search_.spacing, evaluations_, cutoff_);
    best.value = likelihood.at(best.track, &best.value);
    descend(likelihood, frame_.shifts_and_along(),
            {options_.settling_radius, options_.llh_tolerance, options_.settling_evaluations},
            best);
  }

  // The same again from the lowest place of three along the track, while that gains anything.
  void settle_on(Candidate& best) {
    settle(best);
    for (int again = 0; again < options_.most_settlings; ++again) {
      const double before = best.llh();
      LocalLikelihood likelihood(millipede_, search_.spacing, evaluations_, cutoff_);
      const Candidate middle = best;
      for (const double length : {-options_.settling_along, options_.settling_along}) {
        const Track track = advanced_along(middle.track, length);
        Candidate there{track, likelihood.at(track, &middle.value)};
        if (there.llh() < best.llh()) best = std::move(there);
      }
      settle(best);
      if (!(best.llh() < before - options_.repeat_gain)) return;
    }
  }

  // The result has all light of the cascades that matter.
  MillipedeFit result(Candidate best) {
    ++evaluations_;
    best.value =
        millipede_.solve(best.track, search_.spacing, search_cutoff, &best.value, energy_tolerance);
    if (!best.found()) return none(FitOutcome::outside);
    ++evaluations_;
    const auto worth = narrowed(millipede_, best.value, nullptr, 0, options_.result_worth);
    millipede_.refine(best.track, result_cutoff, worth, options_.result_tolerance, best.value);
    const double llh = best.value.llh;
    return {std::isfinite(llh) ? FitOutcome::done : FitOutcome::not_a_number, best.track, llh,
            std::move(best.value.cascades), evaluations_};
  }

  const Millipede& millipede_;
  const Track like_;
  const TrackFrame frame_;
  const MillipedeSearch& search_;
  const MillipedeFitOptions& options_;
  FadingCutoff cutoff_ = search_cutoff;
  int evaluations_ = 0;
};

}  // namespace

SearchedDirection search_direction(const Millipede& millipede, const Millipede& sketch,
                                   const Track& direction, const MillipedeSearch& search,
                                   const MillipedeFitOptions& options) {
  DirectionFit fit(millipede, direction, search, options);
  if (!millipede.has_charge()) return {search, {}, fit.none(FitOutcome::no_charge)};
  std::vector<RoughMinimum> minima =
      fit.starts(sketch, options.starts_evaluated, options.starts_followed);
  fit.follow(sketch, minima);
  MillipedeFit best = fit.minimum(minima);
  best.evaluations = fit.evaluations();
  return {search, std::move(minima), std::move(best)};
}

MillipedeFit fit_seed(const Millipede& millipede, const Millipede& sketch,
                      const SearchedDirection& known, const Track& seed,
                      const MillipedeFitOptions& options) {
  DirectionFit fit(millipede, seed, known.search, options);
  if (!millipede.has_charge()) return fit.none(FitOutcome::no_charge);
  const auto is_near_known = [&](const RoughMinimum& own) {
    return std::ranges::any_of(known.minima, [&](const RoughMinimum& other) {
      return track_separation(own.track, other.track) < options.rough_separation;
    });
  };
  const auto is_abandoned = [&](double llh) {
    return std::ranges::any_of(known.minima, [&](const RoughMinimum& other) {
      return llh > other.llh + options.seed_margin;
    });
  };
  // What the seed leads to with the fit's own light, as the reference goes, unless it is known.
  RoughMinimum own{seed, 0};
  fit.walk(millipede, options.rough, options.seed_step, own);
  MillipedeFit best = known.best;
  if (is_near_known(own)) return fit.at_seed(std::move(best), seed);
  fit.walk(millipede, options.medium, options.medium.step, own);
  const double llh_in_sketch = fit.rough_llh(sketch, options.medium, own.track);
  if (is_near_known(own) || is_abandoned(llh_in_sketch)) return fit.at_seed(std::move(best), seed);
  MillipedeFit other = fit.minimum({own});
  const bool is_better = other.outcome == FitOutcome::done &&
                         (best.outcome != FitOutcome::done || other.llh < best.llh);
  std::vector<RoughMinimum> minima = best.minima;
  fit.add_minima(minima, other.minima);
  if (is_better) best = std::move(other);
  best.minima = std::move(minima);
  return fit.at_seed(std::move(best), seed);
}

MillipedeFit fit_beside(const Millipede& millipede, const Millipede& sketch, const Track& seed,
                        const Track& neighbour, const MillipedeSearch& search,
                        const MillipedeFitOptions& options) {
  DirectionFit fit(millipede, seed, search, options);
  if (!millipede.has_charge()) return fit.none(FitOutcome::no_charge);
  std::vector<RoughMinimum> minima =
      fit.starts(sketch, options.starts_evaluated_beside, options.starts_followed_beside);
  minima.push_back({seed, 0});
  minima.push_back({neighbour, 0});
  fit.follow(millipede, minima);
  return fit.at_seed(fit.minimum(minima), seed);
}

MillipedeFit fit_from(const Millipede& millipede, const Track& seed,
                      const std::vector<RoughMinimum>& starts, const MillipedeSearch& search,
                      const MillipedeFitOptions& options) {
  DirectionFit fit(millipede, seed, search, options);
  if (!millipede.has_charge()) return fit.none(FitOutcome::no_charge);
  std::vector<RoughMinimum> known, guesses;
  for (const RoughMinimum& start : starts)
    (std::isfinite(start.llh) ? known : guesses).push_back(start);
  const std::vector<RoughMinimum> followed = fit.lowest_guesses(std::move(guesses), known);
  return fit.at_seed(fit.minimum(followed, known, true), seed);
}

MillipedeFit fit_downhill(const Millipede& millipede, const Track& seed,
                          const MillipedeSearch& search, const MillipedeFitOptions& options) {
  DirectionFit fit(millipede, seed, search, options);
  if (!millipede.has_charge()) return fit.none(FitOutcome::no_charge);
  return fit.at_seed(fit.minimum({{seed, 0}}), seed);
}

}  // namespace skyscan

#include "millipede/widened_fit.hpp"

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "base/track_frame.hpp"
#include "millipede/local_likelihood.hpp"

namespace skyscan {

namespace {

// The energies of all of the track's cascades: those that were not solved for have none.
std::vector<double> all_energies(const std::vector<Cascade>& all, const MillipedeValue& value) {
  std::vector<double> energies(all.size(), 0);
  std::size_t i = 0;
  for (const Cascade& solved : value.cascades) {
    while (i < all.size() && all[i].number < solved.number) ++i;
    if (i < all.size() && all[i].number == solved.number) energies[i] = solved.energy;
  }
  return energies;
}

}  // namespace

MillipedeFit widened_minimum(const Millipede& millipede, const Track& start, double spacing,
                             double relative_uncertainty, const WidenedFitOptions& options) {
  MillipedeFit best{FitOutcome::outside, start, std::nan(""), {}, 0};
  if (!millipede.has_charge()) {
    best.outcome = FitOutcome::no_charge;
    return best;
  }
  int evaluations = 0;
  LocalLikelihood likelihood(millipede, spacing, evaluations);
  MillipedeValue latest;
  const TrackShifts<3> shifts = TrackFrame(start.direction).shifts();
  const auto llh = [&](const std::array<double, 3>& x) {
    const Track track = displaced(start, shifts, x);
    latest = likelihood.at(track, latest.placed ? &latest : nullptr);
    if (!latest.placed) return std::nan("");
    const std::vector<double> energies = all_energies(millipede.cascades(track, spacing), latest);
    const double found = millipede.llh_of(track, spacing, energies, relative_uncertainty);
    if (std::isfinite(found) && !(best.llh <= found))
      best = {FitOutcome::done, track, found, {}, 0};
    return found;
  };
  const double in_time = options.ns_per_metre_step * options.step;
  simplex_minimum<3>(llh, {{0, 0, 0}, llh({0, 0, 0})}, {options.step, options.step, in_time},
                     options.limits);
  best.evaluations = evaluations;
  if (best.outcome != FitOutcome::done) return best;
  // Energies of a search are true to `energy_tolerance` in the plain llh, whose minimum they are;
  // the widened one moves with them in first order.
  MillipedeValue value = millipede.evaluate(best.track, spacing, exact_cutoff, false);
  best.llh = millipede.llh_of(best.track, spacing, value.solution.energies, relative_uncertainty);
  best.losses = std::move(value.cascades);
  ++best.evaluations;
  return best;
}

}  // namespace skyscan

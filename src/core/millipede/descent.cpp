#include "millipede/descent.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "minimise/trust_region.hpp"

namespace skyscan {

namespace {

using Steps = std::array<double, 3>;

// The likelihood over three steps from where the way down starts.
class SteppedLikelihood {
 public:
  SteppedLikelihood(LocalLikelihood& likelihood, const TrackShifts& shifts, Candidate start)
      : likelihood_(likelihood), shifts_(shifts), start_(start.track), asked_(std::move(start)) {}

  // Energies are solved starting from those of the last place on the way.
  double value(const Steps& steps) {
    if (steps == asked_steps_) return asked_.llh();
    const Track track = displaced(start_, shifts_, steps);
    asked_ = {track, likelihood_.at(track, &here_.value)};
    asked_steps_ = steps;
    return asked_.llh();
  }

  Slopes<3> slopes(const Steps&) {
    here_ = asked_;
    const auto [gradient, curvature] = likelihood_.slopes_along(shifts_, here_);
    Slopes<3> slopes{gradient, curvature};
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t k = 0; k < i; ++k)
        slopes.curvature[i][k] = slopes.curvature[k][i] = 0.5 * (curvature[i][k] + curvature[k][i]);
    return slopes;
  }

  // What was found at one of the last two places.
  Candidate at(const Steps& steps) { return std::move(steps == asked_steps_ ? asked_ : here_); }

 private:
  LocalLikelihood& likelihood_;
  const TrackShifts& shifts_;
  const Track start_;
  Candidate asked_, here_;
  Steps asked_steps_{};
};

}  // namespace

void descend(LocalLikelihood& likelihood, const TrackShifts& shifts, const DescentLimits& limits,
             Candidate& at) {
  SteppedLikelihood surface(likelihood, shifts, at);
  double before = std::numeric_limits<double>::infinity();
  const auto leads_nowhere = [&](const Steps&, double value) {
    const double gain = std::exchange(before, value) - value;
    return std::isfinite(gain) && value - limits.further_gains * gain > limits.above;
  };
  const auto lowest = trust_region_minimum<3>(
      surface, Steps{}, StructuredSecant<3>(),
      {limits.first_radius, 0.1 * limits.llh_tolerance, limits.llh_tolerance,
       std::numeric_limits<int>::max(), limits.evaluations},
      leads_nowhere);
  at = surface.at(lowest.x);
}

}  // namespace skyscan

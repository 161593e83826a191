#include "millipede/descent.hpp"

#include <array>
#include <cstddef>
#include <limits>
#include <utility>

#include "minimise/trust_region.hpp"

namespace skyscan {

namespace {

// The likelihood over so many steps from where the way down starts.
template <std::size_t n>
class SteppedLikelihood {
 public:
  using Steps = std::array<double, n>;

  SteppedLikelihood(LocalLikelihood& likelihood, const TrackShifts<n>& shifts, Candidate start)
      : likelihood_(likelihood), shifts_(shifts), start_(start.track), asked_(std::move(start)) {}

  // Energies are solved starting from those of the last place on the way.
  double value(const Steps& steps) {
    if (steps == asked_steps_) return asked_.llh();
    const Track track = displaced(start_, shifts_, steps);
    asked_ = {track, likelihood_.at(track, &here_.value)};
    asked_steps_ = steps;
    return asked_.llh();
  }

  // Gauss-Newton's curvature, the energies eliminated.
  Slopes<n> slopes(const Steps&) {
    here_ = asked_;
    likelihood_.differentiate(here_);
    std::array<std::array<double, 4>, n> way;
    for (std::size_t k = 0; k < n; ++k) {
      const Vec3& position = shifts_.position[k];
      way[k] = {position.x, position.y, position.z, shifts_.time[k]};
    }
    Slopes<n> slopes{};
    const MillipedeValue& value = here_.value;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t p = 0; p < 4; ++p) slopes.gradient[i] += way[i][p] * value.gradient[p];
      for (std::size_t k = 0; k < n; ++k)
        for (std::size_t p = 0; p < 4; ++p)
          for (std::size_t q = 0; q < 4; ++q)
            slopes.curvature[i][k] +=
                0.5 * way[i][p] * way[k][q] * (value.hessian[p][q] + value.hessian[q][p]);
    }
    return slopes;
  }

  // What was found at one of the last two places.
  Candidate at(const Steps& steps) { return std::move(steps == asked_steps_ ? asked_ : here_); }

 private:
  LocalLikelihood& likelihood_;
  const TrackShifts<n>& shifts_;
  const Track start_;
  Candidate asked_, here_;
  Steps asked_steps_{};
};

}  // namespace

template <std::size_t n>
void descend(LocalLikelihood& likelihood, const TrackShifts<n>& shifts, const DescentLimits& limits,
             Candidate& at) {
  SteppedLikelihood<n> surface(likelihood, shifts, at);
  const auto lowest = trust_region_minimum<n>(
      surface, std::array<double, n>{}, StructuredSecant<n>(),
      {limits.first_radius, 0.1 * limits.llh_tolerance, limits.llh_tolerance,
       std::numeric_limits<int>::max(), limits.evaluations});
  at = surface.at(lowest.x);
}

template void descend<3>(LocalLikelihood&, const TrackShifts<3>&, const DescentLimits&, Candidate&);
template void descend<4>(LocalLikelihood&, const TrackShifts<4>&, const DescentLimits&, Candidate&);

}  // namespace skyscan

// Millipede's minimisation over the track's vertex, the direction fixed.
#pragma once

#include <array>
#include <vector>

#include "millipede.hpp"

namespace skyscan {

// One stage of a fit. A parameter whose step is 0 stays where it is.
struct MillipedePass {
  double spacing;              // m
  std::array<double, 4> step;  // scale of the search in x, y, z [m] and t [ns]
  double reach;                // 0, or how far across the track a coarse search looks first [m]
  int max_evaluations;
};

enum class FitOutcome {
  done = 0,
  outside = 1,       // no cascade of the track is inside the boundary cube
  dark = 2,          // there is no charge to fit
  not_a_number = 3,  // the likelihood is not finite at the best point
};

struct MillipedeFit {
  FitOutcome outcome;
  Track track;
  double llh;
  std::vector<Cascade> losses;
  int evaluations;
};

MillipedeFit fit_millipede(const Millipede& millipede, const Track& seed,
                           const std::vector<MillipedePass>& passes);

}  // namespace skyscan

// The way down millipede's likelihood over the tracks of one direction, by its slopes.
#pragma once

#include "base/track_frame.hpp"
#include "millipede/local_likelihood.hpp"

namespace skyscan {

struct DescentLimits {
  double first_radius;  // m: of the first step
  double
      llh_tolerance;  // ends before a step that promises less, after one that gains a tenth of it
  int evaluations;
};

// Goes down from `at`, whose value is known, to the minimum next to it. `shifts`: the steps that a
// track may take, three or four.
template <std::size_t n>
void descend(LocalLikelihood& likelihood, const TrackShifts<n>& shifts, const DescentLimits& limits,
             Candidate& at);

}  // namespace skyscan

// The minimum of millipede's widened likelihood next to one of the plain one.
#pragma once

#include "millipede/fit.hpp"

namespace skyscan {

struct WidenedFitOptions {
  double step = 3;  // m: of the simplex's first corners
  SimplexLimits limits{60, 1e-2};
  double ns_per_metre_step = 0.4;  // of them, in time
};

// Minimises over the tracks of `start`'s direction the likelihood in which every expectation is
// uncertain by `relative_uncertainty`; the energies are, as in the reference, those of the plain
// one. From `start` only, so the lowest minimum of the plain likelihood is where to begin.
MillipedeFit widened_minimum(const Millipede& millipede, const Track& start, double spacing,
                             double relative_uncertainty, const WidenedFitOptions& options = {});

}  // namespace skyscan

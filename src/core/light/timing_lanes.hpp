// Arrival times at eight residuals, in single precision.
#pragma once

#include <cstddef>

#include "math/lanes.hpp"

namespace skyscan {

// Density [1/ns], cumulative, the density's slope by the residual, and both's slopes by the
// parameters the light has for arrival times, most_parameters at most. These slopes are undefined
// where none are asked for, and beyond the parameters there are.
struct TimingLanes {
  static constexpr std::size_t most_parameters = 3;

  Lanes density, cumulative, density_slope;
  Lanes density_by[most_parameters], cumulative_by[most_parameters];
};

}  // namespace skyscan

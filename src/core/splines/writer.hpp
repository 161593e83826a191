// Writes spline tables in photospline's FITS layout.
#pragma once

#include <cstdint>
#include <string>

namespace skyscan {

// `knots`: all axes' knots one after the other, knot_counts[axis] of them; `extents`: low, high per
// axis; `samples`: float32 in C order, either the coefficients or the values at the basis
// functions' Greville abscissae, which the spline will then interpolate, axis by axis. `keys`:
// further header cards, one "KEY=value" a line, numbers as they are. Written under a temporary
// name, then renamed. Throws BadInput when it cannot be written.
void write_spline_table(const std::string& path, int axes, const std::int32_t* orders,
                        const std::int32_t* knot_counts, const double* knots, const double* extents,
                        const float* samples, bool is_coefficients, const std::string& keys);

}  // namespace skyscan

// The axes that the tables of Pandel functions share.
#pragma once

#include "math/smooth_table.hpp"

namespace skyscan {

// The tables' axes begin at 2. The steps are such that the interpolated density is good to 1e-3
// where it is above 1e-6/ns.
constexpr double axis_start = 2;
using ShapeAxis = OctaveAxis<5, 1>;
using ResidualAxis = OctaveAxis<4, 1>;
using FineResidualAxis = OctaveAxis<5, 1>;  // for cubics instead of quintics

// Added to the shape, and to the residual in units of sigma. The residual's axis is finest 3.5 to
// 5.5 sigma before the geometric time, where the density rises steeply.
constexpr double shape_offset = 2;
constexpr double residual_offset = 7.5;
constexpr double shape_end = 64;

// Numbers just below the last node, so that a cell has a node at its end.
constexpr double last_shape = shape_end - shape_offset - 1e-9;
constexpr double within = 1 - 1e-12;
// The same in single precision, where these would round onto the node.
constexpr float below(double end) { return static_cast<float>(end) * (1 - 1e-6f); }

}  // namespace skyscan

#include "light/pandel_lanes.hpp"

#include <cmath>

#include "light/pandel_axes.hpp"

namespace skyscan {
namespace {

constexpr std::size_t node_size = 8;
// As ResidualAxis and ShapeAxis.
using ResidualLanes = OctaveLanes<4, 1>;
using ShapeLanes = OctaveLanes<5, 1>;

// The sum of the low halves' four numbers and the high halves' four, of both.
[[gnu::always_inline]] inline Float8 folded(const Float8& begin, const Float8& end) {
  return __builtin_shufflevector(begin, end, 0, 1, 2, 3, 8, 9, 10, 11) +
         __builtin_shufflevector(begin, end, 4, 5, 6, 7, 12, 13, 14, 15);
}

[[gnu::always_inline]] inline Float8 halves(float low, float high) {
  return Float8{low, low, low, low, high, high, high, high};
}

// Hermite's quintic over cells of residuals, as in pandel_family.cpp.
struct QuinticLanes {
  Lanes v1, s0, s1, c0, c1;
  Lanes dv1, ds0, ds1, dc0, dc1;

  [[gnu::always_inline]] QuinticLanes(const Lanes& x, const Lanes& h, const Lanes& inverse_h) {
    const Lanes x2 = x * x, x3 = x2 * x, half_square = 0.5 * (h * h);
    v1 = x3 * (10 + x * (6 * x - 15));
    s0 = h * (x + x3 * (x * (8 - 3 * x) - 6));
    s1 = h * (x3 * (x * (7 - 3 * x) - 4));
    c0 = half_square * (x2 + x3 * (x * (3 - x) - 3));
    c1 = half_square * (x3 * (1 + x * (x - 2)));
    const Lanes y = 1 - x;
    dv1 = 30 * (x2 * (y * y) * inverse_h);
    ds0 = 1 + x2 * (x * (32 - 15 * x) - 18);
    ds1 = x2 * (x * (28 - 15 * x) - 12);
    dc0 = 0.5 * (h * (2 * x + x2 * (x * (12 - 5 * x) - 9)));
    dc1 = 0.5 * (h * (x2 * (3 + x * (5 * x - 8))));
  }
  // The k-th of the four numbers, from those at the cell's two ends; of rows of eight.
  [[gnu::always_inline]] Lanes blend(const Float8 (&ends)[8], int k) const {
    const Lanes begin = ends[k], end = ends[k + 4];
    return begin + v1 * (end - begin) + s0 * ends[k + 1] + s1 * ends[k + 5] + c0 * ends[k + 2] +
           c1 * ends[k + 6];
  }
  // The slope of the density.
  [[gnu::always_inline]] Lanes slope(const Float8 (&ends)[8]) const {
    return dv1 * (Lanes(ends[5]) - ends[1]) + ds0 * ends[2] + ds1 * ends[6] + dc0 * ends[3] +
           dc1 * ends[7];
  }
};

}  // namespace

PandelLanes::PandelLanes(const PandelFamily& exact) {
  for (const ConvolutedPandel& table : exact.tables_) take(table);
}

PandelLanes::PandelLanes(const ConvolutedPandel& exact) { take(exact); }

void PandelLanes::take(const ConvolutedPandel& exact) {
  sigma_ = static_cast<float>(exact.sigma_);
  inverse_sigma_ = static_cast<float>(exact.inverse_sigma_);
  times_ = exact.times_;
  last_ = below(ResidualAxis::node(times_ - 1));
  rates_.push_back(static_cast<float>(exact.rate_));
  per_table_ = exact.nodes_.size();
  for (const auto& [value, by_shape] : exact.nodes_) {
    for (const double number : value) nodes_.push_back(static_cast<float>(number));
    for (const double number : by_shape) nodes_.push_back(static_cast<float>(number));
  }
}

PandelLanes::Rows PandelLanes::rows(const Lanes& shape, const Lanes& log_rate) const {
  const Lanes inside = lesser(greater(shape, 0), below(last_shape));
  const ShapeLanes across(greater(inside + shape_offset, axis_start).v);
  const Lanes f = across.fraction, g = 1 - f, width = across.width;
  const Lanes dv = 6 * (f * g) * across.inverse_width;
  Rows rows;
  rows.value[0] = g * g * (1 + 2 * f);
  rows.value[1] = 1 - rows.value[0];
  rows.slope[0] = width * (f * g * g);
  rows.slope[1] = -1.0 * (width * (f * f * g));
  // Beyond its ends nothing changes with the shape.
  const Integer8 is_clamped = (shape.v < 0) | (shape.v >= below(last_shape));
  rows.by_shape[1] = chosen(is_clamped, 0, dv);
  rows.by_shape[0] = -1.0 * rows.by_shape[1];
  rows.slope_by_shape[0] = chosen(is_clamped, 0, g * (1 - 3 * f));
  rows.slope_by_shape[1] = chosen(is_clamped, 0, f * (3 * f - 2));
  rows.node = across.index * static_cast<std::int32_t>(times_);
  rows.share = rows.by_rate = 0;
  rows.decay = static_cast<double>(rates_[0]);
  if (rates_.size() == 1) return rows;
  // As PandelFamily's.
  constexpr double last = PandelFamily::rates - 1;
  static const double per_step = 1 / std::log(PandelFamily::rate_step);
  static const double least = std::log(PandelFamily::least_rate);
  const Lanes at = (log_rate - least) * per_step;
  const Lanes within_tables = clamped(at, 0, last);
  const Integer8 index = __builtin_convertvector(lesser(within_tables, last - 1).v, Integer8);
  const Lanes x = within_tables - Lanes(__builtin_convertvector(index, Float8));
  rows.share = x * x * (3 - 2 * x);
  rows.by_rate =
      chosen((at.v > 0) & (at.v < static_cast<float>(last)), 6 * per_step * (x * (1 - x)), 0);
  rows.node += index * static_cast<std::int32_t>(per_table_);
  for (std::size_t i = 0; i < Lanes::count; ++i)
    rows.decay.v[i] = rates_[static_cast<std::size_t>(index[i])];
  return rows;
}

// Of one row: of its nodes' values and, four lanes on, of their slopes by shape.
template <bool with_slopes>
struct PandelLanes::Weights {
  Float8 value[2], by_shape[2];
  float share, by_rate;

  [[gnu::always_inline]] Weights(const Rows& rows, std::size_t i)
      : share(rows.share[i]), by_rate(rows.by_rate[i]) {
    for (int k = 0; k < 2; ++k) {
      value[k] = halves(rows.value[k][i], rows.slope[k][i]);
      if constexpr (with_slopes)
        by_shape[k] = halves(rows.by_shape[k][i], rows.slope_by_shape[k][i]);
    }
  }
};

// Cumulative, density and its two slopes at the two ends of eight cells; how they change with the
// shape, and from the slower table to the faster one.
struct PandelLanes::Corners {
  Float8 value[8], by_shape[8], step[8];
};

template <bool with_slopes, bool has_rates>
[[gnu::always_inline]] inline void PandelLanes::gather(const Weights<with_slopes>& weights,
                                                       std::size_t node, std::size_t i,
                                                       Corners& corners) const {
  const float* const slow = &nodes_[node * node_size];
  const std::size_t next_shape = times_ * node_size;
  Float8 begin{}, end{}, shape_begin{}, shape_end{}, step_begin{}, step_end{};
  for (std::size_t k = 0; k < 2; ++k) {
    const float* const at = slow + k * next_shape;
    Float8 at_begin = load(at).v, at_end = load(at + node_size).v;
    if constexpr (has_rates) {
      const float* const fast = at + per_table_ * node_size;
      const Float8 more_begin = load(fast).v - at_begin,
                   more_end = load(fast + node_size).v - at_end;
      at_begin += weights.share * more_begin;
      at_end += weights.share * more_end;
      if constexpr (with_slopes) {
        step_begin += weights.value[k] * more_begin;
        step_end += weights.value[k] * more_end;
      }
    }
    begin += weights.value[k] * at_begin;
    end += weights.value[k] * at_end;
    if constexpr (with_slopes) {
      shape_begin += weights.by_shape[k] * at_begin;
      shape_end += weights.by_shape[k] * at_end;
    }
  }
  corners.value[i] = folded(begin, end);
  if constexpr (with_slopes) corners.by_shape[i] = folded(shape_begin, shape_end);
  if constexpr (with_slopes && has_rates)
    corners.step[i] = weights.by_rate * folded(step_begin, step_end);
}

template <bool with_slopes, bool has_rates, bool is_one>
[[gnu::always_inline]] inline TimingLanes PandelLanes::at(const Rows& rows, std::size_t which,
                                                          const Lanes& residuals) const {
  const Lanes wanted = residuals * inverse_sigma_ + residual_offset;
  const ResidualLanes along(clamped(wanted, axis_start, last_).v);
  Corners corners;
  if constexpr (is_one) {
    const Weights<with_slopes> weights(rows, which);
    const Integer8 nodes = along.index + rows.node[which];
    for (std::size_t i = 0; i < Lanes::count; ++i)
      gather<with_slopes, has_rates>(weights, static_cast<std::size_t>(nodes[i]), i, corners);
  } else {
    const Integer8 nodes = along.index + rows.node;
    for (std::size_t i = 0; i < Lanes::count; ++i)
      gather<with_slopes, has_rates>(Weights<with_slopes>(rows, i),
                                     static_cast<std::size_t>(nodes[i]), i, corners);
  }
  transpose(corners.value);
  const QuinticLanes hermite(along.fraction, along.width * sigma_,
                             along.inverse_width * inverse_sigma_);
  TimingLanes out;
  out.cumulative = hermite.blend(corners.value, 0);
  out.density = hermite.blend(corners.value, 1);
  out.density_slope = hermite.slope(corners.value);
  if constexpr (with_slopes) {
    transpose(corners.by_shape);
    out.cumulative_by[0] = hermite.blend(corners.by_shape, 0);
    out.density_by[0] = hermite.blend(corners.by_shape, 1);
    out.cumulative_by[1] = out.density_by[1] = 0;
  }
  if constexpr (with_slopes && has_rates) {
    transpose(corners.step);
    out.cumulative_by[1] = hermite.blend(corners.step, 0);
    out.density_by[1] = hermite.blend(corners.step, 1);
  }
  if (is_any((wanted.v < static_cast<float>(axis_start)) | (wanted.v > last_))) {
    const Lanes decay = is_one ? Lanes(rows.decay[which] - Float8{}) : rows.decay;
    leave_table<with_slopes>(decay, wanted, out);
  }
  return out;
}

template <bool with_slopes>
TimingLanes PandelLanes::by_each(const Rows& rows, const Lanes& residuals) const {
  return rates_.size() > 1 ? at<with_slopes, true, false>(rows, 0, residuals)
                           : at<with_slopes, false, false>(rows, 0, residuals);
}
template <bool with_slopes>
TimingLanes PandelLanes::by_one(const Rows& rows, std::size_t which, const Lanes& residuals) const {
  return rates_.size() > 1 ? at<with_slopes, true, true>(rows, which, residuals)
                           : at<with_slopes, false, true>(rows, which, residuals);
}
template TimingLanes PandelLanes::by_each<false>(const Rows&, const Lanes&) const;
template TimingLanes PandelLanes::by_each<true>(const Rows&, const Lanes&) const;
template TimingLanes PandelLanes::by_one<false>(const Rows&, std::size_t, const Lanes&) const;
template TimingLanes PandelLanes::by_one<true>(const Rows&, std::size_t, const Lanes&) const;

// From the table's end to residuals outside it: a Gaussian flank before, an exponential tail after.
template <bool with_slopes>
void PandelLanes::leave_table(const Lanes& decay, const Lanes& wanted, TimingLanes& out) const {
  const Integer8 is_early = wanted.v < static_cast<float>(axis_start);
  const Integer8 is_late = wanted.v > last_;
  const Lanes before = (axis_start - wanted) * sigma_;
  const Lanes steepness = chosen(out.density.v > 0, out.density_slope / out.density, 0);
  const Lanes out_by = before * inverse_sigma_;
  const Lanes flank = exponential_of(-1.0 * (before * steepness) - 0.5 * (out_by * out_by));
  const Lanes tail = exponential_of(-1.0 * (decay * ((wanted - last_) * sigma_)));
  const Lanes factor = chosen(is_early, flank, chosen(is_late, tail, 1));
  out.density = factor * out.density;
  const Lanes early_slope = out.density * (steepness + before * (inverse_sigma_ * inverse_sigma_));
  out.density_slope = chosen(is_early, early_slope,
                             chosen(is_late, -1.0 * (decay * out.density), out.density_slope));
  out.cumulative = chosen(is_late, 1 - (1 - out.cumulative) * factor, factor * out.cumulative);
  if constexpr (!with_slopes) return;
  out.density_by[0] = factor * out.density_by[0];
  out.cumulative_by[0] = factor * out.cumulative_by[0];
  out.density_by[1] = factor * out.density_by[1];
  out.cumulative_by[1] = factor * out.cumulative_by[1];
}

}  // namespace skyscan

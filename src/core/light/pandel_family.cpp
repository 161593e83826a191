#include "light/pandel_family.hpp"

#include <algorithm>
#include <cmath>

#include "light/pandel_axes.hpp"
#include "math/simd4.hpp"

namespace skyscan {
namespace {

// Hermite's quintic over one cell of residuals: weights of the values, slopes and second slopes at
// its two ends.
struct HermiteQuintic {
  double v[2], s[2], c[2];     // of the function
  double dv[2], ds[2], dc[2];  // of its derivative
  HermiteQuintic(double x, double h, double inverse_h) {
    const double x2 = x * x, x3 = x2 * x, y = 1 - x;
    v[1] = x3 * (10 + x * (-15 + 6 * x));
    v[0] = 1 - v[1];
    s[0] = h * (x + x3 * (-6 + x * (8 - 3 * x)));
    s[1] = h * x3 * (-4 + x * (7 - 3 * x));
    c[0] = 0.5 * h * h * (x2 + x3 * (-3 + x * (3 - x)));
    c[1] = 0.5 * h * h * x3 * (1 + x * (-2 + x));
    dv[1] = 30 * x2 * y * y * inverse_h;
    dv[0] = -dv[1];
    ds[0] = 1 + x2 * (-18 + x * (32 - 15 * x));
    ds[1] = x2 * (-12 + x * (28 - 15 * x));
    dc[0] = 0.5 * h * (2 * x + x2 * (-9 + x * (12 - 5 * x)));
    dc[1] = 0.5 * h * x2 * (3 + x * (-8 + 5 * x));
  }
};

}  // namespace

PandelFamily::PandelFamily(double sigma, double longest) {
  tables_.reserve(rates);
  for (std::size_t i = 0; i < rates; ++i)
    tables_.emplace_back(least_rate * std::pow(rate_step, static_cast<double>(i)), sigma, longest);
}

PandelFamily::RateCell PandelFamily::rate_cell(double log_rate) {
  static const double per_step = 1 / std::log(rate_step);
  static const double least = std::log(least_rate);
  constexpr double last = static_cast<double>(rates - 1);
  const double at = (log_rate - least) * per_step;
  if (!(at > 0)) return {0, 0, 0};
  if (at >= last) return {rates - 2, 1, 0};
  const auto index = static_cast<std::size_t>(at);
  const double x = at - static_cast<double>(index);
  return {index, x * x * (3 - 2 * x), 6 * x * (1 - x) * per_step};
}

void PandelFamily::evaluate(double shape, double log_rate, const double* residuals, std::size_t n,
                            RatedPandelPoint* out) const {
  const RateCell between = rate_cell(log_rate);
  const ConvolutedPandel &slow = tables_[between.index], &fast = tables_[between.index + 1];
  const bool clamped = !(shape < last_shape) || shape < 0;
  const TableCell across =
      ShapeAxis::cell((clamped ? (shape < 0 ? 0.0 : last_shape) : shape) + shape_offset);
  const HermiteCubic of(across);
  const double dv = clamped ? 0 : of.dv, ds0 = clamped ? 0 : of.ds0, ds1 = clamped ? 0 : of.ds1;
  const std::size_t times = slow.times_;
  const ConvolutedPandel::Node* const rows[2] = {&slow.nodes_[across.index * times],
                                                 &fast.nodes_[across.index * times]};
  const double last = ResidualAxis::node(times - 1) * within;

  for (std::size_t i = 0; i < n; ++i) {
    const double wanted = residuals[i] * slow.inverse_sigma_ + residual_offset;
    const TableCell along = ResidualAxis::cell(std::fmin(std::fmax(wanted, axis_start), last));

    // Cumulative, density and its two slopes at the cell's two ends; how they change with the
    // shape, and from the slow table to the fast one.
    Double4 value[2], by_shape[2], step[2];
    for (std::size_t side = 0; side < 2; ++side) {
      Double4 at[2], slope[2];
      for (std::size_t k = 0; k < 2; ++k) {
        const ConvolutedPandel::Node *a = rows[k] + along.index + side, *b = a + times;
        const Double4 av = load4(a->value), bv = load4(b->value);
        const Double4 as = load4(a->by_shape), bs = load4(b->by_shape);
        at[k] = of.v0 * av + of.v1 * bv + of.s0 * as + of.s1 * bs;
        slope[k] = dv * (bv - av) + ds0 * as + ds1 * bs;
      }
      step[side] = at[1] - at[0];
      value[side] = at[0] + between.share * step[side];
      by_shape[side] = slope[0] + between.share * (slope[1] - slope[0]);
    }

    const HermiteQuintic hermite(along.fraction, along.width * slow.sigma_,
                                 along.inverse_width * slow.inverse_sigma_);
    const auto blend = [&](const Double4(&ends)[2], int k) {
      return hermite.v[0] * ends[0][k] + hermite.v[1] * ends[1][k] + hermite.s[0] * ends[0][k + 1] +
             hermite.s[1] * ends[1][k + 1] + hermite.c[0] * ends[0][k + 2] +
             hermite.c[1] * ends[1][k + 2];
    };
    RatedPandelPoint& point = out[i];
    point.cumulative = blend(value, 0);
    point.density = blend(value, 1);
    point.density_slope = hermite.dv[1] * (value[1][1] - value[0][1]) +
                          hermite.ds[0] * value[0][2] + hermite.ds[1] * value[1][2] +
                          hermite.dc[0] * value[0][3] + hermite.dc[1] * value[1][3];
    point.cumulative_by_shape = blend(by_shape, 0);
    point.density_by_shape = blend(by_shape, 1);
    point.cumulative_by_rate = between.slope * blend(step, 0);
    point.density_by_rate = between.slope * blend(step, 1);
    if (wanted < axis_start || wanted > last) {
      const double flank = point.cumulative, tail = 1 - point.cumulative, density = point.density;
      // Both tables' mixture leaves as the slow one does: it is what is left late.
      slow.leave_table(wanted, last, point);
      const double factor = density > 0 ? point.density / density : 0;
      const bool is_early = wanted < axis_start;
      const double whole = is_early ? flank : tail;
      const double kept = is_early ? point.cumulative : 1 - point.cumulative;
      point.density_by_rate *= factor;
      point.cumulative_by_rate *= whole > 0 ? kept / whole : 0;
    }
  }
}

PandelFamily::Rough::Rough(const PandelFamily& exact, double longest) {
  for (const ConvolutedPandel& table : exact.tables_) {
    const RoughPandel rough(table, longest);
    inverse_sigma_ = static_cast<float>(rough.inverse_sigma_);
    last_ = below(rough.last_);
    times_ = rough.times_;
    shapes_ = rough.nodes_.size() / times_;
    nodes_.insert(nodes_.end(), rough.nodes_.begin(), rough.nodes_.end());
  }
}

PandelFamily::Rough::Places PandelFamily::Rough::places(const Lanes& shape,
                                                        const Lanes& log_rate) const {
  static const double per_step = 1 / std::log(rate_step), least = std::log(least_rate);
  constexpr double last_rate = static_cast<double>(rates - 1);
  const Lanes at = clamped((log_rate - least) * per_step, 0, last_rate);
  const Integer8 rate = __builtin_convertvector(lesser(at, last_rate - 1).v, Integer8);
  const Lanes x = at - Lanes(__builtin_convertvector(rate, Float8));
  const Lanes share = x * x * (3 - 2 * x), rest = 1 - share;

  const OctaveLanes<5, 1> across((lesser(greater(shape, 0), below(last_shape)) + shape_offset).v);
  const Lanes f = across.fraction, g = 1 - f, width = across.width;
  const Lanes v0 = g * g * (1 + 2 * f), v1 = 1 - v0;
  const Lanes s0 = width * (f * g * g), s1 = -1.0 * (width * (f * f * g));
  const Integer8 rows = rate * static_cast<std::int32_t>(shapes_) + across.index;
  const Lanes values[4] = {rest * v0, rest * v1, share * v0, share * v1};
  const Lanes slopes[4] = {rest * s0, rest * s1, share * s0, share * s1};
  Places places;
  for (std::size_t k = 0; k < Lanes::count; ++k) {
    const RoughPandel::Node* const first = &nodes_[static_cast<std::size_t>(rows[k]) * times_];
    places.rows[k][0] = first;
    places.rows[k][1] = first + times_;
    places.rows[k][2] = first + shapes_ * times_;
    places.rows[k][3] = first + (shapes_ + 1) * times_;
    for (int m = 0; m < 4; ++m) {
      const float v = values[m][k], s = slopes[m][k];
      places.weights[k][m] = Float8{v, v, s, s, v, v, s, s};
    }
  }
  return places;
}

namespace {

// Sums of each of eight rows.
[[gnu::always_inline]] inline Lanes sums_of(const Float8 (&rows)[8]) {
  const auto halved = [](const Float8& a, const Float8& b) {
    return __builtin_shufflevector(a, b, 0, 2, 8, 10, 4, 6, 12, 14) +
           __builtin_shufflevector(a, b, 1, 3, 9, 11, 5, 7, 13, 15);
  };
  const Float8 low = halved(halved(rows[0], rows[1]), halved(rows[2], rows[3]));
  const Float8 high = halved(halved(rows[4], rows[5]), halved(rows[6], rows[7]));
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 8, 9, 10, 11) +
         __builtin_shufflevector(low, high, 4, 5, 6, 7, 12, 13, 14, 15);
}

}  // namespace

Lanes PandelFamily::Rough::cumulative(const Places& places, const Lanes& residuals) const {
  const Lanes wanted = residuals * inverse_sigma_ + residual_offset;
  const Integer8 is_early = wanted.v < static_cast<float>(axis_start);
  if (!is_any(~is_early)) return 0;
  const OctaveLanes<5, 1> along(lesser(greater(wanted, axis_start), last_).v);
  const Float8 f = along.fraction, g = 1 - f;
  const Float8 v0 = g * g * (1 + 2 * f), s0 = along.width * (f * g * g);
  const Float8 v1 = 1 - v0, s1 = -along.width * (f * f * g);
  // Of both neighbours: value and slope by turns, of four lanes' each.
  const Float8 begin[2] = {__builtin_shufflevector(v0, s0, 0, 8, 1, 9, 2, 10, 3, 11),
                           __builtin_shufflevector(v0, s0, 4, 12, 5, 13, 6, 14, 7, 15)};
  const Float8 end[2] = {__builtin_shufflevector(v1, s1, 0, 8, 1, 9, 2, 10, 3, 11),
                         __builtin_shufflevector(v1, s1, 4, 12, 5, 13, 6, 14, 7, 15)};
  Float8 parts[Lanes::count];
  const auto part = [&](std::size_t k, const Float8& weights) {
    const auto index = static_cast<std::size_t>(along.index[k]);
    const auto weighted = [&](std::size_t row) {
      return places.weights[k][row] * load8(places.rows[k][row][index].value);
    };
    parts[k] = weights * ((weighted(0) + weighted(1)) + (weighted(2) + weighted(3)));
  };
  for (std::size_t half = 0; half < 2; ++half) {
    const Float8 &a = begin[half], &b = end[half];
    part(4 * half, __builtin_shufflevector(a, b, 0, 1, 0, 1, 8, 9, 8, 9));
    part(4 * half + 1, __builtin_shufflevector(a, b, 2, 3, 2, 3, 10, 11, 10, 11));
    part(4 * half + 2, __builtin_shufflevector(a, b, 4, 5, 4, 5, 12, 13, 12, 13));
    part(4 * half + 3, __builtin_shufflevector(a, b, 6, 7, 6, 7, 14, 15, 14, 15));
  }
  return chosen(is_early, 0, sums_of(parts));
}

}  // namespace skyscan

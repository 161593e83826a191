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
    inverse_sigma_ = rough.inverse_sigma_;
    last_ = rough.last_;
    times_ = rough.times_;
    shapes_ = rough.nodes_.size() / times_;
    nodes_.insert(nodes_.end(), rough.nodes_.begin(), rough.nodes_.end());
  }
}

// Where one shape and rate are: rows of two rates and two shapes, and what the numbers of two
// neighbours in them weigh.
struct PandelFamily::Rough::Place {
  const RoughPandel::Node* rows[4];
  Float8 weights[4];
};

std::array<PandelFamily::Rough::Place, 4> PandelFamily::Rough::places(
    const Double4& shape, const Double4& log_rate) const {
  static const double per_step = 1 / std::log(rate_step), least = std::log(least_rate);
  constexpr double last_rate = static_cast<double>(rates - 1);
  const Double4 nothing = {}, wanted = (log_rate - least) * per_step;
  const Double4 at =
      wanted > nothing ? (wanted < last_rate ? wanted : nothing + last_rate) : nothing;
  const Double4 from = shape > nothing ? shape : nothing;
  const TableCell4 across =
      ShapeAxis::cell((from < last_shape ? from : nothing + last_shape) + shape_offset);
  const Double4 f = across.fraction, g = 1 - f;
  const Double4 v0 = g * g * (1 + 2 * f), s0 = across.width * f * g * g;
  const Double4 v1 = 1 - v0, s1 = -across.width * f * f * g;
  std::array<Place, 4> places;
  for (std::size_t k = 0; k < 4; ++k) {
    const auto rate = std::min(static_cast<std::size_t>(at[k]), rates - 2);
    const double x = at[k] - static_cast<double>(rate);
    const auto share = static_cast<float>(x * x * (3 - 2 * x));
    Place& place = places[k];
    place.rows[0] = &nodes_[(rate * shapes_ + static_cast<std::size_t>(across.index[k])) * times_];
    place.rows[1] = place.rows[0] + times_;
    place.rows[2] = place.rows[0] + shapes_ * times_;
    place.rows[3] = place.rows[2] + times_;
    const auto a = static_cast<float>(v0[k]), b = static_cast<float>(s0[k]);
    const auto c = static_cast<float>(v1[k]), d = static_cast<float>(s1[k]);
    const Float8 lower{a, a, b, b, a, a, b, b}, upper{c, c, d, d, c, c, d, d};
    place.weights[0] = lower * (1 - share);
    place.weights[1] = upper * (1 - share);
    place.weights[2] = lower * share;
    place.weights[3] = upper * share;
  }
  return places;
}

namespace {

struct Pairs {
  Float4 first, second;  // a0 b0 a1 b1, and a2 b2 a3 b3
};
[[gnu::always_inline]] inline Pairs side_by_side(const Double4& a, const Double4& b) {
  const auto x = __builtin_convertvector(a, Float4), y = __builtin_convertvector(b, Float4);
  return {__builtin_shufflevector(x, y, 0, 4, 1, 5), __builtin_shufflevector(x, y, 2, 6, 3, 7)};
}

}  // namespace

void PandelFamily::Rough::cumulative(const Double4& shape, const Double4& log_rate,
                                     const Double4& arrival, const double* edges, std::size_t n,
                                     std::size_t lanes, double* out) const {
  const std::array<Place, 4> places = this->places(shape, log_rate);
  const Double4 before = residual_offset - arrival * inverse_sigma_;
  const Double4 first = Double4{} + axis_start, last = Double4{} + last_;
  for (std::size_t i = 0; i < n; ++i) {
    const Double4 wanted = edges[i] * inverse_sigma_ + before;
    const Double4 above = wanted > first ? wanted : first;
    const TableCell4 along = FineResidualAxis::cell(above < last ? above : last);
    const Double4 f = along.fraction, g = 1 - f;
    const Double4 v0 = g * g * (1 + 2 * f), s0 = along.width * f * g * g;
    const auto [low01, low23] = side_by_side(v0, s0);
    const auto [high01, high23] = side_by_side(1 - v0, -along.width * f * f * g);
    const Float8 weights[4] = {__builtin_shufflevector(low01, high01, 0, 1, 0, 1, 4, 5, 4, 5),
                               __builtin_shufflevector(low01, high01, 2, 3, 2, 3, 6, 7, 6, 7),
                               __builtin_shufflevector(low23, high23, 0, 1, 0, 1, 4, 5, 4, 5),
                               __builtin_shufflevector(low23, high23, 2, 3, 2, 3, 6, 7, 6, 7)};
    for (std::size_t k = 0; k < lanes; ++k) {
      if (!(wanted[k] >= axis_start)) {
        out[k * n + i] = 0;
        continue;
      }
      const auto index = along.index[k];
      const Place& place = places[k];
      const auto weighted = [&](std::size_t row) {
        return place.weights[row] * load8(place.rows[row][index].value);
      };
      const Float8 nodes = (weighted(0) + weighted(1)) + (weighted(2) + weighted(3));
      out[k * n + i] = static_cast<double>(sum8(weights[k] * nodes));
    }
  }
}

}  // namespace skyscan

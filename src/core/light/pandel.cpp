#include "light/pandel.hpp"

#include <bit>
#include <boost/math/special_functions/digamma.hpp>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "math/simd4.hpp"

namespace skyscan {
namespace {

// An axis laid out from 2 upwards in octaves of 2^bits equal steps, so that finding a cell is
// reading the bits of a number: with 4 bits, steps of 1/8 between 2 and 4, of 1/4 between 4 and 8,
// and so on.
constexpr double axis_start = 2;
// Added to the shape, and to the delay in units of sigma. The delay axis is finest 3.5 to 5.5 sigma
// before the geometric time, where the density rises steeply.
constexpr double shape_offset = 2;
constexpr double delay_offset = 7.5;
constexpr double shape_end = 64;

constexpr double square(double x) { return x * x; }

struct Cell {
  std::size_t index;
  double fraction, width, per_width;
};

template <int bits>
struct Axis {
  static constexpr std::uint64_t mask = ~std::uint64_t{0} << (52 - bits);
  static constexpr std::uint64_t first = std::bit_cast<std::uint64_t>(axis_start) >> (52 - bits);

  static Cell cell(double x) {
    const auto word = std::bit_cast<std::uint64_t>(x);
    const double low = std::bit_cast<double>(word & mask);
    // One step of this octave: its power of two, 2^bits times smaller; and one over it.
    const std::uint64_t octave = word & (std::uint64_t{0x7ff} << 52);
    const double width = std::bit_cast<double>(octave - (std::uint64_t{bits} << 52));
    const double per_width = std::bit_cast<double>((std::uint64_t{2 * 1023 + bits} << 52) - octave);
    return {static_cast<std::size_t>((word >> (52 - bits)) - first), (x - low) * per_width, width,
            per_width};
  }
  static double node(std::size_t index) {
    return std::bit_cast<double>((first + index) << (52 - bits));
  }
};
using ShapeAxis = Axis<5>;
using DelayAxis = Axis<4>;
using FineDelayAxis = Axis<5>;

// Quadrature points for the convolution at one delay: the photon's unsmeared delay (times the rate,
// as its logarithm), and what every shape shares: Gaussian, exponential, step; times the
// polynomials whose integrals are the density and its two slopes.
struct Sample {
  double log_delay, power, step;
  double weight[3];
};

// Integrated by parts once, so that the delay's power is shape, not shape - 1, and small shapes are
// no singularity at 0; nodes of the exp-sinh rule.
void samples_near(double t, double kappa, std::vector<Sample>& out) {
  constexpr double step = 0.04;
  const double end = std::log(std::fmax(t, 0) + 10);
  for (double x = -3.8; x < end; x += step) {
    const double s = std::exp(x - std::exp(-x));
    const double y = s - t;
    const double common = std::exp(-0.5 * y * y - kappa * s) * s * (1 + std::exp(-x)) * step /
                          std::sqrt(2 * std::numbers::pi);
    const double g = kappa + y;
    out.push_back({std::log(kappa * s),
                   1,
                   1,
                   {common * g, common * (y * g - 1), common * (y * y * g - 2 * y - g)}});
  }
}

// Far from 0 the integrand is a Gaussian times something smooth: the trapezoidal rule.
void samples_far(double t, double kappa, std::vector<Sample>& out) {
  constexpr double step = 0.5;
  for (double y = -8.5; y <= 8.5; y += step) {
    const double s = t + y;
    const double common = std::exp(-0.5 * y * y) * step * kappa / std::sqrt(2 * std::numbers::pi);
    out.push_back({std::log(kappa * s), 1, 1, {common, common * y, common * (y * y - 1)}});
  }
}

}  // namespace

ConvolutedPandel::ConvolutedPandel(double rate, double sigma, double longest)
    : rate_(rate), sigma_(sigma), per_sigma_(1 / sigma) {
  const double kappa = rate * sigma;
  const std::size_t shapes = ShapeAxis::cell(shape_end).index + 1;
  times_ = DelayAxis::cell(std::fmax(longest / sigma, 10) + delay_offset).index + 2;
  nodes_.resize(shapes * times_);

  std::vector<Sample> samples;
  for (std::size_t j = 0; j < times_; ++j) {
    const double t = DelayAxis::node(j) - delay_offset;
    const bool near = t < 9;
    samples.clear();
    if (near)
      samples_near(t, kappa, samples);
    else
      samples_far(t, kappa, samples);
    // Powers of the delay grow from shape to shape by a factor that changes with each octave only.
    // Far delays start from exp(-rate * delay) * (rate * delay)^-1, near ones from 1.
    for (auto& sample : samples)
      if (!near) sample.power = std::exp(-std::exp(sample.log_delay) - sample.log_delay);
    double last_width = 0;
    for (std::size_t i = 0; i < shapes; ++i) {
      const double shape = ShapeAxis::node(i) - shape_offset;
      const double width = i == 0 ? 0 : shape - (ShapeAxis::node(i - 1) - shape_offset);
      if (width != last_width)
        for (auto& sample : samples) sample.step = std::exp(sample.log_delay * width);
      last_width = width;
      double value[3] = {}, by_shape[3] = {};
      for (auto& sample : samples) {
        if (i > 0) sample.power *= sample.step;
        for (int k = 0; k < 3; ++k) {
          const double term = sample.power * sample.weight[k];
          value[k] += term;
          by_shape[k] += term * sample.log_delay;
        }
      }
      // 1 / Gamma(shape + 1), or shape / Gamma(shape + 1) = 1 / Gamma(shape); no pole at shape 0.
      const double inverse_gamma = std::exp(-std::lgamma(shape + 1));
      const double digamma = boost::math::digamma(shape + 1);
      const double norm = near ? inverse_gamma : inverse_gamma * shape;
      const double norm_by_shape =
          near ? -digamma * inverse_gamma : inverse_gamma * (1 - shape * digamma);
      Node& node = nodes_[i * times_ + j];
      double unit = 1 / sigma;
      for (int k = 0; k < 3; ++k, unit /= sigma) {
        node.value[k + 1] = norm * value[k] * unit;
        node.by_shape[k + 1] = (norm * by_shape[k] + norm_by_shape * value[k]) * unit;
      }
    }
  }

  // The CDF: integral of the quintic interpolant of the density, cell after cell.
  for (std::size_t i = 0; i < shapes; ++i) {
    Node* row = &nodes_[i * times_];
    const double t0 = DelayAxis::node(0) - delay_offset;
    const double tail = sigma / -t0 * (1 - 1 / square(t0));  // Mills' ratio of the Gaussian's flank
    row[0].value[0] = row[0].value[1] * tail;
    row[0].by_shape[0] = row[0].by_shape[1] * tail;
    for (std::size_t j = 1; j < times_; ++j) {
      const double h = (DelayAxis::node(j) - DelayAxis::node(j - 1)) * sigma;
      const auto cell = [h](const double* a, const double* b) {
        return h / 2 * (a[1] + b[1]) + h * h / 10 * (a[2] - b[2]) + h * h * h / 120 * (a[3] + b[3]);
      };
      row[j].value[0] = row[j - 1].value[0] + cell(row[j - 1].value, row[j].value);
      row[j].by_shape[0] = row[j - 1].by_shape[0] + cell(row[j - 1].by_shape, row[j].by_shape);
    }
  }
}

void ConvolutedPandel::evaluate(double shape, const double* delays, std::size_t n,
                                PandelPoint* out) const {
  // Cubic Hermite weights in the shape, for the value and for its derivative.
  const bool clamped = !(shape < shape_end - shape_offset - 1e-9) || shape < 0;
  const double inside = clamped ? (shape < 0 ? 0.0 : shape_end - shape_offset - 1e-9) : shape;
  const Cell across = ShapeAxis::cell(inside + shape_offset);
  const double f = across.fraction, g = 1 - f, w = across.width;
  const double v0 = g * g * (1 + 2 * f), v1 = 1 - v0, s0 = w * f * g * g, s1 = -w * f * f * g;
  const double dv = clamped ? 0 : 6 * f * g * across.per_width;
  const double ds0 = clamped ? 0 : g * (1 - 3 * f), ds1 = clamped ? 0 : f * (3 * f - 2);
  const Node* const lower = &nodes_[across.index * times_];
  const Node* const upper = lower + times_;

  const double last = DelayAxis::node(times_ - 1) * (1 - 1e-12);

  for (std::size_t i = 0; i < n; ++i) {
    const double wanted = delays[i] * per_sigma_ + delay_offset;
    const double at = std::fmin(std::fmax(wanted, axis_start), last);
    const Cell along = DelayAxis::cell(at);

    // Value and derivative by shape of (cumulative, density, slopes) at the cell's two ends.
    double end[2][8];
    for (int side = 0; side < 2; ++side) {
      const Node& a = lower[along.index + static_cast<std::size_t>(side)];
      const Node& b = upper[along.index + static_cast<std::size_t>(side)];
      const Double4 av = load4(a.value), bv = load4(b.value);
      const Double4 as = load4(a.by_shape), bs = load4(b.by_shape);
      store4(end[side], v0 * av + v1 * bv + s0 * as + s1 * bs);
      store4(end[side] + 4, dv * (bv - av) + ds0 * as + ds1 * bs);
    }

    const double x = along.fraction, h = along.width * sigma_, x2 = x * x, x3 = x2 * x;
    const double per_h = along.per_width * per_sigma_;
    const double k0 = x3 * (10 + x * (-15 + 6 * x)), h0 = 1 - k0;
    const double h1 = h * (x + x3 * (-6 + x * (8 - 3 * x)));
    const double k1 = h * x3 * (-4 + x * (7 - 3 * x));
    const double h2 = 0.5 * h * h * (x2 + x3 * (-3 + x * (3 - x)));
    const double k2 = 0.5 * h * h * x3 * (1 + x * (-2 + x));
    const auto blend = [&](int k) {
      return h0 * end[0][k] + k0 * end[1][k] + h1 * end[0][k + 1] + k1 * end[1][k + 1] +
             h2 * end[0][k + 2] + k2 * end[1][k + 2];
    };
    PandelPoint& point = out[i];
    point.density = blend(1);
    point.density_by_shape = blend(5);
    point.cumulative = blend(0);
    point.cumulative_by_shape = blend(4);
    const double dk0 = 30 * x2 * square(1 - x) * per_h;
    const double dh1 = 1 + x2 * (-18 + x * (32 - 15 * x));
    const double dk1 = x2 * (-12 + x * (28 - 15 * x));
    const double dh2 = 0.5 * h * (2 * x + x2 * (-9 + x * (12 - 5 * x)));
    const double dk2 = 0.5 * h * x2 * (3 + x * (-8 + 5 * x));
    point.density_slope = dk0 * (end[1][1] - end[0][1]) + dh1 * end[0][2] + dk1 * end[1][2] +
                          dh2 * end[0][3] + dk2 * end[1][3];

    // Outside the table: a Gaussian flank before it, an exponential tail after it.
    if (wanted < axis_start) {
      const double before = (axis_start - wanted) * sigma_;
      const double slope = point.density > 0 ? point.density_slope / point.density : 0;
      const double factor = std::exp(-before * slope - 0.5 * square(before / sigma_));
      point.density *= factor;
      point.density_by_shape *= factor;
      point.density_slope = point.density * (slope + before / square(sigma_));
      point.cumulative *= factor;
      point.cumulative_by_shape *= factor;
    } else if (wanted > last) {
      const double factor = std::exp(-rate_ * (wanted - last) * sigma_);
      point.density *= factor;
      point.density_by_shape *= factor;
      point.density_slope = -rate_ * point.density;
      point.cumulative = 1 - (1 - point.cumulative) * factor;
      point.cumulative_by_shape *= factor;
    }
  }
}

RoughPandel::RoughPandel(const ConvolutedPandel& exact, double longest)
    : per_sigma_(1 / exact.sigma()) {
  const std::size_t shapes = ShapeAxis::cell(shape_end).index + 1;
  times_ = FineDelayAxis::cell(std::fmax(longest * per_sigma_, 10) + delay_offset).index + 2;
  last_ = FineDelayAxis::node(times_ - 1) * (1 - 1e-12);
  nodes_.reserve(shapes * times_);
  for (std::size_t i = 0; i < shapes; ++i)
    for (std::size_t j = 0; j < times_; ++j) {
      const double delay = (FineDelayAxis::node(j) - delay_offset) * exact.sigma();
      PandelPoint point;
      exact.evaluate(ShapeAxis::node(i) - shape_offset, &delay, 1, &point);
      nodes_.push_back({{point.cumulative, point.density * exact.sigma(), point.cumulative_by_shape,
                         point.density_by_shape * exact.sigma()}});
    }
}

void RoughPandel::cumulative(double shape, const double* delays, std::size_t n, double* out) const {
  const double inside = std::fmin(std::fmax(shape, 0.0), shape_end - shape_offset - 1e-9);
  const Cell across = ShapeAxis::cell(inside + shape_offset);
  const double f = across.fraction, g = 1 - f, w = across.width;
  const double v0 = g * g * (1 + 2 * f), v1 = 1 - v0, s0 = w * f * g * g, s1 = -w * f * f * g;
  const Double4 at_lower = {v0, v0, s0, s0}, at_upper = {v1, v1, s1, s1};
  const Node* const lower = &nodes_[across.index * times_];
  const Node* const upper = lower + times_;
  for (std::size_t i = 0; i < n; ++i) {
    const double wanted = delays[i] * per_sigma_ + delay_offset;
    if (wanted < axis_start) {
      out[i] = 0;
      continue;
    }
    const Cell along = FineDelayAxis::cell(wanted < last_ ? wanted : last_);
    const Node *a = lower + along.index, *b = upper + along.index;
    const Double4 before = at_lower * load4(a[0].value) + at_upper * load4(b[0].value);
    const Double4 after = at_lower * load4(a[1].value) + at_upper * load4(b[1].value);
    const double x = along.fraction, y = 1 - x, h = along.width;
    const double u0 = y * y * (1 + 2 * x), u1 = 1 - u0, d0 = h * x * y * y, d1 = -h * x * x * y;
    const Double4 at_begin = {u0, d0, u0, d0}, at_end = {u1, d1, u1, d1};
    out[i] = sum4(at_begin * before + at_end * after);
  }
}

}  // namespace skyscan

#include "light/pandel.hpp"

#include <boost/math/special_functions/digamma.hpp>
#include <cmath>
#include <numbers>

#include "light/pandel_axes.hpp"
#include "math/simd4.hpp"

namespace skyscan {
namespace {

constexpr double least_longest = 10;  // sigma: of any table's end

// From so many sigma after the geometric time on the convolution's integrand is a Gaussian times
// something smooth.
constexpr double far_residual = 9;

constexpr double square(double x) { return x * x; }

// Quadrature points for the convolution at one residual: the photon's unsmeared residual (times
// the rate, as its logarithm), and what every shape shares: Gaussian, exponential, step; times the
// polynomials whose integrals are the density and its two slopes.
struct Sample {
  double log_residual, power, step;
  double weight[3];
};

// Integrated by parts once, so that the residual's power is shape, not shape - 1, and small shapes
// are no singularity at 0; nodes of the exp-sinh rule (H. Takahasi and M. Mori, Publ. RIMS 9 (1974)
// 721) in steps of 0.04.
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

// Far from 0 the trapezoidal rule serves. Powers of the residual start from exp(-rate * residual) *
// (rate * residual)^-1.
void samples_far(double t, double kappa, std::vector<Sample>& out) {
  constexpr double step = 0.5;
  for (double y = -8.5; y <= 8.5; y += step) {
    const double s = t + y;
    const double common = std::exp(-0.5 * y * y) * step * kappa / std::sqrt(2 * std::numbers::pi);
    const double log_residual = std::log(kappa * s);
    out.push_back({log_residual,
                   std::exp(-std::exp(log_residual) - log_residual),
                   1,
                   {common, common * y, common * (y * y - 1)}});
  }
}

// The density and its slopes at one residual t [sigma], for one shape after the other, and their
// derivatives by shape; but for the unit of time.
class Convolution {
 public:
  Convolution(double t, double kappa) : near_(t < far_residual) {
    if (near_)
      samples_near(t, kappa, samples_);
    else
      samples_far(t, kappa, samples_);
  }

  // Goes to the next shape. Powers of the residual grow from shape to shape by a factor that
  // changes with each octave only.
  void advance(double width) {
    if (width != width_)
      for (auto& sample : samples_) sample.step = std::exp(sample.log_residual * width);
    width_ = width;
    for (auto& sample : samples_) sample.power *= sample.step;
  }

  void integrate(double shape, double* value, double* by_shape) const {
    double sum[3] = {}, sum_by_shape[3] = {};
    for (const auto& sample : samples_)
      for (int k = 0; k < 3; ++k) {
        const double term = sample.power * sample.weight[k];
        sum[k] += term;
        sum_by_shape[k] += term * sample.log_residual;
      }
    // 1 / Gamma(shape + 1), or shape / Gamma(shape + 1) = 1 / Gamma(shape); no pole at shape 0.
    const double inverse_gamma = std::exp(-std::lgamma(shape + 1));
    const double digamma = boost::math::digamma(shape + 1);
    const double norm = near_ ? inverse_gamma : inverse_gamma * shape;
    const double norm_by_shape =
        near_ ? -digamma * inverse_gamma : inverse_gamma * (1 - shape * digamma);
    for (int k = 0; k < 3; ++k) {
      value[k] = norm * sum[k];
      by_shape[k] = norm * sum_by_shape[k] + norm_by_shape * sum[k];
    }
  }

 private:
  bool near_;
  double width_ = 0;
  std::vector<Sample> samples_;
};

}  // namespace

ConvolutedPandel::ConvolutedPandel(double rate, double sigma, double longest)
    : rate_(rate), sigma_(sigma), inverse_sigma_(1 / sigma) {
  set_density(longest);
  set_cumulative();
}

void ConvolutedPandel::set_density(double longest) {
  const std::size_t shapes = ShapeAxis::cell(shape_end).index + 1;
  const double end = std::fmax(longest / sigma_, least_longest) + residual_offset;
  times_ = ResidualAxis::cell(end).index + 2;
  nodes_.resize(shapes * times_);
  for (std::size_t j = 0; j < times_; ++j) {
    Convolution convolution(ResidualAxis::node(j) - residual_offset, rate_ * sigma_);
    for (std::size_t i = 0; i < shapes; ++i) {
      const double shape = ShapeAxis::node(i) - shape_offset;
      if (i > 0) convolution.advance(shape - (ShapeAxis::node(i - 1) - shape_offset));
      double value[3], by_shape[3];
      convolution.integrate(shape, value, by_shape);
      Node& node = nodes_[i * times_ + j];
      double unit = 1 / sigma_;
      for (int k = 0; k < 3; ++k, unit /= sigma_) {
        node.value[k + 1] = value[k] * unit;
        node.by_shape[k + 1] = by_shape[k] * unit;
      }
    }
  }
}

// The integral of the quintic interpolant of the density, cell after cell.
void ConvolutedPandel::set_cumulative() {
  for (Node* row = nodes_.data(); row != nodes_.data() + nodes_.size(); row += times_) {
    const double t0 = ResidualAxis::node(0) - residual_offset;
    const double tail =
        sigma_ / -t0 * (1 - 1 / square(t0));  // Mills' ratio of the Gaussian's flank
    row[0].value[0] = row[0].value[1] * tail;
    row[0].by_shape[0] = row[0].by_shape[1] * tail;
    for (std::size_t j = 1; j < times_; ++j) {
      const double h = (ResidualAxis::node(j) - ResidualAxis::node(j - 1)) * sigma_;
      const auto cell = [h](const double* a, const double* b) {
        return h / 2 * (a[1] + b[1]) + h * h / 10 * (a[2] - b[2]) + h * h * h / 120 * (a[3] + b[3]);
      };
      row[j].value[0] = row[j - 1].value[0] + cell(row[j - 1].value, row[j].value);
      row[j].by_shape[0] = row[j - 1].by_shape[0] + cell(row[j - 1].by_shape, row[j].by_shape);
    }
  }
}

void ConvolutedPandel::evaluate(double shape, const double* residuals, std::size_t n,
                                PandelPoint* out) const {
  const bool clamped = !(shape < last_shape) || shape < 0;
  const TableCell across =
      ShapeAxis::cell((clamped ? (shape < 0 ? 0.0 : last_shape) : shape) + shape_offset);
  const HermiteCubic of(across);
  const double dv = clamped ? 0 : of.dv, ds0 = clamped ? 0 : of.ds0, ds1 = clamped ? 0 : of.ds1;
  const Node* const lower = &nodes_[across.index * times_];
  const Node* const upper = lower + times_;
  const double last = ResidualAxis::node(times_ - 1) * within;

  for (std::size_t i = 0; i < n; ++i) {
    const double wanted = residuals[i] * inverse_sigma_ + residual_offset;
    const TableCell along = ResidualAxis::cell(std::fmin(std::fmax(wanted, axis_start), last));

    // Value and derivative by shape of (cumulative, density, slopes) at the cell's two ends.
    double end[2][8];
    for (int side = 0; side < 2; ++side) {
      const Node& a = lower[along.index + static_cast<std::size_t>(side)];
      const Node& b = upper[along.index + static_cast<std::size_t>(side)];
      const Double4 av = load4(a.value), bv = load4(b.value);
      const Double4 as = load4(a.by_shape), bs = load4(b.by_shape);
      store4(end[side], of.v0 * av + of.v1 * bv + of.s0 * as + of.s1 * bs);
      store4(end[side] + 4, dv * (bv - av) + ds0 * as + ds1 * bs);
    }

    // Hermite's quintic in the residual, and its slope.
    const double x = along.fraction, h = along.width * sigma_, x2 = x * x, x3 = x2 * x;
    const double inverse_h = along.inverse_width * inverse_sigma_;
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
    const double dk0 = 30 * x2 * square(1 - x) * inverse_h;
    const double dh1 = 1 + x2 * (-18 + x * (32 - 15 * x));
    const double dk1 = x2 * (-12 + x * (28 - 15 * x));
    const double dh2 = 0.5 * h * (2 * x + x2 * (-9 + x * (12 - 5 * x)));
    const double dk2 = 0.5 * h * x2 * (3 + x * (-8 + 5 * x));
    point.density_slope = dk0 * (end[1][1] - end[0][1]) + dh1 * end[0][2] + dk1 * end[1][2] +
                          dh2 * end[0][3] + dk2 * end[1][3];
    if (wanted < axis_start || wanted > last) leave_table(wanted, last, point);
  }
}

// From the table's end to a residual outside it: a Gaussian flank before, an exponential tail
// after.
void ConvolutedPandel::leave_table(double wanted, double last, PandelPoint& point) const {
  if (wanted < axis_start) {
    const double before = (axis_start - wanted) * sigma_;
    const double slope = point.density > 0 ? point.density_slope / point.density : 0;
    const double factor = std::exp(-before * slope - 0.5 * square(before / sigma_));
    point.density *= factor;
    point.density_by_shape *= factor;
    point.density_slope = point.density * (slope + before / square(sigma_));
    point.cumulative *= factor;
    point.cumulative_by_shape *= factor;
  } else {
    const double factor = std::exp(-rate_ * (wanted - last) * sigma_);
    point.density *= factor;
    point.density_by_shape *= factor;
    point.density_slope = -rate_ * point.density;
    point.cumulative = 1 - (1 - point.cumulative) * factor;
    point.cumulative_by_shape *= factor;
  }
}

namespace {

// Of two nodes of a row: both weigh the same by their shape.
Float8 weights_by_shape(double value, double slope) {
  const auto v = static_cast<float>(value), s = static_cast<float>(slope);
  return Float8{v, v, s, s, v, v, s, s};
}

}  // namespace

RoughPandel::RoughPandel(const ConvolutedPandel& exact, double longest)
    : inverse_sigma_(1 / exact.sigma()) {
  const std::size_t shapes = ShapeAxis::cell(shape_end).index + 1;
  const double end = std::fmax(longest * inverse_sigma_, least_longest) + residual_offset;
  times_ = FineResidualAxis::cell(end).index + 2;
  last_ = FineResidualAxis::node(times_ - 1) * within;
  nodes_.reserve(shapes * times_);
  for (std::size_t i = 0; i < shapes; ++i)
    for (std::size_t j = 0; j < times_; ++j) {
      const double residual = (FineResidualAxis::node(j) - residual_offset) * exact.sigma();
      PandelPoint point;
      // The last row is one that still has a slope.
      exact.evaluate(std::fmin(ShapeAxis::node(i) - shape_offset, last_shape - 1e-9), &residual, 1,
                     &point);
      const double numbers[] = {point.cumulative, point.density * exact.sigma(),
                                point.cumulative_by_shape, point.density_by_shape * exact.sigma()};
      Node& node = nodes_.emplace_back();
      for (std::size_t k = 0; k < 4; ++k) node.value[k] = static_cast<float>(numbers[k]);
    }
}

void RoughPandel::cumulative(double shape, const double* residuals, std::size_t n,
                             double* out) const {
  const TableCell across =
      ShapeAxis::cell(std::fmin(std::fmax(shape, 0.0), last_shape) + shape_offset);
  const HermiteCubic of(across);
  const Node* const lower = &nodes_[across.index * times_];
  const Node* const upper = lower + times_;
  const Float8 at_lower = weights_by_shape(of.v0, of.s0), at_upper = weights_by_shape(of.v1, of.s1);
  for (std::size_t i = 0; i < n; ++i) {
    const double wanted = residuals[i] * inverse_sigma_ + residual_offset;
    if (wanted < axis_start) {
      out[i] = 0;
      continue;
    }
    const TableCell along = FineResidualAxis::cell(wanted < last_ ? wanted : last_);
    const HermiteCubic at(along);
    const auto v0 = static_cast<float>(at.v0), v1 = static_cast<float>(at.v1);
    const auto s0 = static_cast<float>(at.s0), s1 = static_cast<float>(at.s1);
    const Float8 nodes =
        at_lower * load8(lower[along.index].value) + at_upper * load8(upper[along.index].value);
    out[i] = static_cast<double>(sum8(Float8{v0, s0, v0, s0, v1, s1, v1, s1} * nodes));
  }
}

}  // namespace skyscan

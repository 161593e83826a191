// Values and derivatives of a spline table at points.
#include <algorithm>
#include <array>
#include <cstddef>

#include "math/simd4.hpp"
#include "splines/contraction.hpp"
#include "splines/table.hpp"

namespace skyscan {

namespace {

using Size = std::size_t;

// The inner axis's functions, placed in whole fours.
struct InnerAxis {
  static constexpr int most_fours = (BasisValues::most_width + 6) / 4;
  int from, fours;
  double weight[4 * most_fours], slope[4 * most_fours];

  InnerAxis(const BasisValues& at, bool with_slope) {
    from = at.first / 4;
    fours = (at.first + at.count + 3) / 4 - from;
    const int shift = at.first - 4 * from;
    std::fill_n(weight, 4 * fours, 0.0);
    for (int i = 0; i < at.count; ++i) weight[shift + i] = at.value[i];
    if (!with_slope) return;
    std::fill_n(slope, 4 * fours, 0.0);
    for (int i = 0; i < at.count; ++i) slope[shift + i] = at.slope[i];
  }
  double dot(const double* c, const double* w) const {
    Double4 sum{};
    for (int q = 0; q < fours; ++q) sum += load4(c + 4 * q) * load4(w + 4 * q);
    return sum4(sum);
  }
};

using Contracted = double[ContractionChannels::most * 4 * InnerAxis::most_fours];

// Asks for all coefficients of a plan. A cache line is a pair by a pair by a four.
void prefetch(const ContractionPlan& plan, const BasisValues& inner) {
  const int begin = inner.first / 4, end = (inner.first + inner.count - 1) / 4;
  int line[BasisValues::most_width * BasisValues::most_width], lines = 0;
  for (int o = 0; o < plan.outer->count; o += 2 - (plan.outer->first + o) % 2)
    for (int m = 0; m < plan.middle->count; m += 2 - (plan.middle->first + m) % 2)
      line[lines++] = plan.outer_offset[o] + plan.middle_offset[m] + 16 * begin;
  for (int b = 0; b < plan.blocks; ++b)
    for (int l = 0; l < lines; ++l)
      for (int q = 0; q <= end - begin; ++q)
        __builtin_prefetch(plan.block[b].values + line[l] + 16 * q);
}

// The coefficients around a point, and each axis's basis functions there with derivatives.
class Neighbourhood {
 public:
  // orders: how many derivatives of each axis.
  Neighbourhood(int axes, const int* orders) : axes_(axes), orders_(orders) {}

  // False outside the knots. `coefficient(index)` for every coefficient that takes part.
  template <typename Coefficient>
  bool gather(const std::vector<SplineBasis>& bases, const double* x,
              const Coefficient& coefficient) {
    Size total = 1;
    for (int axis = 0; axis < axes_; ++axis) {
      const auto& basis = bases[static_cast<Size>(axis)];
      const int interval = basis.locate(x[axis]);
      if (interval < 0) return false;
      first_[axis] = basis.first(interval);
      width_[axis] = basis.width();
      total *= static_cast<Size>(width_[axis]);
      weights_[axis].resize(static_cast<Size>((orders_[axis] + 1) * width_[axis]));
      basis.evaluate(interval, x[axis], orders_[axis] + 1, weights_[axis].data(), width_[axis]);
    }
    values_.resize(total);
    int index[SplineTable::most_axes];
    std::copy_n(first_, axes_, index);
    for (auto& value : values_) {
      value = static_cast<double>(coefficient(index));
      for (int axis = axes_ - 1; axis >= 0; --axis) {
        if (++index[axis] < first_[axis] + width_[axis]) break;
        index[axis] = first_[axis];
      }
    }
    return true;
  }

  // The derivative of this order along each axis, up to those asked for.
  double derivative(const int* order) const {
    std::vector<double> now = values_;
    Size count = now.size();
    for (int axis = axes_ - 1; axis >= 0; --axis) {
      const Size width = static_cast<Size>(width_[axis]);
      const double* weight = &weights_[axis][static_cast<Size>(order[axis]) * width];
      count /= width;
      for (Size i = 0; i < count; ++i) {
        double sum = 0;
        for (Size k = 0; k < width; ++k) sum += weight[k] * now[i * width + k];
        now[i] = sum;
      }
    }
    return now[0];
  }

 private:
  int axes_;
  const int* orders_;
  int first_[SplineTable::most_axes], width_[SplineTable::most_axes];
  std::vector<double> weights_[SplineTable::most_axes];  // [derivative][function]
  std::vector<double> values_;
};

}  // namespace

// One of many points, its coefficients on their way.
struct SplineTable::PlannedPoint {
  bool inside;
  BasisValues at[ContractionChannels::most];
  ContractionPlan plan;
};

bool SplineTable::has_contractable_inner() const {
  return contractable_ && basis(coefficients_->inner()).width() <= BasisValues::most_width;
}

bool SplineTable::evaluate(const double* x, double* value, double* gradient) const {
  const int n = dimensions();
  if (has_contractable_inner()) {
    std::array<BasisValues, most_axes> at;
    for (int axis = 0; axis < n; ++axis)
      if (!this->at(axis, x[axis], at[static_cast<Size>(axis)])) return false;
    evaluate(at.data(), gradient != nullptr ? (1u << n) - 1 : 0, value, gradient);
    return true;
  }
  int orders[most_axes];
  std::fill_n(orders, n, gradient != nullptr ? 1 : 0);
  Neighbourhood near(n, orders);
  if (!near.gather(axes_, x, [&](const int* index) { return coefficient(index); })) return false;
  int order[most_axes] = {};
  *value = near.derivative(order);
  for (int axis = 0; gradient != nullptr && axis < n; ++axis) {
    order[axis] = 1;
    gradient[axis] = near.derivative(order);
    order[axis] = 0;
  }
  return true;
}

void SplineTable::evaluate(const BasisValues* at, unsigned slopes, double* value,
                           double* gradient) const {
  const int axis_inside = coefficients_->inner();
  const InnerAxis inner(at[axis_inside], (slopes >> axis_inside & 1) != 0);
  Contracted out;
  contract(at, slopes & ~(1u << axis_inside), inner.from, inner.fours, out);
  *value = inner.dot(out, inner.weight);
  const double* channel = out;
  for (int axis = 0; axis < dimensions(); ++axis) {
    if ((slopes >> axis & 1) == 0) continue;
    gradient[axis] = axis == axis_inside ? inner.dot(out, inner.slope)
                                         : inner.dot(channel += 4 * inner.fours, inner.weight);
  }
}

void SplineTable::prepare(const double* x, bool with_slopes, PlannedPoint& point) const {
  point.inside = true;
  for (int axis = 0; axis < dimensions(); ++axis) {
    BasisValues& here = point.at[axis];
    if (with_slopes ? at(axis, x[axis], here) : value_at(axis, x[axis], here)) continue;
    point.inside = false;
    return;
  }
  plan_contraction(*coefficients_, dimensions(), sizes_.data(), point.at, with_slopes, point.plan);
  prefetch(point.plan, point.at[coefficients_->inner()]);
}

void SplineTable::finish(const PlannedPoint& point, double* value, double* gradient) const {
  const int n = dimensions(), axis_inside = coefficients_->inner();
  const bool with_slopes = gradient != nullptr;
  const ContractionChannels channels(*coefficients_, n, with_slopes ? (1u << n) - 1 : 0);
  const InnerAxis inner(point.at[axis_inside], with_slopes);
  Contracted out;
  skyscan::contract(point.plan, channels, inner.from, inner.fours, out);
  *value = inner.dot(out, inner.weight);
  if (!with_slopes) return;
  const double* channel = out;
  for (int axis = 0; axis < n; ++axis)
    gradient[axis] = axis == axis_inside ? inner.dot(out, inner.slope)
                                         : inner.dot(channel += 4 * inner.fours, inner.weight);
}

void SplineTable::evaluate(std::int64_t count, const double* x, double* values, double* gradients,
                           std::uint8_t* inside) const {
  const int n = dimensions();
  const auto gradient_of = [&](std::int64_t i) {
    return gradients != nullptr ? gradients + i * n : nullptr;
  };
  const bool is_planned = has_contractable_inner();
  PlannedPoint points[2];
  if (is_planned && count > 0) prepare(x, gradients != nullptr, points[0]);
  for (std::int64_t i = 0; i < count; ++i) {
    if (is_planned) {
      if (i + 1 < count) prepare(x + (i + 1) * n, gradients != nullptr, points[(i + 1) % 2]);
      inside[i] = points[i % 2].inside;
      if (inside[i] != 0) finish(points[i % 2], &values[i], gradient_of(i));
    } else {
      inside[i] = evaluate(x + i * n, &values[i], gradient_of(i));
    }
    if (inside[i] != 0) continue;
    values[i] = 0;
    if (gradients != nullptr) std::fill_n(gradient_of(i), n, 0.0);
  }
}

bool SplineTable::derivative(const double* x, const int* orders, double* value) const {
  Neighbourhood near(dimensions(), orders);
  if (!near.gather(axes_, x, [&](const int* index) { return coefficient(index); })) return false;
  *value = near.derivative(orders);
  return true;
}

}  // namespace skyscan

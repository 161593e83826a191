#include "splines/table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/errors.hpp"
#include "math/simd4.hpp"

namespace skyscan {

namespace {

using Size = std::size_t;
constexpr int kMostOrder = 15;
constexpr int kMostBlocks = 512;  // blocks one contraction may touch

std::string numbered(const char* name, int axis) { return name + std::to_string(axis); }

// Header cards that are layout, not description; photospline compares the beginnings.
bool is_layout(const std::string& key) {
  for (const char* start :
       {"BITPIX", "SIMPLE", "TYPE", "ORDER", "NAXIS", "PERIOD", "EXTEND", "COMMENT"})
    if (key.compare(0, std::strlen(start), start) == 0) return true;
  return false;
}

}  // namespace

SplineTable::SplineTable(const std::string& path, std::optional<int> inner) : file_(path) {
  image_ = &file_.hdus().front();
  const int n = static_cast<int>(image_->naxis.size());
  if (n < 1 || n > kMostAxes)
    fail("key NAXIS is " + std::to_string(n) + "; a spline table has 1 to " +
         std::to_string(kMostAxes) + " axes");
  if (image_->bitpix != -32 && image_->bitpix != -64)
    fail("key BITPIX is " + std::to_string(image_->bitpix) +
         "; expected -32 or -64 (floating-point coefficients)");
  const auto common = file_.integer(*image_, "ORDER");
  for (int axis = 0; axis < n; ++axis) {
    const std::string key = common ? "ORDER" : numbered("ORDER", axis);
    const auto order = common ? common : file_.integer(*image_, key);
    if (!order)
      fail("key " + key + " (spline order of axis " + std::to_string(axis) + ") is missing");
    if (*order < 0 || *order > kMostOrder)
      fail("key " + key + " is " + std::to_string(*order) + "; expected 0 to " +
           std::to_string(kMostOrder));
    const std::int64_t size = image_->naxis[static_cast<Size>(n - 1 - axis)];
    if (size < 1 || size > 1 << 20)
      fail("key " + numbered("NAXIS", n - axis) + " is " + std::to_string(size) +
           "; expected 1 to 1048576 coefficients");
    orders_.push_back(static_cast<int>(*order));
    sizes_.push_back(static_cast<int>(size));
    periods_.push_back(file_.number(*image_, numbered("PERIOD", axis)).value_or(0));

    const auto* hdu = file_.find(numbered("KNOTS", axis));
    if (hdu == nullptr)
      throw BadInput(file_.path() + ": HDU " + numbered("KNOTS", axis) + " is missing");
    auto knots = file_.values(*hdu);
    const auto expected = static_cast<Size>(size + *order + 1);
    if (knots.size() != expected)
      file_.fail(*hdu, "key NAXIS1: " + std::to_string(knots.size()) + " knots; expected " +
                           std::to_string(expected) + " (" + std::to_string(size) +
                           " coefficients + order " + std::to_string(*order) + " + 1)");
    for (Size i = 0; i < knots.size(); ++i) {
      if (!std::isfinite(knots[i]))
        file_.fail(*hdu, "knot " + std::to_string(i) + " is not a finite number");
      if (i > 0 && knots[i] < knots[i - 1])
        file_.fail(*hdu, "knot " + std::to_string(i) + " (" + std::to_string(knots[i]) +
                             ") is below the one before it; knots must ascend");
    }
    if (!(knots.back() > knots.front())) file_.fail(*hdu, "all knots are equal");
    axes_.emplace_back(knots, orders_.back());
    extents_.emplace_back(knots[static_cast<Size>(*order)],
                          knots[knots.size() - static_cast<Size>(*order) - 1]);
    knots_.push_back(std::move(knots));
    if (orders_.back() >= AxisAt::kMostWidth) contractable_ = false;
  }
  // As photospline does, EXTENTS of another shape than 2n are no extents.
  const auto* extents = file_.find("EXTENTS");
  if (extents != nullptr && extents->is_image && !extents->naxis.empty() &&
      extents->naxis[0] == 2 * n && extents->values == 2 * n) {
    const auto values = file_.values(*extents);
    for (int axis = 0; axis < n; ++axis) {
      const double low = values[static_cast<Size>(2 * axis)];
      const double high = values[static_cast<Size>(2 * axis + 1)];
      if (!std::isfinite(low) || !std::isfinite(high) || low > high)
        file_.fail(*extents, "axis " + std::to_string(axis) + ": " + std::to_string(low) + " to " +
                                 std::to_string(high) + " is not a range");
      extents_[static_cast<Size>(axis)] = {low, high};
    }
  }
  for (const auto& card : image_->cards)
    if (!is_layout(card.key)) keys_.push_back(card);

  std::int64_t touched = 1;
  for (int axis = 0; axis < n - 3; ++axis) touched *= axes_[static_cast<Size>(axis)].width();
  contractable_ = contractable_ && n <= 6 && touched <= kMostBlocks;

  const int last = inner.value_or(n - 1);
  if (last < n - 3 || last >= n)
    fail("axis " + std::to_string(last) + " is not among the last three of " + std::to_string(n));
  coefficients_ = std::make_unique<Coefficients>(file_, *image_, sizes_, last);
}

double SplineTable::number(const std::string& key, double fallback) const {
  return file_.number(*image_, key).value_or(fallback);
}

void SplineTable::convolve(int axis, const std::vector<double>& kernel) {
  const Size a = static_cast<Size>(axis);
  const double below = knots_[a][static_cast<Size>(orders_[a])];
  if (SplineConvolution::possible(knots_[a])) {
    convolved_axis_ = axis;
    convolution_.emplace(knots_[a], orders_[a], kernel);
    axes_[a] = SplineBasis(convolution_->knots(), convolution_->order());
    contractable_ = false;
  } else {
    axes_[a] = SplineBasis(SplineBasis(knots_[a], orders_[a]), kernel);
    contractable_ = contractable_ && axis == coefficients_->inner();
  }
  const auto& knots = axes_[a].knots();
  auto& [low, high] = extents_[a];
  low = low < below ? knots.front() : knots[static_cast<Size>(axes_[a].degree())];
  high += kernel.front();
}

std::vector<double> SplineTable::largest_along_first() const {
  const std::int64_t rest = image_->values / sizes_[0];
  std::vector<float> values(static_cast<Size>(rest));
  std::vector<double> largest;
  for (std::int64_t i = 0; i < sizes_[0]; ++i) {
    file_.floats(*image_, i * rest, rest, values.data());
    file_.release(*image_, i * rest, rest);
    largest.push_back(*std::max_element(values.begin(), values.end()));
  }
  return largest;
}

int SplineTable::place(int axis, double x, AxisAt& out) const {
  const auto& basis = axes_[static_cast<Size>(axis)];
  const int interval = basis.locate(x);
  if (interval < 0) return interval;
  out.first = basis.first(interval);
  out.count = basis.width();
  return interval;
}

bool SplineTable::at(int axis, double x, AxisAt& out) const {
  const int interval = place(axis, x, out);
  if (interval < 0) return false;
  axes_[static_cast<Size>(axis)].weights(interval, x, out.value, out.slope);
  return true;
}

bool SplineTable::value_at(int axis, double x, AxisAt& out) const {
  const int interval = place(axis, x, out);
  if (interval < 0) return false;
  axes_[static_cast<Size>(axis)].values(interval, x, out.value);
  return true;
}

namespace {

constexpr int kMostOutside = 3;  // axes before the last three

// What a contraction reads and with which weights.
struct Plan {
  struct Block {
    const float* values;
    double weight;
    double slope[kMostOutside];  // with the derivative along each axis before the last three
  };
  const AxisAt *outer, *middle;
  int outer_offset[AxisAt::kMostWidth], middle_offset[AxisAt::kMostWidth];
  int blocks = 0;
  Block block[kMostBlocks];
};

// Lists all combinations of the axes before the last three.
template <int axis, int outside, bool values_only>
void list_blocks(const Coefficients& coefficients, const AxisAt* at, const int* sizes,
                 std::int64_t number, double weight, const double* slope, Plan& plan) {
  if constexpr (axis == outside) {
    Plan::Block& block = plan.block[plan.blocks++];
    block.values = coefficients.block(number);
    block.weight = weight;
    if constexpr (!values_only)
      for (int k = 0; k < outside; ++k) block.slope[k] = slope[k];
  } else {
    const AxisAt& here = at[axis];
    for (int i = 0; i < here.count; ++i) {
      double next[kMostOutside];
      if constexpr (!values_only) {
        for (int k = 0; k < axis; ++k) next[k] = slope[k] * here.value[i];
        next[axis] = weight * here.slope[i];
      }
      list_blocks<axis + 1, outside, values_only>(coefficients, at, sizes,
                                                  number * sizes[axis] + here.first + i,
                                                  weight * here.value[i], next, plan);
    }
  }
}

// Sums over all blocks and both other axes for `fours` neighbouring fours of the inner axis. Out
// come, for each of them, the value, then (unless values_only) the derivatives along the axes
// before the last three, the outer and the middle one.
template <int outer_fixed, int middle_fixed, int outside, bool values_only, int fours>
void sweep(const Plan& plan, int from, Double4 (*out)[kMostOutside + 3]) {
  const int outer_count = outer_fixed > 0 ? outer_fixed : plan.outer->count;
  const int middle_count = middle_fixed > 0 ? middle_fixed : plan.middle->count;
  const AxisAt &outer = *plan.outer, &middle = *plan.middle;
  Double4 value[fours]{}, by_outer[fours]{}, by_middle[fours]{}, by[fours][outside + 1]{};
  for (int b = 0; b < plan.blocks; ++b) {
    const float* block = plan.block[b].values + 16 * from;
    const double weight = plan.block[b].weight;
    Double4 here[fours]{}, here_outer[fours]{}, here_middle[fours]{};
    for (int i = 0; i < outer_count; ++i) {
      const float* row = block + plan.outer_offset[i];
      Double4 sum[fours]{}, slope[fours]{};
      for (int j = 0; j < middle_count; ++j) {
        for (int q = 0; q < fours; ++q) {
          const Double4 c = widen4(row + plan.middle_offset[j] + 16 * q);
          sum[q] += middle.value[j] * c;
          if constexpr (!values_only) slope[q] += middle.slope[j] * c;
        }
      }
      for (int q = 0; q < fours; ++q) {
        here[q] += outer.value[i] * sum[q];
        if constexpr (!values_only) {
          here_outer[q] += outer.slope[i] * sum[q];
          here_middle[q] += outer.value[i] * slope[q];
        }
      }
    }
    for (int q = 0; q < fours; ++q) {
      value[q] += weight * here[q];
      if constexpr (!values_only) {
        for (int k = 0; k < outside; ++k) by[q][k] += plan.block[b].slope[k] * here[q];
        by_outer[q] += weight * here_outer[q];
        by_middle[q] += weight * here_middle[q];
      }
    }
  }
  for (int q = 0; q < fours; ++q) {
    out[q][0] = value[q];
    if constexpr (!values_only) {
      for (int k = 0; k < outside; ++k) out[q][1 + k] = by[q][k];
      out[q][1 + outside] = by_outer[q];
      out[q][2 + outside] = by_middle[q];
    }
  }
}

using Sweep = void (*)(const Plan&, int, Double4 (*)[kMostOutside + 3]);

template <int outside, bool values_only, int fours>
Sweep choose(int outer, int middle) {
  if (outer == 3 && middle == 3) return sweep<3, 3, outside, values_only, fours>;
  if (outer == 4 && middle == 3) return sweep<4, 3, outside, values_only, fours>;
  return sweep<0, 0, outside, values_only, fours>;
}

}  // namespace

namespace {

// The plan of a contraction along all axes of a table but the inner one.
template <int outside, bool values_only>
void plan_contraction(const Coefficients& c, const AxisAt* at, const int* sizes, Plan& plan) {
  static const AxisAt one{0, 1, {1}, {0}};
  plan.blocks = 0;
  plan.outer = c.outer() >= 0 ? &at[c.outer()] : &one;
  plan.middle = c.middle() >= 0 ? &at[c.middle()] : &one;
  for (int i = 0; i < plan.outer->count; ++i)
    plan.outer_offset[i] = c.outer_offset(plan.outer->first + i);
  for (int j = 0; j < plan.middle->count; ++j)
    plan.middle_offset[j] = c.middle_offset(plan.middle->first + j);
  const double none[kMostOutside] = {};
  list_blocks<0, outside, values_only>(c, at, sizes, 0, 1.0, none, plan);
}

// Sweeps over the planned blocks: `channels` of their results, those numbered by `wanted`, as
// contract() has them.
template <int outside>
void contract_planned(const Plan& plan, const int* wanted, int channels, int from, int fours,
                      double* out) {
  const int outer = plan.outer->count, middle = plan.middle->count;
  const Sweep two = channels == 1 ? choose<outside, true, 2>(outer, middle)
                                  : choose<outside, false, 2>(outer, middle);
  const Sweep single = channels == 1 ? choose<outside, true, 1>(outer, middle)
                                     : choose<outside, false, 1>(outer, middle);
  Double4 results[2][kMostOutside + 3];
  for (int q = 0; q < fours;) {
    const int n = fours - q >= 2 ? 2 : 1;
    (n == 2 ? two : single)(plan, from + q, results);
    for (int k = 0; k < channels; ++k)
      for (int i = 0; i < n; ++i) store4(out + 4 * (k * fours + q + i), results[i][wanted[k]]);
    q += n;
  }
}

// Which of a sweep's results are wanted, in the order of the axes: how many.
template <int outside>
int wanted_results(const Coefficients& c, int dimensions, unsigned slopes, int* wanted) {
  int channels = 1;
  wanted[0] = 0;
  for (int axis = 0; axis < dimensions; ++axis) {
    if ((slopes >> axis & 1) == 0 || axis == c.inner()) continue;
    wanted[channels++] = axis < outside ? 1 + axis : axis == c.outer() ? 1 + outside : 2 + outside;
  }
  return channels;
}

// The inner axis's functions, placed in whole fours.
struct Inner {
  static constexpr int kMostFours = (AxisAt::kMostWidth + 6) / 4;
  int from, fours;
  double weight[4 * kMostFours], slope[4 * kMostFours];

  Inner(const AxisAt& at, bool with_slope) {
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

}  // namespace

template <int outside>
void SplineTable::contract_axes(const AxisAt* at, unsigned slopes, int from, int fours,
                                double* out) const {
  const Coefficients& c = *coefficients_;
  Plan plan;
  plan_contraction<outside, false>(c, at, sizes_.data(), plan);
  int wanted[kMostOutside + 3];
  const int channels = wanted_results<outside>(c, dimensions(), slopes, wanted);
  contract_planned<outside>(plan, wanted, channels, from, fours, out);
}

void SplineTable::contract(const AxisAt* at, unsigned slopes, int from, int fours,
                           double* out) const {
  switch (std::max(dimensions() - 3, 0)) {
    case 0:
      return contract_axes<0>(at, slopes, from, fours, out);
    case 1:
      return contract_axes<1>(at, slopes, from, fours, out);
    case 2:
      return contract_axes<2>(at, slopes, from, fours, out);
    default:
      return contract_axes<3>(at, slopes, from, fours, out);
  }
}

void SplineTable::combine(const int* index, int axis, const AxisAt& at, double* out) const {
  const Coefficients& c = *coefficients_;
  const int n = dimensions(), fours = (size(c.inner()) + 3) / 4;
  for (int q = 0; q < fours; ++q) store4(out + 4 * q, Double4{});
  for (int k = 0; k < at.count; ++k) {
    const auto number = [&](int a) { return a == axis ? at.first + k : index[a]; };
    std::int64_t block = 0;
    for (int a = 0; a < n - 3; ++a) block = block * size(a) + number(a);
    const float* from = c.block(block);
    if (c.outer() >= 0) from += c.outer_offset(number(c.outer()));
    if (c.middle() >= 0) from += c.middle_offset(number(c.middle()));
    for (int q = 0; q < fours; ++q)
      store4(out + 4 * q, load4(out + 4 * q) + at.value[k] * widen4(from + 16 * q));
  }
}

namespace {

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
    int index[SplineTable::kMostAxes];
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
  int first_[SplineTable::kMostAxes], width_[SplineTable::kMostAxes];
  std::vector<double> weights_[SplineTable::kMostAxes];  // [derivative][function]
  std::vector<double> values_;
};

}  // namespace

float SplineTable::stored(const int* index) const {
  const Coefficients& c = *coefficients_;
  const int outside = std::max(dimensions() - 3, 0);
  std::int64_t block = 0;
  for (int axis = 0; axis < outside; ++axis)
    block = block * sizes_[static_cast<Size>(axis)] + index[axis];
  int offset = Coefficients::inner_offset(index[c.inner()]);
  if (c.outer() >= 0) offset += c.outer_offset(index[c.outer()]);
  if (c.middle() >= 0) offset += c.middle_offset(index[c.middle()]);
  return c.block(block)[offset];
}

float SplineTable::coefficient(const int* index) const {
  if (!convolution_) return stored(index);
  int old[kMostAxes];
  std::copy_n(index, dimensions(), old);
  return convolution_->coefficient(index[convolved_axis_], [&](int number) {
    old[convolved_axis_] = number;
    return stored(old);
  });
}

bool SplineTable::evaluate(const double* x, double* value, double* gradient) const {
  const int n = dimensions();
  if (contractable_ &&
      axes_[static_cast<Size>(coefficients_->inner())].width() <= AxisAt::kMostWidth) {
    std::array<AxisAt, kMostAxes> at;
    for (int axis = 0; axis < n; ++axis)
      if (!this->at(axis, x[axis], at[static_cast<Size>(axis)])) return false;
    evaluate(at.data(), gradient != nullptr ? (1u << n) - 1 : 0, value, gradient);
    return true;
  }
  int orders[kMostAxes];
  std::fill_n(orders, n, gradient != nullptr ? 1 : 0);
  Neighbourhood near(n, orders);
  if (!near.gather(axes_, x, [&](const int* index) { return coefficient(index); })) return false;
  int order[kMostAxes] = {};
  *value = near.derivative(order);
  for (int axis = 0; gradient != nullptr && axis < n; ++axis) {
    order[axis] = 1;
    gradient[axis] = near.derivative(order);
    order[axis] = 0;
  }
  return true;
}

void SplineTable::evaluate(const AxisAt* at, unsigned slopes, double* value,
                           double* gradient) const {
  const int axis_inside = coefficients_->inner();
  const Inner inner(at[axis_inside], (slopes >> axis_inside & 1) != 0);
  double out[kMostAxes * 4 * Inner::kMostFours];
  contract(at, slopes & ~(1u << axis_inside), inner.from, inner.fours, out);
  *value = inner.dot(out, inner.weight);
  const double* channel = out;
  for (int axis = 0; axis < dimensions(); ++axis) {
    if ((slopes >> axis & 1) == 0) continue;
    gradient[axis] = axis == axis_inside ? inner.dot(out, inner.slope)
                                         : inner.dot(channel += 4 * inner.fours, inner.weight);
  }
}

template <int outside>
void SplineTable::evaluate_points(std::int64_t count, const double* x, double* values,
                                  double* gradients, std::uint8_t* inside) const {
  const Coefficients& c = *coefficients_;
  const int n = dimensions(), axis_inside = c.inner();
  int wanted[kMostOutside + 3];
  const int channels =
      wanted_results<outside>(c, n, gradients != nullptr ? (1u << n) - 1 : 0, wanted);
  struct Point {
    bool inside;
    AxisAt at[kMostOutside + 3];
    Plan plan;
  };
  Point points[2];
  const auto prepare = [&](std::int64_t i) {
    Point& point = points[i % 2];
    point.inside = true;
    for (int axis = 0; axis < n; ++axis) {
      const auto& basis = axes_[static_cast<Size>(axis)];
      const double where = x[i * n + axis];
      const int interval = basis.locate(where);
      if (interval < 0) {
        point.inside = false;
        return;
      }
      AxisAt& at = point.at[axis];
      at.first = basis.first(interval);
      at.count = basis.width();
      if (gradients != nullptr)
        basis.weights(interval, where, at.value, at.slope);
      else
        basis.values(interval, where, at.value);
    }
    if (gradients != nullptr)
      plan_contraction<outside, false>(c, point.at, sizes_.data(), point.plan);
    else
      plan_contraction<outside, true>(c, point.at, sizes_.data(), point.plan);
    // A cache line is a pair by a pair by a four.
    const Plan& plan = point.plan;
    const AxisAt& last = point.at[axis_inside];
    const int begin = last.first / 4, end = (last.first + last.count - 1) / 4;
    int line[AxisAt::kMostWidth * AxisAt::kMostWidth], lines = 0;
    for (int o = 0; o < plan.outer->count; o += 2 - (plan.outer->first + o) % 2)
      for (int m = 0; m < plan.middle->count; m += 2 - (plan.middle->first + m) % 2)
        line[lines++] = plan.outer_offset[o] + plan.middle_offset[m] + 16 * begin;
    for (int b = 0; b < plan.blocks; ++b)
      for (int l = 0; l < lines; ++l)
        for (int q = 0; q <= end - begin; ++q)
          __builtin_prefetch(plan.block[b].values + line[l] + 16 * q);
  };
  const auto finish = [&](std::int64_t i) {
    const Point& point = points[i % 2];
    inside[i] = point.inside;
    values[i] = 0;
    double* gradient = gradients != nullptr ? gradients + i * n : nullptr;
    if (!point.inside) {
      if (gradient != nullptr) std::fill_n(gradient, n, 0.0);
      return;
    }
    const Inner inner(point.at[axis_inside], gradient != nullptr);
    double out[(kMostOutside + 3) * 4 * Inner::kMostFours];
    contract_planned<outside>(point.plan, wanted, channels, inner.from, inner.fours, out);
    values[i] = inner.dot(out, inner.weight);
    if (gradient == nullptr) return;
    const double* channel = out;
    for (int axis = 0; axis < n; ++axis)
      gradient[axis] = axis == axis_inside ? inner.dot(out, inner.slope)
                                           : inner.dot(channel += 4 * inner.fours, inner.weight);
  };
  if (count > 0) prepare(0);
  for (std::int64_t i = 0; i < count; ++i) {
    if (i + 1 < count) prepare(i + 1);
    finish(i);
  }
}

void SplineTable::evaluate(std::int64_t count, const double* x, double* values, double* gradients,
                           std::uint8_t* inside) const {
  const int n = dimensions();
  if (contractable_ &&
      axes_[static_cast<Size>(coefficients_->inner())].width() <= AxisAt::kMostWidth) {
    switch (std::max(n - 3, 0)) {
      case 0:
        return evaluate_points<0>(count, x, values, gradients, inside);
      case 1:
        return evaluate_points<1>(count, x, values, gradients, inside);
      case 2:
        return evaluate_points<2>(count, x, values, gradients, inside);
      default:
        return evaluate_points<3>(count, x, values, gradients, inside);
    }
  }
  for (std::int64_t i = 0; i < count; ++i) {
    double* gradient = gradients != nullptr ? gradients + i * n : nullptr;
    inside[i] = evaluate(x + i * n, &values[i], gradient);
    if (inside[i] != 0) continue;
    values[i] = 0;
    if (gradient != nullptr) std::fill_n(gradient, n, 0.0);
  }
}

bool SplineTable::derivative(const double* x, const int* orders, double* value) const {
  Neighbourhood near(dimensions(), orders);
  if (!near.gather(axes_, x, [&](const int* index) { return coefficient(index); })) return false;
  *value = near.derivative(orders);
  return true;
}

}  // namespace skyscan

// photospline's own arithmetic, for numbers to be compared with its: basis functions, products and
// sums in single precision, in its order. Rounding shows where small differences of large values
// count, as in narrow bins long after most of the light.
#include <cstddef>
#include <vector>

#include "splines/table.hpp"

namespace skyscan {

namespace {

// A product and a sum are each rounded: never one fused operation.
#define SKYSCAN_UNFUSED __attribute__((optimize("fp-contract=off")))

struct SingleAxis {
  int first, count;
  float value[AxisAt::kMostWidth];
};

// The basis functions of this order that are not zero at x, on full-support knots (C. de Boor's
// recurrence); false elsewhere.
SKYSCAN_UNFUSED bool locate(const std::vector<double>& knots, int order, int size, double x,
                            SingleAxis& out) {
  const auto knot = [&](int i) { return knots[static_cast<std::size_t>(i)]; };
  if (!(x >= knot(order) && x <= knot(size)) || order >= AxisAt::kMostWidth) return false;
  int centre = order;
  while (centre < size - 1 && knot(centre + 1) <= x) ++centre;
  out.first = centre - order;
  out.count = order + 1;
  out.value[0] = 1;
  for (int degree = 0; degree < order; ++degree) {
    double saved = 0;
    for (int i = 0; i <= degree; ++i) {
      const double right = knot(centre + i + 1) - x, left = x - knot(centre - degree + i);
      const double term = static_cast<double>(out.value[i]) / (right + left);
      out.value[i] = static_cast<float>(saved + right * term);
      saved = left * term;
    }
    out.value[degree + 1] = static_cast<float>(saved);
  }
  return true;
}

}  // namespace

SKYSCAN_UNFUSED bool SplineTable::evaluate_in_single_precision(const double* x,
                                                               double* value) const {
  if (convolution_) return false;
  const int axes = dimensions(), last = axes - 1;
  SingleAxis at[kMostAxes];
  std::int64_t stride[kMostAxes];
  for (int axis = last; axis >= 0; --axis) {
    stride[axis] = axis == last ? 1 : stride[axis + 1] * size(axis + 1);
    if (!locate(plain_knots(axis), order(axis), size(axis), x[axis], at[axis])) return false;
  }
  // All combinations of functions, those of the last axis innermost, where coefficients lie side by
  // side. product[axis]: of the functions of all axes before it.
  int number[kMostAxes] = {};
  float product[kMostAxes] = {1}, sum = 0;
  std::int64_t offset[kMostAxes] = {at[0].first * stride[0]};
  for (int axis = 0;;) {
    if (axis == last) {
      float row[AxisAt::kMostWidth];
      file_.floats(*image_, offset[last], at[last].count, row);
      for (int k = 0; k < at[last].count; ++k) {
        const float weight = product[last] * at[last].value[k];
        sum += weight * row[k];
      }
    } else if (number[axis] < at[axis].count) {
      const int k = number[axis]++;
      product[axis + 1] = product[axis] * at[axis].value[k];
      offset[axis + 1] = offset[axis] + k * stride[axis] + at[axis + 1].first * stride[axis + 1];
      number[++axis] = 0;
      continue;
    }
    if (--axis < 0) break;
  }
  *value = static_cast<double>(sum);
  return true;
}

}  // namespace skyscan

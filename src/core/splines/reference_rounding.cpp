// photospline's own arithmetic, for numbers to be compared with its: basis functions, products and
// sums in single precision, in its order. Rounding shows where small differences of large values
// count, as in narrow bins long after most of the light.
#include <cstddef>
#include <optional>
#include <vector>

#include "splines/table.hpp"

namespace skyscan {

namespace {

// A product and a sum are each rounded: never one fused operation.
#define SKYSCAN_UNFUSED __attribute__((optimize("fp-contract=off")))

struct SingleAxis {
  int first, count;
  float value[BasisValues::most_width];
};

// The basis functions of this order that are not zero at x, on full-support knots (C. de Boor's
// recurrence); false elsewhere.
SKYSCAN_UNFUSED bool locate(const std::vector<double>& knots, int order, int size, double x,
                            SingleAxis& out) {
  const auto knot = [&](int i) { return knots[static_cast<std::size_t>(i)]; };
  if (!(x >= knot(order) && x <= knot(size)) || order >= BasisValues::most_width) return false;
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

SKYSCAN_UNFUSED std::optional<double> SplineTable::rounded_as_reference(const double* x) const {
  if (convolution_) return std::nullopt;
  const int axes = dimensions(), last = axes - 1;
  SingleAxis at[most_axes];
  std::int64_t stride[most_axes];
  for (int axis = last; axis >= 0; --axis) {
    stride[axis] = axis == last ? 1 : stride[axis + 1] * size(axis + 1);
    if (!locate(plain_knots(axis), order(axis), size(axis), x[axis], at[axis])) return std::nullopt;
  }
  // All combinations of functions, those of the last axis innermost, where coefficients lie side by
  // side. product[axis]: of the functions of all axes before it.
  int number[most_axes] = {};
  float product[most_axes] = {1}, sum = 0;
  std::int64_t offset[most_axes] = {at[0].first * stride[0]};
  for (int axis = 0;;) {
    if (axis == last) {
      float row[BasisValues::most_width];
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
  return static_cast<double>(sum);
}

}  // namespace skyscan

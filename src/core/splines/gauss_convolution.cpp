#include "splines/gauss_convolution.hpp"

#include <algorithm>

namespace skyscan {

namespace {

using Size = std::size_t;

// Divided difference of `values`, which are left overwritten, on `count` distinct abscissae.
double divided_difference(const double* x, double* values, Size count) {
  for (Size step = 1; step < count; ++step)
    for (Size i = 0; i + step < count; ++i)
      values[i] = (values[i + 1] - values[i]) / (x[i + step] - x[i]);
  return values[0];
}

}  // namespace

bool SplineConvolution::possible(const std::vector<double>& knots) {
  return std::adjacent_find(knots.begin(), knots.end()) == knots.end();
}

SplineConvolution::SplineConvolution(const std::vector<double>& knots, int order,
                                     const std::vector<double>& kernel)
    : order_(order + static_cast<int>(kernel.size()) - 1) {
  for (const double t : knots)
    for (const double k : kernel) knots_.push_back(t + k);
  std::sort(knots_.begin(), knots_.end());
  const Size support = static_cast<Size>(order) + 2;  // knots of one old basis function
  const Size old = knots.size() - support + 1;
  const Size size = knots_.size() - static_cast<Size>(order_) - 1;

  // q! p! / (p + q)!, for a kernel of q + 1 knots and the spline's order p: one factor is
  // normalised to a sum, the other to an area of one (Stroem's eq. 13).
  double norm = 1;
  for (int i = 1; i < static_cast<int>(kernel.size()); ++i) norm *= i / (order + double(i));

  // The coefficient of a convolved function at new knots z < bag... is the blossom of the piece
  // above z, a double divided difference of (x + y - bag...) over those x + y that lie above z.
  std::vector<double> over_x(support), over_y(kernel.size());
  for (Size number = 0; number < size; ++number) {
    const double z = knots_[number];
    const double* bag = &knots_[number + 1];
    const Size bags = static_cast<Size>(order_);
    Row row;
    for (Size j = 0; j < old; ++j) {
      const double* x = &knots[j];
      // Nothing where the supports do not meet; the differences would leave rounding there.
      if (x[0] + kernel.front() > z || x[support - 1] + kernel.back() < bag[bags - 1]) continue;
      for (Size i = 0; i < support; ++i) {
        for (Size k = 0; k < kernel.size(); ++k) {
          double product = x[i] + kernel[k] - z > 0 ? 1 : 0;
          for (Size b = 0; product != 0 && b < bags; ++b) product *= x[i] + kernel[k] - bag[b];
          over_y[k] = product;
        }
        over_x[i] = divided_difference(kernel.data(), over_y.data(), kernel.size());
      }
      const double span = x[support - 1] - x[0];
      if (row.weight.empty()) row.first = static_cast<int>(j);
      row.weight.resize(j - static_cast<Size>(row.first) + 1, 0.0);
      row.weight.back() = norm * span * divided_difference(x, over_x.data(), support);
    }
    rows_.push_back(std::move(row));
  }
}

}  // namespace skyscan

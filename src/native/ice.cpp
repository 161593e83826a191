#include "ice.hpp"

#include <algorithm>
#include <cmath>

#include "status.hpp"

namespace skyscan {

IceProfile::IceProfile(const double* heights, const double* values, std::size_t n)
    : values_(values, values + n), integrals_(n) {
  if (n < 2) throw BadInput("ice: at least two layers are needed");
  first_ = heights[0];
  spacing_ = (heights[n - 1] - heights[0]) / static_cast<double>(n - 1);
  if (!(spacing_ > 0)) throw BadInput("ice: layers must be given in ascending height");
  for (std::size_t i = 0; i < n; ++i) {
    if (std::fabs(heights[i] - first_ - spacing_ * static_cast<double>(i)) > 1e-6 * spacing_)
      throw BadInput("ice: layers must be evenly spaced in height");
    if (!(values[i] > 0) || !std::isfinite(values[i]))
      throw BadInput("ice: scattering and absorption must be positive");
    if (i > 0) integrals_[i] = integrals_[i - 1] + 0.5 * spacing_ * (values[i - 1] + values[i]);
  }
}

IceProfile::Point IceProfile::point(double z) const {
  const double u = (z - first_) / spacing_;
  const std::size_t last = values_.size() - 1;
  if (!(u > 0)) return {values_[0], 0, u * spacing_ * values_[0]};
  if (u >= static_cast<double>(last))
    return {values_[last], 0,
            integrals_[last] + (u - static_cast<double>(last)) * spacing_ * values_[last]};
  const auto i = static_cast<std::size_t>(u);
  const double f = u - static_cast<double>(i);
  const double step = values_[i + 1] - values_[i];
  return {values_[i] + f * step, step / spacing_,
          integrals_[i] + spacing_ * f * (values_[i] + 0.5 * f * step)};
}

double IceProfile::at(double z) const { return point(z).value; }

PathMean IceProfile::mean(double from, double to) const {
  const double height = to - from;
  // Along (nearly) horizontal paths the quotient of differences would be all rounding.
  if (std::fabs(height) < 1e-3) {
    const Point middle = point(from + 0.5 * height);
    return {middle.value, 0.5 * middle.slope};
  }
  const Point a = point(from), b = point(to);
  const double value = (b.integral - a.integral) / height;
  return {value, (value - a.value) / height};
}

double IceProfile::lowest() const { return *std::min_element(values_.begin(), values_.end()); }
double IceProfile::highest() const { return *std::max_element(values_.begin(), values_.end()); }

}  // namespace skyscan

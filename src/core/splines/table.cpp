#include "splines/table.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/errors.hpp"
#include "splines/contraction.hpp"

namespace skyscan {

namespace {

using Size = std::size_t;
constexpr int most_order = 15;

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
  if (n < 1 || n > most_axes)
    fail("key NAXIS is " + std::to_string(n) + "; a spline table has 1 to " +
         std::to_string(most_axes) + " axes");
  if (image_->bitpix != -32 && image_->bitpix != -64)
    fail("key BITPIX is " + std::to_string(image_->bitpix) +
         "; expected -32 or -64 (floating-point coefficients)");
  for (int axis = 0; axis < n; ++axis) read_axis(axis, n);
  read_extents();
  for (const auto& card : image_->cards)
    if (!is_layout(card.key)) keys_.push_back(card);

  std::int64_t touched = 1;
  for (int axis = 0; axis < n - 3; ++axis) touched *= axes_[static_cast<Size>(axis)].width();
  contractable_ = contractable_ && n <= 6 && touched <= ContractionPlan::most_blocks;

  const int last = inner.value_or(n - 1);
  if (last < n - 3 || last >= n)
    fail("axis " + std::to_string(last) + " is not among the last three of " + std::to_string(n));
  coefficients_ = std::make_unique<Coefficients>(file_, *image_, sizes_, last);
}

// Order, size, period and knots of one of n axes.
void SplineTable::read_axis(int axis, int n) {
  const auto common = file_.integer(*image_, "ORDER");
  const std::string key = common ? "ORDER" : numbered("ORDER", axis);
  const auto order = common ? common : file_.integer(*image_, key);
  if (!order)
    fail("key " + key + " (spline order of axis " + std::to_string(axis) + ") is missing");
  if (*order < 0 || *order > most_order)
    fail("key " + key + " is " + std::to_string(*order) + "; expected 0 to " +
         std::to_string(most_order));
  const std::int64_t size = image_->naxis[static_cast<Size>(n - 1 - axis)];
  if (size < 1 || size > 1 << 20)
    fail("key " + numbered("NAXIS", n - axis) + " is " + std::to_string(size) +
         "; expected 1 to 1048576 coefficients");
  orders_.push_back(static_cast<int>(*order));
  sizes_.push_back(static_cast<int>(size));
  periods_.push_back(file_.number(*image_, numbered("PERIOD", axis)).value_or(0));

  auto knots = read_knots(axis, static_cast<int>(*order), size);
  axes_.emplace_back(knots, orders_.back());
  extents_.emplace_back(knots[static_cast<Size>(*order)],
                        knots[knots.size() - static_cast<Size>(*order) - 1]);
  knots_.push_back(std::move(knots));
  if (orders_.back() >= BasisValues::most_width) contractable_ = false;
}

std::vector<double> SplineTable::read_knots(int axis, int order, std::int64_t size) const {
  const auto* hdu = file_.find(numbered("KNOTS", axis));
  if (hdu == nullptr)
    throw BadInput(file_.path() + ": HDU " + numbered("KNOTS", axis) + " is missing");
  auto knots = file_.values(*hdu);
  const auto expected = static_cast<Size>(size + order + 1);
  if (knots.size() != expected)
    file_.fail(*hdu, "key NAXIS1: " + std::to_string(knots.size()) + " knots; expected " +
                         std::to_string(expected) + " (" + std::to_string(size) +
                         " coefficients + order " + std::to_string(order) + " + 1)");
  for (Size i = 0; i < knots.size(); ++i) {
    if (!std::isfinite(knots[i]))
      file_.fail(*hdu, "knot " + std::to_string(i) + " is not a finite number");
    if (i > 0 && knots[i] < knots[i - 1])
      file_.fail(*hdu, "knot " + std::to_string(i) + " (" + std::to_string(knots[i]) +
                           ") is below the one before it; knots must ascend");
  }
  if (!(knots.back() > knots.front())) file_.fail(*hdu, "all knots are equal");
  return knots;
}

// As photospline does, EXTENTS of another shape than 2n are no extents.
void SplineTable::read_extents() {
  const int n = dimensions();
  const auto* extents = file_.find("EXTENTS");
  if (extents == nullptr || !extents->is_image || extents->naxis.empty() ||
      extents->naxis[0] != 2 * n || extents->values != 2 * n)
    return;
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

int SplineTable::place(int axis, double x, BasisValues& out) const {
  const auto& basis = axes_[static_cast<Size>(axis)];
  const int interval = basis.locate(x);
  if (interval < 0) return interval;
  out.first = basis.first(interval);
  out.count = basis.width();
  return interval;
}

bool SplineTable::at(int axis, double x, BasisValues& out) const {
  const int interval = place(axis, x, out);
  if (interval < 0) return false;
  axes_[static_cast<Size>(axis)].weights(interval, x, out.value, out.slope);
  return true;
}

bool SplineTable::value_at(int axis, double x, BasisValues& out) const {
  const int interval = place(axis, x, out);
  if (interval < 0) return false;
  axes_[static_cast<Size>(axis)].values(interval, x, out.value);
  return true;
}

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
  int old[most_axes];
  std::copy_n(index, dimensions(), old);
  return convolution_->coefficient(index[convolved_axis_], [&](int number) {
    old[convolved_axis_] = number;
    return stored(old);
  });
}

}  // namespace skyscan

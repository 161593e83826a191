#include "splines/basis.hpp"

#include <algorithm>
#include <cstddef>

#include "math/chebyshev.hpp"
#include "math/simd4.hpp"
#include "splines/de_boor.hpp"

namespace skyscan {

using Size = std::size_t;

void SplineBasis::set_breaks(std::vector<double> breaks) {
  breaks_ = std::move(breaks);
  const Size intervals = breaks_.size() - 1;
  scale_.resize(intervals);
  middle_.resize(intervals);
  for (Size m = 0; m < intervals; ++m) {
    scale_[m] = 2 / (breaks_[m + 1] - breaks_[m]);
    middle_[m] = 0.5 * (breaks_[m] + breaks_[m + 1]);
  }
  lower_ = breaks_.front();
  upper_ = breaks_.back();
  const Size buckets = std::min<Size>(8 * intervals, 4096);
  bucket_scale_ = static_cast<double>(buckets) / (upper_ - lower_);
  guess_.resize(buckets + 1);
  for (Size b = 0; b <= buckets; ++b) {
    // One bucket of slack against rounding of the bucket's number.
    const double start = lower_ + (static_cast<double>(b) - 1e-6) / bucket_scale_;
    const int m = interval_of(breaks_, start);
    guess_[b] = std::clamp(m, 0, static_cast<int>(intervals) - 1);
  }
}

SplineBasis::SplineBasis(std::vector<double> knots, int order)
    : knots_(std::move(knots)), order_(order), degree_(order) {
  const int n = static_cast<int>(knots_.size());
  size_ = n - order - 1;
  width_ = std::min(order + 1, size_);
  lanes_ = (width_ + 3) / 4 * 4;
  top_ = knots_[static_cast<Size>(size_)];
  std::vector<double> breaks = knots_;
  breaks.erase(std::unique(breaks.begin(), breaks.end()), breaks.end());
  set_breaks(std::move(breaks));

  const Size intervals = scale_.size();
  const Size powers = static_cast<Size>(degree_) + 1;
  const auto sample = chebyshev_nodes(degree_ + 1);
  const auto inverse = powers_from_values(sample);
  first_.resize(intervals);
  poly_.assign(intervals * powers * static_cast<Size>(lanes_), 0.0);
  std::vector<double> values(powers * powers);
  for (Size m = 0; m < intervals; ++m) {
    const int left = interval_of(knots_, middle_[m]);
    const int begin = std::clamp(left - order, 0, size_ - width_);
    first_[m] = begin;
    for (Size s = 0; s < powers; ++s)
      de_boor(knots_, order, left, middle_[m] + sample[s] / scale_[m], &values[s * powers]);
    for (int j = 0; j <= order; ++j) {
      const int lane = left - order + j - begin;
      if (lane < 0 || lane >= width_) continue;
      for (Size k = 0; k < powers; ++k) {
        double sum = 0;
        for (Size s = 0; s < powers; ++s)
          sum += inverse[k * powers + s] * values[s * powers + static_cast<Size>(j)];
        poly_[(m * powers + k) * static_cast<Size>(lanes_) + static_cast<Size>(lane)] = sum;
      }
    }
  }
}

int SplineBasis::locate(double x) const {
  if (!(x > lower_ && x <= upper_)) return -1;
  int m = guess_[static_cast<Size>((x - lower_) * bucket_scale_)];
  const int last = static_cast<int>(scale_.size()) - 1;
  // Up to top_ intervals are closed below, at and above it they are closed above.
  if (x < top_) {
    while (m < last && x >= breaks_[static_cast<Size>(m) + 1]) ++m;
  } else {
    while (m < last && x > breaks_[static_cast<Size>(m) + 1]) ++m;
    while (m > 0 && x <= breaks_[static_cast<Size>(m)]) --m;
  }
  return m;
}

void SplineBasis::evaluate(int interval, double x, int n, double* out, int stride) const {
  const Size m = static_cast<Size>(interval);
  const Size lanes = static_cast<Size>(lanes_);
  const double scale = scale_[m];
  const double v = (x - middle_[m]) * scale;
  const double* poly = &poly_[m * (static_cast<Size>(degree_) + 1) * lanes];
  // The k-th derivative's coefficients are the falling factorials' times the powers'.
  for (int k = 0; k < n; ++k) {
    double* row = out + k * stride;
    if (k > degree_) {
      std::fill(row, row + width_, 0.0);
      continue;
    }
    double factor = 1;
    for (int i = 0; i < k; ++i) factor *= scale * (degree_ - i);
    const double* top = poly + static_cast<Size>(degree_) * lanes;
    for (int j = 0; j < width_; ++j) row[j] = factor * top[j];
    for (int power = degree_ - 1; power >= k; --power) {
      factor = 1;
      for (int i = 0; i < k; ++i) factor *= scale * (power - i);
      const double* from = poly + static_cast<Size>(power) * lanes;
      for (int j = 0; j < width_; ++j) row[j] = row[j] * v + factor * from[j];
    }
  }
}

void SplineBasis::weights(int interval, double x, double* value, double* slope,
                          double* curvature) const {
  const Size m = static_cast<Size>(interval);
  const Size lanes = static_cast<Size>(lanes_);
  const double scale = scale_[m];
  const double v = (x - middle_[m]) * scale;
  const double* poly = &poly_[m * (static_cast<Size>(degree_) + 1) * lanes];
  for (Size lane = 0; lane < lanes; lane += 4) {
    Double4 sum = load4(poly + static_cast<Size>(degree_) * lanes + lane);
    Double4 rise{}, bend{};
    for (int power = degree_ - 1; power >= 0; --power) {
      bend = bend * v + rise;
      rise = rise * v + sum;
      sum = sum * v + load4(poly + static_cast<Size>(power) * lanes + lane);
    }
    store4(value + lane, sum);
    store4(slope + lane, rise * scale);
    if (curvature != nullptr) store4(curvature + lane, bend * (2 * scale * scale));
  }
}

void SplineBasis::values(int interval, double x, double* value) const {
  const Size m = static_cast<Size>(interval);
  const Size lanes = static_cast<Size>(lanes_);
  const double v = (x - middle_[m]) * scale_[m];
  const double* poly = &poly_[m * (static_cast<Size>(degree_) + 1) * lanes];
  for (Size lane = 0; lane < lanes; lane += 4) {
    Double4 sum = load4(poly + static_cast<Size>(degree_) * lanes + lane);
    for (int power = degree_ - 1; power >= 0; --power)
      sum = sum * v + load4(poly + static_cast<Size>(power) * lanes + lane);
    store4(value + lane, sum);
  }
}

SplinePiece SplineBasis::piece(int interval) const {
  const Size m = static_cast<Size>(interval);
  const Size stride = (static_cast<Size>(degree_) + 1) * static_cast<Size>(lanes_);
  return {middle_[m], scale_[m], first_[m], &poly_[m * stride], lanes_};
}

std::vector<double> SplineBasis::sites() const {
  const double low = knots_[static_cast<Size>(order_)], high = knots_[static_cast<Size>(size_)];
  std::vector<double> points(static_cast<Size>(size_));
  for (int i = 0; i < size_; ++i) {
    const auto knot = [&](int k) { return std::clamp(knots_[static_cast<Size>(k)], low, high); };
    double sum = 0;
    for (int k = 1; k <= order_; ++k) sum += knot(i + k);
    points[static_cast<Size>(i)] = order_ > 0 ? sum / order_ : 0.5 * (knot(i) + knot(i + 1));
  }
  return points;
}

}  // namespace skyscan

#include "splines/basis.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "math/simd4.hpp"

namespace skyscan {

namespace {

using Size = std::size_t;
constexpr int kMostDegree = 31;

// Values of all basis functions of degree p on t that are not zero at x in [t[m], t[m+1]):
// functions m - p ... m. Where the knots beyond the ends are missing the functions are too: they
// come out 0.
void de_boor(const std::vector<double>& t, int p, int m, double x, double* out) {
  const int n = static_cast<int>(t.size());
  const auto knot = [&](int i) { return t[static_cast<Size>(i)]; };
  std::fill(out, out + p + 1, 0.0);
  out[p] = 1;
  for (int k = 1; k <= p; ++k) {
    for (int j = p - k; j <= p; ++j) {
      const int i = m - p + j;  // function i of degree k
      double value = 0;
      if (i >= 0 && i + k < n && knot(i + k) > knot(i))
        value += (x - knot(i)) / (knot(i + k) - knot(i)) * out[j];
      if (j < p && i + 1 >= 0 && i + k + 1 < n && knot(i + k + 1) > knot(i + 1))
        value += (knot(i + k + 1) - x) / (knot(i + k + 1) - knot(i + 1)) * out[j + 1];
      out[j] = value;
    }
  }
  for (int j = 0; j <= p; ++j)
    if (m - p + j < 0 || m + j + 1 >= n) out[j] = 0;
}

// Chebyshev nodes in (-1, 1).
std::vector<double> nodes(int n) {
  std::vector<double> v(static_cast<Size>(n));
  for (int i = 0; i < n; ++i) v[static_cast<Size>(i)] = std::cos(M_PI * (i + 0.5) / n);
  return v;
}

// Inverse of the matrix v_i^k: turns values at the nodes into coefficients of powers. [power][node]
std::vector<double> powers_from_values(const std::vector<double>& v) {
  const Size n = v.size();
  std::vector<double> inverse(n * n);
  for (Size node = 0; node < n; ++node) {
    std::vector<double> lagrange(n, 0.0);
    lagrange[0] = 1;
    Size degree = 0;
    for (Size other = 0; other < n; ++other) {
      if (other == node) continue;
      const double scale = 1 / (v[node] - v[other]);
      ++degree;
      for (Size k = degree + 1; k-- > 0;)
        lagrange[k] = scale * ((k > 0 ? lagrange[k - 1] : 0) - v[other] * lagrange[k]);
    }
    for (Size k = 0; k < n; ++k) inverse[k * n + node] = lagrange[k];
  }
  return inverse;
}

// Gauss-Legendre abscissae and weights on [-1, 1] (Newton's method on the Legendre polynomial).
void gauss_legendre(int n, std::vector<double>& x, std::vector<double>& w) {
  x.resize(static_cast<Size>(n));
  w.resize(static_cast<Size>(n));
  for (int i = 0; i < n; ++i) {
    double z = std::cos(M_PI * (i + 0.75) / (n + 0.5));
    double slope = 1;
    for (int step = 0; step < 50; ++step) {
      double p0 = 1, p1 = z;
      for (int k = 2; k <= n; ++k) {
        const double p2 = ((2 * k - 1) * z * p1 - (k - 1) * p0) / k;
        p0 = p1;
        p1 = p2;
      }
      slope = n * (z * p1 - p0) / (z * z - 1);
      const double change = p1 / slope;
      z -= change;
      if (std::fabs(change) < 1e-16) break;
    }
    x[static_cast<Size>(i)] = z;
    w[static_cast<Size>(i)] = 2 / ((1 - z * z) * slope * slope);
  }
}

int interval_of(const std::vector<double>& t, double x) {
  const auto above = std::upper_bound(t.begin(), t.end(), x);
  return static_cast<int>(above - t.begin()) - 1;
}

}  // namespace

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
  const auto sample = nodes(degree_ + 1);
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

SplineBasis::SplineBasis(const SplineBasis& plain, const std::vector<double>& kernel)
    : order_(plain.order_ + static_cast<int>(kernel.size()) - 1),
      degree_(order_),
      size_(plain.size_) {
  const int p = plain.order_;
  const int q = static_cast<int>(kernel.size()) - 2;
  const auto& t = plain.knots_;
  for (const double a : t)
    for (const double b : kernel) knots_.push_back(a + b);
  std::sort(knots_.begin(), knots_.end());
  // Knots closer than this are one: the convolved spline is smooth across them.
  const double close = 1e-10 * (knots_.back() - knots_.front());
  std::vector<double> breaks{knots_.front()};
  for (const double knot : knots_)
    if (knot > breaks.back() + close) breaks.push_back(knot);
  if (knots_.back() > breaks.back()) breaks.back() = knots_.back();
  set_breaks(std::move(breaks));
  top_ = upper_;

  const Size intervals = scale_.size();
  std::vector<int> count(intervals);
  first_.resize(intervals);
  for (Size m = 0; m < intervals; ++m) {
    int begin = size_, end = 0;
    for (int i = 0; i < size_; ++i) {
      const double low = t[static_cast<Size>(i)] + kernel.front();
      const double high = t[static_cast<Size>(i + p + 1)] + kernel.back();
      if (low < middle_[m] && high > middle_[m]) {
        begin = std::min(begin, i);
        end = std::max(end, i + 1);
      }
    }
    first_[m] = std::min(begin, std::max(end - 1, 0));
    count[m] = std::max(end - first_[m], 1);
    width_ = std::max(width_, count[m]);
  }
  width_ = std::min(width_, size_);
  lanes_ = (width_ + 3) / 4 * 4;
  for (auto& first : first_) first = std::min(first, size_ - width_);

  // Kernel value: the unit-area B-spline, (q+1) / (k[q+1] - k[0]) times the normalised one.
  const double area = (q + 1) / (kernel.back() - kernel.front());
  const auto kernel_at = [&](double y) {
    const int m = interval_of(kernel, y);
    if (m < 0 || m > q) return 0.0;
    std::array<double, kMostDegree + 1> values{};
    de_boor(kernel, q, m, y, values.data());
    return area * values[static_cast<Size>(q - m)];
  };
  std::vector<double> gx, gw;
  gauss_legendre((p + q) / 2 + 1, gx, gw);

  const Size powers = static_cast<Size>(degree_) + 1;
  const auto sample = nodes(degree_ + 1);
  const auto inverse = powers_from_values(sample);
  poly_.assign(intervals * powers * static_cast<Size>(lanes_), 0.0);
  std::vector<double> values(powers * static_cast<Size>(lanes_));
  std::vector<double> cuts;
  for (Size m = 0; m < intervals; ++m) {
    std::fill(values.begin(), values.end(), 0.0);
    for (Size s = 0; s < powers; ++s) {
      // integral of B_i(z) K(x - z) over z, exact by pieces.
      const double x = middle_[m] + sample[s] / scale_[m];
      cuts.clear();
      const double low = std::max(t.front(), x - kernel.back());
      const double high = std::min(t.back(), x - kernel.front());
      for (const double k : kernel) cuts.push_back(std::clamp(x - k, low, high));
      for (auto it = std::upper_bound(t.begin(), t.end(), low); it != t.end() && *it < high; ++it)
        cuts.push_back(*it);
      std::sort(cuts.begin(), cuts.end());
      for (Size piece = 0; piece + 1 < cuts.size(); ++piece) {
        const double half = 0.5 * (cuts[piece + 1] - cuts[piece]);
        if (!(half > 0)) continue;
        const double centre = 0.5 * (cuts[piece + 1] + cuts[piece]);
        const int left = interval_of(t, centre);
        std::array<double, kMostDegree + 1> basis{};
        for (Size g = 0; g < gx.size(); ++g) {
          const double z = centre + half * gx[g];
          de_boor(t, p, left, z, basis.data());
          const double weight = half * gw[g] * kernel_at(x - z);
          for (int j = 0; j <= p; ++j) {
            const int lane = left - p + j - first_[m];
            if (lane >= 0 && lane < width_)
              values[s * static_cast<Size>(lanes_) + static_cast<Size>(lane)] +=
                  weight * basis[static_cast<Size>(j)];
          }
        }
      }
    }
    for (Size k = 0; k < powers; ++k)
      for (Size s = 0; s < powers; ++s)
        for (Size lane = 0; lane < static_cast<Size>(lanes_); ++lane)
          poly_[(m * powers + k) * static_cast<Size>(lanes_) + lane] +=
              inverse[k * powers + s] * values[s * static_cast<Size>(lanes_) + lane];
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

// The basis functions of one axis convolved with a B-spline, by exact integration piece by piece.
#include <algorithm>
#include <array>
#include <cstddef>

#include "math/chebyshev.hpp"
#include "math/quadrature.hpp"
#include "splines/basis.hpp"
#include "splines/de_boor.hpp"

namespace skyscan {

namespace {

using Size = std::size_t;
// A table's axis has at most order 15 and a kernel at most 8 knots; both together stay below this.
constexpr int most_degree = 31;

// The unit-area B-spline on ascending knots: (q + 1) / (k[q+1] - k[0]) times the normalised one.
class Kernel {
 public:
  explicit Kernel(const std::vector<double>& knots)
      : knots_(knots),
        degree_(static_cast<int>(knots.size()) - 2),
        area_((degree_ + 1) / (knots.back() - knots.front())) {}

  double operator()(double y) const {
    const int m = interval_of(knots_, y);
    if (m < 0 || m > degree_) return 0.0;
    std::array<double, most_degree + 1> values{};
    de_boor(knots_, degree_, m, y, values.data());
    return area_ * values[static_cast<Size>(degree_ - m)];
  }
  int degree() const { return degree_; }
  const std::vector<double>& knots() const { return knots_; }

 private:
  const std::vector<double>& knots_;
  int degree_;
  double area_;
};

// Where the pieces of B(z) K(x - z) begin and end, as functions of z.
void list_cuts(const std::vector<double>& t, const std::vector<double>& kernel, double x,
               std::vector<double>& cuts) {
  cuts.clear();
  const double low = std::max(t.front(), x - kernel.back());
  const double high = std::min(t.back(), x - kernel.front());
  for (const double k : kernel) cuts.push_back(std::clamp(x - k, low, high));
  for (auto it = std::upper_bound(t.begin(), t.end(), low); it != t.end() && *it < high; ++it)
    cuts.push_back(*it);
  std::sort(cuts.begin(), cuts.end());
}

// The basis functions of degree p on knots t convolved with the kernel, at x: `width` of them from
// the one numbered `first`, added to out. The rule must be exact for each piece's degree.
void add_convolved(const std::vector<double>& t, int p, const Kernel& kernel,
                   const QuadratureRule& rule, double x, int first, int width,
                   std::vector<double>& cuts, double* out) {
  list_cuts(t, kernel.knots(), x, cuts);
  for (Size piece = 0; piece + 1 < cuts.size(); ++piece) {
    const double half = 0.5 * (cuts[piece + 1] - cuts[piece]);
    if (!(half > 0)) continue;
    const double centre = 0.5 * (cuts[piece + 1] + cuts[piece]);
    const int left = interval_of(t, centre);
    std::array<double, most_degree + 1> basis{};
    for (Size g = 0; g < rule.weights.size(); ++g) {
      const double z = centre + half * rule.abscissae[g];
      de_boor(t, p, left, z, basis.data());
      const double weight = half * rule.weights[g] * kernel(x - z);
      for (int j = 0; j <= p; ++j) {
        const int lane = left - p + j - first;
        if (lane >= 0 && lane < width) out[lane] += weight * basis[static_cast<Size>(j)];
      }
    }
  }
}

}  // namespace

// Breaks at all sums of an old and a kernel knot.
void SplineBasis::set_convolved_knots(const std::vector<double>& plain,
                                      const std::vector<double>& kernel) {
  for (const double a : plain)
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
}

// Function i is not zero between plain[i] + the kernel's first knot and plain[i + p + 1] + its
// last.
void SplineBasis::find_convolved_functions(const std::vector<double>& plain, int p,
                                           const std::vector<double>& kernel) {
  first_.resize(scale_.size());
  for (Size m = 0; m < scale_.size(); ++m) {
    int begin = size_, end = 0;
    for (int i = 0; i < size_; ++i) {
      const double low = plain[static_cast<Size>(i)] + kernel.front();
      const double high = plain[static_cast<Size>(i + p + 1)] + kernel.back();
      if (low < middle_[m] && high > middle_[m]) {
        begin = std::min(begin, i);
        end = std::max(end, i + 1);
      }
    }
    first_[m] = std::min(begin, std::max(end - 1, 0));
    width_ = std::max({width_, end - first_[m], 1});
  }
  width_ = std::min(width_, size_);
  lanes_ = (width_ + 3) / 4 * 4;
  for (auto& first : first_) first = std::min(first, size_ - width_);
}

SplineBasis::SplineBasis(const SplineBasis& plain, const std::vector<double>& kernel)
    : order_(plain.order_ + static_cast<int>(kernel.size()) - 1),
      degree_(order_),
      size_(plain.size_) {
  const int p = plain.order_;
  set_convolved_knots(plain.knots_, kernel);
  find_convolved_functions(plain.knots_, p, kernel);

  const Kernel unit_kernel(kernel);
  const QuadratureRule rule = gauss_legendre((p + unit_kernel.degree()) / 2 + 1);
  const Size powers = static_cast<Size>(degree_) + 1, lanes = static_cast<Size>(lanes_);
  const auto sample = chebyshev_nodes(degree_ + 1);
  const auto inverse = powers_from_values(sample);
  poly_.assign(scale_.size() * powers * lanes, 0.0);
  std::vector<double> values(powers * lanes);
  std::vector<double> cuts;
  for (Size m = 0; m < scale_.size(); ++m) {
    std::fill(values.begin(), values.end(), 0.0);
    for (Size s = 0; s < powers; ++s)
      add_convolved(plain.knots_, p, unit_kernel, rule, middle_[m] + sample[s] / scale_[m],
                    first_[m], width_, cuts, &values[s * lanes]);
    for (Size k = 0; k < powers; ++k)
      for (Size s = 0; s < powers; ++s)
        for (Size lane = 0; lane < lanes; ++lane)
          poly_[(m * powers + k) * lanes + lane] +=
              inverse[k * powers + s] * values[s * lanes + lane];
  }
}

}  // namespace skyscan

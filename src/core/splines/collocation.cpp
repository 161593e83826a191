#include "splines/collocation.hpp"

#include <algorithm>

namespace skyscan {

// LU without pivoting, safe because the matrix is totally positive (C. de Boor, A Practical Guide
// to Splines, ch. XIII).
Collocation::Collocation(const SplineBasis& basis) : size_(basis.size()), width_(basis.width()) {
  rows_.assign(static_cast<std::size_t>(size_) * static_cast<std::size_t>(2 * width_ - 1), 0.0);
  std::vector<double> values(static_cast<std::size_t>(width_));
  const auto sites = basis.sites();
  for (int i = 0; i < size_; ++i) {
    // A first site on a repeated first knot is outside by photospline's rule: take its limit.
    const double x = sites[static_cast<std::size_t>(i)];
    const int interval = std::max(basis.locate(x), 0);
    basis.evaluate(interval, x, 1, values.data(), width_);
    for (int j = 0; j < width_; ++j) {
      const int column = basis.first(interval) + j;
      if (column > i - width_ && column < i + width_)
        at(i, column) = values[static_cast<std::size_t>(j)];
    }
  }
  for (int k = 0; k < size_; ++k)
    for (int i = k + 1; i < std::min(size_, k + width_); ++i) {
      const double factor = at(i, k) / at(k, k);
      at(i, k) = factor;
      for (int j = k + 1; j < std::min(size_, k + width_); ++j) at(i, j) -= factor * at(k, j);
    }
}

void Collocation::solve(double* values) const {
  for (int i = 0; i < size_; ++i)
    for (int k = std::max(0, i - width_ + 1); k < i; ++k) values[i] -= at(i, k) * values[k];
  for (int i = size_; i-- > 0;) {
    for (int k = i + 1; k < std::min(size_, i + width_); ++k) values[i] -= at(i, k) * values[k];
    values[i] /= at(i, i);
  }
}

}  // namespace skyscan

// Spline interpolation along one axis: coefficients from the values at the basis's sites.
#pragma once

#include <cstddef>
#include <vector>

#include "splines/basis.hpp"

namespace skyscan {

// The banded system B c = values with B_ij the j-th basis function at site i, decomposed once.
class Collocation {
 public:
  explicit Collocation(const SplineBasis& basis);
  // Turns basis.size() values at basis.sites() into coefficients, in place.
  void solve(double* values) const;

 private:
  std::size_t index(int i, int j) const {
    return static_cast<std::size_t>(i) * static_cast<std::size_t>(2 * width_ - 1) +
           static_cast<std::size_t>(j - i + width_ - 1);
  }
  double& at(int i, int j) { return rows_[index(i, j)]; }
  double at(int i, int j) const { return rows_[index(i, j)]; }

  int size_, width_;
  std::vector<double> rows_;  // L below the diagonal (of ones), U from it on
};

}  // namespace skyscan

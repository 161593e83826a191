#include "math/cholesky.hpp"

#include <cmath>

namespace skyscan {

bool solve_cholesky(std::vector<double>& matrix, std::vector<double>& x, std::size_t n) {
  double* const a = matrix.data();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      const double *p = a + i * n, *q = a + j * n;
      for (std::size_t k = 0; k < j; ++k) sum -= p[k] * q[k];
      if (i == j) {
        if (!(sum > 0)) return false;
        a[j * n + j] = std::sqrt(sum);
      } else {
        a[i * n + j] = sum / a[j * n + j];
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    double sum = x[i];
    for (std::size_t k = 0; k < i; ++k) sum -= a[i * n + k] * x[k];
    x[i] = sum / a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    double sum = x[i];
    for (std::size_t k = i + 1; k < n; ++k) sum -= a[k * n + i] * x[k];
    x[i] = sum / a[i * n + i];
  }
  return true;
}

}  // namespace skyscan

#include "math/cholesky.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "../random.hpp"

using namespace skyscan;

TEST_CASE("Cholesky's solution leaves no residual") {
  Random random(11);
  for (std::size_t n = 1; n <= 12; ++n) {
    CAPTURE(n);
    std::vector<double> factor(n * n), matrix(n * n, 0.0), right(n);
    for (auto& value : factor) value = random.uniform(-1, 1);
    for (auto& value : right) value = random.uniform(-1, 1);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < n; ++k) {
        for (std::size_t m = 0; m < n; ++m)
          matrix[i * n + k] += factor[i * n + m] * factor[k * n + m];
        if (i == k) matrix[i * n + k] += 0.5;
      }
    auto work = matrix, x = right;
    REQUIRE(solve_cholesky(work, x, n));
    for (std::size_t i = 0; i < n; ++i) {
      double left = 0;
      for (std::size_t k = 0; k < n; ++k) left += matrix[i * n + k] * x[k];
      CHECK(std::fabs(left - right[i]) < 1e-13);
    }
  }
}

TEST_CASE("Cholesky refuses what is not positive definite") {
  std::vector<double> matrix{1, 2, 2, 1}, x{1, 1};
  CHECK_FALSE(solve_cholesky(matrix, x, 2));
  matrix = {0};
  CHECK_FALSE(solve_cholesky(matrix, x, 1));
}

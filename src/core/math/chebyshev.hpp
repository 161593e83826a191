// A polynomial through its values at Chebyshev's nodes.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace skyscan {

// The n nodes in (-1, 1), descending.
inline std::vector<double> chebyshev_nodes(int n) {
  std::vector<double> v(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) v[static_cast<std::size_t>(i)] = std::cos(M_PI * (i + 0.5) / n);
  return v;
}

// Inverse of the matrix v_i^k: turns values at the nodes into coefficients of powers. [power][node]
inline std::vector<double> powers_from_values(const std::vector<double>& v) {
  const std::size_t n = v.size();
  std::vector<double> inverse(n * n);
  for (std::size_t node = 0; node < n; ++node) {
    std::vector<double> lagrange(n, 0.0);
    lagrange[0] = 1;
    std::size_t degree = 0;
    for (std::size_t other = 0; other < n; ++other) {
      if (other == node) continue;
      const double scale = 1 / (v[node] - v[other]);
      ++degree;
      for (std::size_t k = degree + 1; k-- > 0;)
        lagrange[k] = scale * ((k > 0 ? lagrange[k - 1] : 0) - v[other] * lagrange[k]);
    }
    for (std::size_t k = 0; k < n; ++k) inverse[k * n + node] = lagrange[k];
  }
  return inverse;
}

}  // namespace skyscan

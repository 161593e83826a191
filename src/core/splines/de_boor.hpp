// De Boor's recurrence for the basis functions of a spline (A Practical Guide to Splines, 2001, ch.
// IX).
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace skyscan {

// The number of the last knot at or below x; -1 below all of them.
inline int interval_of(const std::vector<double>& knots, double x) {
  const auto above = std::upper_bound(knots.begin(), knots.end(), x);
  return static_cast<int>(above - knots.begin()) - 1;
}

// Values of all basis functions of degree p on t that are not zero at x in [t[m], t[m+1]):
// functions m - p ... m. Where the knots beyond the ends are missing the functions are too: they
// come out 0.
inline void de_boor(const std::vector<double>& t, int p, int m, double x, double* out) {
  const int n = static_cast<int>(t.size());
  const auto knot = [&](int i) { return t[static_cast<std::size_t>(i)]; };
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

}  // namespace skyscan

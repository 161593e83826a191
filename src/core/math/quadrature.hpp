// Numerical integration.
#pragma once

#include <boost/math/special_functions/legendre.hpp>
#include <cstddef>
#include <vector>

namespace skyscan {

// A rule for integrals over [-1, 1]: the sum of weights[i] * f(abscissae[i]).
struct QuadratureRule {
  std::vector<double> abscissae;  // descending
  std::vector<double> weights;    // sum 2
};

// Gauss and Legendre's rule with n >= 1 points, exact for polynomials up to degree 2n - 1.
inline QuadratureRule gauss_legendre(int n) {
  // Boost gives the zeros that are not negative, ascending.
  const auto zeros = boost::math::legendre_p_zeros<double>(n);
  const std::size_t size = static_cast<std::size_t>(n);
  QuadratureRule rule{std::vector<double>(size), std::vector<double>(size)};
  for (std::size_t i = 0; i < zeros.size(); ++i) {
    const double x = zeros[zeros.size() - 1 - i];
    const double slope = boost::math::legendre_p_prime<double>(n, x);
    const double weight = 2 / ((1 - x * x) * slope * slope);
    rule.abscissae[i] = x;
    rule.abscissae[size - 1 - i] = x == 0 ? 0 : -x;
    rule.weights[i] = rule.weights[size - 1 - i] = weight;
  }
  return rule;
}

}  // namespace skyscan

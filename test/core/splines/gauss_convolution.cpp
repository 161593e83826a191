#include "splines/gauss_convolution.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "splines/basis.hpp"

using namespace skyscan;

namespace {

double spline_at(const SplineBasis& basis, const std::vector<double>& coefficients, double x) {
  std::vector<double> near(static_cast<std::size_t>(basis.width()));
  const int interval = basis.locate(x);
  basis.evaluate(interval, x, 1, near.data(), basis.width());
  double sum = 0;
  for (std::size_t j = 0; j < near.size(); ++j)
    sum += near[j] * coefficients[static_cast<std::size_t>(basis.first(interval)) + j];
  return sum;
}

}  // namespace

TEST_CASE("new coefficients on all sums of knots are the exact convolution, to single precision") {
  const std::vector<double> knots{0, 1, 1.5, 3, 3.6, 4, 6, 7, 7.5};
  const std::vector<double> old{0.5, -1, 2, 0.25, 1, 3};
  for (const std::vector<double>& kernel : {std::vector<double>{-0.3, 0.3}, {-0.4, 0, 0.5}}) {
    const SplineBasis exact(SplineBasis(knots, 2), kernel);
    const SplineConvolution convolution(knots, 2, kernel);
    const SplineBasis basis(convolution.knots(), convolution.order());
    std::vector<double> coefficients;
    for (int i = 0; i < basis.size(); ++i)
      coefficients.push_back(static_cast<double>(convolution.coefficient(
          i, [&](int k) { return static_cast<float>(old[static_cast<std::size_t>(k)]); })));
    for (double x = -0.2; x < 7.7; x += 0.0737)
      CHECK(std::fabs(spline_at(basis, coefficients, x) - spline_at(exact, old, x)) < 1e-6);
  }
}

TEST_CASE("splines with repeated knots have no such coefficients") {
  CHECK(SplineConvolution::possible({0, 1, 2}));
  CHECK_FALSE(SplineConvolution::possible({0, 1, 1, 2}));
}

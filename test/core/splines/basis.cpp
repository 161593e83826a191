#include "splines/basis.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../random.hpp"

using namespace skyscan;

namespace {

const std::vector<double> uneven{0, 0.3, 1, 1.1, 2, 3.5, 4, 6, 6.5, 8};

// Values and derivatives of all functions at x: [derivative][function].
std::vector<std::vector<double>> all_at(const SplineBasis& basis, double x, int derivatives) {
  const auto width = static_cast<std::size_t>(basis.width());
  std::vector<double> near((static_cast<std::size_t>(derivatives) + 1) * width);
  const int interval = basis.locate(x);
  REQUIRE(interval >= 0);
  basis.evaluate(interval, x, derivatives + 1, near.data(), basis.width());
  std::vector<std::vector<double>> all;
  for (int k = 0; k <= derivatives; ++k) {
    all.emplace_back(static_cast<std::size_t>(basis.size()), 0.0);
    for (std::size_t j = 0; j < width; ++j)
      all.back()[static_cast<std::size_t>(basis.first(interval)) + j] =
          near[static_cast<std::size_t>(k) * width + j];
  }
  return all;
}

}  // namespace

TEST_CASE("on knots at both ends alone the basis is Bernstein's") {
  const SplineBasis basis({0, 0, 0, 0, 1, 1, 1, 1}, 3);
  REQUIRE(basis.size() == 4);
  constexpr double binomial[] = {1, 3, 3, 1};
  for (const double x : {0.001, 0.25, 0.5, 0.9, 1.0}) {
    const auto found = all_at(basis, x, 1);
    for (int i = 0; i < 4; ++i) {
      const auto k = static_cast<std::size_t>(i);
      CHECK(std::fabs(found[0][k] - binomial[i] * std::pow(x, i) * std::pow(1 - x, 3 - i)) < 1e-15);
    }
    CHECK(std::fabs(found[1][0] + 3 * (1 - x) * (1 - x)) < 1e-14);
    CHECK(std::fabs(found[1][3] - 3 * x * x) < 1e-14);
  }
}

TEST_CASE("cubic functions on whole numbers are 1/6, 2/3, 1/6 there") {
  const SplineBasis basis({0, 1, 2, 3, 4, 5, 6, 7, 8}, 3);
  const auto found = all_at(basis, 4, 0)[0];
  CHECK(std::fabs(found[1] - 1.0 / 6) < 1e-15);
  CHECK(std::fabs(found[2] - 2.0 / 3) < 1e-15);
  CHECK(std::fabs(found[3] - 1.0 / 6) < 1e-15);
}

TEST_CASE("basis functions add up to 1, and to x with Greville's abscissae, where all are there") {
  Random random(1);
  for (int order = 0; order <= 4; ++order) {
    const SplineBasis basis(uneven, order);
    CAPTURE(order);
    for (int trial = 0; trial < 100; ++trial) {
      const double x = random.uniform(uneven[static_cast<std::size_t>(order)] + 1e-9,
                                      uneven[uneven.size() - 1 - static_cast<std::size_t>(order)]);
      const auto found = all_at(basis, x, 1);
      double sum = 0, slope = 0, greville = 0;
      for (int i = 0; i < basis.size(); ++i) {
        const auto k = static_cast<std::size_t>(i);
        double mean = 0;
        for (int j = 1; j <= order; ++j) mean += uneven[k + static_cast<std::size_t>(j)] / order;
        sum += found[0][k];
        slope += found[1][k];
        greville += mean * found[0][k];
        CHECK(found[0][k] >= -1e-15);
      }
      CHECK(std::fabs(sum - 1) < 1e-13);
      // Slopes are as large as one over the closest knots' distance, 0.1, to the order's power.
      CHECK(std::fabs(slope) < 1e-11);
      if (order > 0) CHECK(std::fabs(greville - x) < 1e-12);
    }
  }
}

TEST_CASE("derivatives of basis functions are limits of differences") {
  const SplineBasis basis(uneven, 4);
  constexpr double step = 1e-5;
  for (const double x : {1.05, 1.7, 2.9, 3.8, 5.1}) {
    const auto at = all_at(basis, x, 3), above = all_at(basis, x + step, 3),
               below = all_at(basis, x - step, 3);
    for (std::size_t k = 0; k < 3; ++k)
      for (std::size_t i = 0; i < at[0].size(); ++i)
        CHECK(std::fabs(at[k + 1][i] - (above[k][i] - below[k][i]) / (2 * step)) < 1e-5);
  }
}

TEST_CASE("the short cuts for values, slopes and curvatures give what derivatives do") {
  const SplineBasis basis(uneven, 3);
  for (const double x : {0.01, 0.3, 1.05, 4.4, 8.0}) {
    const int interval = basis.locate(x);
    std::vector<double> expected(static_cast<std::size_t>(3 * basis.width()));
    basis.evaluate(interval, x, 3, expected.data(), basis.width());
    double value[8], slope[8], curvature[8], alone[8];
    basis.weights(interval, x, value, slope, curvature);
    basis.values(interval, x, alone);
    for (int j = 0; j < basis.width(); ++j) {
      const auto k = static_cast<std::size_t>(j), width = static_cast<std::size_t>(basis.width());
      CHECK(alone[j] == value[j]);
      CHECK(std::fabs(value[j] - expected[k]) < 1e-14);
      CHECK(std::fabs(slope[j] - expected[width + k]) < 1e-11);
      CHECK(std::fabs(curvature[j] - expected[2 * width + k]) < 1e-9);
    }
  }
}

TEST_CASE("points are inside above the first knot, up to the last") {
  const SplineBasis basis(uneven, 2);
  CHECK(basis.locate(0) == -1);
  CHECK(basis.locate(1e-12) == 0);
  CHECK(basis.locate(8) >= 0);
  CHECK(basis.locate(std::nextafter(8, 9)) == -1);
  CHECK(basis.locate(-1) == -1);
  CHECK(basis.locate(std::numeric_limits<double>::quiet_NaN()) == -1);
  CHECK(basis.locate(std::numeric_limits<double>::infinity()) == -1);
}

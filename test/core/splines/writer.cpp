#include "splines/writer.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>

#include "base/errors.hpp"
#include "splines/table.hpp"
#include "test_table.hpp"

using namespace skyscan;

TEST_CASE("a table fitted to samples of a polynomial is that polynomial") {
  const std::int32_t orders[] = {2, 3}, counts[] = {8, 9};
  const std::vector<double> knots{0, 0, 0, 1, 3, 4, 4, 4, -1, -1, -1, -1, 0.5, 2, 2, 2, 2};
  const double extents[] = {0, 4, -1, 2};
  const auto polynomial = [](double x, double y) {
    return 1 + x - 0.5 * x * x + (0.25 * y * y * y - y) * (2 - x);
  };
  const auto first = SplineBasis({knots.begin(), knots.begin() + 8}, 2).sites();
  const auto second = SplineBasis({knots.begin() + 8, knots.end()}, 3).sites();
  std::vector<float> samples;
  for (const double x : first)
    for (const double y : second) samples.push_back(static_cast<float>(polynomial(x, y)));
  const TestTable place({{0, {0, 1}}}, [](const std::vector<int>&) { return 0.0; });
  write_spline_table(place.path(), 2, orders, counts, knots.data(), extents, samples.data(), false,
                     "");
  const SplineTable table(place.path());
  for (const double x : {0.1, 0.9, 2.0, 3.7})
    for (const double y : {-0.9, 0.0, 0.6, 1.9}) {
      const double at[] = {x, y};
      double value;
      REQUIRE(table.evaluate(at, &value, nullptr));
      // Samples and coefficients are rounded to single precision.
      CHECK(std::fabs(value - polynomial(x, y)) < 5e-6);
    }
}

TEST_CASE("tables that cannot be written are refused in words") {
  const std::int32_t orders[] = {3}, counts[] = {4};
  const double knots[] = {0, 1, 2, 3}, extents[] = {0, 3};
  const float sample = 1;
  CHECK_THROWS_WITH_AS(
      write_spline_table("/tmp/none", 1, orders, counts, knots, extents, &sample, true, ""),
      "/tmp/none: axis 0 has too few knots for its order", BadInput);
  const std::int32_t lower[] = {2};
  CHECK_THROWS_WITH_AS(
      write_spline_table("/nowhere/table", 1, lower, counts, knots, extents, &sample, true, ""),
      doctest::Contains("/nowhere/table.new: cannot be written"), BadInput);
}

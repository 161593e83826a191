#include "splines/collocation.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "../random.hpp"

using namespace skyscan;

TEST_CASE("interpolating splines go through their values") {
  Random random(2);
  const std::vector<double> distinct{0, 1, 2, 2.2, 3, 4, 7, 8, 9, 11};
  const std::vector<double> clamped{0, 0, 0, 1, 1.5, 3, 4, 6, 6, 6};
  for (const auto& [order, knots] :
       {std::pair{1, distinct}, {2, distinct}, {3, distinct}, {2, clamped}}) {
    const SplineBasis basis(knots, order);
    std::vector<double> values(static_cast<std::size_t>(basis.size()));
    for (auto& value : values) value = random.uniform(-1, 1);
    auto coefficients = values;
    Collocation(basis).solve(coefficients.data());
    const auto sites = basis.sites();
    std::vector<double> near(static_cast<std::size_t>(basis.width()));
    for (std::size_t i = 0; i < sites.size(); ++i) {
      const int interval = std::max(basis.locate(sites[i]), 0);
      basis.evaluate(interval, sites[i], 1, near.data(), basis.width());
      double sum = 0;
      for (std::size_t j = 0; j < near.size(); ++j)
        sum += near[j] * coefficients[static_cast<std::size_t>(basis.first(interval)) + j];
      CAPTURE(order);
      CAPTURE(i);
      CHECK(std::fabs(sum - values[i]) < 1e-12);
    }
  }
}

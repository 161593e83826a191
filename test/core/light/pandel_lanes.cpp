#include "light/pandel_lanes.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "light/pandel_axes.hpp"

using namespace skyscan;

TEST_CASE("shapes beyond the tables count as the last, and lead to no row beyond them") {
  const PandelFamily exact(5, 12000);
  const PandelLanes lanes(exact);
  const Lanes fastest = std::log(1e3);
  const Lanes shapes = Float8{61.99f, 61.9999f, 62, 62.5f, 63, 64, 100, 1e6f};
  const PandelLanes::Rows rows = lanes.rows(shapes, fastest);
  const TimingLanes timing = lanes.by_each<true>(rows, 200);
  double residual = 200;
  RatedPandelPoint last;
  exact.evaluate(last_shape, std::log(1e3), &residual, 1, &last);
  for (std::size_t i = 0; i < Lanes::count; ++i) {
    CHECK(rows.node[i] == rows.node[0]);
    CHECK(timing.cumulative[i] == doctest::Approx(last.cumulative).epsilon(1e-3));
  }
}

#include "math/smooth_table.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

using namespace skyscan;

TEST_CASE("an octave axis has equal steps in every octave, and finds a number's cell") {
  using Axis = OctaveAxis<4, 1>;
  CHECK(Axis::node(0) == 2);
  CHECK(Axis::node(1) == 2.125);
  CHECK(Axis::node(16) == 4);
  CHECK(Axis::node(17) == 4.25);
  for (double x = 2; x < 5000; x *= 1.013) {
    const TableCell cell = Axis::cell(x);
    CHECK(Axis::node(cell.index) <= x);
    CHECK(x < Axis::node(cell.index + 1));
    CHECK(cell.width == Axis::node(cell.index + 1) - Axis::node(cell.index));
    CHECK(cell.width * cell.inverse_width == 1);
    CHECK(Axis::node(cell.index) + cell.fraction * cell.width == x);
  }
}

TEST_CASE("Hermite's cubic is exact for cubics, and so is its derivative") {
  using Axis = OctaveAxis<3, 0>;
  const auto value = [](double x) { return 2 - x + 0.5 * x * x - 0.1 * x * x * x; };
  const auto slope = [](double x) { return -1 + x - 0.3 * x * x; };
  for (const double x : {1.0, 1.3, 2.7, 6.1, 11.9}) {
    const TableCell cell = Axis::cell(x);
    const double a = Axis::node(cell.index), b = Axis::node(cell.index + 1);
    const HermiteCubic cubic(cell);
    const double found =
        cubic.v0 * value(a) + cubic.v1 * value(b) + cubic.s0 * slope(a) + cubic.s1 * slope(b);
    const double derivative =
        cubic.dv * (value(b) - value(a)) + cubic.ds0 * slope(a) + cubic.ds1 * slope(b);
    // Values reach 100.
    CHECK(std::fabs(found - value(x)) < 1e-13);
    CHECK(std::fabs(derivative - slope(x)) < 1e-12);
  }
}

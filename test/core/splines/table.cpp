#include "splines/table.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <optional>

#include "../random.hpp"
#include "base/errors.hpp"
#include "test_table.hpp"

using namespace skyscan;

namespace {

// Axes of different order, size and knots: as many as asked for.
std::vector<TestAxis> axes_of(int count) {
  const std::vector<TestAxis> all{{2, {0, 1, 2, 4, 5, 7, 8, 9}},
                                  {3, {-3, -2, -1, 0, 1, 2.5, 3, 4, 5}},
                                  {2, {0, 0, 0, 1, 3, 4, 4, 4}},
                                  {1, {0, 2, 3, 5, 6}},
                                  {2, {-1, 0, 0.5, 1, 2, 3, 4, 4.5, 6, 7}},
                                  {3, {0, 1, 2, 3, 4, 5, 6, 7, 8}}};
  return {all.begin(), all.begin() + count};
}

double random_coefficient(const std::vector<int>& index) {
  double sum = 1;
  for (const int i : index) sum = sum * 1.7 + std::sin(3.1 * i + sum);
  return std::sin(sum);
}

// The sum over all coefficients of the file, by the definition.
std::optional<double> by_definition(const TestTable& table, const std::vector<TestAxis>& axes,
                                    const double* x) {
  std::vector<std::vector<double>> functions;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const SplineBasis basis(axes[a].knots, axes[a].order);
    const int interval = basis.locate(x[a]);
    if (interval < 0) return std::nullopt;
    std::vector<double> near(static_cast<std::size_t>(basis.width()));
    basis.evaluate(interval, x[a], 1, near.data(), basis.width());
    functions.emplace_back(static_cast<std::size_t>(basis.size()), 0.0);
    for (std::size_t j = 0; j < near.size(); ++j)
      functions[a][static_cast<std::size_t>(basis.first(interval)) + j] = near[j];
  }
  double sum = 0;
  for (std::size_t i = 0; i < table.coefficients().size(); ++i) {
    double weight = static_cast<double>(table.coefficients()[i]);
    std::size_t rest = i;
    for (std::size_t a = axes.size(); a-- > 0;) {
      const auto size = static_cast<std::size_t>(axes[a].size());
      weight *= functions[a][rest % size];
      rest /= size;
    }
    sum += weight;
  }
  return sum;
}

std::vector<double> random_point(Random& random, const std::vector<TestAxis>& axes, double beyond) {
  std::vector<double> x;
  for (const auto& axis : axes)
    x.push_back(random.uniform(axis.knots.front() - beyond, axis.knots.back() + beyond));
  return x;
}

}  // namespace

TEST_CASE("a table's value is the sum over its coefficients, whatever its axes and the inner one") {
  for (int n = 1; n <= 6; ++n) {
    const auto axes = axes_of(n);
    const TestTable file(axes, random_coefficient);
    for (int inner = std::max(n - 3, 0); inner < n; ++inner) {
      CAPTURE(n);
      CAPTURE(inner);
      const SplineTable table(file.path(), inner);
      CHECK(table.contractable());
      Random random(7);
      for (int trial = 0; trial < 8; ++trial) {
        const auto x = random_point(random, axes, 0.1);
        const auto expected = by_definition(file, axes, x.data());
        double value = 0;
        REQUIRE(table.evaluate(x.data(), &value, nullptr) == expected.has_value());
        if (expected) CHECK(std::fabs(value - *expected) < 1e-13);
      }
    }
  }
}

TEST_CASE("gradients are first derivatives, and those limits of differences") {
  for (const int n : {2, 4, 5}) {
    const auto axes = axes_of(n);
    const TestTable file(axes, random_coefficient);
    const SplineTable table(file.path());
    Random random(8);
    for (int trial = 0; trial < 10; ++trial) {
      const auto x = random_point(random, axes, -0.01);
      double value, gradient[SplineTable::most_axes];
      REQUIRE(table.evaluate(x.data(), &value, gradient));
      for (int axis = 0; axis < n; ++axis) {
        int orders[SplineTable::most_axes] = {};
        orders[axis] = 1;
        double derivative;
        REQUIRE(table.derivative(x.data(), orders, &derivative));
        CHECK(std::fabs(gradient[axis] - derivative) < 1e-12);
        constexpr double step = 1e-7;
        auto above = x, below = x;
        above[static_cast<std::size_t>(axis)] += step;
        below[static_cast<std::size_t>(axis)] -= step;
        double high, low;
        table.evaluate(above.data(), &high, nullptr);
        table.evaluate(below.data(), &low, nullptr);
        // A knot between the two changes a slope of an axis of order 1.
        if (axes[static_cast<std::size_t>(axis)].order > 1)
          CHECK(std::fabs(gradient[axis] - (high - low) / (2 * step)) < 1e-5);
      }
    }
  }
}

TEST_CASE("many points give what one at a time does, zeros outside") {
  const auto axes = axes_of(5);
  const TestTable file(axes, random_coefficient);
  const SplineTable table(file.path(), 3);
  Random random(9);
  constexpr std::int64_t count = 60;
  std::vector<double> x;
  for (int i = 0; i < count; ++i)
    for (const double coordinate : random_point(random, axes, 0.2)) x.push_back(coordinate);
  std::vector<double> values(count), gradients(5 * count);
  std::vector<std::uint8_t> inside(count);
  table.evaluate(count, x.data(), values.data(), gradients.data(), inside.data());
  int outside = 0;
  for (std::size_t i = 0; i < count; ++i) {
    double value = 0, gradient[5] = {};
    const bool is_inside = table.evaluate(&x[5 * i], &value, gradient);
    CHECK(is_inside == (inside[i] != 0));
    CHECK(values[i] == value);
    for (std::size_t k = 0; k < 5; ++k) CHECK(gradients[5 * i + k] == gradient[k]);
    outside += is_inside ? 0 : 1;
  }
  CHECK(outside > 0);
  CHECK(outside < count);
}

TEST_CASE("what is left after a contraction is the spline along the inner axis") {
  const auto axes = axes_of(4);
  const TestTable file(axes, random_coefficient);
  const SplineTable table(file.path(), 1);
  const double x[] = {4.4, 1.2, 2.2, 3.7};
  BasisValues at[4];
  for (int axis = 0; axis < 4; ++axis) REQUIRE(table.at(axis, x[axis], at[axis]));
  const int fours = (table.size(1) + 3) / 4;
  std::vector<double> row(static_cast<std::size_t>(2 * 4 * fours));
  table.contract(at, 1u << 2, 0, fours, row.data());
  double value = 0, slope = 0, expected, gradient[4];
  for (int i = 0; i < at[1].count; ++i) {
    value += at[1].value[i] * row[static_cast<std::size_t>(at[1].first + i)];
    slope += at[1].value[i] * row[static_cast<std::size_t>(4 * fours + at[1].first + i)];
  }
  REQUIRE(table.evaluate(x, &expected, gradient));
  CHECK(std::fabs(value - expected) < 1e-13);
  CHECK(std::fabs(slope - gradient[2]) < 1e-12);
}

TEST_CASE("a row combined along one axis is the sum of its coefficients' rows") {
  const auto axes = axes_of(4);
  const TestTable file(axes, random_coefficient);
  const SplineTable table(file.path(), 2);
  BasisValues at;
  REQUIRE(table.at(1, 0.7, at));
  const int index[] = {3, 0, 0, 2};
  std::vector<double> row(static_cast<std::size_t>((table.size(2) + 3) / 4 * 4));
  table.combine(index, 1, at, row.data());
  for (int t = 0; t < table.size(2); ++t) {
    double expected = 0;
    for (int k = 0; k < at.count; ++k) {
      const int number =
          ((index[0] * table.size(1) + at.first + k) * table.size(2) + t) * table.size(3) +
          index[3];
      expected +=
          at.value[k] * static_cast<double>(file.coefficients()[static_cast<std::size_t>(number)]);
    }
    CHECK(std::fabs(row[static_cast<std::size_t>(t)] - expected) < 1e-14);
  }
}

TEST_CASE("a convolved table is the integral of the plain one, both ways of convolving") {
  // Axis 0 has distinct knots (photospline's coefficients), axis 2 repeated ones (exact).
  const auto axes = axes_of(3);
  const TestTable file(axes, random_coefficient);
  const SplineTable plain(file.path());
  constexpr double h = 0.3;
  for (const int axis : {0, 2}) {
    SplineTable convolved(file.path());
    convolved.convolve(axis, {-h, h});
    const double start[] = {3.3, 0.4, 1.7};
    double sum = 0, found;
    constexpr int steps = 3000;
    for (int k = 0; k < steps; ++k) {
      double x[] = {start[0], start[1], start[2]}, value;
      x[axis] += -h + 2 * h * (k + 0.5) / steps;
      plain.evaluate(x, &value, nullptr);
      sum += value / steps;
    }
    REQUIRE(convolved.evaluate(start, &found, nullptr));
    CHECK(std::fabs(found - sum) < (axis == 0 ? 1e-6 : 1e-7));
  }
}

TEST_CASE("the reference's rounding is single precision's, and unknown outside the full support") {
  const auto axes = axes_of(4);
  const TestTable file(axes, random_coefficient);
  SplineTable table(file.path());
  const double x[] = {4.4, 1.2, 2.2, 3.7}, outside[] = {0.5, 1.2, 2.2, 3.7};
  double exact;
  REQUIRE(table.evaluate(x, &exact, nullptr));
  const auto rounded = table.rounded_as_reference(x);
  REQUIRE(rounded.has_value());
  CHECK(*rounded != exact);
  CHECK(*rounded == static_cast<double>(static_cast<float>(*rounded)));
  // 72 products of coefficients of at most 1, each rounded to 2^-24 a few times.
  CHECK(std::fabs(*rounded - exact) < 72 * 6e-8);
  REQUIRE(table.evaluate(outside, &exact, nullptr));
  CHECK_FALSE(table.rounded_as_reference(outside).has_value());
  table.convolve(0, {-0.1, 0.1});
  CHECK_FALSE(table.rounded_as_reference(x).has_value());
}

TEST_CASE("the largest coefficients along the first axis") {
  const auto axes = axes_of(3);
  const TestTable file(axes, random_coefficient);
  const auto largest = SplineTable(file.path()).largest_along_first();
  REQUIRE(largest.size() == static_cast<std::size_t>(axes[0].size()));
  const std::size_t rest = file.coefficients().size() / largest.size();
  for (std::size_t i = 0; i < largest.size(); ++i)
    CHECK(largest[i] ==
          static_cast<double>(*std::max_element(
              file.coefficients().begin() + static_cast<std::ptrdiff_t>(i * rest),
              file.coefficients().begin() + static_cast<std::ptrdiff_t>((i + 1) * rest))));
}

TEST_CASE("a table knows its keys, and says what is wrong with one") {
  const TestTable file(axes_of(2), random_coefficient, "LEVEL=2\nGEOMETRY=text");
  const SplineTable table(file.path());
  CHECK(table.number("LEVEL", 7) == 2);
  CHECK(table.number("ABSENT", 7) == 7);
  CHECK_THROWS_WITH_AS(table.number("GEOMETRY", 7), doctest::Contains("GEOMETRY"), BadInput);
  CHECK_THROWS_WITH_AS(SplineTable(file.path(), 5), doctest::Contains("not among the last three"),
                       BadInput);
}

#include "minimise/distinct_minima.hpp"

#include <doctest/doctest.h>

using namespace skyscan;

namespace {

struct Minimum {
  double place, height;
  bool operator==(const Minimum&) const = default;
};
bool are_same(const Minimum& a, const Minimum& b) { return std::fabs(a.place - b.place) < 1.5; }

}  // namespace

TEST_CASE("of minima that are one the lowest is kept, lowest first") {
  std::vector<Minimum> minima{{0, 5}, {1, 4}, {9, 7}, {8, 3}, {20, std::nan("")}, {30, 6}};
  keep_distinct(minima, &Minimum::height, are_same, 10);
  CHECK(minima == std::vector<Minimum>{{8, 3}, {1, 4}, {30, 6}});
  keep_distinct(minima, &Minimum::height, are_same, 2);
  CHECK(minima == std::vector<Minimum>{{8, 3}, {1, 4}});
}

TEST_CASE("of points down a slope only its foot is a basin") {
  const std::vector<Minimum> slope{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {10, 5}};
  auto basins = slope, distinct = slope;
  keep_basins(basins, &Minimum::height, are_same, 10);
  CHECK(basins == std::vector<Minimum>{{0, 1}, {10, 5}});
  keep_distinct(distinct, &Minimum::height, are_same, 10);
  CHECK(distinct == std::vector<Minimum>{{0, 1}, {2, 3}, {10, 5}});
}

TEST_CASE("minima far above the lowest are dropped, the lowest never") {
  std::vector<Minimum> minima{{0, 12}, {1, 10}, {2, 15}};
  drop_above(minima, &Minimum::height, 2);
  CHECK(minima == std::vector<Minimum>{{0, 12}, {1, 10}});
  drop_above(minima, &Minimum::height, 0);
  CHECK(minima == std::vector<Minimum>{{1, 10}});
  minima.clear();
  drop_above(minima, &Minimum::height, 0);
  CHECK(minima.empty());
}

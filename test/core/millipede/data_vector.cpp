#include "millipede/data_vector.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

using namespace skyscan;

TEST_CASE("a readout window less its exclusions, in any order and overlapping") {
  const auto pieces = readout_pieces({0, 100}, {{40, 50}, {-5, 10}, {45, 60}, {95, 200}});
  REQUIRE(pieces.size() == 2);
  CHECK(pieces[0].start == 10);
  CHECK(pieces[0].stop == 40);
  CHECK(pieces[1].start == 60);
  CHECK(pieces[1].stop == 95);
  CHECK(readout_pieces({0, 100}, {{-1, 101}}).empty());
  CHECK(readout_pieces({0, 100}, {}).size() == 1);
}

TEST_CASE("bins hold all charge of the pieces and none of the gaps") {
  const std::vector<RawPulse> pulses{{5, 1, 2}, {20, 2, 2}, {21, 4, 2}, {45, 8, 2}, {70, 16, 2}};
  const auto pieces = readout_pieces({10, 100}, {{40, 50}});
  const DomBins bins = dom_bins(pieces, pulses, {1, 0});
  REQUIRE(bins.edges.size() == bins.charges.size() + 1);
  REQUIRE(bins.valid.size() == bins.charges.size());
  CHECK(bins.edges.front() == 10);
  CHECK(bins.edges.back() == 100);
  double valid = 0;
  for (std::size_t i = 0; i < bins.charges.size(); ++i) {
    CHECK(bins.edges[i] < bins.edges[i + 1]);
    if (bins.valid[i]) valid += bins.charges[i];
    if (!bins.valid[i]) CHECK(bins.charges[i] == 0);
  }
  CHECK(std::fabs(valid - (2 + 4 + 16)) < 1e-12);
}

TEST_CASE("a DOM without pulses has one bin a piece") {
  const DomBins bins = dom_bins({{10, 40}, {60, 95}}, {}, {1, 0});
  CHECK(bins.edges == std::vector<double>{10, 40, 60, 95});
  CHECK(bins.valid == std::vector<bool>{true, false, true});
  CHECK(std::accumulate(bins.charges.begin(), bins.charges.end(), 0.0) == 0);
}

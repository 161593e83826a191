#include "math/chebyshev.hpp"

#include <doctest/doctest.h>

using namespace skyscan;

TEST_CASE("a polynomial's powers come back from its values at Chebyshev's nodes") {
  const std::vector<double> powers{2, -1, 0.5, 0, 3, -0.25};
  const auto nodes = chebyshev_nodes(6);
  const auto inverse = powers_from_values(nodes);
  for (std::size_t k = 0; k < powers.size(); ++k) {
    double found = 0;
    for (std::size_t node = 0; node < nodes.size(); ++node) {
      double value = 0;
      for (std::size_t i = powers.size(); i-- > 0;) value = value * nodes[node] + powers[i];
      found += inverse[k * nodes.size() + node] * value;
    }
    CHECK(std::fabs(found - powers[k]) < 1e-13);
  }
}

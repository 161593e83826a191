#include "millipede/bayesian_blocks.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../random.hpp"

using namespace skyscan;

namespace {

double fitness(const std::vector<double>& edges, const std::vector<double>& charges,
               const std::vector<std::size_t>& blocks, double sigma) {
  double sum = 0;
  for (std::size_t b = 0; b + 1 < blocks.size(); ++b) {
    double charge = 0;
    for (std::size_t i = blocks[b]; i < blocks[b + 1]; ++i) charge += charges[i];
    const double width = edges[blocks[b + 1]] - edges[blocks[b]];
    if (charge > 0) sum += charge * (std::log(charge) - std::log(width));
    sum -= 0.5 * sigma * sigma;
  }
  return sum;
}

// The best of all 2^(n-1) partitions.
double best_fitness(const std::vector<double>& edges, const std::vector<double>& charges,
                    double sigma, double min_width) {
  double best = -std::numeric_limits<double>::infinity();
  const std::size_t n = charges.size();
  for (std::size_t mask = 0; mask < std::size_t{1} << (n - 1); ++mask) {
    std::vector<std::size_t> blocks{0};
    for (std::size_t i = 1; i < n; ++i)
      if (mask >> (i - 1) & 1) blocks.push_back(i);
    blocks.push_back(n);
    bool is_allowed = true;
    for (std::size_t b = 0; b + 1 < blocks.size(); ++b)
      is_allowed = is_allowed && edges[blocks[b + 1]] - edges[blocks[b]] >= min_width;
    if (is_allowed) best = std::max(best, fitness(edges, charges, blocks, sigma));
  }
  return best;
}

}  // namespace

TEST_CASE("Bayesian blocks are the best of all partitions") {
  Random random(5);
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<double> edges{0}, charges;
    for (int i = 0; i < 10; ++i) {
      edges.push_back(edges.back() + random.uniform(1, 20));
      charges.push_back(random.uniform(0, 1) < 0.3 ? 0 : random.uniform(0, 6));
    }
    const double sigma = random.uniform(0, 3), min_width = random.uniform(0, 25);
    CAPTURE(trial);
    const auto blocks = bayesian_blocks(edges, charges, sigma, min_width);
    CHECK(blocks.front() == 0);
    CHECK(blocks.back() == 10);
    for (std::size_t b = 0; b + 1 < blocks.size(); ++b)
      CHECK(edges[blocks[b + 1]] - edges[blocks[b]] >= min_width);
    CHECK(std::fabs(fitness(edges, charges, blocks, sigma) -
                    best_fitness(edges, charges, sigma, min_width)) < 1e-9);
  }
}

TEST_CASE("what is narrower than a block may be is one") {
  CHECK(bayesian_blocks({0, 1, 2}, {5, 0}, 1, 10) == std::vector<std::size_t>{0, 2});
}

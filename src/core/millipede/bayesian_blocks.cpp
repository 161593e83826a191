#include "millipede/bayesian_blocks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace skyscan {

namespace {

double fitness(double charge, double width) {
  return charge > 0 ? charge * (std::log(charge) - std::log(width)) : 0;
}

}  // namespace

std::vector<std::size_t> bayesian_blocks(const std::vector<double>& edges,
                                         const std::vector<double>& charges, double sigma,
                                         double min_width) {
  const std::size_t n = charges.size();
  constexpr double impossible = -std::numeric_limits<double>::infinity();
  const double prior = sigma * sigma / 2;
  // best[k]: of the first k raw bins; start[k]: where its last block begins.
  std::vector<double> best(n + 1, impossible);
  std::vector<std::size_t> start(n + 1, 0);
  best[0] = 0;
  for (std::size_t stop = 1; stop <= n; ++stop) {
    double charge = 0;
    for (std::size_t first = stop; first-- > 0;) {
      charge += charges[first];
      const double width = edges[stop] - edges[first];
      if (width < min_width) continue;
      const double value = best[first] + fitness(charge, width) - prior;
      if (value >= best[stop] && value > impossible) {
        best[stop] = value;
        start[stop] = first;
      }
    }
  }
  std::vector<std::size_t> cuts{n};
  if (best[n] > impossible)
    while (cuts.back() > 0) cuts.push_back(start[cuts.back()]);
  else if (n > 0)
    cuts.push_back(0);
  std::reverse(cuts.begin(), cuts.end());
  return cuts;
}

}  // namespace skyscan

// Bayesian blocks of binned data: J. D. Scargle et al., Astrophys. J. 764 (2013) 167.
#pragma once

#include <cstddef>
#include <vector>

namespace skyscan {

// Merges the n raw bins with `edges` (n + 1 of them, ns, ascending) and `charges` (n, PE) into the
// most probable piecewise constant rate. A block of charge N and width T is worth N (ln N - ln T)
// less `sigma`^2 / 2; none is narrower than `min_width` [ns]. Returns the indices into `edges` of
// the block edges, 0 and n among them. Where no partition into such blocks exists (everything
// together is narrower than min_width) all is one block.
std::vector<std::size_t> bayesian_blocks(const std::vector<double>& edges,
                                         const std::vector<double>& charges, double sigma,
                                         double min_width);

}  // namespace skyscan

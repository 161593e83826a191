// What millipede fits: each DOM's charges in time bins.
#pragma once

#include <cstddef>
#include <vector>

#include "light/light_model.hpp"

namespace skyscan {

struct RawPulse {
  double time, charge, width;  // ns, PE, ns
};

struct Interval {
  double start, stop;  // ns, half-open
};

struct BinSettings {
  double sigma;      // Bayesian blocks' prior is sigma^2 / 2 per block
  double min_width;  // ns
};

// One DOM's part of the data vector. charges[i] and valid[i] belong to [edges[i], edges[i + 1]);
// invalid bins are the gaps the exclusions leave. No edges: the DOM sees nothing.
struct DomBins {
  std::vector<double> edges;
  std::vector<double> charges;
  std::vector<bool> valid;
};

// One DOM that takes part.
struct MillipedeDom {
  DomSite site;       // efficiency: relative DOM efficiency x mean SPE charge x eta
  double noise_rate;  // 1/ns
  DomBins bins;
};

// The parts of `window` outside `exclusions` (any order, overlaps allowed), ascending.
std::vector<Interval> readout_pieces(Interval window, std::vector<Interval> exclusions);

// Bins of one DOM. `pulses` in time order; those outside all pieces are dropped. A piece without
// pulses is one bin.
DomBins dom_bins(const std::vector<Interval>& pieces, const std::vector<RawPulse>& pulses,
                 const BinSettings& settings);

}  // namespace skyscan

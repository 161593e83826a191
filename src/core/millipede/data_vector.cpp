#include "millipede/data_vector.hpp"

#include <algorithm>

#include "millipede/bayesian_blocks.hpp"

namespace skyscan {

std::vector<Interval> readout_pieces(Interval window, std::vector<Interval> exclusions) {
  std::sort(exclusions.begin(), exclusions.end(),
            [](const Interval& a, const Interval& b) { return a.start < b.start; });
  std::vector<Interval> pieces;
  double start = window.start;
  for (const Interval& excluded : exclusions) {
    if (excluded.stop <= start || excluded.stop <= excluded.start) continue;
    if (excluded.start >= window.stop) break;
    if (excluded.start > start) pieces.push_back({start, excluded.start});
    start = excluded.stop;
  }
  if (start < window.stop) pieces.push_back({start, window.stop});
  return pieces;
}

namespace {

struct RawBins {
  std::vector<double> edges;
  std::vector<double> charges;
};

// A bin per pulse and empty bins between. A pulse ends where the next begins; a pulse without
// width (or at its predecessor's time) hands its charge on to the next one, the last one keeps it
// until the piece ends.
RawBins raw_bins(Interval piece, const RawPulse* pulses, std::size_t n) {
  RawBins raw;
  raw.edges.push_back(piece.start);
  const auto close = [&](double edge, double charge) {
    raw.edges.push_back(edge);
    raw.charges.push_back(charge);
  };
  double carried = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double next = i + 1 < n ? pulses[i + 1].time : piece.stop;
    const double end = std::min({pulses[i].time + pulses[i].width, next, piece.stop});
    const double charge = pulses[i].charge + carried;
    const bool last = i + 1 == n;
    if (!(end > pulses[i].time) && !last) {
      carried = charge;
      continue;
    }
    if (pulses[i].time > raw.edges.back()) close(pulses[i].time, 0);
    close(end > pulses[i].time ? end : piece.stop, charge);
    carried = 0;
  }
  if (raw.edges.back() < piece.stop) close(piece.stop, 0);
  return raw;
}

}  // namespace

DomBins dom_bins(const std::vector<Interval>& pieces, const std::vector<RawPulse>& pulses,
                 const BinSettings& settings) {
  DomBins bins;
  auto pulse = pulses.begin();
  for (const Interval& piece : pieces) {
    while (pulse != pulses.end() && pulse->time < piece.start) ++pulse;
    const auto first = pulse;
    while (pulse != pulses.end() && pulse->time < piece.stop) ++pulse;

    if (!bins.edges.empty()) {
      bins.charges.push_back(0);
      bins.valid.push_back(false);
    }
    bins.edges.push_back(piece.start);
    if (first == pulse) {
      bins.charges.push_back(0);
      bins.valid.push_back(true);
      bins.edges.push_back(piece.stop);
      continue;
    }
    const RawBins raw =
        raw_bins(piece, &*first, static_cast<std::size_t>(std::distance(first, pulse)));
    const auto cuts = bayesian_blocks(raw.edges, raw.charges, settings.sigma, settings.min_width);
    for (std::size_t block = 0; block + 1 < cuts.size(); ++block) {
      double charge = 0;
      for (std::size_t i = cuts[block]; i < cuts[block + 1]; ++i) charge += raw.charges[i];
      bins.charges.push_back(charge);
      bins.valid.push_back(true);
      bins.edges.push_back(raw.edges[cuts[block + 1]]);
    }
  }
  return bins;
}

}  // namespace skyscan

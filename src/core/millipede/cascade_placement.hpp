// Where along a track its cascades stand.
//
// llh ripples as a track's cascades are moved along it, and where light is wanted beyond the
// boundary it jumps as a cascade leaves: best then are cascades as far out as can be.
#pragma once

#include "base/track_frame.hpp"
#include "millipede/descent.hpp"

namespace skyscan {

struct PlacementOptions {
  // m: a cascade with energy this close to the boundary wishes for others beyond it. About a DOM's
  // reach in time at the spacings used; not measured apart.
  double edge = 10;
  double inside_by = 1e-6;  // m: of the outermost cascade, safe from rounding
  // llh: once more as long as a round gained more than this.
  double least_gain = 0.1;
  // llh: a way down is begun at a placement no more than this above the best, half a unit where it
  // is at the boundary, as llh jumps there.
  double margin = 0.05, edge_margin = 0.5;
  int rounds = 2;
};

// Moves the cascades of `best` to the boundary, or between where they are, and goes down from there
// where that is lower.
void place_cascades(const Millipede& millipede, const TrackFrame& frame, double spacing,
                    const DescentLimits& limits, const PlacementOptions& options,
                    const LightCutoff& cutoff, int& evaluations, Candidate& best);

}  // namespace skyscan

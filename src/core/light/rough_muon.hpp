// A muon's light for searches: at eight DOMs at a time, in single precision.
#pragma once

#include "light/pandel_lanes.hpp"
#include "math/lanes.hpp"

namespace skyscan {

// DOMs as a track sees them: one, with doubles or jets as numbers and a double as the plain one; or
// eight, with Lanes or LaneJets (slopes by `rho`, `above` and `rising`) and Lanes.
template <typename Number, typename Plain>
struct SeenDom {
  Number rho;        // distance from the track [m]
  Number above;      // height above the nearest point of the track [m]
  Number rising;     // z component of the direction direct light arrives in
  Plain height;      // z [m]
  Plain efficiency;  // relative
  double upwards;    // z component of the track's direction
};

// A muon's light there.
template <typename Number>
struct MuonAtDom {
  Number bare;             // PE expected from a bare muon
  Number shape, log_rate;  // of the direct light's arrival times
};

class RoughMuon {
 public:
  virtual ~RoughMuon() = default;
  virtual MuonAtDom<Lanes> expect(const SeenDom<Lanes, Lanes>& seen) const = 0;
  virtual MuonAtDom<LaneJet> expect(const SeenDom<LaneJet, Lanes>& seen) const = 0;
  // Light of stochastic losses per GeV, relative to the bare muon's.
  virtual double stochastic_share() const = 0;
  virtual const PandelLanes& direct() const = 0;
  virtual const PandelLanes& noise() const = 0;
};

}  // namespace skyscan

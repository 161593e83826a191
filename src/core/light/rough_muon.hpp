// A muon's light for searches: at eight DOMs at a time, in single precision.
#pragma once

#include <cstddef>
#include <memory>

#include "base/track_frame.hpp"
#include "light/light_model.hpp"
#include "light/timing_lanes.hpp"
#include "math/lanes.hpp"

namespace skyscan {

// Eight DOMs as a track sees them.
struct SeenLanes {
  Lanes rho;         // distance from the track [m]
  Lanes du, dv;      // the direction outward, along the frame's u and v
  Lanes above;       // height above the nearest point of the track [m]
  Lanes height;      // z [m]
  Lanes efficiency;  // relative
};

// The light expected there.
struct ExpectedLanes {
  Integer8 is_known;  // where the model knows something; elsewhere a DOM sees noise only
  Lanes charge;       // PE
};

// Slopes by what a DOM sees of a track: its distance, the height above its nearest point, and the
// angle of the direction outward from u to v [rad].
struct ViewSlopes {
  Lanes by_rho, by_above, by_angle;
};

// What the charge of a muon is made of: PE expected = bare * a bare muon's + stochastic * that of
// stochastic losses per GeV.
struct MuonCharge {
  double bare, stochastic;
};

// The light of tracks of one direction. For one thread: all but `look` is about the eight DOMs
// looked at last.
class RoughTrack {
 public:
  virtual ~RoughTrack() = default;
  // Slopes are undefined later where they are not asked for here.
  virtual ExpectedLanes look(const SeenLanes& seen, bool with_slopes) = 0;

  // Parameters the arrival times have slopes by.
  virtual std::size_t parameters() const = 0;
  // Of direct light, at a residual [ns] of each DOM; at many of DOM number i; and of light smeared
  // as noise is, at two residuals of each.
  virtual void direct(const Lanes& residuals, bool with_slopes, TimingLanes& out) = 0;
  virtual void direct_of(std::size_t i, const Lanes* residuals, std::size_t vectors,
                         bool with_slopes, TimingLanes* out) = 0;
  virtual void noise(const Lanes (&residuals)[2], bool with_slopes, TimingLanes (&out)[2]) = 0;

  // Of something with these slopes by the logarithm of the charge and by the parameters.
  virtual ViewSlopes by_view(const Lanes& by_log_charge, const Lanes* by_parameters) const = 0;

  // How much later than at the track direct light is, per metre of distance from it [ns/m].
  virtual double delay_per_metre() const { return direct_delay_per_metre; }
};

class RoughMuon {
 public:
  virtual ~RoughMuon() = default;
  // What it keeps from one call to the next, for one thread at a time.
  virtual std::unique_ptr<LightScratch> scratch() const { return std::make_unique<LightScratch>(); }
  // Along the frame's axis, with this zenith angle. This and the scratch, which serves one track at
  // a time, must outlive it.
  virtual std::unique_ptr<RoughTrack> along(const TrackFrame& frame, double zenith,
                                            const MuonCharge& charge,
                                            LightScratch& scratch) const = 0;
};

}  // namespace skyscan

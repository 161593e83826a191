// What a DOM should see: the interface between light models and likelihoods.
//
// Units: metres, nanoseconds, GeV, radians, PE. Detector coordinates. Directions are directions of
// travel. Formulae and constants: each model's own file.
#pragma once

#include <cmath>
#include <cstddef>
#include <memory>

#include "base/track.hpp"
#include "base/vec3.hpp"

namespace skyscan {

// A DOM as a light model sees it. `efficiency` scales amplitudes (relative DOM efficiency).
struct DomSite {
  Vec3 position;
  double efficiency;
};

// Light of an infinite muon at one DOM, and its derivatives with respect to the track's position.
struct DomExpectation {
  // Asked for: without, models may leave out all derivatives by position.
  bool with_gradients = true;
  bool inside;            // false: the model knows nothing here, the DOM sees noise only
  double geometric_time;  // arrival of direct Cherenkov light after the track's time [ns]
  Vec3 geometric_time_gradient;
  double bare;  // PE expected from a bare (minimum ionising) muon
  Vec3 bare_gradient;
  double stochastic;  // PE expected from stochastic losses, per GeV^1 of the energy estimate
  Vec3 stochastic_gradient;
  double state[48];  // the model's own notes for muon_timing
};

// Arrival-time distribution at one residual after the geometric time. Gradients are taken at fixed
// residual with respect to the track's position.
struct Timing {
  double density;  // 1/ns
  double cumulative;
  double density_slope;  // d density / d residual
  Vec3 density_gradient;
  Vec3 cumulative_gradient;
};

// `direct`: as recorded by a DOM; `noise`: smeared by 1000 ns, the shape of random noise.
enum class MuonTiming { direct, noise };

// What a light model keeps from one call to the next, so that fits of one direction find again what
// they share. It hangs on the likelihood that asks: the light itself is read-only and shared
// between threads. For the light that made it only, and for one thread at a time. Tables at one
// zenith take the most: 128 MB where all of them is touched, a few where a fit's share is.
class LightScratch {
 public:
  virtual ~LightScratch() = default;
};

class RoughMuon;

class MuonLight {
 public:
  virtual ~MuonLight() = default;
  // The same light for searches, as exact as single precision; null where there is none.
  virtual const RoughMuon* rough() const { return nullptr; }
  virtual std::unique_ptr<LightScratch> scratch() const { return std::make_unique<LightScratch>(); }
  virtual void evaluate(const Track& track, const DomSite& dom, LightScratch& scratch,
                        DomExpectation& out) const = 0;
  // out[i] for residuals[i], i < n. The smearing the model applies itself (2 ns for tables, the
  // embedded model's jitter) is included.
  virtual void timing(const DomExpectation& expectation, MuonTiming kind, const double* residuals,
                      std::size_t n, LightScratch& scratch, Timing* out) const = 0;
  // The timing has no structure narrower than the Gaussian with this sigma [ns]. Tables have: they
  // begin at once.
  virtual double narrowest_timing() const { return 0; }
  // Light of the small losses a muon of this energy [GeV] always has, relative to the bare muon's:
  // expected PE = bare * (1 + low_energy_factor(E)) + stochastic * E.
  virtual double low_energy_factor(double energy) const {
    return 0.1720 + 0.0324 * std::log(energy);  // C. Wiebusch, thesis, RWTH Aachen (1995)
  }
};

struct Gradient4 {
  double x, y, z, t;
};

// The light of 1 GeV cascades along one track, for many DOMs: what does not depend on the DOM is
// worked out once. For searches: as exact as single precision.
class TrackCascades {
 public:
  virtual ~TrackCascades() = default;
  // Of the cascades first <= i < last, at [i - first]: `amplitude`, 0 outside the model's reach,
  // and `cumulative`, n numbers each, as CascadeLight::evaluate has them; undefined where there is
  // no amplitude.
  virtual void evaluate(const DomSite& dom, std::size_t first, std::size_t last,
                        const double* edges, std::size_t n, double* amplitude,
                        double* cumulative) const = 0;
};

// Light of a 1 GeV electromagnetic cascade at one DOM.
class CascadeLight {
 public:
  virtual ~CascadeLight() = default;
  virtual std::unique_ptr<LightScratch> scratch() const { return std::make_unique<LightScratch>(); }
  // Returns false outside the model's reach (noise only). `amplitude`: PE; cumulative[i]: share of
  // them before the absolute time edges[i], i < n (ascending; may be +-infinity). The gradients,
  // where not null, are with respect to the cascade's position and time.
  virtual bool evaluate(const Vec3& position, const Vec3& direction, double zenith, double azimuth,
                        double time, const DomSite& dom, const double* edges, std::size_t n,
                        double& amplitude, double* cumulative, Gradient4* amplitude_gradient,
                        Gradient4* cumulative_gradient) const = 0;
  // Cascades `lengths` [m] along the track from its vertex, each when the track passes. The light
  // and the scratch must outlive it; for one thread.
  virtual std::unique_ptr<const TrackCascades> along_track(const Track& track,
                                                           const double* lengths, std::size_t count,
                                                           LightScratch& scratch) const;
  // Upper bound of the amplitude over all orientations of a 1 GeV cascade at this distance [m].
  virtual double amplitude_bound(double distance) const = 0;
};

}  // namespace skyscan

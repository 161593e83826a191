// The way down millipede's likelihood over the tracks of one direction, by its slopes.
#pragma once

#include <cmath>
#include <limits>
#include <optional>

#include "base/track_frame.hpp"
#include "millipede/cascade_selection.hpp"

namespace skyscan {

// Optimality of the energies during a fit, in llh.
constexpr double energy_tolerance = 1e-4;

struct Settlement {
  Track track{};
  MillipedeValue value;
  bool found() const { return std::isfinite(llh()); }
  // Infinite where there is none.
  double llh() const { return value.placed ? value.llh : std::numeric_limits<double>::infinity(); }
};

// llh with cascades at one spacing, at tracks close to each other: where they are close, only those
// cascades are looked at that had energy, or nearly.
class ScreenedSurface {
 public:
  ScreenedSurface(const Millipede& millipede, double spacing, const LightCutoff& light,
                  int& evaluations)
      : millipede_(millipede), spacing_(spacing), light_(light), evaluations_(evaluations) {}

  // Not placed where there is no likelihood. `previous` may be null.
  MillipedeValue at(const Track& track, const MillipedeValue* previous);
  const LightCutoff& light() const { return light_; }
  void look_anew() { wide_.reset(); }

 private:
  const Millipede& millipede_;
  const double spacing_;
  const LightCutoff light_;
  int& evaluations_;
  Track scouted_at_{};
  // What may matter around there, and of that what did where all of it was looked at last.
  std::optional<CascadeSelection> wide_, narrow_;
};

struct Descent {
  double radius;      // of the first step [m]
  double worthwhile;  // llh
  int evaluations;
};

// Downhill: Gauss-Newton's curvature with the energies eliminated, and what it lacks learnt from
// slopes (J. Dennis, D. Gay, R. Welsch, ACM TOMS 7 (1981) 348), within a trusted radius.
void descend(const Millipede& millipede, ScreenedSurface& surface, const TrackShifts& shifts,
             Descent limits, Settlement& at);

}  // namespace skyscan

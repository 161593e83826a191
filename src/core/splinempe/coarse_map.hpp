// A sketch of the track likelihood at a fixed direction, to find out where its minima are.
//
// Tracks of one direction are a family of three dimensions: two offsets across, one time. What a
// DOM says of such a track depends mostly on how far off it passes, on which side, and on the
// residual of the first pulse. The sketch keeps that function of every DOM on a grid, smeared in
// time to suit the spacing of the tracks it looks at. With it, the likelihood of a track at all
// times at once is a sum of rows: a wide disc of tracks takes as long as a few real likelihoods.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "light/light_model.hpp"

namespace skyscan {

struct FirstPulse;

// What turns light into the likelihood of one DOM.
class FirstPulseModel {
 public:
  virtual ~FirstPulseModel() = default;
  // The likelihood of a pulse where nothing is known of the light.
  virtual double floor() const = 0;
  // Whether light near two pulses' DOMs means about the same to both.
  virtual bool are_alike(std::size_t pulse, std::size_t other) const = 0;
  // out[i], i < n: the likelihood of pulse number `pulse`, averaged over residuals from i to i + 1
  // steps [ns], from the cumulative distributions at their ends (n + 1 of each): of direct light,
  // of noise, and of noise one after-pulse earlier.
  virtual void likelihoods(std::size_t pulse, const DomExpectation& expectation,
                           const double* direct, const double* noise, const double* after,
                           double step, std::size_t n, double* out) const = 0;
};

class TrackSketch {
 public:
  // How finely it is drawn.
  struct Scale {
    double step;      // of residuals [ns]
    double smearing;  // their Gaussian's sigma [ns]
    double earliest;  // the first of them [ns]
  };
  // Of tracks at about this zenith angle [rad].
  TrackSketch(const MuonLight& light, const std::vector<FirstPulse>& pulses,
              const FirstPulseModel& model, const Scale& scale, double zenith);

  class View;

 private:
  struct Dom {
    Vec3 position;
    double time;
    double edge;               // distance beyond which the light model knows nothing [m]
    const std::int16_t* rows;  // -ln L for each side and distance, latest residual first
  };

  Scale scale_;
  std::vector<std::int16_t> values_;
  std::vector<Dom> doms_;
  Vec3 middle_;    // of the DOMs
  float outside_;  // -ln L of a pulse nothing is known of
};

// Places where the likelihood's minima should be, at the time of the track asked for; in no order.
std::vector<Vec3> likely_places(const TrackSketch& coarse, const TrackSketch& fine,
                                const Track& track);

// The scales meant for these two.
inline constexpr TrackSketch::Scale coarse_scale{40, 60, -2000}, fine_scale{15, 15, -450};

}  // namespace skyscan

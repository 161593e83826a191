// A coarse map of the track likelihood, to find out where its minima are.
//
// Tracks of one direction are a family of three dimensions: two offsets across, one time. What a
// DOM says of such a track depends mostly on how far off it passes, on which side, and on the
// residual of the first pulse. The map keeps that function of every DOM on a grid, smeared in time
// to suit the spacing of the tracks asked for. With it, the likelihood of a track at all times at
// once is a sum of rows: a wide disc of tracks takes as long as a few real likelihoods.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "splinempe/first_pulse.hpp"

namespace skyscan {

// How finely a map is drawn.
struct CoarseMapScale {
  double step;      // of residuals [ns]
  double smearing;  // their Gaussian's sigma [ns]
  double earliest;  // the first of them [ns]
};

// The scales for discs of tracks 45 m and 10 m apart (see likely_places.hpp): light crosses such
// gaps in about a step's and a smearing's time. 200 steps reach past after-pulses in the first.
inline constexpr CoarseMapScale coarse_scale{40, 60, -2000}, fine_scale{15, 15, -450};

// A map takes at most 15 MB: 61 248 bytes for each set of rows, one a pulse at most.
class CoarseMap {
 public:
  // More pulses than this add little to a map: the brightest count. It bounds time and memory.
  static constexpr std::size_t most_pulses = 250;
  // A DOM's rows: sides of the track, seen along it from top to bottom; distances 0, 1.5, 6, 13.5
  // ... 661 m, dense where light changes fast; residuals.
  static constexpr std::size_t sides = 6, distances = 22, residual_steps = 200;
  static constexpr double first_distance = 1.5;  // m
  static constexpr float unit = 1.f / 200;       // of -ln L in the rows
  // Rows are longer than their residuals by this on either side: there their last numbers stand.
  static constexpr std::size_t margin = 16;
  static constexpr std::size_t row_length = residual_steps + 2 * margin;
  // No row has more than this [units]: 18.4 is -ln of the reference's noise rate, 1e-8/ns.
  static constexpr int most = 4000;

  struct Dom {
    Vec3 position;
    double time;               // of its first pulse [ns]
    double edge;               // distance beyond which the light model knows nothing [m]
    const std::int16_t* rows;  // -ln L for each side and distance, latest residual first
  };

  // Of tracks at about this zenith angle [rad].
  CoarseMap(const MuonLight& light, const std::vector<FirstPulse>& pulses,
            const FirstPulseModel& model, const CoarseMapScale& scale, double zenith);

  CoarseMap(CoarseMap&&) = default;  // never copied: DOMs point into the rows

  const CoarseMapScale& scale() const { return scale_; }
  const std::vector<Dom>& doms() const { return doms_; }
  // Mean position of the DOMs, weighted by the square root of their charge [m].
  const Vec3& middle() const { return middle_; }
  // A row of -ln L of a pulse nothing is known of.
  const std::int16_t* outside() const { return outside_.data(); }

 private:
  CoarseMapScale scale_;
  std::vector<std::int16_t> values_;
  std::vector<Dom> doms_;
  Vec3 middle_;
  std::vector<std::int16_t> outside_;
};

}  // namespace skyscan

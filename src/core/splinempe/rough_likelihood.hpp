// The likelihood of likelihood.hpp for searches along one direction: eight DOMs at a time, in
// single precision. It differs by some 1e-3; what a fit hands out is the exact one's value.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/track_frame.hpp"
#include "light/rough_muon.hpp"
#include "splinempe/likelihood.hpp"

namespace skyscan {

struct SmearingLanes;

class RoughSplineMpe {
 public:
  // Of tracks with this one's direction. `exact` and `light` must outlive this; only one of an
  // exact likelihood's is of use at a time.
  RoughSplineMpe(const SplineMpe& exact, const RoughMuon& light, const Track& track);

  // Of the track that is there at the likelihood's middle time. `slope` may be null.
  double evaluate(const Vec3& position, SplineMpeSlope* slope) const;

 private:
  // Eight pulses each; the last group is filled up with pulses that do not count.
  struct Pulses {
    Lanes a, b, along;  // m, in the frame, from the first DOM
    Lanes height, efficiency;
    Lanes time;             // ns after the middle time
    Lanes photons;          // N of the MPE term
    Lanes flat_cumulative;  // of flat noise
    Lanes counts;           // 1, or 0
  };
  template <std::size_t parameters>
  double sum(const Vec3& from, SplineMpeSlope* slope) const;

  const SplineMpeSetting& setting_;
  TrackFrame frame_;
  std::unique_ptr<RoughTrack> light_;
  Vec3 origin_;
  const struct SmearingLanes* smearing_;
  std::vector<Pulses> groups_;
};

}  // namespace skyscan

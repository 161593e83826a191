// A cheap stand-in for the track likelihood, to find out where minima are.
//
// One photon per DOM, Pandel timing in ice that is everywhere the same, smeared by 100 ns: few
// local minima, no light model to ask. Its minimum is where the fit of the real likelihood starts.
#pragma once

#include <cstddef>
#include <vector>

#include "light.hpp"
#include "splinempe.hpp"

namespace skyscan {

struct RoughPulse {
  Vec3 position;
  double time;
  double weight;   // of its term in the sum
  double photons;  // how many the first one was the first of
};

class RoughTrack {
 public:
  // How much a DOM's charge counts: its term is weighted with charge^weight, and its pulse taken as
  // the first of charge^photons.
  struct Emphasis {
    double weight, photons;
  };
  RoughTrack(const std::vector<FirstPulse>& pulses, Emphasis emphasis);

  double evaluate(const Track& track, SplineMpeSlope& slope) const;

  // The track of this direction and time through the middle of the pulses, or aside of it, moved
  // along itself until it is in time with them.
  Track in_time(Track track, const Vec3& aside) const;

 private:
  std::vector<RoughPulse> pulses_;
};

}  // namespace skyscan

// Millipede's minimisation over the track's vertex, the direction fixed.
//
// Tracks of one direction are a family of three dimensions: two offsets across, one time. Where
// along the track the vertex is matters little: it says where between two cascades others are. The
// family's minima depend on the direction alone and are looked for once for all its seeds.
#pragma once

#include <optional>
#include <vector>

#include "millipede/likelihood.hpp"

namespace skyscan {

struct MillipedeSearch {
  double spacing;       // m: of the result's cascades
  double reach;         // m: how far across from the light the whole family is looked at; 0: not
  bool keeps_time;      // the vertex is the track's point at the seed's time; else next to the seed
  int max_evaluations;  // of each way down
};

enum class FitOutcome {
  done = 0,
  outside = 1,       // no cascade of the track is inside the boundary cube
  dark = 2,          // there is no charge to fit
  not_a_number = 3,  // the likelihood is not finite at the best point
};

struct MillipedeFit {
  FitOutcome outcome;
  Track track;
  double llh;
  std::vector<Cascade> losses;
  int evaluations;
};

class MillipedeFitter {
 public:
  // `fallback` (may be null): where a neighbouring direction has its minimum; then the family is
  // looked at only in passing. `sketch`: the same data, maybe with a light that is quicker and less
  // true, to look through the family with. Always to be called with the same two.
  MillipedeFit fit(const Millipede& millipede, const Millipede& sketch, const Track& seed,
                   const Track* fallback, const MillipedeSearch& search);

 private:
  struct Place {
    Track track;
    double value;
    double llh() const { return value; }
  };
  // What is known of the direction asked for last.
  struct Known {
    double zenith, azimuth, spacing, reach;
    std::vector<Place> coarse;  // minima of coarse cascades
    MillipedeFit best;
  };
  std::optional<Known> known_;
};

}  // namespace skyscan

// Fits of splinempe: a direction's minima, found once, and the best of them for each seed.
//
// At a fixed direction tracks are a family of three dimensions: two offsets across, one time. Which
// point of the track is the vertex does not matter: at another vertex time the surface is the same,
// moved along the direction. Its minima, dozens far from the true direction, thus depend on the
// direction alone and are searched for once for all seeds of it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "minimise/simplex.hpp"
#include "splinempe/coarse_map.hpp"
#include "splinempe/likelihood.hpp"
#include "splinempe/likely_places.hpp"

namespace skyscan {

// The lowest place nearby. Its time is the likelihood's middle time.
struct Minimum {
  double llh;
  Vec3 position;  // m
};

// Metres and llh. Together the values were chosen so that every pixel of three alerts ends as low
// as the reference's fits and as repeated simplices do (test/long/splinempe.long.ts); where a field
// says no more, it trades minima missed for time and was not measured apart.
struct SplineMpeOptions {
  LikelyPlacesOptions places;

  double limit = 2000;  // |x|, |y|, |z| of a vertex: the reference's
  // The same while searching, where the vertex is that point of the track that suits the search.
  double search_limit = 6000;

  // So much the rough likelihood may be wrong by between two places [llh].
  double rough_error = 0.02;

  // Of the trust region. Steps longer than the second teach nothing of the curvature: kinks are in
  // between. A descent ends with a step that gains no more than the third.
  double first_radius = 50, longest_lesson = 30, least_gain = 0.05;
  int most_steps = 60;
  // Closer than this to a known minimum and hardly higher, a descent would end there.
  double same_place = 10, same_llh = 5;

  // Descents from likely places: so many at most, from places no more than this above the lowest
  // minimum yet. Seeds are followed down under the same condition. Leaving the others alone took a
  // third of the work from a scan.
  std::size_t most_descents = 12;
  double follow_margin = 20;
  // The lowest minima, so many of them that are no more than this above the lowest, are finished by
  // a simplex: some have lower ones behind a kink. One whose corners differ by less than what they
  // are above the lowest will not come below it, and ends: of 768 pixels none was missed for it, of
  // simplices from neighbours' minima, where a fifth of all calls is saved, no more than a simplex
  // of another size misses.
  std::size_t most_finished = 4;
  double finish_margin = 5;
  double simplex_step = 10;
  SimplexLimits simplex{160, 0.02};

  // The lowest is finished again, so often at most, from one side and the other in turn, until that
  // gains no more than this [llh]. On tables kinks stop a simplex half-way: of 360 random
  // directions of three alerts 20 ended more than 0.1 above a search ten times as long, 10 with
  // this; it takes a tenth of the time.
  double step_again = 8, least_gain_again = 0.02;
  int most_again = 2;

  // A thorough search jumps around the lowest minimum so often, at first so far, then closer by
  // this factor where a jump found nothing. Without, one pixel in twenty near the source was
  // missed.
  int jumps = 6;
  double first_jump = 40, closer = 0.6;
  std::size_t descents_per_jump = 2;

  // Where directions nearby have minima these lead to most of this one's: no map is asked. Descents
  // from so many of the places at most, from places no more than this above the lowest known; what
  // counts as one minimum; and the simplex, of minima no more than this above the lowest. One as
  // close to a known minimum as `known_beside` and no lower leads there and is not finished. The
  // lowest is finished twice, the second time from the other side: of 1472 pixels around a source
  // this left 83 lower by 0.1 and more, 17 higher. Three descents more took a fifteenth more calls,
  // and of 3328 pixels of one alert 3 ended lower by 0.1 and more, all beyond 13 degrees.
  std::size_t most_descents_beside = 5;
  double follow_margin_beside = 30;
  double same_place_beside = 6, same_llh_beside = 3;
  double finish_margin_beside = 4, simplex_step_beside = 10;
  double known_beside = 4, second_step_beside = -4;
  SimplexLimits simplex_beside{80, 0.02};
};

// The coarse maps of one event, of tracks in four bands of the zenith angle, drawn when first asked
// for and kept: at most 31 MB a band, 122 MB together. One thread at a time.
class CoarseMaps {
 public:
  struct Pair {
    CoarseMap coarse, fine;
  };
  const Pair& at(const SplineMpe& likelihood, double zenith);

 private:
  std::array<std::unique_ptr<const Pair>, 4> bands_;
};

struct DirectionMinima {
  std::vector<Minimum> minima;  // at least one, at most `most`
  std::int64_t evaluations;     // likelihood calls it took
  // Of descents, of jumps' descents, of two rounds of finishing; with a margin.
  static constexpr std::size_t most = 128;
};

// Finds the minima of a direction that matter. `track` gives the direction; its position and time
// are of no account. `is_thorough`: also those right beside the lowest, which coarse maps do not
// show. `maps` are those of this likelihood.
DirectionMinima minima_along(const SplineMpe& likelihood, CoarseMaps& maps, const Track& track,
                             bool is_thorough, const SplineMpeOptions& options = {});

// The same from minima of directions nearby, taken along, and of this direction as far as they are
// known: guesses have an llh that is no number. Not empty.
DirectionMinima minima_beside(const SplineMpe& likelihood, const Track& track,
                              const std::vector<Minimum>& starts,
                              const SplineMpeOptions& options = {});

struct SplineMpeFit {
  double llh;
  Vec3 position;
  double time;
  std::int64_t evaluations;  // likelihood calls it took, beside those of the minima
};

// The best vertex at the seeds' direction, which is one, at the time of the first seed whose track
// can be within the limit there. All are followed down where they are low enough. `minima`: of this
// direction; not empty.
SplineMpeFit fit(const SplineMpe& likelihood, const std::vector<Minimum>& minima,
                 std::span<const Track> seeds, const SplineMpeOptions& options = {});

// The lowest of these minima whose vertex at the seed's time is within the limit, with that
// minimum's llh; else the seed itself, which alone is evaluated.
SplineMpeFit vertex_at(const SplineMpe& likelihood, const std::vector<Minimum>& minima,
                       const Track& seed, const SplineMpeOptions& options = {});

}  // namespace skyscan

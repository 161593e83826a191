// Millipede's minimisation over the track's vertex, the direction fixed.
//
// Tracks of one direction are a family of three dimensions: two offsets across, one time. Where
// along the track the vertex is matters little: it says where between two cascades others are. The
// family's minima depend on the direction alone: they are searched once, then its seeds are fitted.
#pragma once

#include <cstddef>
#include <vector>

#include "millipede/cascade_placement.hpp"
#include "millipede/descent.hpp"
#include "millipede/likelihood.hpp"
#include "minimise/simplex.hpp"

namespace skyscan {

// A walk down by a simplex with cascades far apart: they follow the light's shape only roughly, but
// cost little.
struct RoughPass {
  double spacing;           // m: of cascades
  double step;              // m: of the simplex's first corners
  SimplexLimits limits;     // evaluations; llh: a simplex whose corners are as even ends
  double energy_tolerance;  // llh: optimality of the energies
};

// Chosen together, against a plain simplex from the same seeds (test/long): of 66 fits all over the
// sky 11 end above it by more than 0.1 in llh, 4 of those by more than 10, and 31 below. Where
// nothing else is said, more or wider finds a few more of those minima and takes as much longer.
struct MillipedeFitOptions {
  RoughPass rough{30, 80, {30, 2}, 0.05}, medium{15, 25, {25, 1}, 0.01};
  double seed_step = 150;          // m: `rough.step` from a seed, the reference's
  double ns_per_metre_step = 0.4;  // of simplices' first corners
  // How many starting tracks are evaluated, how many of them are followed, and how many of the
  // minima they lead to are kept.
  std::size_t starts_evaluated = 24, starts_followed = 8, minima_kept = 5;
  // The first two where a neighbouring direction's minimum is known.
  std::size_t starts_evaluated_beside = 8, starts_followed_beside = 2;
  // Where minima of directions nearby are known, so many of them are followed, those that are
  // lowest with few cascades: fewer lost minima, more found none.
  std::size_t guesses_followed = 4;
  // m: nobody starts so close to where another one, lower with few cascades, has led to.
  double reached = 8;
  // PE: there, light is left out from where the brightest of the lowest guess's cascades, as far
  // apart as in the medium pass, puts less into any DOM, and fades out from this share of the way
  // on. The same for all of a direction, as their llh are compared: of 128 pixels of nside 64 none
  // ended higher by 0.1, in two thirds of the time; where each way down had its own reach 3 did.
  // Whole searches far from the source, whose cascades are brighter than any, go wrong with less.
  double least_light = 0.2, fading_from = 0.72;
  double least_reach = 200;  // m: never nearer, as where nothing shines yet something will
  // llh: of those what looks so much above the lowest of them leads nowhere (of 40 minima 10
  // lost 14 by 0.1 and more, 40 lost 6, this 3), nor what looks so much above a minimum that is
  // known (of 192 looks of nside 8 21 found something lower by 0.1 and more, 18 with 10).
  double guess_margin = 80, guess_margin_known = 40;
  // m: tracks closer than this count as one, of starts, of minima with few cascades, and with many.
  double start_separation = 30, rough_separation = 15, separation = 2;
  // llh: a minimum this much above the lowest is abandoned: after the medium pass (60 lost more
  // minima, and 120 cost next to nothing more), with cascades twice as far apart as the result's,
  // and with the result's.
  double abandon_margin = 120, abandon_margin_half = 8, abandon_margin_full = 3;
  // So many of the lowest are polished: a simplex there rarely gains more than they are apart.
  std::size_t polished = 2;
  // llh: from another seed's own way it is gone on where it, after the medium pass, is no more than
  // this above the direction's minima.
  double seed_margin = 40;
  // Descents: first with cascades twice as far apart as the result's, then with the result's. llh:
  // steps that promise less are not taken.
  double first_radius = 10;  // m
  double llh_tolerance_half = 0.1, llh_tolerance = 1e-2;
  // The surface is rough and slopes get stuck on it: where the family was searched simplices go on
  // from where they did. m: of their first corners.
  double polish_step = 5, last_polish_step = 3;
  SimplexLimits polish_limits{40, 1e-2};
  // The last simplex may also move the track's cascades along it, at first by so many m, and is
  // repeated the other way round while it gains as much in llh. Slopes in its place left 39 of 528
  // pixels all over the sky higher by 0.1 and more, 25 lower.
  double last_polish_along = 1.2;
  double repeat_gain = 0.05;
  int most_last_polishes = 3;
  // Where minima of directions nearby led to, slopes go on, once the cascades may move along the
  // track as well: of 496 pixels of three alerts, nside 8 to 512, 45 ended higher by 0.1 and more
  // than with both simplices, one of them by more than 1, and 38 lower, in 0.4 to 0.7 of the time.
  // m: of the first step, which stays within the selection of cascades.
  double settling_radius = 2;
  int settling_evaluations = 12;
  // Then, so often at most, from so far along the track [m], where llh ripples, while that gains.
  double settling_along = 0.6;
  int most_settlings = 2;
  // A way down is begun at more placements where the last steps are cheap.
  PlacementOptions placement, placement_settling{.margin = 0.3};
  // The result has all light of cascades with energy and of those whose reduced gradient is above
  // this; the others' certainly is no news to its energies.
  double result_worth = -0.03;
  double result_tolerance = 1e-6;  // llh: optimality of its energies
};

struct MillipedeSearch {
  double spacing;   // m: of the result's cascades
  double reach;     // m: how far across from the light the family is searched
  bool keeps_time;  // the vertex is the track's point at the seed's time; else next to the seed
  // From where directions nearby have minima slopes alone lead on; else simplices as well, which
  // rough surfaces need: with millipede_original 38 of 64 pixels ended higher without, 24 by more
  // than 1.
  bool settles;
  int max_evaluations;  // of each way down

  bool operator==(const MillipedeSearch&) const = default;
};

enum class FitOutcome {
  done = 0,
  outside = 1,        // no cascade of the track is inside the boundary cube
  no_charge = 2,      // there is nothing to fit
  not_a_number = 3,   // the likelihood is not finite at the best point
  nothing_lower = 4,  // only where minima are known: nothing beats them
};

// A track and its llh, most often with cascades far apart.
struct RoughMinimum {
  Track track;
  double llh;
};

struct MillipedeFit {
  FitOutcome outcome;
  Track track;
  double llh;
  std::vector<Cascade> losses;
  int evaluations;
  // All it came upon, lowest first: where directions nearby may start from.
  std::vector<RoughMinimum> minima{};
};

// What is known of a direction, whatever the seed.
struct SearchedDirection {
  MillipedeSearch search;            // it was made with
  std::vector<RoughMinimum> minima;  // of the medium pass
  MillipedeFit best;                 // its vertex anywhere along the track
};

// `sketch` everywhere below: the same data, maybe with a light that is quicker and less true, to
// search the family with.

// Searches the family of tracks like this one, of which only the direction counts.
SearchedDirection search_direction(const Millipede& millipede, const Millipede& sketch,
                                   const Track& direction, const MillipedeSearch& search,
                                   const MillipedeFitOptions& options = {});

// The best of what is known of the seed's direction (searched with the same likelihoods) and of
// what the seed leads to. Counts its own evaluations only.
MillipedeFit fit_seed(const Millipede& millipede, const Millipede& sketch,
                      const SearchedDirection& known, const Track& seed,
                      const MillipedeFitOptions& options = {});

// From the seed and where a neighbouring direction has its minimum; the family is searched only in
// passing.
MillipedeFit fit_beside(const Millipede& millipede, const Millipede& sketch, const Track& seed,
                        const Track& neighbour, const MillipedeSearch& search,
                        const MillipedeFitOptions& options = {});

// From where directions nearby have minima, taken along (llh no number), beside minima of this
// direction that are known: the family is not searched. Not done where nothing is found to be lower
// than what is known.
MillipedeFit fit_from(const Millipede& millipede, const Track& seed,
                      const std::vector<RoughMinimum>& starts, const MillipedeSearch& search,
                      const MillipedeFitOptions& options = {});

// Only downhill from the seed.
MillipedeFit fit_downhill(const Millipede& millipede, const Track& seed,
                          const MillipedeSearch& search, const MillipedeFitOptions& options = {});

}  // namespace skyscan

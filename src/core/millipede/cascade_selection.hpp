// Which of a track's cascades are worth solving for while the track is moved.
#pragma once

#include <optional>

#include "millipede/likelihood.hpp"

namespace skyscan {

struct SelectionOptions {
  // m: cascades this far apart are solved first, as where energy goes is seen well before how much.
  double stride = 15;
  // llh: optimality of the energies of that.
  double stride_tolerance = 0.05;
  // m and ns: while the vertex stays this close to where the selection was made, it serves; and
  // those cascades are selected that are as close to one with energy.
  double reach = 6;
  double reach_in_time = 15;
  // Selected is also what would nearly be worth energy: by its reduced gradient (PE per PE of its
  // light), 0 at those with energy and -1 where no charge is seen.
  double nearly_worth = -1e-2;
  // Once those are solved fewer still will do, until energy gets to an end of them: those with
  // energy, so many neighbours [numbers] on both sides, and what is nearly worth some.
  long neighbours = 3;
  double still_worth = -1e-3;
};

// Selects from every few cascades alone, those about `stride` metres apart. `previous` (may be
// null) keeps its cascades with energy. Nothing where the track misses the boundary.
std::optional<CascadeSelection> select_cascades(const Millipede& millipede, const Track& track,
                                                double spacing, const LightCutoff& cutoff,
                                                const MillipedeValue* previous,
                                                const SelectionOptions& options);

// Selects from cascades solved near the track: those with energy, their neighbours within `reach`
// numbers, and those whose reduced gradient is above `threshold`. `outer`: the selection that
// `value` was made with; null: none.
CascadeSelection narrowed(const Millipede& millipede, const MillipedeValue& value,
                          const CascadeSelection* outer, long reach, double threshold);

}  // namespace skyscan

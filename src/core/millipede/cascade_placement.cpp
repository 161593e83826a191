#include "millipede/cascade_placement.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace skyscan {

namespace {

struct Placement {
  double length;            // m: how far the vertex moves along the track
  std::optional<int> axis;  // x (0), y, z of the boundary that cascades keep their distance to
};

// The axis across which the boundary is where the track goes in or out, `length` from its vertex.
int boundary_axis(const Track& track, double length) {
  const Vec3 end = advanced_along(track, length).position;
  const double place[] = {std::fabs(end.x), std::fabs(end.y), std::fabs(end.z)};
  return static_cast<int>(std::max_element(place, place + 3) - place);
}

// Placements that bring the outermost cascades to the boundary, where light is wanted beyond it.
std::vector<Placement> at_boundary(const Candidate& best, const Chord& inside, double spacing,
                                   const PlacementOptions& options) {
  double lit_from = std::numeric_limits<double>::infinity(), lit_to = -lit_from;
  for (const Cascade& c : best.value.cascades)
    if (c.energy > 0) {
      lit_from = std::min(lit_from, static_cast<double>(c.number) * spacing);
      lit_to = std::max(lit_to, static_cast<double>(c.number) * spacing);
    }
  std::vector<Placement> placements;
  if (lit_to > inside.last - options.edge) {
    const double wanted = inside.last - options.inside_by;
    placements.push_back(
        {wanted - std::floor(wanted / spacing) * spacing, boundary_axis(best.track, wanted)});
  }
  if (lit_from < inside.first + options.edge) {
    // A track's first cascade may be half a spacing outside.
    const double wanted = inside.first - 0.5 * spacing + options.inside_by;
    placements.push_back(
        {wanted - std::ceil(wanted / spacing) * spacing, boundary_axis(best.track, inside.first)});
  }
  return placements;
}

struct Placed {
  Candidate candidate;
  std::optional<int> axis;
};

Placed lowest_placement(const Candidate& best, const std::vector<Placement>& placements,
                        LocalLikelihood& likelihood) {
  Placed lowest;
  for (const Placement& placement : placements) {
    const Track track = advanced_along(best.track, placement.length);
    likelihood.clear_selection();
    Candidate candidate{track, likelihood.at(track, &best.value)};
    if (candidate.llh() < lowest.candidate.llh()) lowest = {std::move(candidate), placement.axis};
  }
  return lowest;
}

}  // namespace

void place_cascades(const Millipede& millipede, const TrackFrame& frame, double spacing,
                    const DescentLimits& limits, const PlacementOptions& options,
                    const LightCutoff& cutoff, int& evaluations, Candidate& best) {
  for (int round = 0; round < options.rounds; ++round) {
    const double before = best.llh();
    const auto inside = chord(best.track, millipede.boundary());
    if (!inside) return;
    std::vector<Placement> placements = at_boundary(best, *inside, spacing, options);
    const bool is_at_boundary = !placements.empty();
    if (round == 0) placements.push_back({0.5 * spacing, std::nullopt});
    if (placements.empty()) return;
    LocalLikelihood likelihood(millipede, spacing, evaluations, cutoff);
    auto [lowest, axis] = lowest_placement(best, placements, likelihood);
    const double margin = is_at_boundary ? options.edge_margin : options.margin;
    if (!lowest.found() || lowest.llh() > best.llh() + margin) return;
    likelihood.clear_selection();
    descend(likelihood, axis ? frame.shifts_across(*axis) : frame.shifts(), limits, lowest);
    if (lowest.llh() < best.llh()) best = std::move(lowest);
    if (!(best.llh() < before - options.least_gain)) return;
  }
}

}  // namespace skyscan

#include "millipede/cascade_selection.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace skyscan {

namespace {

// Gives the selection the light that the energy floor of a cascade left out makes: as column j.
void add_floor(const Response& response, std::size_t j, CascadeSelection& selection) {
  const double* const column = response.column(j);
  selection.floor_sum += Millipede::energy_floor * response.sum[j];
  for (std::size_t i = 0; i < selection.floor.size(); ++i)
    selection.floor[i] += Millipede::energy_floor * column[i];
}

// Keeps those within `reach` numbers of the entry `at`.
void keep_around(long at, long reach, CascadeSelection& selection) {
  const long n = static_cast<long>(selection.keep.size());
  for (long k = std::max(0L, at - reach); k <= std::min(n - 1, at + reach); ++k)
    selection.keep[static_cast<std::size_t>(k)] = 1;
}

// Energies of every so-many-th cascade, starting with those of `previous` gathered at the nearest.
MillipedeValue solve_every(const Millipede& millipede, const Track& track,
                           const std::vector<Cascade>& all, long every, const LightCutoff& cutoff,
                           const MillipedeValue* previous, double tolerance) {
  std::vector<Cascade> cascades;
  for (const Cascade& c : all)
    if (c.number % every == 0) cascades.push_back(c);
  if (cascades.empty()) cascades.push_back(all[all.size() / 2]);
  std::vector<double> start(cascades.size(), 0);
  if (previous != nullptr)
    for (const Cascade& old : previous->cascades) {
      const double at =
          static_cast<double>(old.number - cascades.front().number) / static_cast<double>(every);
      const long j = std::clamp(std::lround(at), 0L, static_cast<long>(start.size()) - 1);
      start[static_cast<std::size_t>(j)] += old.energy;
    }
  return millipede.solve(track, std::move(cascades), cutoff, start, tolerance);
}

}  // namespace

std::optional<CascadeSelection> select_cascades(const Millipede& millipede, const Track& track,
                                                double spacing, const LightCutoff& cutoff,
                                                const MillipedeValue* previous,
                                                const SelectionOptions& options) {
  const auto all = millipede.cascades(track, spacing);
  if (all.empty()) return std::nullopt;
  const long every = std::max(1L, std::lround(options.stride / spacing));
  const long around = std::lround(std::ceil(options.reach / spacing));
  const MillipedeValue value =
      solve_every(millipede, track, all, every, cutoff, previous, options.stride_tolerance);
  CascadeSelection selection{all.front().number, std::vector<char>(all.size(), 0),
                             std::vector<double>(millipede.charged_bins(), 0), 0};
  for (std::size_t j = 0; j < value.cascades.size(); ++j) {
    const bool is_lit = value.cascades[j].energy > 0;
    if (!is_lit && !(value.solution.reduced_gradient[j] > options.nearly_worth)) continue;
    keep_around(value.cascades[j].number - selection.first,
                is_lit ? std::max(every, around) : every / 2, selection);
  }
  if (previous != nullptr)
    for (const Cascade& old : previous->cascades)
      if (old.energy > 0) keep_around(old.number - selection.first, 0, selection);
  // Every solved cascade stands for those around it that are left out.
  std::size_t next = 0;
  for (const Cascade& c : all) {
    if (selection.keeps(c.number)) continue;
    while (next + 1 < value.cascades.size() &&
           std::labs(value.cascades[next + 1].number - c.number) <=
               std::labs(value.cascades[next].number - c.number))
      ++next;
    add_floor(value.response, next, selection);
  }
  return selection;
}

CascadeSelection narrowed(const Millipede& millipede, const MillipedeValue& value,
                          const CascadeSelection* outer, long reach, double threshold) {
  const long first = value.cascades.front().number;
  const long n = value.cascades.back().number - first + 1;
  CascadeSelection selection{
      first, std::vector<char>(static_cast<std::size_t>(n), 0),
      outer ? outer->floor : std::vector<double>(millipede.charged_bins(), 0),
      outer ? outer->floor_sum : 0};
  for (std::size_t j = 0; j < value.cascades.size(); ++j) {
    const bool is_lit = value.cascades[j].energy > 0;
    if (!is_lit && !(value.solution.reduced_gradient[j] > threshold)) continue;
    keep_around(value.cascades[j].number - first, is_lit ? reach : 0, selection);
  }
  for (std::size_t j = 0; j < value.cascades.size(); ++j)
    if (!selection.keeps(value.cascades[j].number)) add_floor(value.response, j, selection);
  return selection;
}

}  // namespace skyscan

// Choosing among minima: the lowest of each group of them, and those low enough to matter.
//
// What a minimum is, how high, and when two are one and the same is the caller's: `height` is a
// member or a function of a minimum, `are_same` tells of two whether they count as one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace skyscan {

// Those of equal height stay in their order.
template <typename Minimum, typename Height>
void sort_lowest_first(std::vector<Minimum>& minima, Height height) {
  std::ranges::stable_sort(minima, {}, height);
}

// The first of the lowest; `minima` must not be empty.
template <typename Minimum, typename Height>
const Minimum& lowest_of(const std::vector<Minimum>& minima, Height height) {
  return *std::ranges::min_element(minima, {}, height);
}

template <typename Minimum, typename AreSame>
bool is_known(const std::vector<Minimum>& minima, const Minimum& candidate, AreSame are_same) {
  return std::ranges::any_of(minima,
                             [&](const Minimum& minimum) { return are_same(candidate, minimum); });
}

// Keeps, lowest first and at most `most`, those that no lower kept one is the same as. Those whose
// height is not finite are dropped.
template <typename Minimum, typename Height, typename AreSame>
void keep_distinct(std::vector<Minimum>& minima, Height height, AreSame are_same,
                   std::size_t most) {
  sort_lowest_first(minima, height);
  std::vector<Minimum> kept;
  for (Minimum& minimum : minima) {
    if (kept.size() == most) break;
    if (std::isfinite(std::invoke(height, minimum)) && !is_known(kept, minimum, are_same))
      kept.push_back(std::move(minimum));
  }
  minima = std::move(kept);
}

// Keeps, lowest first and at most `most`, those that no lower one is the same as, kept or not: of
// samples of a surface the bottoms of its basins. `keep_distinct` would keep points of a slope too.
template <typename Minimum, typename Height, typename AreSame>
void keep_basins(std::vector<Minimum>& minima, Height height, AreSame are_same, std::size_t most) {
  sort_lowest_first(minima, height);
  std::vector<Minimum> kept;
  for (auto minimum = minima.begin(); minimum != minima.end() && kept.size() < most; ++minimum)
    if (std::none_of(minima.begin(), minimum,
                     [&](const Minimum& lower) { return are_same(*minimum, lower); }))
      kept.push_back(*minimum);
  minima = std::move(kept);
}

// Drops those that are more than `margin` above the lowest.
template <typename Minimum, typename Height>
void drop_above(std::vector<Minimum>& minima, Height height, double margin) {
  if (minima.empty()) return;
  const double limit = std::invoke(height, lowest_of(minima, height)) + margin;
  std::erase_if(minima, [&](const Minimum& m) { return std::invoke(height, m) > limit; });
}

}  // namespace skyscan

#include "splines/contraction.hpp"

#include <algorithm>

#include "math/simd4.hpp"
#include "splines/table.hpp"

namespace skyscan {

namespace {

constexpr int most_leading = ContractionPlan::most_leading;

// Lists all combinations of the leading axes' functions from this axis on.
template <int axis, int leading, bool values_only>
void list_blocks(const Coefficients& coefficients, const BasisValues* at, const int* sizes,
                 std::int64_t number, double weight, const double* slope, ContractionPlan& plan) {
  if constexpr (axis == leading) {
    ContractionPlan::Block& block = plan.block[plan.blocks++];
    block.values = coefficients.block(number);
    block.weight = weight;
    if constexpr (!values_only)
      for (int k = 0; k < leading; ++k) block.slope[k] = slope[k];
  } else {
    const BasisValues& here = at[axis];
    for (int i = 0; i < here.count; ++i) {
      double next[most_leading];
      if constexpr (!values_only) {
        for (int k = 0; k < axis; ++k) next[k] = slope[k] * here.value[i];
        next[axis] = weight * here.slope[i];
      }
      list_blocks<axis + 1, leading, values_only>(coefficients, at, sizes,
                                                  number * sizes[axis] + here.first + i,
                                                  weight * here.value[i], next, plan);
    }
  }
}

template <int leading>
void list_all_blocks(const Coefficients& coefficients, const BasisValues* at, const int* sizes,
                     bool with_slopes, ContractionPlan& plan) {
  const double none[most_leading] = {};
  if (with_slopes)
    list_blocks<0, leading, false>(coefficients, at, sizes, 0, 1.0, none, plan);
  else
    list_blocks<0, leading, true>(coefficients, at, sizes, 0, 1.0, none, plan);
}

// Sums over all blocks and both other axes for `fours` neighbouring fours of the inner axis. Out
// come, for each of them, the value, then (unless values_only) the derivatives along the leading
// axes, the outer and the middle one.
template <int outer_fixed, int middle_fixed, int leading, bool values_only, int fours>
void sweep(const ContractionPlan& plan, int from, Double4 (*out)[ContractionChannels::most]) {
  const int outer_count = outer_fixed > 0 ? outer_fixed : plan.outer->count;
  const int middle_count = middle_fixed > 0 ? middle_fixed : plan.middle->count;
  const BasisValues &outer = *plan.outer, &middle = *plan.middle;
  Double4 value[fours]{}, d_outer[fours]{}, d_middle[fours]{}, d_leading[fours][leading + 1]{};
  for (int b = 0; b < plan.blocks; ++b) {
    const float* block = plan.block[b].values + 16 * from;
    const double weight = plan.block[b].weight;
    Double4 here[fours]{}, here_outer[fours]{}, here_middle[fours]{};
    for (int i = 0; i < outer_count; ++i) {
      const float* row = block + plan.outer_offset[i];
      Double4 sum[fours]{}, slope[fours]{};
      for (int j = 0; j < middle_count; ++j) {
        for (int q = 0; q < fours; ++q) {
          const Double4 c = widen4(row + plan.middle_offset[j] + 16 * q);
          sum[q] += middle.value[j] * c;
          if constexpr (!values_only) slope[q] += middle.slope[j] * c;
        }
      }
      for (int q = 0; q < fours; ++q) {
        here[q] += outer.value[i] * sum[q];
        if constexpr (!values_only) {
          here_outer[q] += outer.slope[i] * sum[q];
          here_middle[q] += outer.value[i] * slope[q];
        }
      }
    }
    for (int q = 0; q < fours; ++q) {
      value[q] += weight * here[q];
      if constexpr (!values_only) {
        for (int k = 0; k < leading; ++k) d_leading[q][k] += plan.block[b].slope[k] * here[q];
        d_outer[q] += weight * here_outer[q];
        d_middle[q] += weight * here_middle[q];
      }
    }
  }
  for (int q = 0; q < fours; ++q) {
    out[q][0] = value[q];
    if constexpr (!values_only) {
      for (int k = 0; k < leading; ++k) out[q][1 + k] = d_leading[q][k];
      out[q][1 + leading] = d_outer[q];
      out[q][2 + leading] = d_middle[q];
    }
  }
}

using Sweep = void (*)(const ContractionPlan&, int, Double4 (*)[ContractionChannels::most]);

// Fixed counts for quadratic axes, and for a cubic or a quadratic one smeared with a box.
template <int leading, bool values_only, int fours>
Sweep sweep_of_counts(int outer, int middle) {
  if (outer == 3 && middle == 3) return sweep<3, 3, leading, values_only, fours>;
  if (outer == 4 && middle == 3) return sweep<4, 3, leading, values_only, fours>;
  return sweep<0, 0, leading, values_only, fours>;
}

template <bool values_only, int fours>
Sweep sweep_of(const ContractionPlan& plan) {
  const int outer = plan.outer->count, middle = plan.middle->count;
  switch (plan.leading) {
    case 0:
      return sweep_of_counts<0, values_only, fours>(outer, middle);
    case 1:
      return sweep_of_counts<1, values_only, fours>(outer, middle);
    case 2:
      return sweep_of_counts<2, values_only, fours>(outer, middle);
    default:
      return sweep_of_counts<3, values_only, fours>(outer, middle);
  }
}

}  // namespace

void plan_contraction(const Coefficients& coefficients, int dimensions, const int* sizes,
                      const BasisValues* at, bool with_slopes, ContractionPlan& plan) {
  static constexpr BasisValues one{0, 1, {1}, {0}};
  plan.leading = std::max(dimensions - 3, 0);
  plan.blocks = 0;
  plan.outer = coefficients.outer() >= 0 ? &at[coefficients.outer()] : &one;
  plan.middle = coefficients.middle() >= 0 ? &at[coefficients.middle()] : &one;
  for (int i = 0; i < plan.outer->count; ++i)
    plan.outer_offset[i] = coefficients.outer_offset(plan.outer->first + i);
  for (int j = 0; j < plan.middle->count; ++j)
    plan.middle_offset[j] = coefficients.middle_offset(plan.middle->first + j);
  switch (plan.leading) {
    case 0:
      return list_all_blocks<0>(coefficients, at, sizes, with_slopes, plan);
    case 1:
      return list_all_blocks<1>(coefficients, at, sizes, with_slopes, plan);
    case 2:
      return list_all_blocks<2>(coefficients, at, sizes, with_slopes, plan);
    default:
      return list_all_blocks<3>(coefficients, at, sizes, with_slopes, plan);
  }
}

ContractionChannels::ContractionChannels(const Coefficients& coefficients, int dimensions,
                                         unsigned slopes) {
  const int leading = std::max(dimensions - 3, 0);
  result[0] = 0;
  for (int axis = 0; axis < dimensions; ++axis) {
    if ((slopes >> axis & 1) == 0 || axis == coefficients.inner()) continue;
    result[count++] = axis < leading                 ? 1 + axis
                      : axis == coefficients.outer() ? 1 + leading
                                                     : 2 + leading;
  }
}

void contract(const ContractionPlan& plan, const ContractionChannels& channels, int from, int fours,
              double* out) {
  const bool values_only = channels.count == 1;
  const Sweep two = values_only ? sweep_of<true, 2>(plan) : sweep_of<false, 2>(plan);
  const Sweep single = values_only ? sweep_of<true, 1>(plan) : sweep_of<false, 1>(plan);
  Double4 results[2][ContractionChannels::most];
  for (int q = 0; q < fours;) {
    const int n = fours - q >= 2 ? 2 : 1;
    (n == 2 ? two : single)(plan, from + q, results);
    for (int k = 0; k < channels.count; ++k)
      for (int i = 0; i < n; ++i)
        store4(out + 4 * (k * fours + q + i), results[i][channels.result[k]]);
    q += n;
  }
}

void SplineTable::contract(const BasisValues* at, unsigned slopes, int from, int fours,
                           double* out) const {
  ContractionPlan plan;
  plan_contraction(*coefficients_, dimensions(), sizes_.data(), at, true, plan);
  const ContractionChannels channels(*coefficients_, dimensions(), slopes);
  skyscan::contract(plan, channels, from, fours, out);
}

void SplineTable::combine(const int* index, int axis, const BasisValues& at, double* out) const {
  const Coefficients& c = *coefficients_;
  const int n = dimensions(), fours = (size(c.inner()) + 3) / 4;
  for (int q = 0; q < fours; ++q) store4(out + 4 * q, Double4{});
  for (int k = 0; k < at.count; ++k) {
    const auto number = [&](int a) { return a == axis ? at.first + k : index[a]; };
    std::int64_t block = 0;
    for (int a = 0; a < n - 3; ++a) block = block * size(a) + number(a);
    const float* from = c.block(block);
    if (c.outer() >= 0) from += c.outer_offset(number(c.outer()));
    if (c.middle() >= 0) from += c.middle_offset(number(c.middle()));
    for (int q = 0; q < fours; ++q)
      store4(out + 4 * q, load4(out + 4 * q) + at.value[k] * widen4(from + 16 * q));
  }
}

}  // namespace skyscan

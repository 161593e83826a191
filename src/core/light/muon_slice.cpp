#include "light/muon_slice.hpp"

namespace skyscan {

namespace {

// Axes of the tables.
constexpr int rho_axis = 0, azimuth_axis = 1;
constexpr int zenith_axis = 2, depth_axis = 3;                               // amplitudes
constexpr int time_axis = 2, timing_zenith_axis = 3, timing_depth_axis = 4;  // timing

constexpr int least_blocks = BasisValues::most_width * BasisValues::most_width;

bool same_axis(const SplineTable& a, int axis, const SplineTable& b, int other) {
  return a.order(axis) == b.order(other) && a.plain_knots(axis) == b.plain_knots(other);
}

/** Four splines over rho, azimuth and depth, and their slopes. */
struct Summed {
  Double4 value, by_rho, by_azimuth, by_depth;
};

/** Four sums over depth at one rho and azimuth, and their slopes. */
struct Along {
  Double4 value, slope;
};

/**
 * Sums what `along(i, j)` gives for the rhos and azimuths around a place with their basis functions
 * and slopes.
 * @tparam fixed how many there are of each, where the compiler may know; else 0
 */
template <int fixed, class AlongDepth>
[[gnu::always_inline]] inline Summed summed(const BasisValues* at, const AlongDepth& along) {
  const BasisValues &rho = at[0], &azimuth = at[1];
  const int rhos = fixed > 0 ? fixed : rho.count;
  const int azimuths = fixed > 0 ? fixed : azimuth.count;
  Summed total{};
  for (int i = 0; i < rhos; ++i) {
    Double4 sum{}, sum_azimuth{}, sum_depth{};
    for (int j = 0; j < azimuths; ++j) {
      const Along here = along(i, j);
      sum += azimuth.value[j] * here.value;
      sum_azimuth += azimuth.slope[j] * here.value;
      sum_depth += azimuth.value[j] * here.slope;
    }
    total.value += rho.value[i] * sum;
    total.by_rho += rho.slope[i] * sum;
    total.by_azimuth += rho.value[i] * sum_azimuth;
    total.by_depth += rho.value[i] * sum_depth;
  }
  return total;
}

}  // namespace

bool MuonSlice::suits(const SplineTable& bare, const SplineTable& stochastic,
                      const SplineTable& timing) {
  if (bare.dimensions() != 4 || stochastic.dimensions() != 4 || timing.dimensions() != 5)
    return false;
  for (int axis = 0; axis < 4; ++axis)
    if (!same_axis(bare, axis, stochastic, axis)) return false;
  return bare.coefficients().inner() == depth_axis &&
         stochastic.coefficients().inner() == depth_axis &&
         timing.coefficients().inner() == time_axis;
}

MuonSlice::MuonSlice(const SplineTable& bare, const SplineTable& stochastic,
                     const SplineTable& timing)
    : bare_(bare),
      stochastic_(stochastic),
      timing_(timing),
      depths_(in_fours(bare.size(depth_axis))),
      times_(in_fours(timing.size(time_axis))),
      amplitudes_(bare.size(rho_axis) * bare.size(azimuth_axis), 1, 2 * depths_, least_blocks),
      timings_(timing.size(rho_axis) * timing.size(azimuth_axis), timing.size(timing_depth_axis),
               times_, least_blocks),
      scratch_(static_cast<std::size_t>(2 * depths_)) {}

void MuonSlice::at_zenith(const BasisValues& amplitude, const BasisValues& timing) {
  amplitude_zenith_ = amplitude;
  timing_zenith_ = timing;
  amplitudes_.clear();
  timings_.clear();
}

// Depths one after another, each with both amplitudes.
const double* MuonSlice::amplitude_row(int rho, int azimuth) {
  const auto fill = [&](int, double* row) {
    const int at[4] = {rho, azimuth, 0, 0};
    double *bare = scratch_.data(), *stochastic = bare + depths_;
    bare_.combine(at, zenith_axis, amplitude_zenith_, bare);
    stochastic_.combine(at, zenith_axis, amplitude_zenith_, stochastic);
    for (int i = 0; i < depths_; ++i) {
      row[2 * i] = bare[i];
      row[2 * i + 1] = stochastic[i];
    }
  };
  return amplitudes_.block(rho * bare_.size(azimuth_axis) + azimuth, 0, 1, fill);
}

// Depths `depth`..., each with all times.
const double* MuonSlice::timing_rows(int rho, int azimuth, int depth, int count) {
  const auto fill = [&](int number, double* row) {
    const int at[5] = {rho, azimuth, 0, 0, number};
    timing_.combine(at, timing_zenith_axis, timing_zenith_, row);
  };
  return timings_.block(rho * timing_.size(azimuth_axis) + azimuth, depth, count, fill) +
         depth * times_;
}

MuonSlice::Amplitudes MuonSlice::amplitudes(const BasisValues* at) {
  const BasisValues &rho = at[0], &azimuth = at[1], &depth = at[2];
  amplitudes_.make_room(rho.count * azimuth.count);
  // Two depths with two amplitudes in each four.
  const int pairs = (depth.count + 1) / 2;
  Double4 weight[BasisValues::most_width / 2], slope[BasisValues::most_width / 2];
  for (int p = 0; p < pairs; ++p) {
    const bool two = 2 * p + 1 < depth.count;
    const double v = depth.value[2 * p], w = two ? depth.value[2 * p + 1] : 0;
    const double s = depth.slope[2 * p], t = two ? depth.slope[2 * p + 1] : 0;
    weight[p] = Double4{v, v, w, w};
    slope[p] = Double4{s, s, t, t};
  }
  const auto [value, by_rho, by_azimuth, by_depth] = summed<0>(
      at, [&](int i, int j) __attribute__((always_inline)) {
        const double* row = amplitude_row(rho.first + i, azimuth.first + j) + 2 * depth.first;
        Along sum{};
        for (int p = 0; p < pairs; ++p) {
          // An odd count's last partner may be beyond the row: a number of another row, or none.
          const Double4 c = 2 * p + 1 < depth.count ? load4(row + 4 * p)
                                                    : Double4{row[4 * p], row[4 * p + 1], 0, 0};
          sum.value += weight[p] * c;
          sum.slope += slope[p] * c;
        }
        return sum;
      });
  const auto bare = [](const Double4& v) { return v[0] + v[2]; };
  const auto stochastic = [](const Double4& v) { return v[1] + v[3]; };
  return {bare(value),
          stochastic(value),
          {bare(by_rho), bare(by_azimuth), bare(by_depth)},
          {stochastic(by_rho), stochastic(by_azimuth), stochastic(by_depth)}};
}

void MuonSlice::amplitudes(const BasisValues* at, double& bare, double& stochastic) {
  const BasisValues &rho = at[0], &azimuth = at[1], &depth = at[2];
  amplitudes_.make_room(rho.count * azimuth.count);
  bare = stochastic = 0;
  for (int i = 0; i < rho.count; ++i)
    for (int j = 0; j < azimuth.count; ++j) {
      const double* row = amplitude_row(rho.first + i, azimuth.first + j) + 2 * depth.first;
      double first = 0, second = 0;
      for (int k = 0; k < depth.count; ++k) {
        first += depth.value[k] * row[2 * k];
        second += depth.value[k] * row[2 * k + 1];
      }
      bare += rho.value[i] * azimuth.value[j] * first;
      stochastic += rho.value[i] * azimuth.value[j] * second;
    }
}

namespace {

#ifdef __AVX2__
[[gnu::always_inline]] inline void transpose(const Double4* in, Double4* out) {
  const __m256d a = _mm256_unpacklo_pd(in[0], in[1]), b = _mm256_unpackhi_pd(in[0], in[1]);
  const __m256d c = _mm256_unpacklo_pd(in[2], in[3]), d = _mm256_unpackhi_pd(in[2], in[3]);
  out[0] = _mm256_permute2f128_pd(a, c, 0x20);
  out[1] = _mm256_permute2f128_pd(b, d, 0x20);
  out[2] = _mm256_permute2f128_pd(a, c, 0x31);
  out[3] = _mm256_permute2f128_pd(b, d, 0x31);
}
#else
[[gnu::always_inline]] inline void transpose(const Double4* in, Double4* out) {
  for (int i = 0; i < 4; ++i) out[i] = Double4{in[0][i], in[1][i], in[2][i], in[3][i]};
}
#endif

template <int fixed>
void sweep(const double* const* rows, int length, const BasisValues* at, const double (*by)[3],
           int from, int fours, Double4* out) {
  const BasisValues &azimuth = at[1], &depth = at[2];
  const int azimuths = fixed > 0 ? fixed : azimuth.count;
  const int depths = fixed > 0 ? fixed : depth.count;
  for (int q = 0; q < fours; ++q) {
    const auto [value, by_rho, by_azimuth, by_depth] = summed<fixed>(
        at, [&](int i, int j) __attribute__((always_inline)) {
          const double* const first = rows[i * azimuths + j] + 4 * (from + q);
          Along sum{};
          for (int k = 0; k < depths; ++k) {
            const Double4 c = load4(first + k * length);
            sum.value += depth.value[k] * c;
            sum.slope += depth.slope[k] * c;
          }
          return sum;
        });
    Double4 lanes[4] = {value};
    for (int d = 0; d < 3; ++d)
      lanes[1 + d] = by[0][d] * by_rho + by[1][d] * by_azimuth + by[2][d] * by_depth;
    transpose(lanes, out + 4 * q);
  }
}

}  // namespace

// The rows the timing of a place needs, in the order of sweeps.
void MuonSlice::list_rows(const BasisValues* at, const double** rows) {
  const BasisValues &rho = at[0], &azimuth = at[1], &depth = at[2];
  timings_.make_room(rho.count * azimuth.count);
  for (int i = 0; i < rho.count; ++i)
    for (int j = 0; j < azimuth.count; ++j)
      *rows++ = timing_rows(rho.first + i, azimuth.first + j, depth.first, depth.count);
}

void MuonSlice::curve(const BasisValues* at, const double (*by)[3], int from, int fours,
                      Double4* out) {
  const double* rows[BasisValues::most_width * BasisValues::most_width];
  list_rows(at, rows);
  const bool quadratic = at[0].count == 3 && at[1].count == 3 && at[2].count == 3;
  (quadratic ? sweep<3> : sweep<0>)(rows, times_, at, by, from, fours, out);
}

void MuonSlice::curve(const BasisValues* at, int from, int fours, double* out) {
  const double* rows[BasisValues::most_width * BasisValues::most_width];
  list_rows(at, rows);
  const BasisValues &rho = at[0], &azimuth = at[1], &depth = at[2];
  // Every coefficient of the neighbourhood with its weight.
  constexpr int most = BasisValues::most_width * BasisValues::most_width * BasisValues::most_width;
  const double* starts[most];
  double weights[most];
  int count = 0;
  for (int i = 0; i < rho.count; ++i)
    for (int j = 0; j < azimuth.count; ++j)
      for (int k = 0; k < depth.count; ++k) {
        starts[count] = rows[i * azimuth.count + j] + k * times_ + 4 * from;
        weights[count++] = rho.value[i] * azimuth.value[j] * depth.value[k];
      }
  int q = 0;
  for (; q + 1 < fours; q += 2) {
    Double4 a{}, b{};
    for (int i = 0; i < count; ++i) {
      a += weights[i] * load4(starts[i] + 4 * q);
      b += weights[i] * load4(starts[i] + 4 * q + 4);
    }
    store4(out + 4 * q, a);
    store4(out + 4 * q + 4, b);
  }
  if (q < fours) {
    Double4 a{};
    for (int i = 0; i < count; ++i) a += weights[i] * load4(starts[i] + 4 * q);
    store4(out + 4 * q, a);
  }
}

}  // namespace skyscan

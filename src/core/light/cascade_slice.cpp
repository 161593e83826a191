#include "light/cascade_slice.hpp"

#include <algorithm>

namespace skyscan {

namespace {

// Axes of the tables.
constexpr int zenith_axis = 3, depth_axis = 4;
constexpr int time_axis = 3, timing_zenith_axis = 4, timing_depth_axis = 5;

// Sums rows of neighbouring depths of all blocks, four numbers of each from each of first[i] on.
// Each depth has its own sum, as additions wait for each other.
template <int places, int depths>
void sum_rows(const CascadeSlice::Rows& rows, const int* first, double* out) {
  Double4 sum[places][depths]{};
  for (int b = 0; b < rows.blocks; ++b) {
    const float* row = rows.block[b];
    for (int m = 0; m < depths; ++m, row += rows.stride) {
      const double weight = rows.weight[b] * rows.depth_weight[m];
      for (int i = 0; i < places; ++i) sum[i][m] += weight * widen4(row + first[i]);
    }
  }
  for (int i = 0; i < places; ++i) {
    for (int m = 1; m < depths; ++m) sum[i][0] += sum[i][m];
    store4(out + 4 * i, sum[i][0]);
  }
}

template <int depths>
void sum_rows(const CascadeSlice::Rows& rows, const int* first, int n, double* out) {
  for (; n >= 4; n -= 4, first += 4, out += 16) sum_rows<4, depths>(rows, first, out);
  if (n == 3) return sum_rows<3, depths>(rows, first, out);
  if (n == 2) return sum_rows<2, depths>(rows, first, out);
  if (n == 1) return sum_rows<1, depths>(rows, first, out);
}

// The same for any number of depths.
void sum_all_rows(const CascadeSlice::Rows& rows, const int* first, int n, double* out) {
  for (int i = 0; i < n; ++i) {
    Double4 sum{};
    for (int b = 0; b < rows.blocks; ++b)
      for (int m = 0; m < rows.depths; ++m)
        sum += rows.weight[b] * rows.depth_weight[m] *
               widen4(rows.block[b] + m * rows.stride + first[i]);
    store4(out + 4 * i, sum);
  }
}

}  // namespace

bool CascadeSlice::suits(const SplineTable& amplitude, const SplineTable& timing) {
  if (amplitude.dimensions() != 5 || timing.dimensions() != 6) return false;
  if (!amplitude.contractable() || !timing.contractable()) return false;
  return amplitude.coefficients().inner() == depth_axis &&
         timing.coefficients().inner() == time_axis;
}

CascadeSlice::CascadeSlice(const SplineTable& amplitude, const SplineTable& timing)
    : amplitude_(amplitude),
      timing_(timing),
      amplitudes_(amplitude.size(0) * amplitude.size(1), amplitude.size(2),
                  amplitude.size(depth_axis), Rows::most),
      timings_(timing.size(0) * timing.size(1) * timing.size(2), timing.size(timing_depth_axis),
               timing.size(time_axis), Rows::most),
      scratch_(static_cast<std::size_t>(std::max(amplitudes_.length(), timings_.length()))) {}

void CascadeSlice::at_zenith(const BasisValues& amplitude, const BasisValues& timing) {
  amplitude_zenith_ = amplitude;
  timing_zenith_ = timing;
  amplitudes_.clear();
  timings_.clear();
}

double CascadeSlice::amplitude(const BasisValues* at) {
  const BasisValues& depth = at[3];
  const bool cubes = at[0].count == 3 && at[1].count == 3 && at[2].count == 3;
  double value = 0;
  for (int from = 0; from < depth.count; from += 4) {
    const int first = depth.first + from;
    const Double4 sums = cubes ? sum_amplitudes<3>(at, first) : sum_amplitudes<0>(at, first);
    for (int i = 0; i < std::min(4, depth.count - from); ++i)
      value += depth.value[from + i] * sums[i];
  }
  return value;
}

// Over all axes but the depth, four depths from `from` on; `fixed`: how many functions each of them
// has, 0: not known.
template <int fixed>
Double4 CascadeSlice::sum_amplitudes(const BasisValues* at, int from) {
  const BasisValues &distance = at[0], &azimuth = at[1], &polar = at[2];
  const int distances = fixed > 0 ? fixed : distance.count;
  const int azimuths = fixed > 0 ? fixed : azimuth.count;
  const int polars = fixed > 0 ? fixed : polar.count;
  amplitudes_.make_room(distances * azimuths);
  const int length = amplitudes_.length();
  Double4 total{};
  for (int i = 0; i < distances; ++i)
    for (int k = 0; k < azimuths; ++k) {
      const int first = distance.first + i, second = azimuth.first + k;
      const auto fill = [&](int row, float* to) {
        const int number[5] = {first, second, row, 0, 0};
        amplitude_.combine(number, zenith_axis, amplitude_zenith_, scratch_.data());
        std::copy_n(scratch_.begin(), length, to);
      };
      const float* row =
          amplitudes_.block(first * amplitude_.size(1) + second, polar.first, polars, fill) +
          polar.first * length + from;
      Double4 sum{};
      for (int m = 0; m < polars; ++m, row += length) sum += polar.value[m] * widen4(row);
      total += distance.value[i] * azimuth.value[k] * sum;
    }
  return total;
}

void CascadeSlice::rows(const BasisValues* at, Rows& out) {
  const BasisValues &distance = at[0], &azimuth = at[1], &polar = at[2], &depth = at[3];
  timings_.make_room(distance.count * azimuth.count * polar.count);
  out.blocks = 0;
  out.depths = depth.count;
  out.stride = timings_.length();
  out.depth_weight = depth.value;
  for (int i = 0; i < distance.count; ++i)
    for (int k = 0; k < azimuth.count; ++k)
      for (int m = 0; m < polar.count; ++m) {
        const int index[3] = {distance.first + i, azimuth.first + k, polar.first + m};
        const auto fill = [&](int row, float* to) {
          const int number[6] = {index[0], index[1], index[2], 0, 0, row};
          timing_.combine(number, timing_zenith_axis, timing_zenith_, scratch_.data());
          std::copy_n(scratch_.begin(), timings_.length(), to);
        };
        const int block = (index[0] * timing_.size(1) + index[1]) * timing_.size(2) + index[2];
        out.block[out.blocks] =
            timings_.block(block, depth.first, depth.count, fill) + depth.first * out.stride;
        out.weight[out.blocks++] = distance.value[i] * azimuth.value[k] * polar.value[m];
      }
}

void CascadeSlice::curve(const Rows& rows, const int* first, int n, double* out) {
  if (rows.depths == 3) return sum_rows<3>(rows, first, n, out);
  sum_all_rows(rows, first, n, out);
}

}  // namespace skyscan

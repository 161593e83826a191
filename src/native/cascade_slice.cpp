#include "cascade_slice.hpp"

#include <algorithm>

#include "vectors.hpp"

namespace skyscan {

namespace {

// Axes of the tables.
constexpr int kAmplitudeZenith = 3, kAmplitudeDepth = 4;
constexpr int kTime = 3, kTimingZenith = 4, kTimingDepth = 5;

// Numbers of one zenith that are kept of each table: 64 MB at most.
constexpr int kMostNumbers = 16 << 20;
constexpr int kChunk = 1 << 18;  // numbers allocated at a time
constexpr int kLeastBlocks = CascadeSlice::Rows::most;

int rounded_up(int n) { return (n + 3) / 4 * 4; }

// Sums rows of neighbouring depths of all blocks, `fours` fours of each.
template <int fours, int fixed_depths>
void sum_rows(const CascadeSlice::Rows& rows, int from, double* out) {
  Double4 sum[fours]{};
  const int depths = fixed_depths > 0 ? fixed_depths : rows.depths;
  for (int b = 0; b < rows.blocks; ++b) {
    const float* row = rows.block[b] + 4 * from;
    for (int m = 0; m < depths; ++m, row += rows.stride) {
      const double weight = rows.weight[b] * rows.depth_weight[m];
      for (int q = 0; q < fours; ++q) sum[q] += weight * widen4(row + 4 * q);
    }
  }
  for (int q = 0; q < fours; ++q) store4(out + 4 * q, sum[q]);
}

template <int fours>
void sum_rows(const CascadeSlice::Rows& rows, int from, double* out) {
  if (rows.depths == 3) return sum_rows<fours, 3>(rows, from, out);
  sum_rows<fours, 0>(rows, from, out);
}

}  // namespace

bool CascadeSlice::suits(const SplineTable& amplitude, const SplineTable& timing) {
  if (amplitude.dimensions() != 5 || timing.dimensions() != 6) return false;
  if (!amplitude.contractable() || !timing.contractable()) return false;
  return amplitude.coefficients().inner() == kAmplitudeDepth &&
         timing.coefficients().inner() == kTime;
}

CascadeSlice::Blocks::Blocks(int blocks, int rows, int length)
    : rows_(rows),
      length_(length),
      capacity_(std::min(blocks, std::max(kMostNumbers / (rows * length), kLeastBlocks))),
      blocks_(static_cast<std::size_t>(blocks)) {}

void CascadeSlice::Blocks::forget() {
  held_ = 0;
  for (Block& block : blocks_) block = {};
}

// Where the next block goes: chunks once taken are used again.
float* CascadeSlice::Blocks::room() {
  const std::size_t size = static_cast<std::size_t>(rows_) * static_cast<std::size_t>(length_);
  const std::size_t in_chunk = std::max<std::size_t>(1, kChunk / size);
  const auto place = static_cast<std::size_t>(held_++);
  if (place / in_chunk == chunks_.size()) chunks_.emplace_back(in_chunk * size);
  return chunks_[place / in_chunk].data() + place % in_chunk * size;
}

// Rows stay without gaps: those between are made too.
template <typename Fill>
void CascadeSlice::Blocks::add(Block& block, int first, int count, const Fill& fill) {
  if (block.values == nullptr) {
    block.values = room();
    block.first = block.last = first;
  }
  while (block.first > first) {
    --block.first;
    fill(block.first, block.values + block.first * length_);
  }
  for (; block.last < first + count; ++block.last)
    fill(block.last, block.values + block.last * length_);
}

CascadeSlice::CascadeSlice(const SplineTable& amplitude, const SplineTable& timing)
    : amplitude_(amplitude),
      timing_(timing),
      amplitudes_(amplitude.size(0) * amplitude.size(1), amplitude.size(2),
                  rounded_up(amplitude.size(kAmplitudeDepth))),
      timings_(timing.size(0) * timing.size(1) * timing.size(2), timing.size(kTimingDepth),
               rounded_up(timing.size(kTime))),
      scratch_(static_cast<std::size_t>(std::max(amplitudes_.length(), timings_.length()))) {}

void CascadeSlice::turn(const AxisAt& amplitude, const AxisAt& timing) {
  amplitude_zenith_ = amplitude;
  timing_zenith_ = timing;
  amplitudes_.forget();
  timings_.forget();
}

double CascadeSlice::amplitude(const AxisAt* at) {
  const AxisAt& depth = at[3];
  const int from = depth.first / 4, fours = (depth.first + depth.count + 3) / 4 - from;
  const bool cubes = at[0].count == 3 && at[1].count == 3 && at[2].count == 3;
  double sums[12];
  if (fours == 1)
    cubes ? sum_amplitudes<1, 3>(at, from, sums) : sum_amplitudes<1, 0>(at, from, sums);
  else if (fours == 2)
    cubes ? sum_amplitudes<2, 3>(at, from, sums) : sum_amplitudes<2, 0>(at, from, sums);
  else
    sum_amplitudes<3, 0>(at, from, sums);
  double value = 0;
  for (int i = 0; i < depth.count; ++i) value += depth.value[i] * sums[depth.first - 4 * from + i];
  return value;
}

// Over all axes but the depth; `fixed`: how many functions each of them has, 0: not known.
template <int fours, int fixed>
void CascadeSlice::sum_amplitudes(const AxisAt* at, int from, double* out) {
  const AxisAt &distance = at[0], &azimuth = at[1], &polar = at[2];
  const int distances = fixed > 0 ? fixed : distance.count;
  const int azimuths = fixed > 0 ? fixed : azimuth.count;
  const int polars = fixed > 0 ? fixed : polar.count;
  amplitudes_.make_room(distances * azimuths);
  const int length = amplitudes_.length();
  Double4 sum[fours]{};
  for (int i = 0; i < distances; ++i)
    for (int k = 0; k < azimuths; ++k) {
      const int first = distance.first + i, second = azimuth.first + k;
      const auto fill = [&](int row, float* to) {
        const int number[5] = {first, second, row, 0, 0};
        amplitude_.combine(number, kAmplitudeZenith, amplitude_zenith_, scratch_.data());
        std::copy_n(scratch_.begin(), length, to);
      };
      const float* row =
          amplitudes_.block(first * amplitude_.size(1) + second, polar.first, polars, fill) +
          polar.first * length + 4 * from;
      const double weight = distance.value[i] * azimuth.value[k];
      for (int m = 0; m < polars; ++m, row += length) {
        const double here = weight * polar.value[m];
        for (int q = 0; q < fours; ++q) sum[q] += here * widen4(row + 4 * q);
      }
    }
  for (int q = 0; q < fours; ++q) store4(out + 4 * q, sum[q]);
}

void CascadeSlice::rows(const AxisAt* at, Rows& out) {
  const AxisAt &distance = at[0], &azimuth = at[1], &polar = at[2], &depth = at[3];
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
          timing_.combine(number, kTimingZenith, timing_zenith_, scratch_.data());
          std::copy_n(scratch_.begin(), timings_.length(), to);
        };
        const int block = (index[0] * timing_.size(1) + index[1]) * timing_.size(2) + index[2];
        out.block[out.blocks] =
            timings_.block(block, depth.first, depth.count, fill) + depth.first * out.stride;
        out.weight[out.blocks++] = distance.value[i] * azimuth.value[k] * polar.value[m];
      }
}

void CascadeSlice::curve(const Rows& rows, int from, int fours, double* out) {
  for (; fours >= 4; fours -= 4, from += 4, out += 16) sum_rows<4>(rows, from, out);
  if (fours == 3) return sum_rows<3>(rows, from, out);
  if (fours == 2) return sum_rows<2>(rows, from, out);
  if (fours == 1) return sum_rows<1>(rows, from, out);
}

}  // namespace skyscan

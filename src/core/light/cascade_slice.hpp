// A cascade's tables at one zenith: the axis that fits of a position leave alone.
//
// Along the zenith the weights are the same for all DOMs and positions, so that axis is contracted
// once for each row of coefficients that is touched; what is left is a third of the work. Rows of
// earlier zeniths are forgotten. In single precision, as the tables are: for searches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "math/simd4.hpp"
#include "splines/table.hpp"

namespace skyscan {

class CascadeSlice {
 public:
  // An amplitude table of axes (distance, azimuth, polar, zenith, depth), a timing table of
  // (distance, azimuth, polar, time, zenith, depth).
  CascadeSlice(const SplineTable& amplitude, const SplineTable& timing);
  static bool suits(const SplineTable& amplitude, const SplineTable& timing);

  // The zenith axis of both tables.
  void turn(const AxisAt& amplitude, const AxisAt& timing);

  // ln(amplitude). at: distance, azimuth, polar, depth.
  double amplitude(const AxisAt* at);

  // What a curve is made of; good until the next point is asked for.
  struct Rows {
    static constexpr int most = 512;
    int blocks, depths, stride;
    const float* block[most];  // first depth's row
    double weight[most];
    const double* depth_weight;
  };
  void rows(const AxisAt* at, Rows& out);
  // Four coefficients of the time axis from each of first[i] on, i < n; what is beyond the last
  // coefficient is undefined.
  static void curve(const Rows& rows, const int* first, int n, double* out);

 private:
  // Rows of coefficients in blocks; of each block those from `first` to `last` - 1 are there.
  class Blocks {
   public:
    Blocks(int blocks, int rows, int length);
    int length() const { return length_; }
    void forget();
    // The block's first row, after rows first ... first + count - 1 have been made by
    // fill(row, out) where they were missing. Stays until rows are forgotten.
    template <typename Fill>
    const float* block(int number, int first, int count, const Fill& fill) {
      Block& block = blocks_[static_cast<std::size_t>(number)];
      if (first < block.first || first + count > block.last) add(block, first, count, fill);
      return block.values;
    }
    // Forgets if there might be no room for so many more blocks.
    void make_room(int more) {
      if (held_ + more > capacity_) forget();
    }

   private:
    struct Block {
      float* values = nullptr;
      int first = 0, last = 0;
    };
    template <typename Fill>
    void add(Block& block, int first, int count, const Fill& fill);
    float* room();

    int rows_, length_, capacity_, held_ = 0;
    std::vector<Block> blocks_;
    std::vector<std::vector<float>> chunks_;
  };

  template <int fixed>
  Double4 sum_amplitudes(const AxisAt* at, int from);

  const SplineTable &amplitude_, &timing_;
  AxisAt amplitude_zenith_{}, timing_zenith_{};
  Blocks amplitudes_, timings_;
  std::vector<double> scratch_;
};

}  // namespace skyscan

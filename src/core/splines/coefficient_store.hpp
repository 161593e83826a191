// The coefficients of a spline table in the order evaluation likes, made from the FITS file piece
// by piece when first needed.
//
// A FITS image of a photon table is big-endian and has the time axis neither first nor last. Here
// the last three axes (which hold time) form a block; in it time (or, without one, the last axis)
// comes in fours and the other two in pairs, so that a cache line holds a 2 x 2 x 4 neighbourhood
// and all of time is one sweep. Blocks are converted on first use. Big tables keep them in a file
// of the machine's temporary directory which all processes map: converted once per machine,
// resident once, and only as far as a scan's directions and depths reach. ($TMPDIR or /tmp; where
// that has no room for all of it /var/tmp, then /dev/shm; else each process's own memory.)
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "splines/fits.hpp"

namespace skyscan {

class Coefficients {
 public:
  // `shape`: number of coefficients per axis; `inner`: the axis that comes in fours, one of the
  // last three.
  Coefficients(const FitsFile& file, const FitsHdu& image, std::vector<int> shape, int inner);
  ~Coefficients();
  Coefficients(const Coefficients&) = delete;
  Coefficients& operator=(const Coefficients&) = delete;

  // Block of the given number (C order of the axes before the last three). Any thread.
  const float* block(std::int64_t number) const {
    const float* ready = blocks_[static_cast<std::size_t>(number)].load(std::memory_order_acquire);
    return ready != nullptr ? ready : convert(number);
  }
  std::int64_t blocks() const { return block_count_; }

  // Where a coefficient is in its block: outer_offset(a) + middle_offset(b) + inner_offset(c), with
  // a, b the indices of the first and second of the last three axes that are not `inner`.
  int outer_offset(int a) const { return a / 2 * pairs_ * fours_ * 16 + a % 2 * 8; }
  int middle_offset(int b) const { return b / 2 * fours_ * 16 + b % 2 * 4; }
  static int inner_offset(int c) { return c / 4 * 16 + c % 4; }

  int outer() const { return outer_; }    // axis numbers; -1 where the table has fewer than
  int middle() const { return middle_; }  // three axes
  int inner() const { return inner_; }

  // Where the converted blocks live: "memory" or a file's path.
  const std::string& place() const { return place_; }

 private:
  const float* convert(std::int64_t number) const;
  void arrange(std::int64_t number, float* scratch, float* out) const;
  bool open_shared();

  const FitsFile& file_;
  const FitsHdu& image_;
  std::vector<int> shape_;
  int inner_, outer_ = -1, middle_ = -1;
  int length_[3];  // of the last three axes in file order, 1 where missing
  int pairs_ = 1;  // pairs along the middle axis
  int fours_ = 1;  // fours along the inner axis
  std::int64_t block_count_ = 1;
  std::int64_t block_values_ = 0;  // in the file
  std::int64_t block_floats_ = 0;  // here, with padding
  std::string place_ = "memory";
  int shared_file_ = -1;
  std::int64_t data_start_ = 0;  // in the shared file, after one flag byte per block
  void* mapped_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  std::unique_ptr<std::atomic<const float*>[]> blocks_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<float[]>> strays_;  // blocks the shared file had no room for
};

}  // namespace skyscan

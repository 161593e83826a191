// A table contracted at one zenith, the axis that fits of a position leave alone.
//
// Every evaluation at a DOM contracts the tables along all their axes. Along the zenith the weights
// are the same for all DOMs and positions, so that axis is contracted once for each row of
// coefficients that is touched, and the rest is a third of the work.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "splines/table.hpp"

namespace skyscan {

// Rows are read four numbers at a time.
inline int in_fours(int n) { return (n + 3) / 4 * 4; }

// Rows of one table's coefficients at one zenith, in blocks that are kept in the order they were
// asked for. At most `budget` bytes are kept, of which memory holds what has been touched; when
// there is no more room, and for another zenith, all of them are dropped.
template <typename Number>
class ZenithSlice {
 public:
  static constexpr std::size_t budget = std::size_t{64} << 20;

  // So many blocks of `rows` rows, each of `length` numbers rounded up to fours; room for at least
  // `least` blocks.
  ZenithSlice(int blocks, int rows, int length, int least)
      : length_(in_fours(length)),
        size_(rows * length_),
        capacity_(
            std::min(blocks, std::max(static_cast<int>(budget / sizeof(Number)) / size_, least))),
        blocks_(static_cast<std::size_t>(blocks)),
        // Not initialised: memory is taken as rows come.
        values_(new Number[static_cast<std::size_t>(capacity_) * static_cast<std::size_t>(size_) +
                           beyond]) {}

  int length() const { return length_; }
  void clear() {
    held_ = 0;
    std::fill(blocks_.begin(), blocks_.end(), Block{});
  }
  // Drops all blocks if there might be no room for so many more.
  void make_room(int more) {
    const bool holds_all = capacity_ == static_cast<int>(blocks_.size());
    if (!holds_all && held_ + more > capacity_) clear();
  }
  // A block's first row, after those of its rows first ... first + count - 1 that are missing have
  // been made by `fill(row, out)`. It stays where it is until blocks are dropped.
  template <typename Fill>
  const Number* block(int number, int first, int count, const Fill& fill) {
    Block& block = blocks_[static_cast<std::size_t>(number)];
    if (first < block.first || first + count > block.last) add(block, first, count, fill);
    return block.values;
  }

 private:
  // Fours that begin in the last row may end so much further on.
  static constexpr std::size_t beyond = BasisValues::most_width;

  // All that finding a row takes, side by side: a fit of millipede finds so many that two more
  // look-ups cost it a fifth of its time. The rows first ... last - 1 are there, without gaps.
  struct Block {
    Number* values = nullptr;
    int first = 0, last = 0;
  };

  template <typename Fill>
  void add(Block& block, int first, int count, const Fill& fill) {
    if (block.values == nullptr) {
      block.values = &values_[static_cast<std::size_t>(held_++) * static_cast<std::size_t>(size_)];
      block.first = block.last = first;
    }
    while (block.first > first) {
      --block.first;
      fill(block.first, block.values + block.first * length_);
    }
    for (; block.last < first + count; ++block.last)
      fill(block.last, block.values + block.last * length_);
  }

  int length_, size_, capacity_, held_ = 0;
  std::vector<Block> blocks_;
  std::unique_ptr<Number[]> values_;
};

}  // namespace skyscan

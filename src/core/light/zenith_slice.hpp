// A table contracted at one zenith, the axis that fits of a position leave alone.
//
// Every evaluation at a DOM contracts the tables along all their axes. Along the zenith the weights
// are the same for all DOMs and positions, so that axis is contracted once for each row of
// coefficients that is touched, and the rest is a third of the work.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

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
      : rows_(rows),
        length_(in_fours(length)),
        size_(rows * length_),
        capacity_(
            std::min(blocks, std::max(static_cast<int>(budget / sizeof(Number)) / size_, least))),
        place_(std::make_unique<int[]>(static_cast<std::size_t>(blocks))),
        number_(std::make_unique<int[]>(static_cast<std::size_t>(capacity_))),
        ready_(std::make_unique<bool[]>(static_cast<std::size_t>(capacity_ * rows))),
        // Not initialised: memory is taken as rows come.
        values_(new Number[static_cast<std::size_t>(capacity_) * static_cast<std::size_t>(size_) +
                           beyond]) {}

  int length() const { return length_; }
  void clear() { held_ = 0; }
  // Drops all blocks if there might be no room for so many more.
  void make_room(int more) {
    if (held_ + more > capacity_) clear();
  }
  // A block's first row, after those of its rows `first` ... that are missing have been made by
  // `fill(row, out)`. It stays where it is until blocks are dropped.
  template <typename Fill>
  const Number* block(int number, int first, int count, const Fill& fill) {
    int& place = place_[static_cast<std::size_t>(number)];
    if (place >= held_ || number_[static_cast<std::size_t>(place)] != number) {
      place = held_++;
      number_[static_cast<std::size_t>(place)] = number;
      std::fill_n(&ready_[static_cast<std::size_t>(place * rows_)], rows_, false);
    }
    Number* values = &values_[static_cast<std::size_t>(place) * static_cast<std::size_t>(size_)];
    bool* ready = &ready_[static_cast<std::size_t>(place * rows_)];
    for (int row = first; row < first + count; ++row) {
      if (ready[row]) continue;
      fill(row, values + row * length_);
      ready[row] = true;
    }
    return values;
  }

 private:
  // Fours that begin in the last row may end so much further on.
  static constexpr std::size_t beyond = BasisValues::most_width;

  int rows_, length_, size_, capacity_, held_ = 0;
  std::unique_ptr<int[]> place_, number_;  // of a block; of the block at a place
  std::unique_ptr<bool[]> ready_;
  std::unique_ptr<Number[]> values_;
};

}  // namespace skyscan

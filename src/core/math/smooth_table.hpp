// Tables of smooth functions of one positive number, kept with their slopes: where in the table a
// number is, and the cubic between two of its nodes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "math/exp_log4.hpp"

namespace skyscan {

// Between two nodes: `fraction` of `width` after node `index`.
struct TableCell {
  std::size_t index;
  double fraction, width, inverse_width;
};

// Four of them.
struct TableCell4 {
  Integer4 index;
  Double4 fraction, width;
};

// Nodes from 2^first_exponent upwards, 2^bits equal steps in every octave: with 4 bits, steps of
// 1/8 between 2 and 4, of 1/4 between 4 and 8, and so on. Finding a cell is reading the bits of a
// number, and widths are powers of two.
template <int bits, int first_exponent>
struct OctaveAxis {
  static constexpr int shift = 52 - bits;
  static constexpr std::uint64_t mask = ~std::uint64_t{0} << shift;
  static constexpr std::uint64_t bias = 1023;  // of the exponents of doubles
  static constexpr std::uint64_t first = static_cast<std::uint64_t>(1023 + first_exponent) << bits;

  // x is not below the first node.
  static TableCell cell(double x) {
    const auto word = std::bit_cast<std::uint64_t>(x);
    const double low = std::bit_cast<double>(word & mask);
    // One step of this octave is its power of two, 2^bits times smaller.
    const std::uint64_t octave = word & (std::uint64_t{0x7ff} << 52);
    const double width = std::bit_cast<double>(octave - (std::uint64_t{bits} << 52));
    const double inverse_width =
        std::bit_cast<double>(((2 * bias + std::uint64_t{bits}) << 52) - octave);
    return {static_cast<std::size_t>((word >> shift) - first), (x - low) * inverse_width, width,
            inverse_width};
  }
  [[gnu::always_inline]] static TableCell4 cell(const Double4& x) {
    Integer4 word;
    std::memcpy(&word, &x, sizeof word);
    const Integer4 floor = word & static_cast<std::int64_t>(mask);
    const Integer4 octave = word & (std::int64_t{0x7ff} << 52);
    const Integer4 step = octave - (std::int64_t{bits} << 52);
    const Integer4 per_step =
        static_cast<std::int64_t>((2 * bias + std::uint64_t{bits}) << 52) - octave;
    Double4 low, width, inverse_width;
    std::memcpy(&low, &floor, sizeof low);
    std::memcpy(&width, &step, sizeof width);
    std::memcpy(&inverse_width, &per_step, sizeof inverse_width);
    return {(word >> shift) - static_cast<std::int64_t>(first), (x - low) * inverse_width, width};
  }
  static double node(std::size_t index) { return std::bit_cast<double>((first + index) << shift); }
};

// Hermite's cubic in a cell: the weights of values (v) and slopes (s) at the cell's two ends, of
// the function itself and of its derivative (d). Values weigh v0 and v1 = 1 - v0 in the function,
// -dv and dv in the derivative.
struct HermiteCubic {
  double v0, v1, s0, s1, dv, ds0, ds1;

  explicit HermiteCubic(const TableCell& cell) {
    const double f = cell.fraction, g = 1 - f, w = cell.width;
    v0 = g * g * (1 + 2 * f);
    v1 = 1 - v0;
    s0 = w * f * g * g;
    s1 = -w * f * f * g;
    dv = 6 * f * g * cell.inverse_width;
    ds0 = g * (1 - 3 * f);
    ds1 = f * (3 * f - 2);
  }
};

}  // namespace skyscan

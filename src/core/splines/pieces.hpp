// Axes of B-splines in single precision, for searches: their functions as polynomials between the
// knots.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "math/simd4.hpp"
#include "splines/basis.hpp"

namespace skyscan {

// An axis of order 2.
class ParabolicAxis {
 public:
  // Functions that are not zero at one place.
  static constexpr int width = 3;

  explicit ParabolicAxis(const SplineBasis& basis);
  static bool suits(const SplineBasis& basis) {
    return basis.degree() == 2 && basis.width() == width;
  }

  // Their values and slopes at x, from number `first` on; outside the axis those of its last piece
  // go on.
  struct At {
    int first;
    Float4 value, slope;  // the fourth is nothing
  };
  [[gnu::always_inline]] At at(float x) const {
    const float bucket = (x - low_) * per_width_, last = static_cast<float>(guess_.size() - 1);
    auto piece = pieces_.begin() + guess_[static_cast<std::size_t>(std::clamp(bucket, 0.f, last))];
    while (x >= piece->end && piece + 1 != pieces_.end()) ++piece;
    const float v = (x - piece->middle) * piece->scale;
    return {piece->first, (piece->powers[2] * v + piece->powers[1]) * v + piece->powers[0],
            (2 * v * piece->powers[2] + piece->powers[1]) * piece->scale};
  }

 private:
  struct Piece {
    float end, middle, scale;
    int first;
    Float4 powers[3];  // of (x - middle) * scale
  };
  std::vector<Piece> pieces_;
  std::vector<int> guess_;  // a piece at or before the start of each of equally wide buckets
  float low_, per_width_;
};

// An axis of times with knots close together where light begins and ever wider apart later, of any
// degree up to 7.
class TimeAxisPieces {
 public:
  static constexpr std::size_t most_functions = 8;

  explicit TimeAxisPieces(const SplineBasis& basis);
  static bool suits(const SplineBasis& basis) {
    return basis.degree() < static_cast<int>(most_functions) &&
           basis.width() <= static_cast<int>(most_functions);
  }

  struct Piece {
    float begin, end, scale;  // 1 / its length
    int first;
    // Of each function that is not zero there, the factors of the powers of (x - begin) * scale:
    // where a function begins single precision loses nothing of it.
    std::array<Float8, most_functions> function;
  };
  // The number of the piece at x; -1 outside the axis.
  int locate(float x) const;
  const Piece& piece(int number) const { return pieces_[static_cast<std::size_t>(number)]; }
  int count() const { return static_cast<int>(pieces_.size()); }
  int functions() const { return functions_; }
  int degree() const { return degree_; }

 private:
  std::size_t bucket(float x) const;

  std::vector<Piece> pieces_;
  int functions_, degree_;
  float low_, high_;
  std::vector<int> guess_;  // the piece at the start of each bucket
};

}  // namespace skyscan

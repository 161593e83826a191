#include "splines/pieces.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace skyscan {
namespace {

// Buckets of an axis of times: so many an octave of the time from 1 ns before its beginning on.
constexpr int bucket_bits = 4;
constexpr std::uint32_t bucket_shift = 23 - bucket_bits;
constexpr std::uint32_t first_bucket = std::bit_cast<std::uint32_t>(1.f) >> bucket_shift;

// Which piece x is in, going on from this one.
template <typename Pieces>
int piece_from(const Pieces& pieces, int number, float x) {
  const int last = static_cast<int>(pieces.size()) - 1;
  while (number < last && x >= pieces[static_cast<std::size_t>(number)].end) ++number;
  return number;
}

}  // namespace

ParabolicAxis::ParabolicAxis(const SplineBasis& basis) {
  for (int m = 0; m < basis.pieces(); ++m) {
    const SplinePiece piece = basis.piece(m);
    Piece& own = pieces_.emplace_back();
    own.end = static_cast<float>(piece.middle + 1 / piece.scale);
    own.middle = static_cast<float>(piece.middle);
    own.scale = static_cast<float>(piece.scale);
    own.first = piece.first;
    for (int power = 0; power < 3; ++power) {
      own.powers[power] = Float4{};
      for (int j = 0; j < width; ++j)
        own.powers[power][j] = static_cast<float>(piece.factor(power, j));
    }
  }
  const SplinePiece begin = basis.piece(0);
  low_ = static_cast<float>(begin.middle - 1 / begin.scale);
  const std::size_t buckets = 8 * pieces_.size();
  per_width_ = static_cast<float>(buckets) / (pieces_.back().end - low_);
  // One less: rounding may make a bucket begin earlier.
  for (std::size_t i = 0; i < buckets; ++i)
    guess_.push_back(
        std::max(0, piece_from(pieces_, 0, low_ + static_cast<float>(i) / per_width_) - 1));
}

TimeAxisPieces::TimeAxisPieces(const SplineBasis& basis)
    : functions_(basis.width()), degree_(basis.degree()) {
  for (int m = 0; m < basis.pieces(); ++m) {
    const SplinePiece piece = basis.piece(m);
    Piece& own = pieces_.emplace_back();
    own.begin = static_cast<float>(piece.middle - 1 / piece.scale);
    own.end = static_cast<float>(piece.middle + 1 / piece.scale);
    own.scale = static_cast<float>(piece.scale / 2);
    own.first = piece.first;
    own.function = {};
    for (int j = 0; j < functions_; ++j) {
      // From powers of v to those of u, v = 2 u - 1: Horner's rule, for polynomials.
      std::array<double, most_functions> sum{};
      for (int power = degree_; power >= 0; --power) {
        for (std::size_t k = most_functions; k-- > 1;) sum[k] = 2 * sum[k - 1] - sum[k];
        sum[0] = piece.factor(power, j) - sum[0];
      }
      for (std::size_t k = 0; k < most_functions; ++k)
        own.function[static_cast<std::size_t>(j)][k] = static_cast<float>(sum[k]);
    }
  }
  const SplinePiece begin = basis.piece(0);
  low_ = static_cast<float>(begin.middle - 1 / begin.scale);
  high_ = pieces_.back().end;
  const std::size_t buckets = bucket(high_) + 1;
  for (std::size_t i = 0; i < buckets; ++i) {
    const std::uint32_t word = (first_bucket + static_cast<std::uint32_t>(i)) << bucket_shift;
    guess_.push_back(piece_from(pieces_, 0, std::bit_cast<float>(word) - 1 + low_));
  }
}

std::size_t TimeAxisPieces::bucket(float x) const {
  return (std::bit_cast<std::uint32_t>(x - low_ + 1) >> bucket_shift) - first_bucket;
}

int TimeAxisPieces::locate(float x) const {
  if (!(x > low_ && x <= high_)) return -1;
  return piece_from(pieces_, std::max(guess_[bucket(x)] - 1, 0), x);
}

}  // namespace skyscan

// exp() of four numbers at a time, inlined: the light models need several per DOM.
#pragma once

#include <cstdint>

#include "math/simd4.hpp"

namespace skyscan {

typedef std::int64_t Integer4 __attribute__((vector_size(32)));

// The series to this power.
template <int degree>
Double4 exponential(Double4 x) {
  const Double4 floor = {-700, -700, -700, -700};
  const Double4 clamped = x > floor ? x : floor;
  // x = n ln 2 + r, |r| <= ln 2 / 2. Adding 1.5 * 2^52 rounds to the nearest integer, which then
  // sits in the low bits.
  constexpr double magic = 6755399441055744.0;
  const Double4 shifted = clamped * 1.4426950408889634 + magic;
  const Double4 n = shifted - magic;
  const Double4 r = (clamped - n * 0.6931471803691238) - n * 1.9082149292705877e-10;
  constexpr double inverse_factorials[] = {1.0,
                                           1.0,
                                           0.5,
                                           1 / 6.0,
                                           1 / 24.0,
                                           1 / 120.0,
                                           1 / 720.0,
                                           1 / 5040.0,
                                           1 / 40320.0,
                                           1 / 362880.0,
                                           1 / 3628800.0,
                                           1 / 39916800.0,
                                           1 / 479001600.0,
                                           1 / 6227020800.0};
  constexpr double last = inverse_factorials[degree];
  Double4 sum = {last, last, last, last};
  for (int k = degree; k-- > 0;) sum = sum * r + inverse_factorials[k];
  Integer4 bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 1023) << 52;
  Double4 scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return sum * scale;
}

// 0 below -700 or so, and no arguments above 700. Relative error below 4e-16, and 8e-9.
inline Double4 exp4(Double4 x) { return exponential<13>(x); }
inline Double4 rough_exp4(Double4 x) { return exponential<7>(x); }

// Of positive normal numbers, the series to this power.
template <int degree>
Double4 logarithm(Double4 x) {
  // x = 2^e m, m within a factor sqrt(2) of 1; ln m = 2 artanh(s).
  Integer4 bits;
  std::memcpy(&bits, &x, sizeof bits);
  const Integer4 exponent = (bits - 0x3fe6a09e667f3bcd) >> 52;
  bits -= exponent << 52;
  Double4 m;
  std::memcpy(&m, &bits, sizeof m);
  const Double4 s = (m - 1) / (m + 1), square = s * s;
  constexpr double last = 1.0 / degree;
  Double4 sum = {last, last, last, last};
  for (int k = degree - 2; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
  return __builtin_convertvector(exponent, Double4) * 0.6931471805599453 + 2 * s * sum;
}

// Error below 4e-16, and 1e-9, of 1 or of the logarithm.
inline Double4 log4(Double4 x) { return logarithm<21>(x); }
inline Double4 rough_log4(Double4 x) { return logarithm<9>(x); }

}  // namespace skyscan

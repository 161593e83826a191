// Eight numbers in single precision at a time, for searches: arithmetic, and what the light needs
// of mathematics. The compiler splits them where the instruction set must.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

// These functions are always inlined: how a call would hand over 32-byte vectors does not matter.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace skyscan {

typedef float Float8 __attribute__((vector_size(32)));
typedef std::int32_t Integer8 __attribute__((vector_size(32)));

struct Lanes {
  static constexpr std::size_t count = 8;
  Float8 v;

  [[gnu::always_inline]] Lanes() : v{} {}
  [[gnu::always_inline]] Lanes(const Float8& numbers) : v(numbers) {}
  [[gnu::always_inline]] Lanes(double number) : Lanes(static_cast<float>(number)) {}
  [[gnu::always_inline]] Lanes(int number) : Lanes(static_cast<float>(number)) {}
  // The same number eight times.
  [[gnu::always_inline]] Lanes(float number) : v(number - Float8{}) {}
  [[gnu::always_inline]] float operator[](std::size_t i) const { return v[i]; }
};

[[gnu::always_inline]] inline Lanes operator+(const Lanes& a, const Lanes& b) { return a.v + b.v; }
[[gnu::always_inline]] inline Lanes operator-(const Lanes& a, const Lanes& b) { return a.v - b.v; }
[[gnu::always_inline]] inline Lanes operator*(const Lanes& a, const Lanes& b) { return a.v * b.v; }
[[gnu::always_inline]] inline Lanes operator/(const Lanes& a, const Lanes& b) { return a.v / b.v; }

[[gnu::always_inline]] inline Lanes load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes.v, from, sizeof lanes.v);
  return lanes;
}
[[gnu::always_inline]] inline void store(float* to, const Lanes& lanes) {
  std::memcpy(to, &lanes.v, sizeof lanes.v);
}

[[gnu::always_inline]] inline Lanes chosen(const Integer8& where, const Lanes& a, const Lanes& b) {
  return where ? a.v : b.v;
}
[[gnu::always_inline]] inline Lanes lesser(const Lanes& a, const Lanes& b) {
  return a.v < b.v ? a.v : b.v;
}
[[gnu::always_inline]] inline Lanes greater(const Lanes& a, const Lanes& b) {
  return a.v > b.v ? a.v : b.v;
}
[[gnu::always_inline]] inline Lanes clamped(const Lanes& a, double least, double most) {
  return lesser(greater(a, least), most);
}
// The numbers, or the least where they are below.
[[gnu::always_inline]] inline Lanes at_least(double least, const Lanes& a) {
  return greater(a, least);
}
[[gnu::always_inline]] inline bool is_any(const Integer8& where) {
#ifdef __AVX__
  return _mm256_movemask_ps(reinterpret_cast<__m256>(where)) != 0;
#else
  std::int32_t any = 0;
  for (std::size_t i = 0; i < Lanes::count; ++i) any |= where[i];
  return any != 0;
#endif
}

[[gnu::always_inline]] inline float sum(const Lanes& a) {
  const Float8& v = a.v;
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

[[gnu::always_inline]] inline Lanes root(const Lanes& a) {
#ifdef __AVX__
  return Float8(_mm256_sqrt_ps(__m256(a.v)));
#else
  __m128 halves[2];
  std::memcpy(halves, &a.v, sizeof halves);
  for (__m128& half : halves) half = _mm_sqrt_ps(half);
  Lanes roots;
  std::memcpy(&roots.v, halves, sizeof halves);
  return roots;
#endif
}

[[gnu::always_inline]] inline Lanes inverse(const Lanes& a) { return 1 / a; }

// Relative error below 2e-7; 0 below -87, and no arguments above 88.
[[gnu::always_inline]] inline Lanes exponential_of(const Lanes& a) {
  const Float8 x = greater(a, -87).v;
  // x = n ln 2 + r, |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to the nearest integer, which then
  // sits in the low bits.
  constexpr float magic = 12582912.f;
  const Float8 shifted = x * 1.44269504f + magic;
  const Float8 n = shifted - magic;
  const Float8 r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  constexpr float inverse_factorials[] = {1.f,      1.f,       1 / 2.f,  1 / 6.f,
                                          1 / 24.f, 1 / 120.f, 1 / 720.f};
  Float8 sum = inverse_factorials[6] - Float8{};
  for (int k = 6; k-- > 0;) sum = sum * r + inverse_factorials[k];
  Integer8 bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 127) << 23;
  Float8 scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return a.v < -87.f ? Float8{} : sum * scale;
}

// Of positive normal numbers; error below 2e-7 of 1 or of the logarithm.
[[gnu::always_inline]] inline Lanes logarithm_of(const Lanes& a) {
  // x = 2^e m, m within a factor sqrt(2) of 1; ln m = 2 artanh(s).
  Integer8 bits;
  std::memcpy(&bits, &a.v, sizeof bits);
  const Integer8 exponent = (bits - 0x3f3504f3) >> 23;
  bits -= exponent << 23;
  Float8 m;
  std::memcpy(&m, &bits, sizeof m);
  const Float8 s = (m - 1) / (m + 1), square = s * s;
  Float8 sum = 1 / 9.f - Float8{};
  for (int k = 7; k >= 1; k -= 2) sum = sum * square + 1.f / static_cast<float>(k);
  return __builtin_convertvector(exponent, Float8) * 0.693147181f + 2 * s * sum;
}

// Eight rows of eight become eight columns.
[[gnu::always_inline]] inline void transpose(Float8 (&rows)[8]) {
  Float8 pairs[8], fours[8];
  for (int i = 0; i < 4; ++i) {
    const Float8 &a = rows[2 * i], &b = rows[2 * i + 1];
    pairs[2 * i] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
    pairs[2 * i + 1] = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 8; i += 4)
    for (int k = 0; k < 2; ++k) {
      const Float8 &a = pairs[i + k], &b = pairs[i + k + 2];
      fours[i + 2 * k] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
      fours[i + 2 * k + 1] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int i = 0; i < 4; ++i) {
    rows[i] = __builtin_shufflevector(fours[i], fours[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    rows[i + 4] = __builtin_shufflevector(fours[i], fours[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

// Where eight numbers are on an OctaveAxis (smooth_table.hpp), and Hermite's x there.
template <int bits, int first_exponent>
struct OctaveLanes {
  Integer8 index;
  Float8 fraction, width, inverse_width;

  // Not below the first node.
  [[gnu::always_inline]] explicit OctaveLanes(const Float8& x) {
    // Without sign: sums of exponents are beyond the signed numbers.
    typedef std::uint32_t Word8 __attribute__((vector_size(32)));
    Word8 word;
    std::memcpy(&word, &x, sizeof word);
    constexpr std::uint32_t shift = 23 - bits;
    const Word8 low_word = word & (~std::uint32_t{0} << shift);
    const Word8 octave = word & 0x7f800000u;
    const Word8 width_word = octave - (std::uint32_t{bits} << 23);
    const Word8 inverse_word = (std::uint32_t{2 * 127 + bits} << 23) - octave;
    Float8 low;
    std::memcpy(&low, &low_word, sizeof low);
    std::memcpy(&width, &width_word, sizeof width);
    std::memcpy(&inverse_width, &inverse_word, sizeof inverse_width);
    const Word8 node = (word >> shift) - (std::uint32_t{127 + first_exponent} << bits);
    std::memcpy(&index, &node, sizeof index);
    fraction = (x - low) * inverse_width;
  }
};

// --- Numbers with slopes ------------------------------------------------------------------------

// Eight numbers with their derivatives by three quantities, as jets (jet.hpp) are one.
struct LaneJet {
  Lanes value, slope[3];

  // One of the three quantities.
  [[gnu::always_inline]] static LaneJet variable(const Lanes& value, std::size_t which) {
    LaneJet jet{value, {0, 0, 0}};
    jet.slope[which] = 1;
    return jet;
  }
};

// f(a), and f(a, b), where f has this value and these slopes.
[[gnu::always_inline]] inline LaneJet chained(const LaneJet& a, const Lanes& value,
                                              const Lanes& by_a) {
  LaneJet f{value, {}};
  for (int k = 0; k < 3; ++k) f.slope[k] = by_a * a.slope[k];
  return f;
}
[[gnu::always_inline]] inline LaneJet chained(const LaneJet& a, const LaneJet& b,
                                              const Lanes& value, const Lanes& by_a,
                                              const Lanes& by_b) {
  LaneJet f{value, {}};
  for (int k = 0; k < 3; ++k) f.slope[k] = by_a * a.slope[k] + by_b * b.slope[k];
  return f;
}
[[gnu::always_inline]] inline Lanes chained(const Lanes&, const Lanes& value, const Lanes&) {
  return value;
}
[[gnu::always_inline]] inline Lanes chained(const Lanes&, const Lanes&, const Lanes& value,
                                            const Lanes&, const Lanes&) {
  return value;
}
[[gnu::always_inline]] inline const Lanes& value_of(const LaneJet& a) { return a.value; }
[[gnu::always_inline]] inline const Lanes& value_of(const Lanes& a) { return a; }

[[gnu::always_inline]] inline LaneJet operator+(const LaneJet& a, const LaneJet& b) {
  return chained(a, b, a.value + b.value, 1, 1);
}
[[gnu::always_inline]] inline LaneJet operator-(const LaneJet& a, const LaneJet& b) {
  return chained(a, b, a.value - b.value, 1, -1);
}
[[gnu::always_inline]] inline LaneJet operator*(const LaneJet& a, const LaneJet& b) {
  return chained(a, b, a.value * b.value, b.value, a.value);
}
[[gnu::always_inline]] inline LaneJet operator*(const Lanes& s, const LaneJet& a) {
  return chained(a, s * a.value, s);
}
[[gnu::always_inline]] inline LaneJet operator+(const Lanes& s, LaneJet a) {
  a.value = s + a.value;
  return a;
}
[[gnu::always_inline]] inline LaneJet operator+(const LaneJet& a, const Lanes& s) { return s + a; }
[[gnu::always_inline]] inline LaneJet operator-(const LaneJet& a, const Lanes& s) {
  return (-1.0 * s) + a;
}
[[gnu::always_inline]] inline LaneJet operator-(const Lanes& s, const LaneJet& a) {
  return chained(a, s - a.value, -1);
}
[[gnu::always_inline]] inline LaneJet inverse(const LaneJet& a) {
  const Lanes value = inverse(a.value);
  return chained(a, value, -1.0 * (value * value));
}
[[gnu::always_inline]] inline LaneJet at_least(double least, const LaneJet& a) {
  const Integer8 is_below = a.value.v < static_cast<float>(least);
  return chained(a, greater(a.value, least), chosen(is_below, 0, 1));
}
[[gnu::always_inline]] inline LaneJet root(const LaneJet& a) {
  const Lanes value = root(a.value);
  return chained(a, value, 0.5 / value);
}
[[gnu::always_inline]] inline LaneJet exponential_of(const LaneJet& a) {
  const Lanes value = exponential_of(a.value);
  return chained(a, value, value);
}
[[gnu::always_inline]] inline LaneJet logarithm_of(const LaneJet& a) {
  return chained(a, logarithm_of(a.value), inverse(a.value));
}

}  // namespace skyscan

// Four doubles or eight floats at a time, whatever the instruction set: the compiler splits them
// where it must.
#pragma once

#include <cstring>

#ifdef __AVX__
#include <immintrin.h>
#endif

// These functions are always inlined: how a call would hand over 32-byte vectors does not matter.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace skyscan {

typedef double Double4 __attribute__((vector_size(32)));
typedef float Float4 __attribute__((vector_size(16)));
typedef float Float8 __attribute__((vector_size(32)));

[[gnu::always_inline]] inline Double4 widen4(const float* from) {
#ifdef __AVX__
  // One instruction; GCC 12 makes eight of __builtin_convertvector.
  return _mm256_cvtps_pd(_mm_loadu_ps(from));
#else
  Float4 narrow;
  std::memcpy(&narrow, from, sizeof narrow);
  return __builtin_convertvector(narrow, Double4);
#endif
}

[[gnu::always_inline]] inline Double4 load4(const double* from) {
  Double4 value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

[[gnu::always_inline]] inline Float8 load8(const float* from) {
  Float8 value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

[[gnu::always_inline]] inline void store4(double* to, const Double4& value) {
  std::memcpy(to, &value, sizeof value);
}

[[gnu::always_inline]] inline double sum4(const Double4& v) {
  return (v[0] + v[2]) + (v[1] + v[3]);
}

[[gnu::always_inline]] inline float sum8(const Float8& v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

// Square roots, of each by itself.
[[gnu::always_inline]] inline Double4 root4(const Double4& v) {
#ifdef __AVX__
  return _mm256_sqrt_pd(v);
#else
  return Double4{__builtin_sqrt(v[0]), __builtin_sqrt(v[1]), __builtin_sqrt(v[2]),
                 __builtin_sqrt(v[3])};
#endif
}

}  // namespace skyscan

// Four doubles at a time, whatever the instruction set: the compiler splits them where it must.
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

[[gnu::always_inline]] inline void store4(double* to, const Double4& value) {
  std::memcpy(to, &value, sizeof value);
}

[[gnu::always_inline]] inline double sum4(const Double4& v) {
  return (v[0] + v[2]) + (v[1] + v[3]);
}

}  // namespace skyscan

// A number with its gradient by three coordinates, carried through arithmetic: derivatives that are
// right because nobody writes them down.
//
// Forward-mode differentiation (A. Griewank and A. Walther, Evaluating Derivatives, 2008, chapter
// 3). The four numbers are one vector: an operation costs two or three instructions. What is
// written for jets also works for plain numbers, where no gradient is asked for, and for four plain
// numbers at a time: each has its overloads below.
#pragma once

#include <cmath>
#include <type_traits>

#include "base/vec3.hpp"
#include "math/exp_log4.hpp"
#include "math/simd4.hpp"

namespace skyscan {

struct Jet {
  Double4 numbers;  // the value, and its derivatives by x, y, z

  double value() const { return numbers[0]; }
  Vec3 gradient() const { return {numbers[1], numbers[2], numbers[3]}; }
};

// A number of either kind with this value, and this gradient if it has one.
template <typename Number>
[[gnu::always_inline]] inline Number number(double value, const Vec3& gradient) {
  if constexpr (std::is_same_v<Number, Jet>)
    return {Double4{value, gradient.x, gradient.y, gradient.z}};
  else
    return value;
}

// f(a), where f has this value and slope at a.
[[gnu::always_inline]] inline Jet chained(const Jet& a, double value, double slope) {
  Jet result{slope * a.numbers};
  result.numbers[0] = value;
  return result;
}
[[gnu::always_inline]] inline double chained(double, double value, double) { return value; }

// f(a, b), where f has this value and these slopes there.
[[gnu::always_inline]] inline Jet chained(const Jet& a, const Jet& b, double value, double by_a,
                                          double by_b) {
  Jet result{by_a * a.numbers + by_b * b.numbers};
  result.numbers[0] = value;
  return result;
}
[[gnu::always_inline]] inline double chained(double, double, double value, double, double) {
  return value;
}

[[gnu::always_inline]] inline double value_of(const Jet& a) { return a.numbers[0]; }
[[gnu::always_inline]] inline double value_of(double a) { return a; }

[[gnu::always_inline]] inline Jet operator+(const Jet& a, const Jet& b) {
  return {a.numbers + b.numbers};
}
[[gnu::always_inline]] inline Jet operator-(const Jet& a, const Jet& b) {
  return {a.numbers - b.numbers};
}
[[gnu::always_inline]] inline Jet operator*(double s, const Jet& a) { return {s * a.numbers}; }
[[gnu::always_inline]] inline Jet operator+(double a, const Jet& b) {
  return {b.numbers + Double4{a, 0, 0, 0}};
}
[[gnu::always_inline]] inline Jet operator+(const Jet& a, double b) { return b + a; }
[[gnu::always_inline]] inline Jet operator-(const Jet& a, double b) { return -b + a; }
[[gnu::always_inline]] inline Jet operator-(double a, const Jet& b) {
  return {Double4{a, 0, 0, 0} - b.numbers};
}
[[gnu::always_inline]] inline Jet operator*(const Jet& a, const Jet& b) {
  const double x = a.numbers[0], y = b.numbers[0];
  Jet result{x * b.numbers + y * a.numbers};
  result.numbers[0] = x * y;
  return result;
}

// The number, or the least where it is below.
[[gnu::always_inline]] inline Jet at_least(double least, const Jet& a) {
  return a.numbers[0] < least ? Jet{Double4{least, 0, 0, 0}} : a;
}
[[gnu::always_inline]] inline double at_least(double least, double a) {
  return a < least ? least : a;
}

[[gnu::always_inline]] inline Jet inverse(const Jet& a) {
  const double value = 1 / a.numbers[0];
  return chained(a, value, -value * value);
}
[[gnu::always_inline]] inline double inverse(double a) { return 1 / a; }
[[gnu::always_inline]] inline Double4 inverse(const Double4& a) { return 1 / a; }

[[gnu::always_inline]] inline Jet root(const Jet& a) {
  const double value = std::sqrt(a.numbers[0]);
  return chained(a, value, 0.5 / value);
}
[[gnu::always_inline]] inline double root(double a) { return std::sqrt(a); }
[[gnu::always_inline]] inline Double4 root(const Double4& a) { return root4(a); }

[[gnu::always_inline]] inline Jet exponential_of(const Jet& a) {
  const double value = std::exp(a.numbers[0]);
  return chained(a, value, value);
}
[[gnu::always_inline]] inline double exponential_of(double a) { return std::exp(a); }
// Rough, for searches.
[[gnu::always_inline]] inline Double4 exponential_of(const Double4& a) { return rough_exp4(a); }

[[gnu::always_inline]] inline Jet logarithm_of(const Jet& a) {
  return chained(a, std::log(a.numbers[0]), 1 / a.numbers[0]);
}
[[gnu::always_inline]] inline double logarithm_of(double a) { return std::log(a); }
[[gnu::always_inline]] inline Double4 logarithm_of(const Double4& a) { return rough_log4(a); }

}  // namespace skyscan

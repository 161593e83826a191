// A place in n dimensions and the value of the function minimised there.
#pragma once

#include <array>
#include <cstddef>

namespace skyscan {

template <std::size_t n>
struct Point {
  std::array<double, n> x;
  double value;
};

}  // namespace skyscan

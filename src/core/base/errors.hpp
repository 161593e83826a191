// The core's own error type.
#pragma once

#include <stdexcept>

namespace skyscan {

// The caller's data is at fault; what() says what, where and what was expected.
struct BadInput : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace skyscan

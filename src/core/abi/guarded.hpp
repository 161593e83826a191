// How C++ errors become the C ABI's status and message.
#pragma once

#include <cstdint>
#include <cstdio>
#include <exception>

#include "abi/skyscan.h"
#include "base/errors.hpp"

namespace skyscan {

// Runs `body` and turns whatever it throws into a status and a message.
template <typename Body>
int32_t guarded(char* message, int64_t message_size, Body body) noexcept {
  const auto say = [&](const char* what) {
    if (message != nullptr && message_size > 0)
      std::snprintf(message, static_cast<std::size_t>(message_size), "%s", what);
  };
  say("");
  try {
    body();
    return SKYSCAN_OK;
  } catch (const BadInput& error) {
    say(error.what());
    return SKYSCAN_BAD_INPUT;
  } catch (const std::exception& error) {
    say(error.what());
  } catch (...) {
    say("unknown exception in the native core");
  }
  return SKYSCAN_FAILED;
}

}  // namespace skyscan

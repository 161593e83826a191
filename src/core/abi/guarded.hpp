// How C++ errors become the C interface's status and message.
#pragma once

#include <cstdint>
#include <cstdio>
#include <exception>
#include <initializer_list>
#include <string>

#include "abi/skyscan.h"
#include "base/errors.hpp"

namespace skyscan {

// A pointer of the C interface, and its name in the header.
struct Argument {
  const void* pointer;
  const char* name;
};

// Throws BadInput naming the first that is null.
inline void required(std::initializer_list<Argument> arguments) {
  for (const Argument& argument : arguments)
    if (argument.pointer == nullptr) throw BadInput(std::string(argument.name) + ": null");
}

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

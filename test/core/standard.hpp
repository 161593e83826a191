// The same for the core's unit tests, with doctest.

#include <doctest/doctest.h>

#include "base/standard.hpp"

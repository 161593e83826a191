// What nearly every file includes of the standard library, parsed once for each instruction set
// (see the Makefile) and not in every file, where it was a third of a build. No file relies on it:
// each includes what it uses, and the sanitized build, which goes without, finds one that does not.
// Not to be included; so no #pragma once, which GCC warns of here.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <numbers>
#include <optional>
#include <string>
#include <utility>
#include <vector>

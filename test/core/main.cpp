// Runs the core's unit tests. Alone in its file: it takes longer to compile than all of them.
// Both names: where doctest was precompiled, the first no longer implies the second.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

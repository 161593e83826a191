// Runs the core's unit tests. Alone in its file: it takes longer to compile than all of them.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

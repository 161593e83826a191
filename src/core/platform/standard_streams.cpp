// The C library's standard streams for archives that are not position-independent.
//
// Debian's libbz2.a reaches stdin, stdout and stderr in a way that a shared library cannot link:
// they belong to another one. The linker's --wrap sends it to these copies, which are our own.

#include <cstdio>

extern "C" {

extern std::FILE *__real_stdin, *__real_stdout, *__real_stderr;

#define SKYSCAN_HIDDEN __attribute__((visibility("hidden")))
SKYSCAN_HIDDEN std::FILE *__wrap_stdin, *__wrap_stdout, *__wrap_stderr;

__attribute__((constructor)) static void adopt_standard_streams() {
  __wrap_stdin = __real_stdin;
  __wrap_stdout = __real_stdout;
  __wrap_stderr = __real_stderr;
}

}  // extern "C"

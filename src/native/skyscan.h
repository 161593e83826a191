/* The core's C ABI: the only names the shared library exports.
 *
 * Conventions. Every call returns 0, or a positive status with one line of explanation in `message`
 * (always terminated). Handles are opaque, made by *_open and freed by *_close (null is fine). A handle
 * may be used by one thread at a time unless it says otherwise; different handles never share state
 * that changes. No exception leaves the library. Arrays are flat, C order, float64 unless a name says
 * otherwise. Units: m, ns, GeV, rad, PE.
 */
#ifndef SKYSCAN_H
#define SKYSCAN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SKYSCAN_API __attribute__((visibility("default")))

enum skyscan_status {
  SKYSCAN_OK = 0,
  SKYSCAN_BAD_INPUT = 1, /* the caller's data: becomes an InputError */
  SKYSCAN_FAILED = 2     /* anything else: a bug or exhausted memory */
};

/* Best instruction set level this machine runs: 1 = x86-64, 3 = x86-64-v3 (AVX2, FMA). */
SKYSCAN_API int32_t skyscan_cpu_level(void);

#ifdef __cplusplus
}
#endif

#endif

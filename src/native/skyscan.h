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

/* --- Directions (astro.cpp) ---
 *
 * Detector directions to equatorial J2000 and back, element by element: all arrays have `count`
 * entries, rad; mjd is UTC, days. zenith and azimuth say where the particle comes from. ra and azimuth
 * come out in [0, 2 pi). Equal times next to each other share the costly part. Any thread. */
SKYSCAN_API int32_t skyscan_to_equatorial(int64_t count, const double* zenith,
                                          const double* azimuth, const double* mjd, double* ra,
                                          double* dec, char* message, int64_t message_size);
SKYSCAN_API int32_t skyscan_to_detector(int64_t count, const double* ra, const double* dec,
                                        const double* mjd, double* zenith, double* azimuth,
                                        char* message, int64_t message_size);

#ifdef __cplusplus
}
#endif

#endif

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

/* --- Millipede (millipede_abi.cpp) ---
 *
 * A hypothesis is x, y, z, time, zenith, azimuth. Calls that hand out lists write at most `capacity`
 * numbers and set *count to how many there are.
 *
 * open: `light` must know cascades and outlive the handle. doms: x, y, z, efficiency (relative DOM
 * efficiency x mean SPE charge x eta), noise rate [1/ns] each. pulses: time, charge, width each, those
 * of DOM k from pulse_begin[k] to pulse_begin[k + 1], in time order; exclusions: start, stop each,
 * likewise. settings: readout window's start and stop, BinSigma, MinTimeWidth, boundary,
 * regularisation. */
struct skyscan_light;
typedef struct skyscan_millipede skyscan_millipede;
SKYSCAN_API int32_t skyscan_millipede_open(
    const struct skyscan_light* light, int64_t dom_count, const double* doms,
    const int64_t* pulse_begin, const double* pulses, const int64_t* exclusion_begin,
    const double* exclusions, const double* settings, skyscan_millipede** handle, char* message,
    int64_t message_size);
SKYSCAN_API void skyscan_millipede_close(skyscan_millipede* handle);
/* Per DOM: number of bins n, then, unless 0: n + 1 edges, n charges, n times 1 (valid) or 0. */
SKYSCAN_API int32_t skyscan_millipede_bins(const skyscan_millipede* handle, double* out,
                                           int64_t capacity, int64_t* count, char* message,
                                           int64_t message_size);
/* Solves the energies. out[7]: llh, its gradient by x, y, z, t (plain Poisson), certificate of the
 * energies' optimality, iterations; all NaN when no cascade is inside the boundary. */
SKYSCAN_API int32_t skyscan_millipede_evaluate(skyscan_millipede* handle, const double* hypothesis,
                                               double spacing, double relative_uncertainty,
                                               double* out, char* message, int64_t message_size);
/* llh with given energies, one per cascade. */
SKYSCAN_API int32_t skyscan_millipede_llh(const skyscan_millipede* handle, const double* hypothesis,
                                          double spacing, double relative_uncertainty,
                                          const double* energies, int64_t count, double* llh,
                                          char* message, int64_t message_size);
/* Light of 1 GeV in all bins together, per cascade; scan: 1 as while searching, 0 as of results. */
SKYSCAN_API int32_t skyscan_millipede_column_sums(const skyscan_millipede* handle,
                                                  const double* hypothesis, double spacing,
                                                  int32_t scan, double* out, int64_t capacity,
                                                  int64_t* count, char* message,
                                                  int64_t message_size);
/* passes: spacing, steps in x, y, z, t (0: fixed), reach of the coarse search, evaluations at most,
 * each. out[7]: llh, x, y, z, t, evaluations, outcome (0 done, 1 outside the boundary, 2 no charge,
 * 3 not a number). */
SKYSCAN_API int32_t skyscan_millipede_fit(skyscan_millipede* handle, const double* seed,
                                          const double* passes, int64_t pass_count, double* out,
                                          char* message, int64_t message_size);
/* Cascades of the latest evaluate or fit: x, y, z, t, energy each. */
SKYSCAN_API int32_t skyscan_millipede_losses(const skyscan_millipede* handle, double* out,
                                             int64_t capacity, int64_t* count, char* message,
                                             int64_t message_size);

#ifdef __cplusplus
}
#endif

#endif

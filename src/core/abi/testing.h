/* What only tests ask of the core: the names that the library built for tests exports beside those
 * of skyscan.h, whose conventions hold here. */
#ifndef SKYSCAN_TESTING_H
#define SKYSCAN_TESTING_H

#include "abi/skyscan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 1 GeV cascades, `lengths` [m] along a track, at one site, as searches see them. out: per cascade
 * PE, 0 where the model knows nothing; then per cascade the share of the light before each edge
 * [ns]. */
SKYSCAN_API int32_t skyscan_cascade_string(const skyscan_light* light,
                                           const skyscan_hypothesis* hypothesis, int64_t cascades,
                                           const double* lengths, const skyscan_site* site,
                                           int64_t count, const double* edges, double* out,
                                           char* message, int64_t message_size);

/* The Pandel distribution with this rate [1/ns], convoluted with a Gaussian of this sigma [ns], at
 * `count` points (shape, residual). Per point: density, its slope in the residual, its derivative
 * by shape, CDF, its derivative by shape. */
SKYSCAN_API int32_t skyscan_convoluted_pandel(double rate, double sigma, int64_t count,
                                              const double* shapes, const double* residuals,
                                              double* out, char* message, int64_t message_size);

/* llh with given energies, one per cascade. */
SKYSCAN_API int32_t skyscan_millipede_llh(const skyscan_millipede* handle,
                                          const skyscan_hypothesis* hypothesis, double spacing,
                                          double relative_uncertainty, const double* energies,
                                          int64_t count, double* llh, char* message,
                                          int64_t message_size);

/* All that one computation of a track's light tells: llh with energies given (`count`, one per
 * cascade), llh with the best ones and how far from optimal they may be; light of 1 GeV in all bins
 * together per cascade (`sums`, `count`). */
SKYSCAN_API int32_t skyscan_millipede_unfolding(const skyscan_millipede* handle,
                                                const skyscan_hypothesis* hypothesis,
                                                double spacing, const double* energies,
                                                int64_t count, double* llh, double* sums,
                                                char* message, int64_t message_size);

/* Light of 1 GeV in all bins together, per cascade; scan: 1 as while searching, 0 as of results. */
SKYSCAN_API int32_t skyscan_millipede_column_sums(const skyscan_millipede* handle,
                                                  const skyscan_hypothesis* hypothesis,
                                                  double spacing, int32_t scan, double* out,
                                                  int64_t capacity, int64_t* count, char* message,
                                                  int64_t message_size);

/* One partial derivative: orders[axes] times along each axis. */
SKYSCAN_API int32_t skyscan_table_derivative(const skyscan_table* table, int64_t count,
                                             const double* x, const int32_t* orders, double* values,
                                             uint8_t* inside, char* message, int64_t message_size);

/* An amplitude and a timing table alone, with all derivatives; sigma: time smearing [ns]. */
typedef struct skyscan_table_pair skyscan_table_pair;
SKYSCAN_API int32_t skyscan_table_pair_open(const char* amplitude, const char* timing,
                                            int32_t infinite_muon, double sigma,
                                            skyscan_table_pair** pair, char* message,
                                            int64_t message_size);
SKYSCAN_API void skyscan_table_pair_close(skyscan_table_pair* pair);
/* kind: 0 muon, 1 electromagnetic, 2 hadronic cascade of `energy` GeV; source: x, y, z, zenith,
 * azimuth, tilt shift [m]; dom: x, y, z; residuals: after the geometric time. Out: mean[6]: PE and
 * its gradient by x, y, z, zenith, azimuth; coordinates[5]; timing[count][7]: cumulative, density,
 * gradient of the cumulative at a fixed moment; inside: 0 where the tables know nothing. */
SKYSCAN_API int32_t skyscan_table_pair_look(const skyscan_table_pair* pair, int32_t kind,
                                            double energy, const double* source, const double* dom,
                                            int64_t count, const double* residuals, double* mean,
                                            double* geometric_time, double* coordinates,
                                            double* timing, uint8_t* inside, char* message,
                                            int64_t message_size);

#ifdef __cplusplus
}
#endif

#endif

/* The core's C interface: the only names the shared library exports.
 *
 * Conventions. Every call returns 0, or a positive status with one line of explanation in `message`
 * (always terminated; it may be null). Handles are opaque, made by *_open and freed by *_close
 * (null is fine). A handle may be used by one thread at a time unless it says otherwise; different
 * handles never share state that changes. Every pointer must point to something unless the call
 * says "or null"; one that does not is bad input, by name. No exception leaves the library. Arrays
 * are flat, C order, float64 unless a name says otherwise. Units: m, ns, GeV, rad, PE.
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

/* --- Directions (sky.cpp) ---
 *
 * Detector directions to equatorial J2000 (ICRS) and back. What depends on the time alone costs as
 * much as some hundred directions: it is made once, for one way. A moment is a plain value: copy
 * it, share it between threads; there is nothing to close. */
enum skyscan_ways { SKYSCAN_TO_SKY = 1, SKYSCAN_TO_DETECTOR = 2 };
typedef struct skyscan_moment {
  double numbers[23]; /* the core's own */
} skyscan_moment;
/* mjd: UTC, days; way: one of skyscan_ways. Bad input: a time more than 1e6 days away from MJD 0.
 */
SKYSCAN_API int32_t skyscan_moment_at(double mjd, int32_t way, skyscan_moment* moment,
                                      char* message, int64_t message_size);
/* Element by element: all arrays have `count` entries, rad. zenith and azimuth say where the
 * particle comes from; ra and azimuth come out in [0, 2 pi). Bad input: a moment made for the other
 * way. */
SKYSCAN_API int32_t skyscan_to_equatorial(const skyscan_moment* moment, int64_t count,
                                          const double* zenith, const double* azimuth, double* ra,
                                          double* dec, char* message, int64_t message_size);
SKYSCAN_API int32_t skyscan_to_detector(const skyscan_moment* moment, int64_t count,
                                        const double* ra, const double* dec, double* zenith,
                                        double* azimuth, char* message, int64_t message_size);

/* --- Where things are --- */
/* A point of space and time: m, ns. */
typedef struct skyscan_vertex {
  double x, y, z, time;
} skyscan_vertex;
/* A track or a cascade: a point of it (m, ns), and where the particle comes from (rad). All finite.
 */
typedef struct skyscan_hypothesis {
  double x, y, z, time, zenith, azimuth;
} skyscan_hypothesis;
/* A DOM: m; efficiency: light it records, relative to a standard DOM. */
typedef struct skyscan_site {
  double x, y, z, efficiency;
} skyscan_site;
/* ns. */
typedef struct skyscan_interval {
  double start, stop;
} skyscan_interval;

/* --- Light (light.cpp) ---
 *
 * A light model is read-only once open: any number of threads and likelihoods may share one.
 * Likelihoods opened on it keep what they need of it: it may be closed before them. A hypothesis is
 * x, y, z, time, zenith, azimuth; a site x, y, z, efficiency. */
typedef struct skyscan_light skyscan_light;
enum skyscan_light_kinds { SKYSCAN_MUON_LIGHT = 1, SKYSCAN_CASCADE_LIGHT = 2 };
/* A layer of ice: its height in the detector [m], effective scattering and absorption coefficients
 * at 400 nm [1/m]. */
typedef struct skyscan_ice_layer {
  double height, scattering, absorption;
} skyscan_ice_layer;
enum skyscan_embedded_models { SKYSCAN_EMBEDDED_2026A = 1, SKYSCAN_EMBEDDED_2026B = 2 };
/* An analytic model. model: one of skyscan_embedded_models; layers: ascending and evenly spaced, at
 * least two; acceptance: relative to its mean over the sphere, polynomial in the cosine of the
 * photon's rise, constant first; jitter: sigma [ns], 1 to 1000, 0: the model's own; kinds: which
 * light to make ready, skyscan_light_kinds added up. */
SKYSCAN_API int32_t skyscan_light_embedded_open(int32_t model, int64_t layer_count,
                                                const skyscan_ice_layer* layers,
                                                int64_t coefficient_count, const double* acceptance,
                                                double jitter, int32_t kinds, skyscan_light** light,
                                                char* message, int64_t message_size);
/* The model on photon tables. kinds: one of skyscan_light_kinds; stochastic: amplitude of the
 * muon's stochastic losses (muons only, or null); single_precision: not 0 to round the light of
 * cascades as photospline does, slowly. Closed with skyscan_light_close. */
SKYSCAN_API int32_t skyscan_light_tables_open(const char* amplitude, const char* timing,
                                              const char* stochastic, int32_t kinds,
                                              int32_t single_precision, skyscan_light** light,
                                              char* message, int64_t message_size);
SKYSCAN_API void skyscan_light_close(skyscan_light* light);
/* PE at each of `count` sites (0 where the model knows nothing): from the bare muon, and from
 * stochastic losses per GeV of its energy. Bad input, as below: a model without muons, a hypothesis
 * that is not finite. */
SKYSCAN_API int32_t skyscan_muon_expectation(const skyscan_light* light,
                                             const skyscan_hypothesis* hypothesis, int64_t count,
                                             const skyscan_site* sites, double* bare,
                                             double* stochastic, char* message,
                                             int64_t message_size);
/* Light of small losses relative to the bare muon's at this energy [GeV]. */
SKYSCAN_API int32_t skyscan_muon_low_energy_factor(const skyscan_light* light, double energy,
                                                   double* factor, char* message,
                                                   int64_t message_size);
/* A muon at one site. Gradients: by the muon's x, y, z [1/m]. */
typedef struct skyscan_muon_at_site {
  int64_t inside;        /* 0: the model knows nothing here, and nothing else is said */
  double geometric_time; /* of direct Cherenkov light, after the muon's time [ns] */
  double geometric_time_gradient[3];
  double bare; /* PE */
  double bare_gradient[3];
  double stochastic; /* PE/GeV */
  double stochastic_gradient[3];
} skyscan_muon_at_site;
/* Arrival times at one residual; gradients by the muon's x, y, z, the residual held. */
typedef struct skyscan_muon_timing {
  double density;       /* 1/ns */
  double density_slope; /* by the residual [1/ns^2] */
  double density_gradient[3];
  double cumulative; /* share of the light before */
  double cumulative_gradient[3];
} skyscan_muon_timing;
/* noise: not 0 for the timing smeared by 1000 ns; residuals: after the geometric time [ns], `count`
 * of them, one `timing` each. */
SKYSCAN_API int32_t skyscan_muon_light(const skyscan_light* light,
                                       const skyscan_hypothesis* hypothesis,
                                       const skyscan_site* site, int32_t noise, int64_t count,
                                       const double* residuals, skyscan_muon_at_site* at_site,
                                       skyscan_muon_timing* timing, char* message,
                                       int64_t message_size);
/* PE of a 1 GeV cascade at each of `count` sites; 0 where the model knows nothing. */
SKYSCAN_API int32_t skyscan_cascade_expectation(const skyscan_light* light,
                                                const skyscan_hypothesis* hypothesis, int64_t count,
                                                const skyscan_site* sites, double* amplitude,
                                                char* message, int64_t message_size);
/* A 1 GeV cascade at one site. Gradients: by the cascade's x, y, z [1/m] and time [1/ns]. */
typedef struct skyscan_cascade_at_site {
  int64_t inside;   /* 0: the model knows nothing here, and nothing else is said */
  double amplitude; /* PE */
  double amplitude_gradient[4];
} skyscan_cascade_at_site;
/* Share of the light before one moment. */
typedef struct skyscan_cascade_timing {
  double cumulative;
  double cumulative_gradient[4];
} skyscan_cascade_timing;
/* edges: moments [ns], `count` of them, ascending, one `timing` each. */
SKYSCAN_API int32_t skyscan_cascade_light(const skyscan_light* light,
                                          const skyscan_hypothesis* hypothesis,
                                          const skyscan_site* site, int64_t count,
                                          const double* edges, skyscan_cascade_at_site* at_site,
                                          skyscan_cascade_timing* timing, char* message,
                                          int64_t message_size);

/* --- splinempe (splinempe.cpp) ---
 *
 * The likelihood of one event at one energy. Searches draw coarse maps of it, which the handle
 * keeps (122 MB at most): one thread at a time. */
typedef struct skyscan_splinempe skyscan_splinempe;
/* A DOM with pulses: m; efficiency as of a site; time of the first [ns], charge of all [PE]. */
typedef struct skyscan_splinempe_dom {
  double x, y, z, efficiency, first_time, charge;
} skyscan_splinempe_dom;
typedef struct skyscan_splinempe_settings {
  double start, stop; /* first and last pulse time over all DOMs [ns] */
  double energy;      /* GeV; 0 or less: no noise model */
} skyscan_splinempe_settings;
/* A minimum of one direction: where the track is [m] at a time of the likelihood's own. */
typedef struct skyscan_splinempe_minimum {
  double llh, x, y, z;
} skyscan_splinempe_minimum;
typedef struct skyscan_splinempe_result {
  double llh;
  double x, y, z, time; /* m, ns */
  int64_t evaluations;  /* likelihood calls, beside the search's */
} skyscan_splinempe_result;
/* Bad input: no DOM, numbers that are not finite, a window that ends before it starts. */
SKYSCAN_API int32_t skyscan_splinempe_open(const skyscan_light* light, int64_t dom_count,
                                           const skyscan_splinempe_dom* doms,
                                           const skyscan_splinempe_settings* settings,
                                           skyscan_splinempe** handle, char* message,
                                           int64_t message_size);
SKYSCAN_API void skyscan_splinempe_close(skyscan_splinempe* handle);
/* llh: the negative log-likelihood; gradient: its three by x, y, z [1/m], or null where they are
 * not wanted, which is quicker. */
SKYSCAN_API int32_t skyscan_splinempe_evaluate(const skyscan_splinempe* handle,
                                               const skyscan_hypothesis* hypothesis, double* llh,
                                               double* gradient, char* message,
                                               int64_t message_size);
/* Smeared as the reference does, slowly. */
SKYSCAN_API int32_t skyscan_splinempe_evaluate_exactly(const skyscan_splinempe* handle,
                                                       const skyscan_hypothesis* hypothesis,
                                                       double* llh, char* message,
                                                       int64_t message_size);
/* Most minima that a search finds, and most places it starts from. */
enum { SKYSCAN_SPLINEMPE_MINIMA = 128 };
/* Finds the minima of a direction [rad], for the fits of all its seeds. thorough: 1 also looks
 * right beside the lowest, which takes longer. minima: room for SKYSCAN_SPLINEMPE_MINIMA; *count:
 * how many were found; *evaluations: likelihood calls it took. */
SKYSCAN_API int32_t skyscan_splinempe_search(skyscan_splinempe* handle, double zenith,
                                             double azimuth, int32_t thorough,
                                             skyscan_splinempe_minimum* minima, int64_t* count,
                                             int64_t* evaluations, char* message,
                                             int64_t message_size);
/* The same from places where directions nearby have minima, taken along (llh NaN), and from minima
 * of this direction that are known already: `start_count` of them, at least one. */
SKYSCAN_API int32_t skyscan_splinempe_search_beside(
    const skyscan_splinempe* handle, double zenith, double azimuth,
    const skyscan_splinempe_minimum* starts, int64_t start_count, skyscan_splinempe_minimum* minima,
    int64_t* count, int64_t* evaluations, char* message, int64_t message_size);
/* A track at a time of the likelihood's own, and where it comes from. */
typedef struct skyscan_splinempe_track {
  double x, y, z, zenith, azimuth; /* m, rad */
} skyscan_splinempe_track;
typedef struct skyscan_splinempe_direction {
  double llh;
  double x, y, z, time, zenith, azimuth; /* m, ns, rad */
  /* The direction's, in the tangent plane [rad^2]: u towards growing azimuth, v towards smaller
   * zenith; NaN: the likelihood does not curve upwards there. */
  double uu, uv, vv;
  int64_t evaluations; /* likelihood calls */
} skyscan_splinempe_direction;
/* Minimises over x, y, z and direction, from each of `start_count` tracks, at least one, and takes
 * the lowest. */
SKYSCAN_API int32_t skyscan_splinempe_free_direction(skyscan_splinempe* handle,
                                                     const skyscan_splinempe_track* starts,
                                                     int64_t start_count,
                                                     skyscan_splinempe_direction* direction,
                                                     char* message, int64_t message_size);
/* Minimises over x, y, z from `seed_count` first guesses, at least one, all of the first one's
 * direction. minima: what the search of that direction found, `count` of them, at least one. The
 * vertex is at the time of the first seed whose track is within 2000 m there at the lowest minimum;
 * where none is, of the one that fares best. */
SKYSCAN_API int32_t skyscan_splinempe_fit(const skyscan_splinempe* handle,
                                          const skyscan_splinempe_minimum* minima, int64_t count,
                                          const skyscan_hypothesis* seeds, int64_t seed_count,
                                          skyscan_splinempe_result* result, char* message,
                                          int64_t message_size);
/* The lowest of these minima with its vertex at the seed's time, where that is within 2000 m; else
 * the next, and in the end the seed. llh is the minimum's: nothing is minimised nor, but for the
 * seed itself, evaluated. */
SKYSCAN_API int32_t skyscan_splinempe_vertex(const skyscan_splinempe* handle,
                                             const skyscan_splinempe_minimum* minima, int64_t count,
                                             const skyscan_hypothesis* seed,
                                             skyscan_splinempe_result* result, char* message,
                                             int64_t message_size);

/* --- Millipede (millipede.cpp) ---
 *
 * Calls that hand out lists write at most `capacity` entries and set *count to how many there are.
 */
typedef struct skyscan_millipede skyscan_millipede;
typedef struct skyscan_millipede_dom {
  double x, y, z;    /* m */
  double efficiency; /* PE recorded per PE expected: relative efficiency x mean SPE charge x eta */
  double noise_rate; /* 1/ns */
} skyscan_millipede_dom;
typedef struct skyscan_pulse {
  double time, charge, width; /* ns, PE, ns */
} skyscan_pulse;
typedef struct skyscan_millipede_settings {
  double start, stop;    /* readout window [ns] */
  double bin_sigma;      /* Bayesian blocks: a block must be worth bin_sigma^2 / 2 in ln L */
  double min_time_width; /* ns */
  double boundary;       /* cascades lie within |x|, |y|, |z| <= boundary [m] */
  double regularisation; /* 1/GeV^2: ln L is less by this times the sum of the energies' squares */
} skyscan_millipede_settings;
typedef struct skyscan_millipede_search {
  double spacing;          /* of cascades [m], at least 0.1 */
  double reach;            /* of the search across the track [m]; 0: only downhill from the seed */
  int32_t keeps_time;      /* 1: the vertex is to be at the seed's time; 0: next to the seed */
  int32_t settles;         /* 1: from minima nearby slopes alone lead on; 0: simplices as well */
  int64_t max_evaluations; /* of each way down */
} skyscan_millipede_search;
/* The energies at their optimum; llh, gradient and certificate NaN when no cascade is inside. */
typedef struct skyscan_millipede_value {
  double llh;         /* negative log-likelihood */
  double gradient[4]; /* of the plain Poisson llh by x, y, z [1/m], time [1/ns] */
  double certificate; /* what better energies could still gain in ln L, at most */
  int64_t iterations;
} skyscan_millipede_value;
typedef struct skyscan_millipede_minimum {
  double llh;
  double x, y, z, time; /* m, ns */
  int32_t evaluations;
  int32_t
      outcome; /* 0 done, 1 outside the boundary, 2 no charge, 3 not a number, 4 nothing lower */
} skyscan_millipede_minimum;
/* A cascade on the track: m, ns, GeV. */
typedef struct skyscan_loss {
  double x, y, z, time, energy;
} skyscan_loss;
/* `light` must know cascades; so must `sketch_light`, or null, for the first part of fits' search.
 * pulses: those of DOM k from pulse_begin[k] to pulse_begin[k + 1], in time order; exclusions,
 * which the data vector leaves out, likewise. Bad input: a window that is empty, numbers that make
 * no sense. */
SKYSCAN_API int32_t skyscan_millipede_open(
    const skyscan_light* light, const skyscan_light* sketch_light, int64_t dom_count,
    const skyscan_millipede_dom* doms, const int64_t* pulse_begin, const skyscan_pulse* pulses,
    const int64_t* exclusion_begin, const skyscan_interval* exclusions,
    const skyscan_millipede_settings* settings, skyscan_millipede** handle, char* message,
    int64_t message_size);
SKYSCAN_API void skyscan_millipede_close(skyscan_millipede* handle);
/* Per DOM: number of bins n, then, unless 0: n + 1 edges [ns], n charges [PE], n times 1 (valid) or
 * 0 (a gap between readout pieces). */
SKYSCAN_API int32_t skyscan_millipede_bins(const skyscan_millipede* handle, double* out,
                                           int64_t capacity, int64_t* count, char* message,
                                           int64_t message_size);
/* Solves the energies of cascades `spacing` [m] apart, at least 0.1. relative_uncertainty: of every
 * expectation, which widens the llh; 0: plain Poisson. */
SKYSCAN_API int32_t skyscan_millipede_evaluate(skyscan_millipede* handle,
                                               const skyscan_hypothesis* hypothesis, double spacing,
                                               double relative_uncertainty,
                                               skyscan_millipede_value* value, char* message,
                                               int64_t message_size);
/* What is known of a direction, whatever the seed: searched once, then its seeds are fitted.
 * evaluations: how many it took. It may outlive the likelihood. */
typedef struct skyscan_millipede_direction skyscan_millipede_direction;
SKYSCAN_API int32_t skyscan_millipede_direction_open(const skyscan_millipede* handle, double zenith,
                                                     double azimuth,
                                                     const skyscan_millipede_search* search,
                                                     int32_t* evaluations,
                                                     skyscan_millipede_direction** searched,
                                                     char* message, int64_t message_size);
SKYSCAN_API void skyscan_millipede_direction_close(skyscan_millipede_direction* searched);
/* Minimises over x, y, z and time. searched: the seed's direction, with the same search; null: only
 * downhill from the seed. fallback: where a neighbouring direction has its minimum, or null; then
 * the direction is searched in passing, whatever `searched`. */
SKYSCAN_API int32_t skyscan_millipede_fit(skyscan_millipede* handle,
                                          const skyscan_millipede_direction* searched,
                                          const skyscan_hypothesis* seed,
                                          const skyscan_vertex* fallback,
                                          const skyscan_millipede_search* search,
                                          skyscan_millipede_minimum* minimum, char* message,
                                          int64_t message_size);
/* The same from minima of directions nearby, taken along (llh NaN), beside minima of this direction
 * that are known: `start_count` of them, of which evaluations and outcome are of no account. */
SKYSCAN_API int32_t skyscan_millipede_fit_from(skyscan_millipede* handle,
                                               const skyscan_millipede_minimum* starts,
                                               int64_t start_count, const skyscan_hypothesis* seed,
                                               const skyscan_millipede_search* search,
                                               skyscan_millipede_minimum* minimum, char* message,
                                               int64_t message_size);
/* The minima the latest fit came upon, lowest first. */
SKYSCAN_API int32_t skyscan_millipede_minima(const skyscan_millipede* handle,
                                             skyscan_millipede_minimum* minima, int64_t capacity,
                                             int64_t* count, char* message, int64_t message_size);
/* Minimises, from `start` on, the likelihood in which every expectation is uncertain by
 * relative_uncertainty > 0: over two offsets across and the time, the direction fixed. */
SKYSCAN_API int32_t skyscan_millipede_widened_fit(skyscan_millipede* handle,
                                                  const skyscan_hypothesis* start, double spacing,
                                                  double relative_uncertainty,
                                                  skyscan_millipede_minimum* minimum, char* message,
                                                  int64_t message_size);
/* Cascades of the latest evaluate or fit. */
SKYSCAN_API int32_t skyscan_millipede_losses(const skyscan_millipede* handle, skyscan_loss* losses,
                                             int64_t capacity, int64_t* count, char* message,
                                             int64_t message_size);

/* --- Spline tables (spline_table.cpp) ---
 *
 * photospline FITS tables. An open table may be read by any number of threads. */
typedef struct skyscan_table skyscan_table;
SKYSCAN_API int32_t skyscan_table_open(const char* path, skyscan_table** table, char* message,
                                       int64_t message_size);
SKYSCAN_API void skyscan_table_close(skyscan_table* table);
/* Convolves one axis with the unit-area B-spline on `count` ascending kernel knots (2: a box, 3: a
 * triangle). Before any other use. */
SKYSCAN_API int32_t skyscan_table_convolve(skyscan_table* table, int32_t axis, int32_t count,
                                           const double* kernel, char* message,
                                           int64_t message_size);
/* JSON text; `needed` is its size with the terminating zero, written when it fits. */
SKYSCAN_API int32_t skyscan_table_describe(const skyscan_table* table, char* text,
                                           int64_t text_size, int64_t* needed, char* message,
                                           int64_t message_size);
/* x[count][axes] -> values[count], gradients[count][axes] or null, inside[count] (0 outside the
 * knots, where values and gradients are 0). */
SKYSCAN_API int32_t skyscan_table_evaluate(const skyscan_table* table, int64_t count,
                                           const double* x, double* values, double* gradients,
                                           uint8_t* inside, char* message, int64_t message_size);
/* Writes a table: see splines/writer.hpp. */
SKYSCAN_API int32_t skyscan_table_fit(const char* path, int32_t axes, const int32_t* orders,
                                      const int32_t* knot_counts, const double* knots,
                                      const double* extents, const float* samples,
                                      int32_t is_coefficients, const char* keys, char* message,
                                      int64_t message_size);

/* --- bzip2 (bzip2.cpp) ---
 *
 * Decompresses a bzip2 stream, or several one after the other, that arrive in pieces. A handle is
 * for one thread. */
typedef struct skyscan_bzip2 skyscan_bzip2;
typedef struct skyscan_bzip2_progress {
  int64_t taken;       /* bytes of the input that are done with */
  int64_t written;     /* bytes of the output */
  int64_t is_complete; /* 1: what has been taken so far ends where a stream does */
} skyscan_bzip2_progress;
SKYSCAN_API int32_t skyscan_bzip2_open(skyscan_bzip2** handle, char* message, int64_t message_size);
SKYSCAN_API void skyscan_bzip2_close(skyscan_bzip2* handle);
/* Takes at most input_size bytes and writes at most output_size, however much the input stands for:
 * call again with the rest of the input as long as something of it is left or all room was used.
 * Bad input: damage of any kind, bytes after the stream that are none; the handle is then good for
 * nothing but to be closed. That a stream is cut short shows in is_complete. */
SKYSCAN_API int32_t skyscan_bzip2_decompress(skyscan_bzip2* handle, const uint8_t* input,
                                             int64_t input_size, uint8_t* output,
                                             int64_t output_size, skyscan_bzip2_progress* progress,
                                             char* message, int64_t message_size);

#ifdef __cplusplus
}
#endif

#endif

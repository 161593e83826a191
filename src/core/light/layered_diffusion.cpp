#include "light/layered_diffusion.hpp"

// dlib is header-only. Debian configures its matrices to call BLAS and LAPACK, which the library
// cannot bring along; without these definitions dlib uses its own loops.
#include <dlib/assert.h>
#include <dlib/test_for_odr_violations.h>

#undef DLIB_USE_BLAS
#undef DLIB_USE_LAPACK
#include <dlib/matrix.h>

#include <algorithm>
#include <array>
#include <boost/math/special_functions/bessel.hpp>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "base/constants.hpp"
#include "math/lanes.hpp"

namespace skyscan {
namespace {

// Heights [m, detector coordinates]: beyond those of all DOMs by some lengths light diffuses over.
constexpr double lowest = -650, spacing = 10;
constexpr std::size_t heights = 131;
constexpr double height_of(std::size_t i) { return lowest + spacing * static_cast<double>(i); }

// Horizontal distances: evenly in the logarithm.
const double first_log = std::log(2.0), log_step = std::log(700 / 2.0) / 63;
constexpr std::size_t distances = 64;

// Steps along a track, from this far on one side to as far on the other: sinh of even ones.
constexpr std::size_t steps = 40;
constexpr double step_scale = 30, track_reach = 500;  // m

double diffusion_constant(double scattering) { return 1 / (3 * scattering); }

// The trapezoidal rule along a track: places, and what each counts [m].
struct Steps {
  std::array<Lanes, steps / Lanes::count> place, weight;
};
static_assert(steps % Lanes::count == 0);

Steps steps_along() {
  Steps along;
  const double end = std::asinh(track_reach / step_scale), step = 2 * end / (steps - 1);
  for (std::size_t i = 0; i < steps; ++i) {
    const double t = -end + step * static_cast<double>(i);
    along.place[i / Lanes::count].v[i % Lanes::count] =
        static_cast<float>(step_scale * std::sinh(t));
    along.weight[i / Lanes::count].v[i % Lanes::count] =
        static_cast<float>(step_scale * std::cosh(t) * step);
  }
  return along;
}

// The matrix by height, made symmetric with the roots of D; its eigenfunctions, each divided by the
// root of D again, and the eigenvalues k^2.
struct Modes {
  dlib::matrix<double> by_height;
  std::vector<double> decay;  // k [1/m]
};

Modes modes_of(const std::vector<double>& scattering, const std::vector<double>& absorption) {
  const auto n = static_cast<long>(heights);
  dlib::matrix<double> matrix = dlib::zeros_matrix<double>(n, n);
  const auto d = [&](long i) {
    return diffusion_constant(scattering[static_cast<std::size_t>(i)]);
  };
  for (long i = 0; i < n; ++i) {
    matrix(i, i) += absorption[static_cast<std::size_t>(i)] / d(i);
    if (i + 1 == n) break;
    // Between two layers the resistances add up.
    const double flow = 2 / (1 / d(i) + 1 / d(i + 1)) / (spacing * spacing);
    matrix(i, i) += flow / d(i);
    matrix(i + 1, i + 1) += flow / d(i + 1);
    matrix(i, i + 1) = matrix(i + 1, i) = -flow / std::sqrt(d(i) * d(i + 1));
  }
  const dlib::eigenvalue_decomposition<dlib::matrix<double>> decomposition(
      dlib::make_symmetric(matrix));
  Modes modes{decomposition.get_pseudo_v(), {}};
  for (long i = 0; i < n; ++i) {
    modes.decay.push_back(std::sqrt(decomposition.get_real_eigenvalues()(i)));
    for (long k = 0; k < n; ++k) modes.by_height(i, k) /= std::sqrt(d(i));
  }
  return modes;
}

// Where a coordinate is among evenly spaced numbers, of eight at a time.
struct Between {
  Integer8 index;
  Lanes share;  // of the next number

  [[gnu::always_inline]] Between(const Lanes& at, std::size_t count) {
    const Lanes inside = clamped(at, 0, static_cast<double>(count) - 1.001);
    index = __builtin_convertvector(inside.v, Integer8);
    share = inside - Lanes(__builtin_convertvector(index, Float8));
  }
};

}  // namespace

LayeredDiffusion::LayeredDiffusion(const LayeredIce& ice)
    : log_density_(heights * heights * distances) {
  for (std::size_t i = 0; i < heights; ++i) {
    const double z = height_of(i);
    const PathIce layer = ice.mean(z - spacing / 2, z + spacing / 2);
    scattering_.push_back(layer.scattering.value);
    absorption_.push_back(layer.absorption.value);
  }
  const Modes modes = modes_of(scattering_, absorption_);
  std::vector<double> falling(heights * distances);
  for (std::size_t k = 0; k < heights; ++k)
    for (std::size_t r = 0; r < distances; ++r) {
      const double x = modes.decay[k] * std::exp(first_log + log_step * static_cast<double>(r));
      falling[k * distances + r] =
          x < 500 ? boost::math::cyl_bessel_k(0, x) / (2 * std::numbers::pi * spacing) : 0;
    }
  // Rounding leaves nothing, or less, where next to no light comes.
  constexpr double least = 1e-30;
  std::vector<double> sum(distances);
  for (std::size_t i = 0; i < heights; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      std::fill(sum.begin(), sum.end(), 0);
      for (std::size_t k = 0; k < heights; ++k) {
        const double both = modes.by_height(static_cast<long>(i), static_cast<long>(k)) *
                            modes.by_height(static_cast<long>(j), static_cast<long>(k));
        const double* const of = &falling[k * distances];
        for (std::size_t r = 0; r < distances; ++r) sum[r] += both * of[r];
      }
      for (std::size_t r = 0; r < distances; ++r)
        log_density_[(i * heights + j) * distances + r] =
            log_density_[(j * heights + i) * distances + r] =
                static_cast<float>(std::log(std::max(sum[r], least)));
    }
}

const float* LayeredDiffusion::seen_from(double height) const {
  const double at = std::round((height - lowest) / spacing);
  const auto row = static_cast<std::size_t>(std::clamp(at, 0.0, static_cast<double>(heights - 1)));
  return &log_density_[row * heights * distances];
}

double LayeredDiffusion::log_density(double height, double source_height, double across) const {
  const auto inside = [](double at, std::size_t count) {
    return std::clamp(at, 0.0, static_cast<double>(count) - 1.001);
  };
  const double z = inside((source_height - lowest) / spacing, heights);
  const double r = inside((std::log(std::fmax(across, 1)) - first_log) / log_step, distances);
  const auto i = static_cast<std::size_t>(z), k = static_cast<std::size_t>(r);
  const float* const near = seen_from(height) + i * distances + k;
  const auto by_distance = [&](const float* of) {
    return std::lerp(static_cast<double>(of[0]), static_cast<double>(of[1]),
                     r - static_cast<double>(k));
  };
  return std::lerp(by_distance(near), by_distance(near + distances), z - static_cast<double>(i));
}

// The flux of light not yet scattered along the track builds up where it goes through clear ice,
// and is scattered where that ends.
LayeredDiffusion::Tracks::Tracks(const LayeredDiffusion& diffusion, double upwards)
    : diffusion_(diffusion), upwards_(upwards), scattered_(heights) {
  // A level track stays at its height, where flux is steady.
  const double way = spacing / std::fmax(std::fabs(upwards), 1e-6);
  double flux = 0;
  for (std::size_t n = 0; n < heights; ++n) {
    const std::size_t i = upwards > 0 ? n : heights - 1 - n;
    const double scattered = diffusion.scattering_[i] / cos_cherenkov,
                 lost = scattered + diffusion.absorption_[i] / cos_cherenkov;
    const double steady = 1 / lost, left = std::exp(-lost * way);
    const double before = n == 0 ? steady : flux;
    flux = steady + (before - steady) * left;
    // The mean over the layer.
    const double mean = steady + (before - steady) * (1 - left) / (lost * way);
    scattered_[i] = static_cast<float>(scattered * mean);
  }
}

double LayeredDiffusion::Tracks::density(double height, double distance, double cosine) const {
  const double level = std::sqrt(std::fmax(1 - upwards_ * upwards_, 0));
  const double across = distance * std::sqrt(std::fmax(1 - cosine * cosine, 0));
  const double along = -distance * cosine * upwards_;
  const double nearest = height - distance * cosine * level;
  const float* const seen = diffusion_.seen_from(height);
  static const Steps along_track = steps_along();
  double sum = 0;
  for (std::size_t k = 0; k < along_track.place.size(); ++k) {
    const Lanes& s = along_track.place[k];
    const Between at((nearest + upwards_ * s - lowest) * (1 / spacing), heights);
    const Lanes level_way = along - level * s;
    const Lanes far = 0.5 * logarithm_of(level_way * level_way + across * across + 1e-3);
    const Between away((far - first_log) * (1 / log_step), distances);
    float corners[4][Lanes::count], emitted[2][Lanes::count];
    for (std::size_t i = 0; i < Lanes::count; ++i) {
      const auto z = static_cast<std::size_t>(at.index[i]),
                 r = static_cast<std::size_t>(away.index[i]);
      const float* const near = seen + z * distances + r;
      corners[0][i] = near[0];
      corners[1][i] = near[1];
      corners[2][i] = near[distances];
      corners[3][i] = near[distances + 1];
      emitted[0][i] = scattered_[z];
      emitted[1][i] = scattered_[z + 1];
    }
    const auto between = [](const Lanes& a, const Lanes& b, const Lanes& share) {
      return a + share * (b - a);
    };
    const Lanes log_density =
        between(between(load(corners[0]), load(corners[1]), away.share),
                between(load(corners[2]), load(corners[3]), away.share), at.share);
    sum += static_cast<double>(
        skyscan::sum(along_track.weight[k] * between(load(emitted[0]), load(emitted[1]), at.share) *
                     exponential_of(log_density)));
  }
  return sum;
}

}  // namespace skyscan

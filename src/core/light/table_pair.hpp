// The amplitude and the timing table of one kind of source, as one: B-splines of ln(PE) and of the
// arrival-time distribution.
//
// What the axes mean, coordinates and yields: reference of IceCube's photonics service (Photonics;
// J. Lundberg et al., NIM A 581 (2007) 619).
#pragma once

#include <cmath>
#include <string>

#include "base/vec3.hpp"
#include "math/simd4.hpp"
#include "splines/table.hpp"

namespace skyscan {

// Light yields in photon-yield units: 32582 photons/m, times the shower length or the track's.
enum class SourceKind { muon = 0, electromagnetic = 1, hadronic = 2 };
double light_yield(SourceKind kind, double energy);

constexpr double degree = M_PI / 180;
constexpr int most_times = 512;               // coefficients along the time axis
constexpr int most_weights = most_times + 4;  // of them, in fours

// A point source with a direction, or an infinite muon track.
struct LightSource {
  Vec3 position;
  Vec3 direction;          // of travel, unit vector
  double zenith, azimuth;  // where it comes from
  double tilt = 0;         // depth shift of the ice layers at the DOM [m]
};

// Derivatives by the source's x, y, z [1/m], zenith, azimuth [1/rad].
struct SourceGradient {
  double by[5] = {0, 0, 0, 0, 0};
};

// The amplitude and the timing table of one kind of source.
class TablePair {
 public:
  static constexpr int most_coordinates = 5;

  // A source and a DOM in the tables' coordinates (all axes but time).
  struct Point {
    double coordinate[most_coordinates];
    SourceGradient gradient[most_coordinates];
    double geometric_time;  // after the source's time [ns]
    SourceGradient geometric_time_gradient;
  };

  // `infinite_muon`: what the tables must be of. BadInput when they are of another kind or do not
  // belong together.
  TablePair(const std::string& amplitude, const std::string& timing, bool infinite_muon);

  void locate(const LightSource& source, const Vec3& dom, Point& out) const;
  // The same without derivatives by zenith and azimuth.
  void locate_by_position(const LightSource& source, const Vec3& dom, Point& out) const;
  // ln(PE per yield unit) and its derivative along the tables' coordinates (null: not wanted; axes
  // outside the mask are left alone); false where the tables know nothing.
  bool log_amplitude(const Point& point, unsigned axes, double* value, double* slopes) const;

  // Coefficients of the time axis at a point, numbers `first`... : channel 0, then one channel per
  // axis of the mask `axes` (a bit per coordinate). out: [channel][count], then four zeros.
  struct Curve {
    int first, count;
    double coefficients[(most_coordinates + 1) * most_times + 4];
  };
  bool curve(const Point& point, unsigned axes, int first, int last, Curve& out) const;

  int coordinates() const { return coordinates_; }
  bool infinite_muon() const { return infinite_muon_; }
  bool spherical() const { return spherical_; }
  bool odd() const { return odd_; }
  double group_index() const { return group_index_; }
  int time_axis() const { return infinite_muon_ ? 2 : 3; }
  const SplineTable& amplitude() const { return amplitude_; }
  const SplineTable& timing() const { return timing_; }

 private:
  template <int parts>
  void locate_with(const LightSource& source, const Vec3& dom, Point& out) const;
  // A DOM seen along a source's direction: how far along, how far off it and
  // from the source, and derivatives.
  struct AlongSource {
    double l, rho, r, sin_zenith, cos_zenith;
    const SourceGradient &dl, &drho;
  };
  template <int parts>
  void locate_muon(const LightSource& source, const AlongSource& seen, Point& out) const;
  template <int parts>
  void locate_cascade(const LightSource& source, const AlongSource& seen, Point& out) const;
  bool supported(const SplineTable& table, const Point& point, bool timing) const;

  SplineTable amplitude_, timing_;
  bool infinite_muon_;
  bool spherical_, odd_;
  double group_index_;
  int coordinates_;
};

// The time axis of a timing table, smeared.
class TimeAxis {
 public:
  // sigma [ns]: the triangle on (-2 sigma, 0, 2 sigma); 0: as it is.
  TimeAxis(const SplineTable& table, int axis, double sigma);
  double lower() const { return lower_; }
  double upper() const { return upper_; }
  const SplineBasis& basis() const { return basis_; }

 private:
  SplineBasis basis_;
  double lower_, upper_;
};

// One residual on a time axis.
struct Moment {
  int side;      // -1: at or before the axis's lower extent, 1: above its upper one, 0: between
  int interval;  // of the knots, -1 outside them
  int first, width;
};
Moment moment_of(const TimeAxis& axis, double residual);

// Of coefficients with weights that are padded with zeros to a multiple of four.
inline double product(const double* coefficients, const double* weights, int n) {
  Double4 sum{};
  for (int i = 0; i < n; i += 4) sum += load4(coefficients + i) * load4(weights + i);
  return sum4(sum);
}

// As messages have numbers.
std::string formatted(double number);

}  // namespace skyscan

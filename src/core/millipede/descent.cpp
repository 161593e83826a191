#include "millipede/descent.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "math/cholesky.hpp"

namespace skyscan {

namespace {

constexpr SelectionOptions selection_options;

// Symmetric 3 x 3.
using Square = std::array<std::array<double, 3>, 3>;

std::array<double, 3> times(const Square& a, const std::array<double, 3>& x) {
  std::array<double, 3> y{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t k = 0; k < 3; ++k) y[i] += a[i][k] * x[k];
  return y;
}
double dot(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

// (a + damping) x = -slope; false where that matrix is not positive definite.
bool solve(Square a, double damping, const std::array<double, 3>& slope, std::array<double, 3>& x) {
  std::vector<double> matrix, right;
  for (std::size_t i = 0; i < 3; ++i) {
    a[i][i] += damping;
    matrix.insert(matrix.end(), a[i].begin(), a[i].end());
    right.push_back(-slope[i]);
  }
  if (!solve_cholesky(matrix, right, 3)) return false;
  for (std::size_t i = 0; i < 3; ++i) x[i] = right[i];
  return dot(x, x) < std::numeric_limits<double>::infinity();
}

// The slope along `shifts`, and Gauss-Newton's curvature with the energies eliminated.
void derivatives(const Millipede& millipede, const LightCutoff& light, const TrackShifts& shifts,
                 Settlement& at, std::array<double, 3>& slope, Square& curvature) {
  millipede.differentiate(at.track, light, at.value);
  double way[3][4];
  for (std::size_t k = 0; k < 3; ++k) {
    const double one[4] = {shifts.position[k].x, shifts.position[k].y, shifts.position[k].z,
                           shifts.time[k]};
    std::copy_n(one, 4, way[k]);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    slope[i] = 0;
    for (std::size_t p = 0; p < 4; ++p) slope[i] += way[i][p] * at.value.gradient[p];
    for (std::size_t k = 0; k < 3; ++k) {
      curvature[i][k] = 0;
      for (std::size_t p = 0; p < 4; ++p)
        for (std::size_t q = 0; q < 4; ++q)
          curvature[i][k] +=
              0.5 * way[i][p] * way[k][q] * (at.value.hessian[p][q] + at.value.hessian[q][p]);
    }
  }
}

// Whether energy sits at an end of what is kept, and there is more beyond.
bool is_at_end(const MillipedeValue& value, const CascadeSelection& kept,
               const CascadeSelection& all) {
  for (const Cascade& c : value.cascades)
    if (c.energy > 0)
      for (const long next : {c.number - 1, c.number + 1})
        if (!kept.keeps(next) && all.keeps(next)) return true;
  return false;
}

}  // namespace

MillipedeValue ScreenedSurface::at(const Track& track, const MillipedeValue* previous) {
  ++evaluations_;
  if (!wide_ || std::fabs(track.time - scouted_at_.time) >= selection_options.reach_in_time ||
      distance(track.position, scouted_at_.position) >= selection_options.reach) {
    wide_ = select_cascades(millipede_, track, spacing_, light_, previous, selection_options);
    narrow_.reset();
    scouted_at_ = track;
  }
  if (!wide_) return {};
  MillipedeValue value;
  const auto solve = [&](const CascadeSelection& screen) {
    value = millipede_.solve(track, spacing_, light_, previous, energy_tolerance, &screen);
  };
  if (narrow_) solve(*narrow_);
  if (!narrow_ || is_at_end(value, *narrow_, *wide_)) {
    solve(*wide_);
    narrow_.reset();
    if (value.placed)
      narrow_ = narrowed(millipede_, value, &*wide_, selection_options.neighbours,
                         selection_options.still_worth);
  }
  if (!std::isfinite(value.llh)) value.placed = false;
  return value;
}

void descend(const Millipede& millipede, ScreenedSurface& surface, const TrackShifts& shifts,
             Descent limits, Settlement& at) {
  const auto differentiate = [&](std::array<double, 3>& slope, Square& curvature) {
    derivatives(millipede, surface.light(), shifts, at, slope, curvature);
  };
  std::array<double, 3> slope;
  Square newton, rest{};
  differentiate(slope, newton);
  double radius = limits.radius;
  while (limits.evaluations > 0) {
    Square model = newton;
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t k = 0; k < 3; ++k) model[i][k] += rest[i][k];
    const double scale =
        std::fabs(newton[0][0]) + std::fabs(newton[1][1]) + std::fabs(newton[2][2]);
    std::array<double, 3> step{};
    double damping = 1e-6 * scale + 1e-12;
    while (!(skyscan::solve(model, damping, slope, step) && dot(step, step) <= radius * radius)) {
      damping *= 3;
      if (!(damping < 1e12 * (1 + scale))) return;
    }
    const double promise = -dot(slope, step) - 0.5 * dot(step, times(model, step));
    if (!(promise > limits.worthwhile)) return;
    const Track next = displaced(at.track, shifts, step);
    --limits.evaluations;
    MillipedeValue value = surface.at(next, &at.value);
    const double gain = value.placed ? at.value.llh - value.llh : -1e300;
    const double length = std::sqrt(dot(step, step));
    if (gain < 0.25 * promise)
      radius = 0.3 * length;
    else if (gain > 0.7 * promise && length > 0.7 * radius)
      radius *= 2.5;
    if (!(gain > 0)) continue;
    at.track = next;
    at.value = std::move(value);
    if (gain < 0.1 * limits.worthwhile) return;
    if (limits.evaluations == 0) return;
    const std::array<double, 3> before = slope;
    differentiate(slope, newton);
    // The rest's update: symmetric, weighted with the change of slope, sized down first.
    std::array<double, 3> change, lacking;
    for (std::size_t i = 0; i < 3; ++i) change[i] = slope[i] - before[i];
    const std::array<double, 3> bent = times(newton, step);
    for (std::size_t i = 0; i < 3; ++i) lacking[i] = change[i] - bent[i];
    const std::array<double, 3> known = times(rest, step);
    const double size = dot(step, known), wanted = dot(step, lacking), rise = dot(step, change);
    const double sizing = size != 0 ? std::min(1.0, std::fabs(wanted / size)) : 1;
    if (!(rise > 1e-3 * std::fabs(dot(step, bent)))) {
      rest = {};
      continue;
    }
    for (std::size_t i = 0; i < 3; ++i) lacking[i] -= sizing * known[i];
    const double twice = dot(step, lacking) / (rise * rise);
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t k = 0; k < 3; ++k)
        rest[i][k] = sizing * rest[i][k] +
                     (lacking[i] * change[k] + change[i] * lacking[k]) / rise -
                     twice * change[i] * change[k];
  }
}

}  // namespace skyscan

// The way down a likelihood's surface over the vertex's position.
//
// The surface has kinks (where smearing sets in) and, far from the true direction, many minima. A
// trust region method (dlib's) goes down. Its curvature is, far from the minimum, the sum of the
// squared scores, which is never negative; close to it, that one corrected by BFGS updates.
#pragma once

#include <cmath>

#include "minimise/dlib.hpp"
#include "splinempe/likelihood.hpp"

namespace skyscan {

using Column = dlib::matrix<double, 3, 1>;
using Square = dlib::matrix<double, 3, 3>;

inline Column column(const Vec3& v) {
  Column x;
  x = v.x, v.y, v.z;
  return x;
}
inline Vec3 vector(const Column& x) { return {x(0), x(1), x(2)}; }

// A likelihood in dlib's terms. `Evaluate` computes value and slope together; dlib asks for them
// one after the other at the same place.
template <typename Evaluate>
class Surface {
 public:
  using column_vector = Column;
  using general_matrix = Square;

  // limit: |x|, |y|, |z| beyond which there is nothing [m].
  Surface(Evaluate evaluate, double limit) : evaluate_(evaluate), limit_(limit) {}

  double operator()(const Column& x) const {
    go(x);
    return value_;
  }
  void get_derivative_and_hessian(const Column& x, Column& gradient, Square& hessian) const {
    go(x);
    gradient = column(slope_.gradient);
    const Symmetric3& s = slope_.scores;
    Square scores;
    scores = s.xx, s.xy, s.xz, s.xy, s.yy, s.yz, s.xz, s.yz, s.zz;
    if (!updated(x, gradient, scores)) {
      hessian_ = scores;
      is_updated_ = false;
    }
    before_ = x;
    gradient_before_ = gradient;
    has_before_ = true;
    hessian = hessian_;
  }

 private:
  static constexpr double outside = 1e12;  // llh beyond the limit
  static constexpr double close_by = 30;   // m: steps short enough for BFGS updates

  void go(const Column& x) const {
    if (is_there_ && x == where_) return;
    where_ = x;
    is_there_ = true;
    if (dlib::max(dlib::abs(x)) > limit_) {
      value_ = outside;
      slope_ = {};
      return;
    }
    value_ = evaluate_(vector(x), slope_);
  }

  // The BFGS update from the last point to this one, damped (M. Powell, 1978) where the surface is
  // not convex; false where the step was too long for it.
  bool updated(const Column& x, const Column& gradient, const Square& scores) const {
    if (!has_before_) return false;
    const Column step = x - before_;
    const double length = dlib::length(step);
    if (!(length > 0) || length > close_by) return false;
    if (!is_updated_) hessian_ = scores;
    const Column bent = hessian_ * step;
    Column change = gradient - gradient_before_;
    const double expected = dlib::dot(step, bent);
    const double found = dlib::dot(step, change);
    if (!(expected > 0)) return false;
    if (found < 0.05 * expected) {
      if (!is_updated_) return false;
      const double mix = 0.8 * expected / (expected - found);
      change = mix * change + (1 - mix) * bent;
    }
    hessian_ += change * dlib::trans(change) / dlib::dot(step, change) -
                bent * dlib::trans(bent) / expected;
    return is_updated_ = true;
  }

  Evaluate evaluate_;
  double limit_;
  mutable Column where_, before_, gradient_before_;
  mutable Square hessian_;
  mutable SplineMpeSlope slope_ = {};
  mutable double value_ = 0;
  mutable bool is_there_ = false, has_before_ = false, is_updated_ = false;
};

// Goes down from `position`, which becomes the lowest place found; returns the value there. `stop`
// follows dlib's stop strategies.
template <typename Evaluate, typename Stop>
double descend(Evaluate evaluate, double limit, double first_radius, Stop stop, Vec3& position) {
  Column x = column(position);
  const double value =
      dlib::find_min_trust_region(stop, Surface<Evaluate>(evaluate, limit), x, first_radius);
  position = vector(x);
  return value;
}

}  // namespace skyscan

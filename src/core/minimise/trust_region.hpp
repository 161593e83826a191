// Downhill by slopes within a trusted radius: dlib's trust region, algorithm 4.1 of J. Nocedal and
// S. Wright, Numerical Optimization (2006), with curvature learnt on the way.
//
// It departs from the book where values are dear: a place is never evaluated twice, a step that
// promises too little is not evaluated at all, and slopes are worked out only where the way goes
// on.
#pragma once

// dlib is header-only. Debian configures its matrices to call BLAS and LAPACK, which the library
// cannot bring along; without these definitions dlib uses its own loops.
#include <dlib/assert.h>
#include <dlib/test_for_odr_violations.h>

#undef DLIB_USE_BLAS
#undef DLIB_USE_LAPACK
#include <dlib/optimization/optimization_trust_region.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "minimise/point.hpp"

namespace skyscan {

// `curvature`: symmetric, an estimate of the second derivatives such as Gauss-Newton's.
template <std::size_t n>
struct Slopes {
  std::array<double, n> gradient;
  std::array<std::array<double, n>, n> curvature;
};

struct TrustRegionOptions {
  double first_radius;  // longest first step, in the coordinates' unit; dlib keeps it below 1000
  // Ends after a step that changed the value by no more than this.
  double least_gain;
  // Ends before a step whose model promises no more than this.
  double least_promise = 0;
  int most_steps = std::numeric_limits<int>::max();        // downwards
  int most_evaluations = std::numeric_limits<int>::max();  // after the start's
};

namespace trust_region {

template <std::size_t n>
using Column = dlib::matrix<double, static_cast<long>(n), 1>;
template <std::size_t n>
using Matrix = dlib::matrix<double, static_cast<long>(n), static_cast<long>(n)>;

template <std::size_t n>
Column<n> column(const std::array<double, n>& x) {
  Column<n> out;
  for (std::size_t i = 0; i < n; ++i) out(static_cast<long>(i)) = x[i];
  return out;
}
template <std::size_t n>
std::array<double, n> array(const Column<n>& x) {
  std::array<double, n> out;
  for (std::size_t i = 0; i < n; ++i) out[i] = x(static_cast<long>(i));
  return out;
}
template <std::size_t n>
Matrix<n> matrix(const std::array<std::array<double, n>, n>& a) {
  Matrix<n> out;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < n; ++k) out(static_cast<long>(i), static_cast<long>(k)) = a[i][k];
  return out;
}

}  // namespace trust_region

// --- How the curvature is learnt: one of these for each descent ---
//
// `updated` is called at every place the way goes through with the step that led there, how the
// gradient changed along it, and the curvature given there; it returns the one to be used.

// The curvature given far from the minimum; close to it, that one corrected by BFGS updates, damped
// where the surface is not convex (M. Powell, Lecture Notes in Mathematics 630 (1978) 144; Nocedal
// and Wright, procedure 18.2). It starts over after a step too long to learn from.
template <std::size_t n>
class BfgsNearby {
 public:
  using Column = trust_region::Column<n>;
  using Matrix = trust_region::Matrix<n>;

  explicit BfgsNearby(double longest_step) : longest_step_(longest_step) { learnt_ = 0; }

  Matrix first(const Matrix& given) { return learnt_ = given; }
  Matrix updated(const Column& step, const Column& gradient_change, const Matrix& given) {
    is_learnt_ = learns(step, gradient_change, given);
    if (!is_learnt_) learnt_ = given;
    return learnt_;
  }

 private:
  // A curvature along the step below this share of the expected one is damped to `damped_to` of it,
  // Powell's 0.2.
  static constexpr double least_share = 0.05, damped_to = 0.2;

  bool learns(const Column& step, Column change, const Matrix& given) {
    const double length = dlib::length(step);
    if (!(length > 0) || length > longest_step_) return false;
    if (!is_learnt_) learnt_ = given;
    const Column bent = learnt_ * step;
    const double expected = dlib::dot(step, bent);
    const double found = dlib::dot(step, change);
    if (!(expected > 0)) return false;
    if (found < least_share * expected) {
      if (!is_learnt_) return false;
      const double mix = (1 - damped_to) * expected / (expected - found);
      change = mix * change + (1 - mix) * bent;
    }
    learnt_ += change * dlib::trans(change) / dlib::dot(step, change) -
               bent * dlib::trans(bent) / expected;
    return true;
  }

  double longest_step_;
  Matrix learnt_;
  bool is_learnt_ = false;
};

// The curvature given and what it lacks, learnt from slopes: J. Dennis, D. Gay and R. Welsch, ACM
// TOMS 7 (1981) 348, for functions whose given curvature is Gauss-Newton's and true at each place.
// It departs in forgetting what is learnt where the surface does not rise along the step.
template <std::size_t n>
class StructuredSecant {
 public:
  using Column = trust_region::Column<n>;
  using Matrix = trust_region::Matrix<n>;

  StructuredSecant() { rest_ = 0; }
  Matrix first(const Matrix& given) {
    rest_ = 0;
    return given;
  }
  Matrix updated(const Column& step, const Column& gradient_change, const Matrix& given) {
    learn(step, gradient_change, given);
    return given + rest_;
  }

 private:
  // A rise of the slope along the step below this share of the given curvature's is none.
  static constexpr double least_rise = 1e-3;

  void learn(const Column& step, const Column& change, const Matrix& given) {
    const Column bent = given * step, known = rest_ * step;
    const double rise = dlib::dot(step, change);
    if (!(rise > least_rise * std::fabs(dlib::dot(step, bent)))) {
      rest_ = 0;
      return;
    }
    // What is known is sized down first where it has become too much.
    const double size = dlib::dot(step, known), wanted = dlib::dot(step, change - bent);
    const double sizing = size != 0 ? std::fmin(1.0, std::fabs(wanted / size)) : 1;
    const Column lacking = change - bent - sizing * known;
    const double twice = dlib::dot(step, lacking) / (rise * rise);
    rest_ = sizing * rest_ +
            (lacking * dlib::trans(change) + change * dlib::trans(lacking)) / rise -
            twice * change * dlib::trans(change);
  }

  Matrix rest_;
};

namespace trust_region {

// A descent as dlib sees it: a function with slopes, and a rule when to stop.
template <std::size_t n, typename Function, typename Curvature, typename IsEnd>
class Descent {
 public:
  using column_vector = Column<n>;
  using general_matrix = Matrix<n>;

  // `start` was evaluated.
  Descent(Function& function, Curvature curvature, const IsEnd& is_end,
          const TrustRegionOptions& options, const Column<n>& start, double value)
      : function_(function),
        curvature_(curvature),
        is_end_(is_end),
        options_(options),
        evaluations_left_(options.most_evaluations),
        asked_(start),
        value_(value) {
    here_ = start;
    gradient_ = 0;
    model_ = 0;
  }

  // dlib ends at a value that is no number, at the lowest place so far.
  double value(const Column<n>& x) {
    if (x == asked_) return value_;
    const Column<n> step = x - here_;
    const double promise = -dlib::dot(gradient_, step) - 0.5 * dlib::dot(step, model_ * step);
    if (options_.least_promise > 0 && !(promise > options_.least_promise)) return std::nan("");
    if (evaluations_left_-- <= 0) return std::nan("");
    asked_ = x;
    const double found = function_.value(array<n>(x));
    value_ = std::isfinite(found) ? found : undefined;
    return value_;
  }

  // The way goes on from here, the place evaluated last.
  void arrive(const Column<n>& x) {
    const double gain = value_here_ - value_;
    const bool is_first = steps_ == 0;
    is_done_ = is_end_(array<n>(x), value_) || ++steps_ > options_.most_steps ||
               (!is_first && !(std::fabs(gain) > options_.least_gain)) || evaluations_left_ <= 0;
    value_here_ = value_;
    if (is_done_) return;
    const Slopes<n> slopes = function_.slopes(array<n>(x));
    const Column<n> gradient = column<n>(slopes.gradient);
    const Matrix<n> given = matrix<n>(slopes.curvature);
    model_ = is_first ? curvature_.first(given)
                      : curvature_.updated(x - here_, gradient - gradient_, given);
    here_ = x;
    gradient_ = gradient;
  }

  bool is_done() const { return is_done_; }
  const Column<n>& gradient() const { return gradient_; }
  const Matrix<n>& model() const { return model_; }

 private:
  // A value so high that no step there is taken, and so low that dlib's ratios stay finite.
  static constexpr double undefined = 1e12;

  Function& function_;
  Curvature curvature_;
  const IsEnd& is_end_;
  const TrustRegionOptions& options_;
  int evaluations_left_, steps_ = 0;
  Column<n> asked_, here_, gradient_;
  double value_, value_here_ = 0;
  Matrix<n> model_;
  bool is_done_ = false;
};

template <typename Descent>
struct Surface {
  using column_vector = typename Descent::column_vector;
  using general_matrix = typename Descent::general_matrix;

  double operator()(const column_vector& x) const { return descent.value(x); }
  void get_derivative_and_hessian(const column_vector& x, column_vector& gradient,
                                  general_matrix& hessian) const {
    descent.arrive(x);
    gradient = descent.gradient();
    hessian = descent.model();
  }
  Descent& descent;
};

template <typename Descent>
struct StopRule {
  bool should_continue_search(const typename Descent::column_vector&, double,
                              const typename Descent::column_vector&) const {
    return !descent.is_done();
  }
  Descent& descent;
};

}  // namespace trust_region

// Goes down from `start` and returns the lowest place found.
//
// `function` has two members, and may remember in one what it found in the other:
//   double value(const std::array<double, n>& x);      // not finite where it is not defined
//   Slopes<n> slopes(const std::array<double, n>& x);  // only where value() was asked last
// `curvature` is BfgsNearby or StructuredSecant. `is_end(x, value)` tells of each place on the way,
// the first included, whether to end there, such as on the way into a minimum known already.
template <std::size_t n, typename Function, typename Curvature, typename IsEnd>
Point<n> trust_region_minimum(Function& function, const std::array<double, n>& start,
                              Curvature curvature, const TrustRegionOptions& options,
                              const IsEnd& is_end) {
  using Descent = trust_region::Descent<n, Function, Curvature, IsEnd>;
  const double value = function.value(start);
  if (!std::isfinite(value)) return {start, value};
  auto x = trust_region::column<n>(start);
  Descent descent(function, curvature, is_end, options, x, value);
  const double lowest =
      dlib::find_min_trust_region(trust_region::StopRule<Descent>{descent},
                                  trust_region::Surface<Descent>{descent}, x, options.first_radius);
  return {trust_region::array<n>(x), lowest};
}

template <std::size_t n, typename Function, typename Curvature>
Point<n> trust_region_minimum(Function& function, const std::array<double, n>& start,
                              Curvature curvature, const TrustRegionOptions& options) {
  const auto never = [](const std::array<double, n>&, double) { return false; };
  return trust_region_minimum<n>(function, start, curvature, options, never);
}

}  // namespace skyscan

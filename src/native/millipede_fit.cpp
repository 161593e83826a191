#include "millipede_fit.hpp"

#include <cmath>
#include <limits>
#include <optional>

#include "minimise.hpp"

namespace skyscan {

namespace {

// Steps that promise less than this in llh are not taken.
constexpr double worthwhile = 1e-2;
// While the vertex is this close to where all cascades were last looked at, only those of its
// screen are: those with energy, their neighbours as far, and those nearly as good.
constexpr double near_position = 6;     // m
constexpr double near_time = 15;        // ns
constexpr double near_optimal = -2e-2;  // reduced gradient
// Optimality of the energies during a fit, in llh.
constexpr double energy_tolerance = 1e-4;

using Parameters = dlib::matrix<double, 0, 1>;

// Thrown out of dlib's loop, which has no other way out, when no step is worth its evaluation.
struct Settled {};

// llh over the free parameters of one pass, in units of their steps, as dlib's trust region method
// wants it. Remembers the best point.
class Objective {
 public:
  using column_vector = Parameters;
  using general_matrix = dlib::matrix<double>;

  Objective(const Millipede& millipede, const Track& origin, const MillipedePass& pass,
            const MillipedeValue* start, int& evaluations)
      : millipede_(millipede), origin_(origin), pass_(pass), evaluations_(evaluations) {
    for (int axis = 0; axis < 4; ++axis)
      if (pass.step[axis] > 0) free_.push_back(axis);
    if (start != nullptr) value_ = *start;
    left_ = pass.max_evaluations;
  }

  long size() const { return static_cast<long>(free_.size()); }

  Track track(const Parameters& x) const {
    Track track = origin_;
    double* const place[] = {&track.position.x, &track.position.y, &track.position.z, &track.time};
    for (long k = 0; k < size(); ++k) *place[free_[k]] += x(k) * pass_.step[free_[k]];
    return track;
  }

  double operator()(const Parameters& x) const {
    if (slope_.size() == size()) {
      const Parameters p = x - base_;
      const double promise = -dlib::dot(slope_, p) - 0.5 * dlib::dot(p, curvature_ * p);
      if (std::fabs(promise) < worthwhile) throw Settled{};
    }
    if (left_-- <= 0) throw Settled{};
    ++evaluations_;
    const Track here = track(x);
    const bool screened = screen_ && std::fabs(here.time - screened_at_.time) < near_time &&
                          far(here, screened_at_) < near_position;
    MillipedeValue next =
        millipede_.solve(here, pass_.spacing, neglect_for(Precision::scan), &value_,
                         energy_tolerance, screened ? &*screen_ : nullptr);
    if (!next.placed || !std::isfinite(next.llh)) return 1e300;
    if (!screened) {
      const long reach = std::lround(std::ceil(near_position / pass_.spacing));
      screen_ = millipede_.screen(next, reach, near_optimal);
      screened_at_ = here;
    }
    const double llh = next.llh;
    trial_ = x;
    value_ = std::move(next);
    if (llh < best_llh_) {
      best_llh_ = llh;
      best_ = x;
      best_value_ = value_;
    }
    return llh;
  }

  void get_derivative_and_hessian(const Parameters& x, Parameters& slope,
                                  general_matrix& curvature) const {
    if (best_.size() != size()) throw Settled{};
    // dlib asks where it has just moved to: the best point.
    MillipedeValue& value = best_value_;
    millipede_.differentiate(track(best_), neglect_for(Precision::scan), value);
    slope_.set_size(size());
    curvature_.set_size(size(), size());
    for (long i = 0; i < size(); ++i) {
      slope_(i) = value.gradient[free_[i]] * pass_.step[free_[i]];
      for (long k = 0; k < size(); ++k)
        curvature_(i, k) =
            value.hessian[free_[i]][free_[k]] * pass_.step[free_[i]] * pass_.step[free_[k]];
    }
    curvature_ = 0.5 * (curvature_ + dlib::trans(curvature_));
    base_ = x;
    slope = slope_;
    curvature = curvature_;
  }

  static double far(const Track& a, const Track& b) {
    return std::hypot(a.position.x - b.position.x, a.position.y - b.position.y,
                      a.position.z - b.position.z);
  }

  bool found() const { return best_.size() == size(); }
  Track best_track() const { return track(best_); }
  const MillipedeValue& best_value() const { return best_value_; }

 private:
  const Millipede& millipede_;
  const Track origin_;
  const MillipedePass& pass_;
  int& evaluations_;
  std::vector<int> free_;
  mutable int left_;
  mutable MillipedeValue value_, best_value_;
  mutable double best_llh_ = std::numeric_limits<double>::infinity();
  mutable Parameters trial_, best_, base_, slope_;
  mutable general_matrix curvature_;
  mutable std::optional<Millipede::Screen> screen_;
  mutable Track screened_at_{};
};

}  // namespace

MillipedeFit fit_millipede(const Millipede& millipede, const Track& seed,
                           const std::vector<MillipedePass>& passes) {
  MillipedeFit fit{FitOutcome::outside, seed, std::nan(""), {}, 0};
  if (!millipede.has_charge()) {
    fit.outcome = FitOutcome::dark;
    return fit;
  }
  if (passes.empty()) return fit;
  MillipedeValue value;
  for (const MillipedePass& pass : passes) {
    // Again from where it settled when, with all cascades looked at, that is better than it seemed.
    for (int round = 0; round < 3; ++round) {
      const Objective objective(millipede, fit.track, pass, round > 0 ? &value : nullptr,
                                fit.evaluations);
      Parameters x = dlib::zeros_matrix<double>(objective.size(), 1);
      try {
        dlib::find_min_trust_region(dlib::objective_delta_stop_strategy(worthwhile), objective, x,
                                    round == 0 ? 1 : 0.1);
      } catch (const Settled&) {
      }
      if (!objective.found()) return fit;
      fit.track = objective.best_track();
      value = millipede.solve(fit.track, pass.spacing, neglect_for(Precision::scan),
                              &objective.best_value(), energy_tolerance);
      ++fit.evaluations;
      if (value.llh > objective.best_value().llh - 10 * worthwhile) break;
    }
  }
  // The result with all light of the cascades that matter.
  millipede.refine(fit.track, neglect_for(Precision::result), millipede.screen(value, 0, -0.1),
                   1e-6, value);
  ++fit.evaluations;
  fit.llh = value.llh;
  fit.losses = value.cascades;
  fit.outcome = std::isfinite(value.llh) ? FitOutcome::done : FitOutcome::not_a_number;
  return fit;
}

}  // namespace skyscan

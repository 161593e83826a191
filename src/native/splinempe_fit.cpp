// Fits of splinempe: where to start, and the way down.
//
// The surface has kinks (where smearing sets in) and, far from the true direction, many minima. Two
// rough likelihoods tell where to look beside the seeds; from the most promising places a trust
// region method goes down. Its curvature is, far from the minimum, the sum of the squared scores,
// which is never negative; close to it, that one corrected by BFGS updates.

#include <algorithm>
#include <array>
#include <cmath>

#include "minimise.hpp"
#include "rough_track.hpp"
#include "splinempe.hpp"

namespace skyscan {
namespace {

using Column = dlib::matrix<double, 3, 1>;
using Square = dlib::matrix<double, 3, 3>;

constexpr double limit = 2000;       // m: |x|, |y|, |z| of a vertex
constexpr double outside = 1e12;     // llh out there
constexpr double first_radius = 50;  // m: of the trust region
constexpr double close_by = 30;      // m: steps short enough for BFGS updates
constexpr double settled = 0.02;     // llh: an improvement not worth another step
constexpr double rough_settled = 1;  // the same of rough likelihoods
constexpr double same_place = 3;     // m
constexpr double same_llh = 1;
constexpr long most_steps = 60;
constexpr long most_rough_steps = 30;
constexpr std::size_t most_descents = 8;
constexpr std::size_t least_descents = 3;  // where a coarser pixel's fit shows the way
constexpr double aside = 120;  // m: how far beside the middle of the pulses to start as well
// m: how far around the best point to look for another way down.
constexpr std::array<double, 3> probes = {20, 20, 6};

Column column(const Vec3& v) {
  Column x;
  x = v.x, v.y, v.z;
  return x;
}
Vec3 vector(const Column& x) { return {x(0), x(1), x(2)}; }
double distance(const Vec3& a, const Vec3& b) {
  return std::sqrt((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y) +
                   (a.z - b.z) * (a.z - b.z));
}

// A likelihood as a function of the vertex's position, in dlib's terms. `Evaluate` computes value
// and slope together; dlib asks for them one after the other at the same place.
template <typename Evaluate>
class Surface {
 public:
  using column_vector = Column;
  using general_matrix = Square;

  explicit Surface(Evaluate evaluate) : evaluate_(evaluate) {}

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
  void go(const Column& x) const {
    if (is_there_ && x == where_) return;
    where_ = x;
    is_there_ = true;
    if (dlib::max(dlib::abs(x)) > limit) {
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
  mutable Column where_, before_, gradient_before_;
  mutable Square hessian_;
  mutable SplineMpeSlope slope_ = {};
  mutable double value_ = 0;
  mutable bool is_there_ = false, has_before_ = false, is_updated_ = false;
};

struct Place {
  double llh;
  Vec3 position;
  double time;
};

// Stops when improvements get small, when it has taken long, or on the way into a minimum known.
class Stop {
 public:
  Stop(double settled, long steps, double time, const std::array<Place, most_descents>& known,
       std::size_t count, const Vec3& direction)
      : settled_(settled),
        steps_(steps),
        time_(time),
        known_(known),
        count_(count),
        direction_(direction) {}

  template <typename T>
  bool should_continue_search(const T& x, double value, const T&) {
    for (std::size_t i = 0; i < count_; ++i)
      if (std::fabs(value - known_[i].llh) < same_llh && is_same(vector(x), known_[i]))
        return false;
    const bool is_first = taken_ == 0;
    const double gain = before_ - value;
    before_ = value;
    return ++taken_ <= steps_ && (is_first || std::fabs(gain) > settled_);
  }

 private:
  // The same track, whatever point of it is the vertex.
  bool is_same(const Vec3& position, const Place& place) const {
    const double path = light_speed * (place.time - time_);
    const Vec3 moved{position.x + path * direction_.x, position.y + path * direction_.y,
                     position.z + path * direction_.z};
    return distance(moved, place.position) < same_place;
  }

  static constexpr double light_speed = 0.299792458;  // m/ns
  double settled_;
  long steps_;
  double time_;
  const std::array<Place, most_descents>& known_;
  std::size_t count_;
  Vec3 direction_;
  long taken_ = 0;
  double before_ = 0;
};

// A place to start from, found on a rough likelihood.
Track rough_start(const RoughTrack& rough, Track seed) {
  const Surface surface([&rough, &seed](const Vec3& position, SplineMpeSlope& slope) {
    Track track = seed;
    track.position = position;
    return rough.evaluate(track, slope);
  });
  Column x = column(seed.position);
  dlib::find_min_trust_region(dlib::objective_delta_stop_strategy(rough_settled, most_rough_steps),
                              surface, x, 2 * first_radius);
  seed.position = vector(x);
  return seed;
}

}  // namespace

SplineMpeFit SplineMpe::fit(const Track* seeds, std::size_t count) const {
  std::int64_t evaluations = 0;
  const Vec3 direction = seeds[0].direction;
  const auto value_at = [&](const Track& track) {
    ++evaluations;
    SplineMpeSlope slope;
    return evaluate(track, &slope);
  };

  struct Start {
    double llh;
    Track track;
  };
  std::array<Start, 13> starts;
  std::size_t started = 0;
  const auto add = [&](Track track) {
    Vec3& p = track.position;
    p = {std::clamp(p.x, -limit, limit), std::clamp(p.y, -limit, limit),
         std::clamp(p.z, -limit, limit)};
    track.direction = direction;
    starts[started++] = {value_at(track), track};
  };
  Track seed = seeds[0], other = seeds[count > 1 ? 1 : 0];
  other.direction = direction;
  add(seed);
  if (count > 1) add(other);
  add(rough_start(*plain_, seed));
  add(rough_start(*bright_, other));
  add(rough_start(*bright_, bright_->in_time(seed, {0, 0, 0})));
  // And around the middle, on two axes across the track.
  const Vec3 n = direction;
  const Vec3 level = std::fabs(n.z) < 0.9 ? Vec3{-n.y, n.x, 0} : Vec3{0, -n.z, n.y};
  const double length = distance(level, {0, 0, 0});
  const Vec3 u{level.x / length, level.y / length, level.z / length};
  const Vec3 v{n.y * u.z - n.z * u.y, n.z * u.x - n.x * u.z, n.x * u.y - n.y * u.x};
  const auto add_aside = [&](double right, double up) {
    add(bright_->in_time(seed,
                         {right * u.x + up * v.x, right * u.y + up * v.y, right * u.z + up * v.z}));
  };
  for (const double side : {-aside, aside}) {
    add_aside(side, 0);
    add_aside(0, side);
    if (count > 1) continue;
    add_aside(1.5 * side, 1.5 * side);
    add_aside(1.5 * side, -1.5 * side);
  }
  std::stable_sort(starts.begin(), starts.begin() + started,
                   [](const Start& a, const Start& b) { return a.llh < b.llh; });

  std::array<Place, most_descents> found;
  std::size_t descents = 0;
  const auto descend = [&](const Track& start) -> Place {
    const Surface surface([&](const Vec3& position, SplineMpeSlope& slope) {
      Track track = start;
      track.position = position;
      ++evaluations;
      return evaluate(track, &slope);
    });
    Column x = column(start.position);
    const double llh = dlib::find_min_trust_region(
        Stop(settled, most_steps, start.time, found, descents, direction), surface, x,
        first_radius);
    return {llh, vector(x), start.time};
  };
  Place best{starts[0].llh, starts[0].track.position, starts[0].track.time};
  for (std::size_t i = 0; i < started && descents < (count > 1 ? least_descents : most_descents);
       ++i) {
    const Place place = descend(starts[i].track);
    found[descents++] = place;
    if (place.llh < best.llh) best = place;
  }

  // A way down may end at an edge. Where a place around is lower, it goes on from there.
  descents = 0;
  for (const double probe : probes) {
    Start lowest{best.llh, {best.position, direction, best.time, seed.zenith, seed.azimuth}};
    const Track centre = lowest.track;
    for (const double step : {-probe, probe})
      for (const Vec3& way : {Vec3{step, 0, 0}, Vec3{0, step, 0}, Vec3{0, 0, step}}) {
        Track track = centre;
        track.position = {centre.position.x + way.x, centre.position.y + way.y,
                          centre.position.z + way.z};
        const double llh = value_at(track);
        if (llh < lowest.llh) lowest = {llh, track};
      }
    if (lowest.llh < best.llh) best = descend(lowest.track);
  }
  return {best.llh, best.position, best.time, evaluations};
}

}  // namespace skyscan

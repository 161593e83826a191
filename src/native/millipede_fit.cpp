#include "millipede_fit.hpp"

#include <algorithm>
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
constexpr double near_optimal = -5e-2;  // reduced gradient
// Where energy goes is sought with cascades this far apart.
constexpr double scout_stride = 15;  // m
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
            const MillipedeValue* start, double worthwhile, int& evaluations)
      : millipede_(millipede),
        origin_(origin),
        pass_(pass),
        worthwhile_(worthwhile),
        evaluations_(evaluations) {
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
      if (std::fabs(promise) < worthwhile_) throw Settled{};
    }
    if (left_-- <= 0) throw Settled{};
    ++evaluations_;
    const Track here = track(x);
    const bool screened = pass_.spacing >= scout_stride
                              ? true
                              : screen_ && std::fabs(here.time - screened_at_.time) < near_time &&
                                    far(here, screened_at_) < near_position;
    if (!screened) {
      screen_ = millipede_.scout(here, pass_.spacing, neglect_for(Precision::scan), &value_,
                                 scout_stride, near_position, near_optimal);
      screened_at_ = here;
    }
    if (!screened && !screen_) return 1e300;
    MillipedeValue next =
        millipede_.solve(here, pass_.spacing, neglect_for(Precision::scan), &value_,
                         energy_tolerance, pass_.spacing < scout_stride ? &*screen_ : nullptr);
    if (!next.placed || !std::isfinite(next.llh)) return 1e300;
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
  const double worthwhile_;
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

// --- Where to start ---

constexpr double speed_of_light = 0.299792458;  // m/ns
constexpr double phase_index = 1.3195;          // ice, 400 nm
constexpr double group_index = 1.35634;
const double tan_cherenkov = std::sqrt(phase_index * phase_index - 1);
const double sin_cherenkov = std::sqrt(1 - 1 / (phase_index * phase_index));

// The coarse search's grid across the track, and along time.
constexpr double grid_step = 40;            // m
constexpr double time_step = 60;            // ns
constexpr int earliest = -25, latest = 12;  // time steps about the mean time of the light
// Cascades further apart than this no longer follow the light's shape.
constexpr double coarse_spacing = 15;    // m
constexpr std::size_t most_places = 24;  // looked at with the likelihood
// Followed downhill at the coarse spacing: many a little, of which few further, and the best few at
// the first pass's spacing.
constexpr std::size_t most_starts = 8, most_basins = 3, most_finals = 2;
constexpr int start_evaluations = 7, basin_evaluations = 14;
constexpr double same_basin = 15;  // m: tracks closer than this end up in one place
constexpr double hopeless = 20;    // llh: a basin this much worse than the best is dropped
constexpr int most_rounds = 3;     // of polishing
constexpr double rippling = 0.1;   // llh: what a round of polishing must gain for another
constexpr double close = 3;        // llh: results this much worse than the best are polished too
// Scale of the coarse descent.
constexpr double coarse_step = 40;        // m
constexpr double coarse_time_step = 100;  // ns

// How badly first light fits direct and scattered Cherenkov light of the track displaced by (a, b)
// across and `delay` in time: early light is penalised like a Gaussian of 30 ns, late light like an
// exponential that widens with the distance; both level off, so that noise does not decide.
class FirstLightCost {
 public:
  FirstLightCost(const std::vector<FirstLight>& hits, const Track& track) {
    const Vec3& n = track.direction;
    const double h = std::hypot(n.x, n.y);
    u_ = h > 1e-6 ? Vec3{-n.y / h, n.x / h, 0} : Vec3{1, 0, 0};
    v_ = {n.y * u_.z - n.z * u_.y, n.z * u_.x - n.x * u_.z, n.x * u_.y - n.y * u_.x};
    double weight = 0;
    for (const FirstLight& hit : hits) {
      const Vec3 d{hit.position.x - track.position.x, hit.position.y - track.position.y,
                   hit.position.z - track.position.z};
      const auto dot = [&](const Vec3& e) { return d.x * e.x + d.y * e.y + d.z * e.z; };
      const double l = dot(n);
      hits_.push_back(
          {dot(u_), dot(v_), hit.time - track.time - l / speed_of_light, std::sqrt(hit.charge)});
      centre_[0] += hit.charge * hits_.back().a;
      centre_[1] += hit.charge * hits_.back().b;
      mean_time_ += hit.charge * hits_.back().time;
      weight += hit.charge;
    }
    for (double& c : centre_) c /= weight;
    mean_time_ /= weight;
  }

  double operator()(double a, double b, double delay) const {
    double cost = 0;
    for (const Hit& hit : hits_) {
      const double rho = std::hypot(hit.a - a, hit.b - b);
      const double direct =
          rho * (group_index / sin_cherenkov - 1 / tan_cherenkov) / speed_of_light;
      const double late = hit.time - direct - delay;
      const double width = 20 + 3 * rho;
      const double misfit = late < 0 ? late * late / (2 * 30 * 30) : late / width;
      cost += hit.weight * std::min(misfit + std::log(width / 20), 8.0);
    }
    return cost;
  }

  double mean_time() const { return mean_time_; }  // ns after the undisplaced track
  double centre(int axis) const { return centre_[axis]; }
  Vec3 across(double a, double b) const {
    return {a * u_.x + b * v_.x, a * u_.y + b * v_.y, a * u_.z + b * v_.z};
  }

 private:
  struct Hit {
    double a, b, time, weight;
  };
  Vec3 u_, v_;
  double centre_[2] = {0, 0}, mean_time_ = 0;
  std::vector<Hit> hits_;
};

// The seed, and the best places of a grid around the light where neighbours are worse.
std::vector<Track> starts(const Millipede& millipede, const Track& seed,
                          const MillipedePass& pass) {
  const FirstLightCost cost(millipede.first_light(), seed);
  const int n = static_cast<int>(std::ceil(pass.reach / grid_step)), side = 2 * n + 1;
  struct Place {
    double cost, a, b, delay;
  };
  const int times = latest - earliest + 1;
  std::vector<Place> grid;
  for (int i = -n; i <= n; ++i)
    for (int k = -n; k <= n; ++k)
      for (int t = earliest; t <= latest; ++t) {
        Place place{0, cost.centre(0) + i * grid_step, cost.centre(1) + k * grid_step,
                    cost.mean_time() + t * time_step};
        place.cost = cost(place.a, place.b, place.delay);
        grid.push_back(place);
      }
  const auto at = [&](int i, int k, int t) -> const Place& {
    return grid[static_cast<std::size_t>((i * side + k) * times + t)];
  };
  std::vector<Place> minima;
  for (int i = 0; i < side; ++i)
    for (int k = 0; k < side; ++k)
      for (int t = 0; t < times; ++t) {
        const Place& here = at(i, k, t);
        bool lowest = true;
        for (int p = std::max(0, i - 1); p <= std::min(side - 1, i + 1) && lowest; ++p)
          for (int q = std::max(0, k - 1); q <= std::min(side - 1, k + 1) && lowest; ++q)
            for (int r = std::max(0, t - 1); r <= std::min(times - 1, t + 1) && lowest; ++r)
              lowest = !(at(p, q, r).cost < here.cost);
        if (lowest) minima.push_back(here);
      }
  std::sort(minima.begin(), minima.end(),
            [](const Place& x, const Place& y) { return x.cost < y.cost; });
  if (minima.size() > most_places) minima.resize(most_places);

  std::vector<Track> tracks{seed};
  for (const Place& place : minima) {
    Track track = seed;
    const Vec3 shift = cost.across(place.a, place.b);
    track.position = {seed.position.x + shift.x, seed.position.y + shift.y,
                      seed.position.z + shift.z};
    if (pass.step[3] > 0) {
      track.time += place.delay;
    } else {  // the same track with its vertex at the time that stays
      const double length = -place.delay * speed_of_light;
      track.position.x += length * seed.direction.x;
      track.position.y += length * seed.direction.y;
      track.position.z += length * seed.direction.z;
    }
    tracks.push_back(track);
  }
  return tracks;
}

struct Settlement {
  bool found = false;
  Track track;
  MillipedeValue value;
};

// Downhill from a track; again from where it settled when, with all cascades looked at, that is
// better than it seemed.
Settlement settle(const Millipede& millipede, const Track& from, const MillipedePass& pass,
                  double worthwhile, double radius, int rounds, int& evaluations) {
  Settlement result{false, from, {}};
  for (int round = 0; round < rounds; ++round) {
    const Objective objective(millipede, result.track, pass, round > 0 ? &result.value : nullptr,
                              worthwhile, evaluations);
    Parameters x = dlib::zeros_matrix<double>(objective.size(), 1);
    try {
      dlib::find_min_trust_region(dlib::objective_delta_stop_strategy(worthwhile), objective, x,
                                  round == 0 ? radius : 0.1 * radius);
    } catch (const Settled&) {
    }
    if (!objective.found()) return result;
    result.found = true;
    result.track = objective.best_track();
    if (rounds == 1) {
      result.value = objective.best_value();
      return result;
    }
    result.value = millipede.solve(result.track, pass.spacing, neglect_for(Precision::scan),
                                   &objective.best_value(), energy_tolerance);
    ++evaluations;
    if (result.value.llh > objective.best_value().llh - 10 * worthwhile) break;
  }
  return result;
}

struct Place {
  Track track;
  double llh;
};

// How far apart two tracks of one direction are, across and in time [m].
double apart(const Track& a, const Track& b) {
  const Vec3& n = a.direction;
  const Vec3 d{a.position.x - b.position.x, a.position.y - b.position.y,
               a.position.z - b.position.z};
  const double along = d.x * n.x + d.y * n.y + d.z * n.z;
  const double square = d.x * d.x + d.y * d.y + d.z * d.z - along * along;
  const double late = (a.time - b.time) * speed_of_light - along;
  return std::sqrt(std::max(0.0, square) + late * late);
}

// Sorts best first, and keeps of places in one basin the best, of all at most `most`.
void choose(std::vector<Place>& places, std::size_t most) {
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.llh < b.llh; });
  std::vector<Place> chosen;
  for (const Place& place : places) {
    const bool known = std::any_of(chosen.begin(), chosen.end(), [&](const Place& better) {
      return apart(place.track, better.track) < same_basin;
    });
    if (!known && chosen.size() < most) chosen.push_back(place);
  }
  places = std::move(chosen);
}

// The most promising tracks near the seed, best first; none when no track has cascades inside the
// boundary.
std::vector<Track> explored(const Millipede& millipede, const Track& seed,
                            const MillipedePass& pass, int& evaluations) {
  std::vector<Place> places;
  for (const Track& track : starts(millipede, seed, pass)) {
    const MillipedeValue value =
        millipede.solve(track, coarse_spacing, neglect_for(Precision::scan), nullptr, 0.1);
    ++evaluations;
    if (value.placed && std::isfinite(value.llh)) places.push_back({track, value.llh});
  }
  MillipedePass coarse = pass;
  coarse.spacing = coarse_spacing;
  for (std::size_t axis = 0; axis < 4; ++axis)
    if (pass.step[axis] > 0) coarse.step[axis] = axis < 3 ? coarse_step : coarse_time_step;
  // Best first, one of each basin, at most `most`; then downhill.
  const auto descend = [&](std::size_t most, int steps, double radius) {
    choose(places, most);
    coarse.max_evaluations = steps;
    for (Place& place : places) {
      Settlement settled = settle(millipede, place.track, coarse, 0.5, radius, 1, evaluations);
      if (settled.found) place = {settled.track, settled.value.llh};
    }
  };
  descend(most_starts, start_evaluations, 1);
  descend(most_basins, basin_evaluations, 0.3);
  choose(places, most_finals);
  std::vector<Track> tracks;
  for (const Place& place : places)
    if (place.llh < places.front().llh + hopeless) tracks.push_back(place.track);
  return tracks;
}

// The cascades' places along the track make ripples in llh, which stop a descent early; deep ones
// where the direction is wrong. Over them: quadratics through points further apart than the ripples
// are, downhill, then the same track with its cascades elsewhere; again as long as that helps.
void polish(const Millipede& millipede, const MillipedePass& pass, Settlement& best,
            int& evaluations) {
  const auto follow = [&](const Track& from) {
    Settlement next = settle(millipede, from, pass, worthwhile, 1, 1, evaluations);
    if (!next.found || !(next.value.llh < best.value.llh)) return 0.0;
    const double gain = best.value.llh - next.value.llh;
    best = std::move(next);
    return gain;
  };
  for (int round = 0; round < most_rounds; ++round) {
    const double before = best.value.llh;
    {
      const Objective objective(millipede, best.track, pass, &best.value, 0, evaluations);
      Parameters x = dlib::zeros_matrix<double>(objective.size(), 1);
      const long n = objective.size();
      const Parameters bound = dlib::uniform_matrix<double>(n, 1, 1e3);
      const double radius = round % 2 == 0 ? 3.0 : 1.0;
      try {
        dlib::find_min_bobyqa(objective, x, 2 * n + 1, Parameters(-bound), bound, radius,
                              0.03 * radius, round == 0 ? 40 : 70);
      } catch (const Settled&) {
      } catch (const dlib::bobyqa_failure&) {  // its way to say that the evaluations are used up
      }
      if (objective.found() && objective.best_value().llh < best.value.llh) {
        best.track = objective.best_track();
        best.value = objective.best_value();
        follow(best.track);
      }
    }
    for (const double phase : {0.5, 0.25}) {
      Track shifted = best.track;
      const double length = pass.spacing * phase;
      shifted.position.x += length * shifted.direction.x;
      shifted.position.y += length * shifted.direction.y;
      shifted.position.z += length * shifted.direction.z;
      shifted.time += length / speed_of_light;
      follow(shifted);
    }
    if (before - best.value.llh < rippling) break;
  }
  // Values of a screened search miss what the others' light could do: look at all once more.
  best.value = millipede.solve(best.track, pass.spacing, neglect_for(Precision::scan), &best.value,
                               energy_tolerance);
  ++evaluations;
}

}  // namespace

MillipedeFit fit_millipede(const Millipede& millipede, const Track& seed,
                           const std::vector<MillipedePass>& passes) {
  MillipedeFit fit{FitOutcome::outside, seed, std::nan(""), {}, 0};
  if (!millipede.has_charge()) {
    fit.outcome = FitOutcome::dark;
    return fit;
  }
  if (passes.empty()) return fit;
  std::vector<Track> candidates{seed};
  if (passes.front().reach > 0) {
    candidates = explored(millipede, seed, passes.front(), fit.evaluations);
    if (candidates.empty()) return fit;
  }
  // Two passes from every candidate; the best few polished.
  std::vector<Settlement> settled;
  for (const Track& candidate : candidates) {
    Settlement next = settle(millipede, candidate, passes.front(), worthwhile,
                             passes.front().reach > 0 ? 0.1 : 1, 1, fit.evaluations);
    for (std::size_t i = 1; i < passes.size() && next.found; ++i)
      next = settle(millipede, next.track, passes[i], worthwhile, 1, 1, fit.evaluations);
    if (next.found) settled.push_back(std::move(next));
  }
  if (settled.empty()) return fit;
  std::sort(settled.begin(), settled.end(),
            [](const Settlement& a, const Settlement& b) { return a.value.llh < b.value.llh; });
  const double bar = settled.front().value.llh + close;
  Settlement best;
  for (Settlement& each : settled) {
    if (!(each.value.llh <= bar)) break;
    if (best.found && apart(each.track, best.track) < 1) continue;
    polish(millipede, passes.back(), each, fit.evaluations);
    if (!best.found || each.value.llh < best.value.llh) best = std::move(each);
  }
  // The result with all light of the cascades that matter.
  MillipedeValue& value = best.value;
  fit.track = best.track;
  millipede.refine(fit.track, neglect_for(Precision::result), millipede.screen(value, 0, -0.1),
                   1e-6, value);
  ++fit.evaluations;
  fit.llh = value.llh;
  fit.losses = value.cascades;
  fit.outcome = std::isfinite(value.llh) ? FitOutcome::done : FitOutcome::not_a_number;
  return fit;
}

}  // namespace skyscan

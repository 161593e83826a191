#include "millipede_fit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace skyscan {

namespace {

constexpr double speed_of_light = 0.299792458;  // m/ns
constexpr double phase_index = 1.3195;          // ice, 400 nm
constexpr double group_index = 1.35634;
const double tan_cherenkov = std::sqrt(phase_index * phase_index - 1);
const double sin_cherenkov = std::sqrt(1 - 1 / (phase_index * phase_index));

// While the vertex is this close to where all cascades were last looked at, only those of its
// screen are: those with energy, their neighbours as far, and those nearly as good.
constexpr double near_position = 6;     // m
constexpr double near_time = 15;        // ns
constexpr double near_optimal = -5e-2;  // reduced gradient
// Where energy goes is sought with cascades this far apart.
constexpr double scout_stride = 15;  // m
// Optimality of the energies during a fit, in llh.
constexpr double energy_tolerance = 1e-4;

// The coarse search's grid across the track, and along time.
constexpr double grid_step = 40;            // m
constexpr double time_step = 60;            // ns
constexpr int earliest = -25, latest = 12;  // time steps about the mean time of the light
// Cascades further apart than this no longer follow the light's shape.
constexpr double coarse_spacing = 15;    // m
constexpr std::size_t most_places = 24;  // looked at with the likelihood
// Followed downhill at the coarse spacing: many a little, of which few further, and the best few
// with the result's cascades.
constexpr std::size_t most_starts = 12, most_basins = 5, most_finals = 5;
constexpr int start_evaluations = 5, basin_evaluations = 7;
// The same where a neighbouring direction's minimum is known.
constexpr std::size_t passing_places = 8, passing_starts = 2;
constexpr double coarse_worthwhile = 0.5;  // llh: smaller steps are not taken with coarse cascades
constexpr double medium_worthwhile = 0.1;  // the same with cascades twice as far apart as wanted
constexpr double worthwhile = 1e-2;        // the same with the result's cascades
constexpr double same_basin = 15;          // m: tracks closer than this end up in one place
constexpr double hopeless = 60;            // llh: a basin this much worse than the best is dropped
constexpr double hopeless_finally = 8;     // llh: the same with cascades twice as far as wanted
constexpr double passing_hopeless = 100;   // llh: the same of a start, before it goes down
constexpr double close = 3;  // llh: results this much worse than the best are finished too
constexpr double coarse_radius = 40, fine_radius = 10;  // m: first steps
// How far a lit cascade may be from the boundary for others beyond it to be wished for.
constexpr double at_the_edge = 10;  // m
constexpr double rippling = 0.1;    // llh: less than this makes no difference
constexpr double contour = 0.3;     // llh: where the last looks around are taken
constexpr double longest_look = 8;  // m
constexpr int most_looks = 3;
constexpr double inside_by = 1e-6;  // m: safe from rounding
constexpr double time_scale = 5;    // ns that change as much as a metre across

using Three = std::array<double, 3>;

// Ways to move a track of one direction.
struct Ways {
  Vec3 shift[3];
  double delay[3];  // ns
};

struct Frame {
  explicit Frame(const Vec3& n) : along(n) {
    const double h = std::hypot(n.x, n.y);
    u = h > 1e-6 ? Vec3{-n.y / h, n.x / h, 0} : Vec3{1, 0, 0};
    v = {n.y * u.z - n.z * u.y, n.z * u.x - n.x * u.z, n.x * u.y - n.y * u.x};
  }
  Ways ways() const { return {{u, v, {0, 0, 0}}, {0, 0, time_scale}}; }
  // The same, the vertex staying in its plane across the axis x, y or z: where cascades are between
  // boundaries across that axis stays too.
  Ways ways_across(int axis) const {
    const auto part = [axis](const Vec3& a) { return axis == 0 ? a.x : axis == 1 ? a.y : a.z; };
    Ways ways = this->ways();
    for (int k = 0; k < 2; ++k) {
      const double back = part(ways.shift[k]) / part(along);
      ways.shift[k] = {ways.shift[k].x - back * along.x, ways.shift[k].y - back * along.y,
                       ways.shift[k].z - back * along.z};
      ways.delay[k] = -back / speed_of_light;
    }
    return ways;
  }
  Vec3 along, u, v;
};

Track moved(Track track, const Ways& ways, const Three& step) {
  for (std::size_t k = 0; k < 3; ++k) {
    track.position.x += step[k] * ways.shift[k].x;
    track.position.y += step[k] * ways.shift[k].y;
    track.position.z += step[k] * ways.shift[k].z;
    track.time += step[k] * ways.delay[k];
  }
  return track;
}

// The same track, its vertex elsewhere.
Track slid(Track track, double length) {
  track.position.x += length * track.direction.x;
  track.position.y += length * track.direction.y;
  track.position.z += length * track.direction.z;
  track.time += length / speed_of_light;
  return track;
}

double distance(const Track& a, const Track& b) {
  return std::hypot(a.position.x - b.position.x, a.position.y - b.position.y,
                    a.position.z - b.position.z);
}

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

struct Settlement {
  Track track{};
  MillipedeValue value;
  bool found() const { return value.placed; }
};

// llh with cascades at one spacing. Near where all cascades were last looked at, only those of the
// screen are.
class Surface {
 public:
  Surface(const Millipede& millipede, double spacing, const Millipede::Neglect& light,
          int& evaluations)
      : millipede_(millipede), spacing_(spacing), light_(light), evaluations_(evaluations) {}

  // Not placed where there is no likelihood. `previous` may be null.
  MillipedeValue at(const Track& track, const MillipedeValue* previous) {
    ++evaluations_;
    MillipedeValue value;
    if (spacing_ >= scout_stride) {
      value = millipede_.solve(track, spacing_, light_, previous, 10 * energy_tolerance);
    } else {
      if (!screen_ || std::fabs(track.time - screened_at_.time) >= near_time ||
          distance(track, screened_at_) >= near_position) {
        screen_ = millipede_.scout(track, spacing_, light_, previous, scout_stride, near_position,
                                   near_optimal);
        screened_at_ = track;
      }
      if (screen_)
        value = millipede_.solve(track, spacing_, light_, previous, energy_tolerance, &*screen_);
    }
    if (!std::isfinite(value.llh)) value.placed = false;
    return value;
  }
  const Millipede::Neglect& light() const { return light_; }
  void look_anew() { screen_.reset(); }

 private:
  const Millipede& millipede_;
  const double spacing_;
  const Millipede::Neglect light_;
  int& evaluations_;
  std::optional<Millipede::Screen> screen_;
  Track screened_at_{};
};

// Symmetric 3 x 3.
using Square = std::array<Three, 3>;

Three times(const Square& a, const Three& x) {
  Three y{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t k = 0; k < 3; ++k) y[i] += a[i][k] * x[k];
  return y;
}
double dot(const Three& a, const Three& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

// (a + damping) x = -slope; false where that matrix is not positive definite.
bool solve(Square a, double damping, const Three& slope, Three& x) {
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

// The slope along `ways`, and Gauss-Newton's curvature with the energies eliminated.
void derivatives(const Millipede& millipede, const Millipede::Neglect& light, const Ways& ways,
                 Settlement& at, Three& slope, Square& curvature) {
  millipede.differentiate(at.track, light, at.value);
  double way[3][4];
  for (int k = 0; k < 3; ++k) {
    const double one[4] = {ways.shift[k].x, ways.shift[k].y, ways.shift[k].z, ways.delay[k]};
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

struct Descent {
  double radius;      // of the first step [m]
  double worthwhile;  // llh
  int evaluations;
};

// Downhill: Gauss-Newton's curvature with the energies eliminated, and what it lacks learnt from
// slopes (J. Dennis, D. Gay, R. Welsch, ACM TOMS 7 (1981) 348), within a trusted radius.
// `stop(track, llh)` may end it after any step.
template <typename Stop>
void descend(const Millipede& millipede, Surface& surface, const Ways& ways, Descent limits,
             const Stop& stop, Settlement& at) {
  const auto differentiate = [&](Three& slope, Square& curvature) {
    derivatives(millipede, surface.light(), ways, at, slope, curvature);
  };
  Three slope;
  Square newton, rest{};
  differentiate(slope, newton);
  double radius = limits.radius;
  while (limits.evaluations > 0) {
    Square model = newton;
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t k = 0; k < 3; ++k) model[i][k] += rest[i][k];
    const double scale =
        std::fabs(newton[0][0]) + std::fabs(newton[1][1]) + std::fabs(newton[2][2]);
    Three step{};
    double damping = 1e-6 * scale + 1e-12;
    while (!(skyscan::solve(model, damping, slope, step) && dot(step, step) <= radius * radius)) {
      damping *= 3;
      if (!(damping < 1e12 * (1 + scale))) return;
    }
    const double promise = -dot(slope, step) - 0.5 * dot(step, times(model, step));
    if (!(promise > limits.worthwhile)) return;
    const Track next = moved(at.track, ways, step);
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
    if (stop(at.track, at.value.llh) || gain < 0.1 * limits.worthwhile) return;
    if (limits.evaluations == 0) return;
    const Three before = slope;
    differentiate(slope, newton);
    // The rest's update: symmetric, weighted with the change of slope, sized down first.
    Three change, lacking;
    for (std::size_t i = 0; i < 3; ++i) change[i] = slope[i] - before[i];
    const Three bent = times(newton, step);
    for (std::size_t i = 0; i < 3; ++i) lacking[i] = change[i] - bent[i];
    const Three known = times(rest, step);
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

// --- Where to start ---

// How badly first light fits direct and scattered Cherenkov light of the track displaced by (a, b)
// across and `delay` in time: early light is penalised like a Gaussian of 30 ns, late light like an
// exponential that widens with the distance; both level off, so that noise does not decide.
class FirstLightCost {
 public:
  FirstLightCost(const std::vector<FirstLight>& hits, const Frame& frame) : frame_(frame) {
    double weight = 0;
    for (const FirstLight& hit : hits) {
      const auto part = [&](const Vec3& e) {
        return hit.position.x * e.x + hit.position.y * e.y + hit.position.z * e.z;
      };
      const double l = part(frame.along);
      hits_.push_back(
          {part(frame.u), part(frame.v), hit.time - l / speed_of_light, std::sqrt(hit.charge)});
      centre_[0] += hit.charge * hits_.back().a;
      centre_[1] += hit.charge * hits_.back().b;
      centre_[2] += hit.charge * l;
      mean_time_ += hit.charge * hits_.back().time;
      weight += hit.charge;
    }
    for (double& c : centre_) c /= weight;
    mean_time_ /= weight;
  }

  double operator()(double a, double b, double time) const {
    double cost = 0;
    for (const Hit& hit : hits_) {
      const double x = hit.a - a, y = hit.b - b, rho = std::sqrt(x * x + y * y);
      const double direct =
          rho * (group_index / sin_cherenkov - 1 / tan_cherenkov) / speed_of_light;
      const double late = hit.time - direct - time;
      const double width = 20 + 3 * rho;
      const double misfit = late < 0 ? late * late / (2 * 30 * 30) : late / width;
      cost += hit.weight * std::min(misfit + std::log(width / 20), 8.0);
    }
    return cost;
  }

  double mean_time() const { return mean_time_; }  // ns, when tracks pass the origin's plane
  double centre(int axis) const { return centre_[axis]; }
  // The vertex is next to the middle of the light.
  Track track(Track like, double a, double b, double time) const {
    const double l = centre_[2];
    const Vec3 &u = frame_.u, &v = frame_.v, &n = frame_.along;
    like.position = {a * u.x + b * v.x + l * n.x, a * u.y + b * v.y + l * n.y,
                     a * u.z + b * v.z + l * n.z};
    like.time = time + l / speed_of_light;
    return like;
  }

 private:
  struct Hit {
    double a, b, time, weight;
  };
  Frame frame_;
  double centre_[3] = {0, 0, 0}, mean_time_ = 0;
  std::vector<Hit> hits_;
};

// The best places, at most `most`, of a grid around the light where neighbours are worse.
std::vector<Track> starts(const Millipede& millipede, const Track& like, const Frame& frame,
                          double reach, std::size_t most) {
  const FirstLightCost cost(millipede.first_light(), frame);
  const int n = static_cast<int>(std::ceil(reach / grid_step)), side = 2 * n + 1;
  struct Point {
    double cost, a, b, time;
  };
  const int times = latest - earliest + 1;
  std::vector<Point> grid;
  for (int i = -n; i <= n; ++i)
    for (int k = -n; k <= n; ++k)
      for (int t = earliest; t <= latest; ++t) {
        Point point{0, cost.centre(0) + i * grid_step, cost.centre(1) + k * grid_step,
                    cost.mean_time() + t * time_step};
        point.cost = cost(point.a, point.b, point.time);
        grid.push_back(point);
      }
  const auto at = [&](int i, int k, int t) -> const Point& {
    return grid[static_cast<std::size_t>((i * side + k) * times + t)];
  };
  std::vector<Point> minima;
  for (int i = 0; i < side; ++i)
    for (int k = 0; k < side; ++k)
      for (int t = 0; t < times; ++t) {
        const Point& here = at(i, k, t);
        bool lowest = true;
        for (int p = std::max(0, i - 1); p <= std::min(side - 1, i + 1) && lowest; ++p)
          for (int q = std::max(0, k - 1); q <= std::min(side - 1, k + 1) && lowest; ++q)
            for (int r = std::max(0, t - 1); r <= std::min(times - 1, t + 1) && lowest; ++r)
              lowest = !(at(p, q, r).cost < here.cost);
        if (lowest) minima.push_back(here);
      }
  std::sort(minima.begin(), minima.end(),
            [](const Point& x, const Point& y) { return x.cost < y.cost; });
  if (minima.size() > most) minima.resize(most);
  std::vector<Track> tracks;
  for (const Point& point : minima)
    tracks.push_back(cost.track(like, point.a, point.b, point.time));
  return tracks;
}

// Sorts best first, and keeps of places in one basin the best, of all at most `most`.
template <typename Place>
void choose(std::vector<Place>& places, std::size_t most) {
  std::stable_sort(places.begin(), places.end(),
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

// --- The way down, coarsely and finely ---

constexpr auto never = [](const Track&, double) { return false; };

class Finder {
 public:
  Finder(const Millipede& millipede, const Track& seed, const MillipedeSearch& search,
         int& evaluations)
      : millipede_(millipede), frame_(seed.direction), search_(search), evaluations_(evaluations) {}

  const Frame& frame() const { return frame_; }
  // From now on with the light of far cascades, too.
  void look_further() { light_ = neglect_for(Precision::wide_scan); }

  // llh with coarse cascades; infinite where there is none.
  double look(const Track& track) const {
    ++evaluations_;
    const MillipedeValue value = millipede_.solve(track, coarse_spacing, light_, nullptr, 0.1);
    return value.placed && std::isfinite(value.llh) ? value.llh
                                                    : std::numeric_limits<double>::infinity();
  }

  // Down with coarse cascades, not into the places known.
  template <typename Place>
  void descend_coarsely(Place& place, int evaluations, double radius,
                        const std::vector<Place>& known) const {
    Surface surface(millipede_, coarse_spacing, light_, evaluations_);
    Settlement at{place.track, surface.at(place.track, nullptr)};
    if (!at.found()) return;
    const auto stop = [&](const Track& track, double llh) {
      return std::any_of(known.begin(), known.end(), [&](const Place& other) {
        return llh >= other.llh && apart(track, other.track) < same_basin;
      });
    };
    descend(millipede_, surface, frame_.ways(), {radius, coarse_worthwhile, evaluations - 1}, stop,
            at);
    place = {at.track, at.value.llh};
  }

  // Down to the minimum next to where it is, with cascades so far apart.
  void settle(double spacing, double worthwhile, Settlement& at) const {
    Surface surface(millipede_, spacing, light_, evaluations_);
    at.value = surface.at(at.track, nullptr);
    if (at.found())
      descend(millipede_, surface, frame_.ways(),
              {fine_radius, worthwhile, search_.max_evaluations}, never, at);
  }

  // Where the cascades are along the track makes ripples in llh, and where light is wanted beyond
  // the boundary, it jumps as one leaves: best are those as far out as can be. The track's cascades
  // are put there, or between where they are, and the way down goes on.
  void finish(Settlement& best) const {
    Ways ways = frame_.ways();
    if (!put_cascades(best, ways)) return;
    Settlement other = best;
    look_around(ways, other);
    if (other.value.llh == best.value.llh) return;
    // With a screen, llh misses what the others' light could do: not quite the same everywhere.
    best.value = whole(best);
    other.value = whole(other);
    if (other.value.llh < best.value.llh) best = std::move(other);
  }

  // The result with all light of the cascades that matter; its vertex where the seed wants it.
  MillipedeFit result(Settlement best, const Track& seed) const {
    best.value = whole(best);
    MillipedeFit fit{FitOutcome::outside, seed, std::nan(""), {}, 0};
    if (!best.found()) return fit;
    millipede_.refine(best.track, neglect_for(Precision::result),
                      millipede_.screen(best.value, 0, -0.03), 1e-6, best.value);
    ++evaluations_;
    fit.track = best.track;
    fit.llh = best.value.llh;
    fit.losses = std::move(best.value.cascades);
    fit.outcome = std::isfinite(fit.llh) ? FitOutcome::done : FitOutcome::not_a_number;
    return fit;
  }

 private:
  // llh with all cascades looked at.
  MillipedeValue whole(const Settlement& at) const {
    ++evaluations_;
    return millipede_.solve(at.track, search_.spacing, light_, &at.value, energy_tolerance);
  }

  // `ways` becomes those in which the cascades stay where they are put. Returns whether it matters
  // where they are.
  bool put_cascades(Settlement& best, Ways& ways) const {
    const double spacing = search_.spacing;
    bool matters = false;
    for (int round = 0; round < 2; ++round) {
      const double before = best.value.llh;
      struct Shift {
        double length;
        int axis;  // of the boundary cascades keep their distance to; -1: none
      };
      std::vector<Shift> shifts;
      const auto inside = chord(best.track, millipede_.boundary());
      if (!inside) return matters;
      double lit_from = 1e9, lit_to = -1e9;
      for (const Cascade& c : best.value.cascades)
        if (c.energy > 0) {
          lit_from = std::min(lit_from, static_cast<double>(c.number) * spacing);
          lit_to = std::max(lit_to, static_cast<double>(c.number) * spacing);
        }
      if (lit_to > inside->last - at_the_edge) {
        const double wanted = inside->last - inside_by;
        shifts.push_back({wanted - std::floor(wanted / spacing) * spacing, axis_at(best, wanted)});
      }
      if (lit_from < inside->first + at_the_edge) {
        const double wanted = inside->first - 0.5 * spacing + inside_by;
        shifts.push_back(
            {wanted - std::ceil(wanted / spacing) * spacing, axis_at(best, inside->first)});
      }
      if (shifts.empty() && round > 0) return matters;
      const bool is_edged = !shifts.empty();
      if (round == 0) shifts.push_back({0.5 * spacing, -1});
      int axis = -1;
      Settlement chosen;
      Surface surface(millipede_, spacing, light_, evaluations_);
      for (const Shift& shift : shifts) {
        const Track track = slid(best.track, shift.length);
        surface.look_anew();
        MillipedeValue value = surface.at(track, &best.value);
        matters = matters || std::fabs(value.llh - best.value.llh) > 0.02;
        if (!value.placed || (chosen.found() && value.llh >= chosen.value.llh)) continue;
        chosen = {track, std::move(value)};
        axis = shift.axis;
      }
      if (!chosen.found()) return matters;
      if (chosen.value.llh > best.value.llh + (is_edged ? 0.5 : 0.05)) return matters;
      surface.look_anew();
      const Ways here = axis < 0 ? frame_.ways() : frame_.ways_across(axis);
      descend(millipede_, surface, here, {fine_radius, worthwhile, search_.max_evaluations}, never,
              chosen);
      if (chosen.value.llh < best.value.llh) {
        best = std::move(chosen);
        ways = here;
      }
      if (!(best.value.llh < before - rippling)) return matters;
    }
    return matters;
  }

  // Where the curvature says that llh is higher by `contour` it may be less: then the way down from
  // there is tried too.
  void look_around(const Ways& ways, Settlement& best) const {
    for (int round = 0; round < most_looks; ++round) {
      Three slope;
      Square curvature;
      derivatives(millipede_, light_, ways, best, slope, curvature);
      const double scale =
          std::fabs(curvature[0][0]) + std::fabs(curvature[1][1]) + std::fabs(curvature[2][2]);
      double factor[3][3];
      double damping = 1e-4 * scale + 1e-9;
      while (!root(curvature, damping, factor)) damping *= 4;
      Surface surface(millipede_, search_.spacing, light_, evaluations_);
      std::vector<Settlement> lower;
      for (int k = 0; k < 3; ++k)
        for (const double sign : {1.0, -1.0}) {
          // Backwards through the factor: all steps raise the quadratic by as much.
          Three step{};
          for (int i = 2; i >= 0; --i) {
            double sum = i == k ? sign * std::sqrt(2 * contour) : 0;
            for (int m = i + 1; m < 3; ++m) sum -= factor[m][i] * step[static_cast<std::size_t>(m)];
            step[static_cast<std::size_t>(i)] = sum / factor[i][i];
          }
          const double length = std::sqrt(dot(step, step));
          if (length > longest_look)
            for (double& part : step) part *= longest_look / length;
          Settlement there{moved(best.track, ways, step), {}};
          there.value = surface.at(there.track, &best.value);
          if (there.found() && there.value.llh < best.value.llh + 0.5 * contour)
            lower.push_back(std::move(there));
        }
      std::stable_sort(lower.begin(), lower.end(), [](const Settlement& a, const Settlement& b) {
        return a.value.llh < b.value.llh;
      });
      if (lower.size() > 2) lower.resize(2);
      const double before = best.value.llh;
      for (Settlement& each : lower) {
        descend(millipede_, surface, ways, {0.5 * fine_radius, worthwhile, 8}, never, each);
        if (each.value.llh < best.value.llh) best = std::move(each);
      }
      if (!(best.value.llh < before - 3 * worthwhile)) return;
    }
  }

  // Cholesky's factor of a + damping; false where it has none.
  static bool root(const Square& a, double damping, double (&factor)[3][3]) {
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t k = 0; k <= i; ++k) {
        double sum = a[i][k] + (i == k ? damping : 0);
        for (std::size_t m = 0; m < k; ++m) sum -= factor[i][m] * factor[k][m];
        if (i == k && !(sum > 0)) return false;
        factor[i][k] = i == k ? std::sqrt(sum) : sum / factor[k][k];
      }
    return true;
  }

  // The axis across which the boundary is where the track goes in or out, `length` from its vertex.
  int axis_at(const Settlement& at, double length) const {
    const Track end = slid(at.track, length);
    const double place[] = {std::fabs(end.position.x), std::fabs(end.position.y),
                            std::fabs(end.position.z)};
    return static_cast<int>(std::max_element(place, place + 3) - place);
  }

  const Millipede& millipede_;
  const Frame frame_;
  const MillipedeSearch& search_;
  Millipede::Neglect light_ = neglect_for(Precision::scan);
  int& evaluations_;
};

}  // namespace

MillipedeFit MillipedeFitter::fit(const Millipede& millipede, const Track& seed,
                                  const Track* fallback, const MillipedeSearch& search) {
  MillipedeFit none{FitOutcome::outside, seed, std::nan(""), {}, 0};
  if (!millipede.has_charge()) {
    none.outcome = FitOutcome::dark;
    return none;
  }
  int evaluations = 0;
  const Finder finder(millipede, seed, search, evaluations);
  const auto add = [&](std::vector<Place>& places, const Track& track) {
    const double llh = finder.look(track);
    if (std::isfinite(llh)) places.push_back({track, llh});
  };

  // Down from the best few with the result's cascades. Far from the light, tracks live on what the
  // search fades out.
  Finder further = finder;
  further.look_further();
  const auto finals = [&](std::vector<Place> places) {
    std::vector<Settlement> settled;
    const auto sort = [&] {
      std::erase_if(settled, [](const Settlement& each) { return !each.found(); });
      std::stable_sort(
          settled.begin(), settled.end(),
          [](const Settlement& a, const Settlement& b) { return a.value.llh < b.value.llh; });
    };
    choose(places, most_finals);
    {
      for (const Place& place : places) {
        if (place.llh > places.front().llh + hopeless) break;
        settled.push_back({place.track, {}});
        finder.settle(2 * search.spacing, medium_worthwhile, settled.back());
      }
      sort();
    }
    {
      const std::size_t all = settled.size();
      for (std::size_t i = 0; i < all; ++i) {
        if (i > 0 && settled[i].value.llh > settled[0].value.llh + hopeless_finally) {
          settled.resize(i);
          break;
        }
        if (i == 0) continue;
        if (apart(settled[i].track, settled[0].track) < 1) settled[i].value.placed = false;
      }
      sort();
      for (Settlement& each : settled) further.settle(search.spacing, worthwhile, each);
      sort();
    }
    if (settled.empty()) return none;
    const double bar = settled.front().value.llh + close;
    const Track first = settled.front().track;
    Settlement lowest;
    for (Settlement& each : settled) {
      if (!(each.value.llh <= bar)) break;
      if (lowest.found() && apart(each.track, first) < 1) continue;
      further.finish(each);
      if (!lowest.found() || each.value.llh < lowest.value.llh) lowest = std::move(each);
    }
    return further.result(std::move(lowest), seed);
  };

  // The vertex where the seed wants it, as far as cascades stay where they are.
  const auto placed = [&](MillipedeFit fit) {
    if (fit.outcome != FitOutcome::done) return fit;
    const Vec3 &n = seed.direction, &a = seed.position, &b = fit.track.position;
    const double length = search.keeps_time
                              ? (seed.time - fit.track.time) * speed_of_light
                              : (a.x - b.x) * n.x + (a.y - b.y) * n.y + (a.z - b.z) * n.z;
    fit.track = slid(fit.track, std::round(length / search.spacing) * search.spacing);
    return fit;
  };

  if (!(search.reach > 0)) {
    MillipedeFit fit = finals({{seed, 0}});
    fit.evaluations = evaluations;
    return placed(std::move(fit));
  }

  // The family of this direction, from all its starts.
  const bool is_known = known_ && known_->zenith == seed.zenith &&
                        known_->azimuth == seed.azimuth && known_->spacing == search.spacing &&
                        known_->reach == search.reach;
  std::vector<Place> own;
  {
    add(own, seed);
    if (fallback != nullptr) add(own, *fallback);
  }
  std::vector<Place> coarse;
  if (!is_known) {
    known_.reset();
    const bool in_passing = fallback != nullptr && !own.empty();
    std::vector<Place> places;
    {
      for (const Track& track : starts(millipede, seed, finder.frame(), search.reach,
                                       in_passing ? passing_places : most_places))
        add(places, track);
    }
    if (in_passing) {
      choose(own, 2);
      for (Place& place : own) {
        finder.descend_coarsely(place, start_evaluations, coarse_radius, coarse);
        coarse.push_back(place);
      }
      own.clear();
    }
    choose(places, in_passing ? passing_starts : most_starts);
    for (Place& place : places) {
      if (in_passing && place.llh > coarse.front().llh + passing_hopeless) continue;
      finder.descend_coarsely(place, start_evaluations, coarse_radius, coarse);
      coarse.push_back(place);
    }
    choose(coarse, most_basins);
    std::vector<Place> deeper;
    for (Place& place : coarse) {
      if (place.llh > coarse.front().llh + passing_hopeless) continue;
      finder.descend_coarsely(place, basin_evaluations, 0.3 * coarse_radius, deeper);
      deeper.push_back(place);
    }
    coarse = std::move(deeper);
    choose(coarse, most_basins);
  } else {
    coarse = known_->coarse;
  }
  // What the seed knows beyond that.
  std::vector<Place> news;
  {
    for (Place& place : own) {
      finder.descend_coarsely(place, start_evaluations, coarse_radius, coarse);
      const bool is_new = std::none_of(coarse.begin(), coarse.end(), [&](const Place& other) {
        return apart(place.track, other.track) < same_basin;
      });
      if (is_new && (coarse.empty() || place.llh < coarse.front().llh + hopeless))
        news.push_back(place);
    }
  }
  MillipedeFit best = none;
  if (is_known) {
    best = known_->best;
  } else if (!coarse.empty()) {
    best = finals(coarse);
    known_ = Known{seed.zenith, seed.azimuth, search.spacing, search.reach, coarse, best};
  }
  if (!news.empty()) {
    MillipedeFit other = finals(news);
    if (other.outcome == FitOutcome::done &&
        (best.outcome != FitOutcome::done || other.llh < best.llh))
      best = std::move(other);
  }
  best.evaluations = evaluations;
  return placed(std::move(best));
}

}  // namespace skyscan

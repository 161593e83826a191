#include "splinempe/free_direction.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

#include "base/errors.hpp"
#include "base/track_frame.hpp"
#include "minimise/simplex.hpp"
#include "minimise/trust_region.hpp"

namespace skyscan {
namespace {

// Along u, v and the track [m], then turns towards u and v [m at the end of the lever].
using Steps = std::array<double, 5>;

// The middle of the light, weighted by the square root of the charge: about it a track turns least
// in the likelihood's eyes.
Vec3 middle_of(const std::vector<FirstPulse>& pulses) {
  Vec3 sum{0, 0, 0};
  double total = 0;
  for (const FirstPulse& pulse : pulses) {
    const double weight = std::sqrt(std::fmax(pulse.charge, 0));
    sum = sum + weight * pulse.site.position;
    total += weight;
  }
  return total > 0 ? (1 / total) * sum : sum;
}

// Tracks around one, turned about the middle of the light.
class Surroundings {
 public:
  Surroundings(const SplineMpe& likelihood, const Track& centre, double lever)
      : middle_(middle_of(likelihood.pulses())),
        centre_(centre),
        frame_(centre.direction),
        lever_(lever) {
    centre_.time = likelihood.middle_time();
  }

  Track track(const Steps& x) const {
    const TrackFrame turned = frame(x);
    const Vec3 from = frame_.components(centre_.position - middle_);
    Track track = centre_;
    track.direction = turned.along;
    track.position = middle_ + turned.vector(from.x + x[0], from.y + x[1], from.z + x[2]);
    track.zenith = std::acos(std::clamp(-turned.along.z, -1.0, 1.0));
    track.azimuth = std::atan2(-turned.along.y, -turned.along.x);
    return track;
  }

  // The axes of the centre, carried along by the rotation that takes its direction to the track's.
  TrackFrame frame(const Steps& x) const {
    const double a = x[3] / lever_, b = x[4] / lever_, angle = std::hypot(a, b);
    TrackFrame turned = frame_;
    if (angle < 1e-12) return turned;
    const double c = std::cos(angle), s = std::sin(angle), cu = a / angle, cv = b / angle;
    const Vec3 towards = cu * frame_.u + cv * frame_.v;
    const Vec3 across = cu * frame_.v - cv * frame_.u;
    const Vec3 tipped = c * towards - s * frame_.along;
    turned.along = c * frame_.along + s * towards;
    turned.u = cu * tipped - cv * across;
    turned.v = cv * tipped + cu * across;
    return turned;
  }

 private:
  Vec3 middle_;
  Track centre_;
  TrackFrame frame_;
  double lever_;
};

// The likelihood of these tracks, with slopes: by place its own, by direction from differences.
class FreeSurface {
 public:
  FreeSurface(const SplineMpe& likelihood, const Surroundings& around,
              const FreeDirectionOptions& options)
      : likelihood_(likelihood), around_(around), options_(options) {}

  double value(const Steps& x) {
    const auto& [px, py, pz] = around_.track(x).position;
    if (std::fmax(std::fabs(px), std::fmax(std::fabs(py), std::fabs(pz))) > options_.search_limit)
      return std::nan("");
    return local_ = evaluate(x, true), local_.value;
  }

  Slopes<5> slopes(const Steps& x) {
    const double step = options_.difference * options_.lever;
    const Local here = local_;
    Slopes<5> found{};
    for (std::size_t k = 0; k < 3; ++k) {
      found.gradient[k] = here.gradient[k];
      for (std::size_t l = 0; l < 3; ++l) found.curvature[k][l] = here.scores[k][l];
    }
    std::array<double, 2> ahead{};
    for (std::size_t d = 3; d < 5; ++d) {
      Steps there = x;
      there[d] = x[d] + step;
      const Local up = evaluate(there, true);
      there[d] = x[d] - step;
      const Local down = evaluate(there, true);
      ahead[d - 3] = up.value - here.value;
      found.gradient[d] = (up.value - down.value) / (2 * step);
      found.curvature[d][d] = (up.value - 2 * here.value + down.value) / (step * step);
      for (std::size_t k = 0; k < 3; ++k)
        found.curvature[d][k] = found.curvature[k][d] =
            (up.gradient[k] - down.gradient[k]) / (2 * step);
    }
    Steps corner = x;
    corner[3] += step;
    corner[4] += step;
    const double mixed = evaluate(corner, false).value - here.value - ahead[0] - ahead[1];
    found.curvature[3][4] = found.curvature[4][3] = mixed / (step * step);
    return found;
  }

  double value_alone(const Steps& x) { return evaluate(x, false).value; }
  std::int64_t evaluations() const { return evaluations_; }

 private:
  // A value, its gradient and the scores by the three steps of place.
  struct Local {
    double value = 0;
    std::array<double, 3> gradient{};
    std::array<std::array<double, 3>, 3> scores{};
  };

  Local evaluate(const Steps& x, bool with_slope) {
    ++evaluations_;
    Local found;
    if (!with_slope) {
      found.value = likelihood_.evaluate(around_.track(x), nullptr);
      return found;
    }
    SplineMpeSlope slope;
    found.value = likelihood_.evaluate(around_.track(x), &slope);
    const TrackFrame frame = around_.frame(x);
    const std::array<Vec3, 3> axes{frame.u, frame.v, frame.along};
    const auto& s = slope.scores;
    for (std::size_t k = 0; k < 3; ++k) {
      const Vec3& a = axes[k];
      found.gradient[k] = dot(slope.gradient, a);
      const Vec3 turned{s.xx * a.x + s.xy * a.y + s.xz * a.z, s.xy * a.x + s.yy * a.y + s.yz * a.z,
                        s.xz * a.x + s.yz * a.y + s.zz * a.z};
      for (std::size_t l = 0; l < 3; ++l) found.scores[k][l] = dot(axes[l], turned);
    }
    return found;
  }

  const SplineMpe& likelihood_;
  const Surroundings& around_;
  const FreeDirectionOptions& options_;
  Local local_;
  std::int64_t evaluations_ = 0;
};

// The curvature at hand is the true one, and nothing is to be learnt.
struct AsGiven {
  using Column = trust_region::Column<5>;
  using Matrix = trust_region::Matrix<5>;
  Matrix first(const Matrix& given) { return given; }
  Matrix updated(const Column&, const Column&, const Matrix& given) { return given; }
};

struct Found {
  double llh;
  Track track;
};

// Counts what all of its parts have asked of the likelihood.
class FreeSearch {
 public:
  FreeSearch(const SplineMpe& likelihood, const FreeDirectionOptions& options)
      : likelihood_(likelihood), options_(options) {}

  // Down from one track: by slopes, or by a simplex, which kinks do not stop.
  Found descend(const Track& start) {
    const Surroundings around(likelihood_, start, options_.lever);
    FreeSurface surface(likelihood_, around, options_);
    const auto lowest = trust_region_minimum<5>(surface, Steps{}, AsGiven{},
                                                {.first_radius = options_.first_radius,
                                                 .least_gain = options_.least_gain,
                                                 .most_steps = options_.most_steps});
    evaluations_ += surface.evaluations();
    return {lowest.value, around.track(lowest.x)};
  }
  Found finish(const Found& start) {
    const Surroundings around(likelihood_, start.track, options_.lever);
    FreeSurface surface(likelihood_, around, options_);
    const double step = options_.simplex_step;
    const auto lowest = simplex_minimum<5>(
        [&](const Steps& x) { return surface.value_alone(x); }, {Steps{}, start.llh},
        {step, step, step, step, step}, {options_.simplex_evaluations, options_.simplex_tolerance});
    evaluations_ += surface.evaluations();
    return {lowest.value, around.track(lowest.x)};
  }

  // The lowest of what they lead to.
  Found lowest_from(const std::vector<Track>& starts) {
    std::vector<Found> ends;
    for (const Track& start : starts)
      if (const Found end = descend(start); std::isfinite(end.llh)) ends.push_back(end);
    if (ends.empty())
      throw BadInput("splinempe: the likelihood is defined at none of the tracks to start from");
    std::ranges::stable_sort(ends, {}, &Found::llh);
    const double limit = ends.front().llh + options_.finish_margin;
    const std::size_t count = std::min(ends.size(), options_.most_finished);
    Found best = ends.front();
    for (std::size_t i = 0; i < count && ends[i].llh < limit; ++i)
      if (const Found end = finish(ends[i]); end.llh < best.llh) best = end;
    return best;
  }

  // Whether the lowest one's direction has minima that lead to a lower one, which then is it.
  bool improve(Found& lowest, CoarseMaps& maps) {
    const Found before = lowest;
    const DirectionMinima found = minima_along(likelihood_, maps, before.track, true);
    evaluations_ += found.evaluations;
    std::vector<Track> starts;
    for (const Minimum& minimum : found.minima) {
      if (minimum.llh > before.llh + options_.follow_margin) continue;
      starts.push_back(before.track);
      starts.back().position = minimum.position;
    }
    if (starts.empty()) return false;
    if (const Found end = lowest_from(starts); end.llh < lowest.llh) lowest = end;
    return lowest.llh < before.llh - options_.least_gain;
  }

  // The Gaussian's covariance, from directions on a ring about the lowest: each with its best
  // place. The ring is made wider or narrower until the likelihood rises on it as is wanted. A ring
  // may lead to a lower track, which then is the one.
  DirectionCovariance covariance_about(Found& lowest) {
    double radius = options_.first_ring;
    std::optional<DirectionCovariance> covariance;
    for (int ring = 0; ring < options_.rings; ++ring) {
      const Found centre = lowest;
      const std::vector<double> rises = rises_on_ring(centre, radius, lowest);
      if (lowest.llh < centre.llh - options_.least_gain) {
        lowest = finish(lowest);
        --ring;
        if (++moves_ > most_moves) break;
        continue;
      }
      double mean = 0;
      for (const double rise : rises) mean += rise / static_cast<double>(rises.size());
      covariance = covariance_of(rises, radius);
      const double change = mean > 0 ? std::sqrt(options_.rise / mean) : 3.0;
      if (change > 0.8 && change < 1.25) break;
      radius = std::clamp(radius * std::clamp(change, 0.2, 5.0), options_.smallest_ring,
                          options_.largest_ring);
    }
    const double none = std::numeric_limits<double>::quiet_NaN();
    return covariance.value_or(DirectionCovariance{none, none, none});
  }

  std::int64_t evaluations() const { return evaluations_; }

 private:
  static constexpr int most_moves = 4;

  std::vector<double> rises_on_ring(const Found& centre, double radius, Found& lowest) {
    const Surroundings around(likelihood_, centre.track, options_.lever);
    std::vector<double> rises;
    for (int k = 0; k < options_.ring_directions; ++k) {
      const double angle = 2 * std::numbers::pi * k / options_.ring_directions;
      const double reach = radius * options_.lever;
      const Track track = around.track({0, 0, 0, reach * std::cos(angle), reach * std::sin(angle)});
      const DirectionMinima found =
          minima_beside(likelihood_, track, {{std::nan(""), track.position}});
      evaluations_ += found.evaluations;
      for (const Minimum& minimum : found.minima)
        if (minimum.llh < lowest.llh) {
          lowest = {minimum.llh, track};
          lowest.track.position = minimum.position;
        }
      rises.push_back(std::ranges::min_element(found.minima, {}, &Minimum::llh)->llh - centre.llh);
    }
    return rises;
  }

  // Of the parabola a + b cos(2 t) + c sin(2 t) through the rises: its linear terms cancel on
  // opposite sides. The frame's u and v are of the direction of travel: where it is turned by
  // (a, b) the origin moves by a towards growing azimuth and by -b towards smaller zenith.
  std::optional<DirectionCovariance> covariance_of(const std::vector<double>& rises,
                                                   double radius) const {
    double a = 0, b = 0, c = 0;
    const auto n = static_cast<double>(rises.size());
    for (std::size_t k = 0; k < rises.size(); ++k) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(k) / n;
      a += rises[k] / n;
      b += 2 * rises[k] * std::cos(2 * angle) / n;
      c += 2 * rises[k] * std::sin(2 * angle) / n;
    }
    // rise = (huu cos^2 + 2 huv cos sin + hvv sin^2) radius^2 / 2
    const double square = radius * radius;
    const double huu = 2 * (a + b) / square, hvv = 2 * (a - b) / square, huv = 2 * c / square;
    const double determinant = huu * hvv - huv * huv;
    if (!(huu > 0 && hvv > 0 && determinant > 0)) return std::nullopt;
    return DirectionCovariance{hvv / determinant, huv / determinant, huu / determinant};
  }

  const SplineMpe& likelihood_;
  const FreeDirectionOptions& options_;
  std::int64_t evaluations_ = 0;
  int moves_ = 0;
};

}  // namespace

FreeDirection free_direction(const SplineMpe& likelihood, CoarseMaps& maps,
                             const std::vector<Track>& starts,
                             const FreeDirectionOptions& options) {
  FreeSearch search(likelihood, options);
  Found lowest = search.lowest_from(starts);
  for (int n = 0; n < options.most_searches && search.improve(lowest, maps); ++n) {
  }
  const DirectionCovariance covariance = search.covariance_about(lowest);
  lowest.track.time = likelihood.middle_time();
  return {lowest.llh, lowest.track, covariance, search.evaluations()};
}

}  // namespace skyscan

#include "splinempe/coarse_map_view.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "minimise/distinct_minima.hpp"

namespace skyscan {
namespace {

const float by_rho = static_cast<float>(direct_delay_per_metre);
// Cosines that part the six sides above the middle: of 30 and 60 degrees.
constexpr float upper_side = 0.8660254f, middle_side = 0.5f;
constexpr std::size_t most_times = 200;

}  // namespace

CoarseMapView::CoarseMapView(const CoarseMap& map, const Vec3& direction)
    : map_(map),
      step_(static_cast<float>(map.scale().step)),
      earliest_(static_cast<float>(map.scale().earliest)),
      frame_(direction) {
  for (const CoarseMap::Dom& dom : map.doms()) {
    const auto [a, b, along] = frame_.components(dom.position - map.middle());
    a_.push_back(static_cast<float>(a));
    b_.push_back(static_cast<float>(b));
    residual_.push_back(static_cast<float>(dom.time - along / speed_of_light));
    edge_.push_back(static_cast<float>(dom.edge));
    rows_.push_back(dom.rows);
  }
}

float CoarseMapView::time_of(double share) const {
  std::vector<float> residuals = residual_;
  const auto at = residuals.begin() +
                  static_cast<std::ptrdiff_t>(share * static_cast<double>(residuals.size() - 1));
  std::nth_element(residuals.begin(), at, residuals.end());
  return *at;
}

std::vector<Passage> CoarseMapView::survey(float a, float b, double radius, double spacing,
                                           const std::function<float(float)>& first,
                                           float last) const {
  std::vector<Passage> found;
  float values[most_times];
  const double tracks = std::ceil(std::numbers::pi * radius * radius / (spacing * spacing));
  for (double i = 0; i < tracks; ++i) {
    // A sunflower's seeds: every turn by the golden angle, from -u to v.
    const double r = radius * std::sqrt((i + 0.5) / tracks);
    const double angle = i * std::numbers::pi * (3 - std::sqrt(5.0));
    const float right = a - static_cast<float>(r * std::cos(angle));
    const float up = b + static_cast<float>(r * std::sin(angle));
    const float start = first(static_cast<float>(r));
    const float steps = std::fmin((last - start) / step_, static_cast<float>(most_times - 1));
    const auto times = static_cast<std::size_t>(std::fmax(steps, 0.f)) + 1;
    profile(right, up, start, times, values);
    for (std::size_t k = 1; k + 1 < times; ++k)
      if (values[k] <= values[k - 1] && values[k] < values[k + 1])
        found.push_back({values[k], right, up, start + static_cast<float>(k) * step_});
  }
  sort_lowest_first(found, &Passage::llh);
  return found;
}

void CoarseMapView::follow(Passage& passage, double first, double last, double least_gain) const {
  constexpr std::size_t times = 9, here = times / 2;
  float values[times];
  float turn = 0;
  for (auto size = static_cast<float>(first); size > static_cast<float>(last); turn += 0.5f) {
    const Passage centre = passage;
    for (int i = 0; i < 6; ++i) {
      const float angle = turn + static_cast<float>(i * std::numbers::pi / 3);
      const float a = centre.a - size * std::cos(angle), b = centre.b + size * std::sin(angle);
      const float start = centre.time - static_cast<float>(here) * step_;
      profile(a, b, start, times, values);
      for (std::size_t k = 0; k < times; ++k)
        if (values[k] < passage.llh)
          passage = {values[k], a, b, start + static_cast<float>(k) * step_};
    }
    if (passage.llh > centre.llh - static_cast<float>(least_gain)) size /= 2;
  }
}

Vec3 CoarseMapView::place(const Passage& p, double time) const {
  return map_.middle() + frame_.vector(p.a, p.b, speed_of_light * (time - p.time));
}

// The row of a DOM rho off the track, y of it upwards; -1 where nothing is known; and the share of
// the next distance's row.
inline int CoarseMapView::row_at(std::size_t dom, float y, float rho, float& far) const {
  const float squares = rho * static_cast<float>(1 / CoarseMap::first_distance);
  const int nearest = static_cast<int>(
      std::min(std::sqrt(squares), static_cast<float>(CoarseMap::distances) - 1.001f));
  const float whole = static_cast<float>(nearest);
  far = std::min((squares - whole * whole) / (2 * whole + 1), 1.f);
  const int side = (y < upper_side * rho) + (y < middle_side * rho) + (y < 0) +
                   (y < -middle_side * rho) + (y < -upper_side * rho);
  return rho > edge_[dom] ? -1
                          : (side * static_cast<int>(CoarseMap::distances) + nearest) *
                                static_cast<int>(CoarseMap::residual_steps);
}

// -ln L of the track through (a, b) at `count` times from `start` on.
void CoarseMapView::profile(float a, float b, float start, std::size_t count, float* out) const {
  constexpr int last = static_cast<int>(CoarseMap::residual_steps) - 1;
  const std::size_t doms = a_.size();
  const float per_step = 1 / step_;
  const float offset = static_cast<float>(last) + (earliest_ + start) * per_step;
  // Each DOM's row, and the place in it that belongs to the first time.
  int row[CoarseMap::most_pulses], first[CoarseMap::most_pulses];
  float far[CoarseMap::most_pulses];
  for (std::size_t i = 0; i < doms; ++i) {
    const float x = a_[i] - a, y = b_[i] - b;
    const float rho = std::sqrt(x * x + y * y);
    row[i] = row_at(i, y, rho, far[i]);
    constexpr float far_away = 1e5f;  // from any row
    const float place = offset - (residual_[i] - rho * by_rho) * per_step;
    first[i] = static_cast<int>(std::min(std::max(place, -far_away), far_away) + far_away + 0.5f) -
               static_cast<int>(far_away);
  }
  std::fill_n(out, count, 0.f);
  float unknown = 0;
  const int n = static_cast<int>(count);
  for (std::size_t i = 0; i < doms; ++i) {
    if (row[i] < 0) {
      unknown += map_.outside();
      continue;
    }
    const std::int16_t* const near_row = rows_[i] + row[i];
    const std::int16_t* const far_row = near_row + CoarseMap::residual_steps;
    const float f = far[i], g = 1 - f;
    const auto at = [&](int k) {
      return g * static_cast<float>(near_row[k]) + f * static_cast<float>(far_row[k]);
    };
    // Beyond the row's ends its last numbers serve.
    const int begin = std::clamp(-first[i], 0, n);
    const int end = std::clamp(last + 1 - first[i], begin, n);
    if (begin > 0) {
      const float late = at(0);
      for (int k = 0; k < begin; ++k) out[k] += late;
    }
    for (int k = begin; k < end; ++k) out[k] += at(first[i] + k);
    if (end < n) {
      const float early = at(last);
      for (int k = end; k < n; ++k) out[k] += early;
    }
  }
  for (std::size_t k = 0; k < count; ++k) out[k] = CoarseMap::unit * out[k] + unknown;
}

}  // namespace skyscan

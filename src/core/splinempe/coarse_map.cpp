#include "splinempe/coarse_map.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/constants.hpp"
#include "base/track_frame.hpp"
#include "splinempe/likelihood.hpp"

namespace skyscan {
namespace {

const float by_rho = static_cast<float>(direct_delay_per_metre);
constexpr double after_pulse_delay = 2000;  // ns

// More pulses than this add little to a sketch: the brightest count.
constexpr std::size_t enough = 250;
// DOMs within this height [m] share their light.
constexpr double layer = 30;

// A DOM's rows: sides of the track, seen along it from top to bottom; distances 0, 1.5, 6, 13.5 ...
// 661 m; residuals.
constexpr std::size_t sides = 6, distances = 22, residual_steps = 200;
constexpr double first_distance = 1.5;
double distance_of(std::size_t i) { return first_distance * static_cast<double>(i * i); }
// Cosines that part the sides above the middle.
constexpr float upper_side = 0.8660254f, middle_side = 0.5f;

constexpr float unit = 1.f / 1024;  // of -ln L in the rows
constexpr double reach = 2.5;       // of the smearing, in sigmas

// The disc of tracks looked at, around the middle of the DOMs, and their spacing [m].
constexpr double radius = 550, spacing = 45;
// Times looked at: direct light from this distance [m] beyond the disc's middle would be later than
// all but the first share of the pulses, up to later than the second share.
constexpr float beyond = 300;
constexpr double early_share = 0.05, late_share = 0.7;
// Minima of the disc: none lower so near [m], at most so far above the lowest [llh], at most so
// many; and those still apart when they have been followed down.
constexpr double basin_size = 60, basin_margin = 80, basin_gap = 40;
constexpr std::size_t most_followed = 16, most_basins = 8;
constexpr double basin_finest = 8;  // m: last steps down
// Around each of them, a small disc looked at more closely: its size, spacing [m] and the times on
// either side [ns]; places there so far apart [m], at most so many.
constexpr double near_radius = 60, near_spacing = 10, near_gap = 15, near_finest = 2;
constexpr float near_times = 250;
constexpr std::size_t most_near = 12;
constexpr double same_place = 5;  // m

constexpr std::size_t most_times = 200;

std::int16_t rounded(double llh) {
  return static_cast<std::int16_t>(std::lrint(std::clamp(llh / unit, -32000.0, 32000.0)));
}

// DOMs of one layer, by the pulses that stand for all that are like them.
struct Layer {
  double height;
  std::vector<std::size_t> pulses;
  std::size_t first;  // set of rows
};

}  // namespace

TrackSketch::TrackSketch(const MuonLight& light, const std::vector<FirstPulse>& pulses,
                         const FirstPulseModel& model, const Scale& scale, double zenith)
    : scale_(scale), outside_(static_cast<float>(-std::log(model.floor()))) {
  std::vector<std::size_t> order(pulses.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return pulses[a].charge > pulses[b].charge;
  });
  if (order.size() > enough) order.resize(enough);
  const auto height = [&](std::size_t i) { return pulses[i].site.position.z; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return height(a) < height(b); });

  Vec3 sum{0, 0, 0};
  double total = 1e-9;
  std::vector<Layer> layers;
  std::vector<std::size_t> layer_of, set_of;  // of each DOM: its layer, its set of rows
  std::size_t sets = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    Layer found{0, {}, sets};
    for (; end < order.size() && height(order[end]) < height(order[begin]) + layer; ++end) {
      const FirstPulse& pulse = pulses[order[end]];
      const Vec3& p = pulse.site.position;
      const double weight = std::sqrt(std::fmax(pulse.charge, 0));
      sum = {sum.x + weight * p.x, sum.y + weight * p.y, sum.z + weight * p.z};
      total += weight;
      found.height += p.z;
      const auto alike = std::find_if(found.pulses.begin(), found.pulses.end(), [&](std::size_t i) {
        return model.are_alike(i, order[end]);
      });
      layer_of.push_back(layers.size());
      set_of.push_back(sets + static_cast<std::size_t>(alike - found.pulses.begin()));
      if (alike == found.pulses.end()) found.pulses.push_back(order[end]);
    }
    found.height /= static_cast<double>(end - begin);
    sets += found.pulses.size();
    layers.push_back(found);
  }
  middle_ = {sum.x / total, sum.y / total, sum.z / total};
  constexpr std::size_t length = sides * distances * residual_steps;
  values_.resize(sets * length);
  std::vector<double> edges(layers.size(), 0);

  const double step = scale.step;
  const auto margin = static_cast<std::size_t>(std::ceil(reach * scale.smearing / step));
  std::vector<double> kernel;
  double norm = 0;
  for (std::size_t i = 0; i <= 2 * margin; ++i) {
    const double x = (static_cast<double>(i) - static_cast<double>(margin)) * step / scale.smearing;
    kernel.push_back(std::exp(-0.5 * x * x));
    norm += kernel.back();
  }
  for (double& k : kernel) k /= norm;
  // Steps around the residuals, their ends, and the same ends one after-pulse before. Noise is
  // smooth: every so many of them will do.
  const std::size_t steps = residual_steps + 2 * margin;
  const auto shift = static_cast<std::size_t>(std::lround(after_pulse_delay / step));
  constexpr std::size_t stride = 4;
  const std::size_t ends = (shift + steps) / stride * stride + stride + 1;
  std::vector<double> times(ends), few_times, likelihoods(steps), direct(steps + 1), noise(ends);
  for (std::size_t i = 0; i < ends; ++i) {
    times[i] = scale.earliest + step * (static_cast<double>(i) - static_cast<double>(shift) -
                                        static_cast<double>(margin) - 0.5);
    if (i % stride == 0) few_times.push_back(times[i]);
  }
  std::vector<Timing> timing(steps + 1);
  const auto set_distributions = [&](const DomExpectation& expectation) {
    light.timing(expectation, MuonTiming::direct, &times[shift], steps + 1, timing.data());
    for (std::size_t i = 0; i <= steps; ++i) direct[i] = timing[i].cumulative;
    light.timing(expectation, MuonTiming::noise, few_times.data(), few_times.size(), timing.data());
    for (std::size_t i = 0; i < ends; ++i) {
      const double share = static_cast<double>(i % stride) / stride;
      const double now = timing[i / stride].cumulative;
      noise[i] = share == 0 ? now : now + share * (timing[i / stride + 1].cumulative - now);
    }
  };

  const Vec3 along{-std::sin(zenith), 0, -std::cos(zenith)};
  const Vec3 top{-std::cos(zenith), 0, std::sin(zenith)};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto& [depth, members, first] = layers[i];
    for (std::size_t side = 0; side < sides; ++side) {
      const double angle = std::numbers::pi * (static_cast<double>(side) + 0.5) / sides;
      DomExpectation expectation;
      const auto is_seen = [&](double distance) {
        const double down = -distance * std::cos(angle);
        const Track track{
            {down * top.x, distance * std::sin(angle), depth + down * top.z}, along, 0, zenith, 0};
        light.evaluate(track, {{0, 0, depth}, 1}, expectation);
        return expectation.inside;
      };
      double edge = std::numeric_limits<double>::infinity();
      if (!is_seen(distance_of(distances))) {
        edge = distance_of(distances);
        double inside = 0;
        while (edge - inside > 1e-3) {
          const double middle = (inside + edge) / 2;
          (is_seen(middle) ? inside : edge) = middle;
        }
        edge = inside;
      }
      edges[i] = std::fmax(edges[i], edge);
      for (std::size_t r = 0; r < distances; ++r) {
        const std::size_t row = (side * distances + r) * residual_steps;
        if (!is_seen(std::fmin(distance_of(r), edge))) {
          for (std::size_t k = 0; k < members.size(); ++k)
            std::fill_n(&values_[(first + k) * length + row], residual_steps, rounded(outside_));
          continue;
        }
        set_distributions(expectation);
        for (std::size_t k = 0; k < members.size(); ++k) {
          model.likelihoods(members[k], expectation, direct.data(), &noise[shift], noise.data(),
                            step, steps, likelihoods.data());
          for (std::size_t j = 0; j < residual_steps; ++j) {
            double smeared = 0;
            for (std::size_t i = 0; i < kernel.size(); ++i)
              smeared += kernel[i] * likelihoods[j + i];
            values_[(first + k) * length + row + residual_steps - 1 - j] =
                rounded(-std::log(static_cast<float>(smeared)));
          }
        }
      }
    }
  }
  for (std::size_t k = 0; k < order.size(); ++k)
    doms_.push_back({pulses[order[k]].site.position, pulses[order[k]].time, edges[layer_of[k]],
                     &values_[set_of[k] * length]});
}

namespace {

// A track that passes (a, b) across the direction, and the middle of the DOMs at this time.
struct Passage {
  float llh, a, b, time;
};

float squared_distance(const Passage& p, const Passage& q) {
  const float t = (p.time - q.time) * static_cast<float>(speed_of_light);
  const float a = p.a - q.a, b = p.b - q.b;
  return a * a + b * b + t * t;
}

bool is_near(const Passage& p, const Passage& q, double size) {
  return squared_distance(p, q) < static_cast<float>(size * size);
}

void sort_by_llh(std::vector<Passage>& passages) {
  std::sort(passages.begin(), passages.end(),
            [](const Passage& p, const Passage& q) { return p.llh < q.llh; });
}

// Of passages sorted by llh, those that are so far from each other.
std::vector<Passage> apart(const std::vector<Passage>& sorted, double gap, std::size_t most) {
  std::vector<Passage> chosen;
  for (const Passage& p : sorted) {
    if (chosen.size() == most) break;
    if (std::none_of(chosen.begin(), chosen.end(),
                     [&](const Passage& other) { return is_near(p, other, gap); }))
      chosen.push_back(p);
  }
  return chosen;
}

// Of passages sorted by llh, those that have no lower one near.
std::vector<Passage> basins(const std::vector<Passage>& sorted) {
  std::vector<Passage> chosen;
  for (auto p = sorted.begin(); p != sorted.end() && chosen.size() < most_followed; ++p) {
    if (p->llh > sorted[0].llh + static_cast<float>(basin_margin)) break;
    if (std::none_of(sorted.begin(), p,
                     [&](const Passage& lower) { return is_near(*p, lower, basin_size); }))
      chosen.push_back(*p);
  }
  return chosen;
}

}  // namespace

// A sketch from one direction.
class TrackSketch::View {
 public:
  View(const TrackSketch& sketch, const Vec3& direction)
      : sketch_(sketch),
        step_(static_cast<float>(sketch.scale_.step)),
        earliest_(static_cast<float>(sketch.scale_.earliest)),
        frame_(direction) {
    for (const Dom& dom : sketch.doms_) {
      const auto [a, b, along] = frame_.components(dom.position - sketch.middle_);
      a_.push_back(static_cast<float>(a));
      b_.push_back(static_cast<float>(b));
      residual_.push_back(static_cast<float>(dom.time - along / speed_of_light));
      edge_.push_back(static_cast<float>(dom.edge));
      rows_.push_back(dom.rows);
    }
  }

  // The time of a track through the middle after which this share of the pulses is earlier.
  float time_of(double share) const {
    std::vector<float> residuals = residual_;
    const auto at = residuals.begin() +
                    static_cast<std::ptrdiff_t>(share * static_cast<double>(residuals.size() - 1));
    std::nth_element(residuals.begin(), at, residuals.end());
    return *at;
  }

  // Local minima in time of tracks all over a disc around (a, b) [m], lowest first; times from
  // first(distance from its middle) to `last`.
  template <typename First>
  std::vector<Passage> survey(float a, float b, double size, double apart, First first,
                              float last) const {
    std::vector<Passage> found;
    float values[most_times];
    const double tracks = std::ceil(std::numbers::pi * size * size / (apart * apart));
    for (double i = 0; i < tracks; ++i) {
      // A sunflower's seeds: every turn by the golden angle, from -u to v.
      const double r = size * std::sqrt((i + 0.5) / tracks);
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
    sort_by_llh(found);
    return found;
  }

  // Down to the minimum nearby, with steps from the first size to the last [m].
  void follow(Passage& passage, double first, double finest) const {
    constexpr std::size_t times = 9, here = times / 2;
    float values[times];
    float turn = 0;
    for (auto size = static_cast<float>(first); size > static_cast<float>(finest); turn += 0.5f) {
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
      constexpr float settled = 0.1f;
      if (passage.llh > centre.llh - settled) size /= 2;
    }
  }

  Vec3 place(const Passage& p, double time) const {
    return sketch_.middle_ + frame_.vector(p.a, p.b, speed_of_light * (time - p.time));
  }

 private:
  // -ln L of the track through (a, b) at `count` times from `start` on.
  void profile(float a, float b, float start, std::size_t count, float* out) const {
    constexpr int last = static_cast<int>(residual_steps) - 1;
    const std::size_t doms = a_.size();
    const float per_step = 1 / step_;
    const float offset = static_cast<float>(last) + (earliest_ + start) * per_step;
    // Each DOM's row (-1: nothing is known), the place in it that belongs to the first time, and
    // the share of the row of the next distance.
    int row[enough], first[enough];
    float far[enough];
    for (std::size_t i = 0; i < doms; ++i) {
      const float x = a_[i] - a, y = b_[i] - b;
      const float rho = std::sqrt(x * x + y * y);
      const float squares = rho * static_cast<float>(1 / first_distance);
      const int nearest =
          static_cast<int>(std::min(std::sqrt(squares), static_cast<float>(distances) - 1.001f));
      const float whole = static_cast<float>(nearest);
      far[i] = std::min((squares - whole * whole) / (2 * whole + 1), 1.f);
      const int side = (y < upper_side * rho) + (y < middle_side * rho) + (y < 0) +
                       (y < -middle_side * rho) + (y < -upper_side * rho);
      row[i] = rho > edge_[i] ? -1
                              : (side * static_cast<int>(distances) + nearest) *
                                    static_cast<int>(residual_steps);
      constexpr float far_away = 1e5f;  // from any row
      const float place = offset - (residual_[i] - rho * by_rho) * per_step;
      first[i] =
          static_cast<int>(std::min(std::max(place, -far_away), far_away) + far_away + 0.5f) -
          static_cast<int>(far_away);
    }
    std::fill_n(out, count, 0.f);
    float unknown = 0;
    const int n = static_cast<int>(count);
    for (std::size_t i = 0; i < doms; ++i) {
      if (row[i] < 0) {
        unknown += sketch_.outside_;
        continue;
      }
      const std::int16_t* const near_row = rows_[i] + row[i];
      const std::int16_t* const far_row = near_row + residual_steps;
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
    for (std::size_t k = 0; k < count; ++k) out[k] = unit * out[k] + unknown;
  }

  const TrackSketch& sketch_;
  float step_, earliest_;
  TrackFrame frame_;
  // Of each DOM: across the track, and its time less that of the track's passing [ns].
  std::vector<float> a_, b_, residual_, edge_;
  std::vector<const std::int16_t*> rows_;
};

std::vector<Vec3> likely_places(const TrackSketch& coarse, const TrackSketch& fine,
                                const Track& track) {
  const TrackSketch::View view(coarse, track.direction), closer(fine, track.direction);
  const float low = view.time_of(early_share), high = view.time_of(late_share);
  const auto earliest = [&](float r) { return low - (r + beyond) * by_rho; };
  std::vector<Passage> found = basins(view.survey(0, 0, radius, spacing, earliest, high));
  for (Passage& passage : found) view.follow(passage, spacing / 2, basin_finest);
  sort_by_llh(found);

  std::vector<Vec3> places;
  for (const Passage& basin : apart(found, basin_gap, most_basins)) {
    const float start = basin.time - near_times;
    std::vector<Passage> near = apart(closer.survey(
                                          basin.a, basin.b, near_radius, near_spacing,
                                          [&](float) { return start; }, basin.time + near_times),
                                      near_gap, most_near);
    for (Passage& passage : near) closer.follow(passage, near_spacing / 2, near_finest);
    sort_by_llh(near);
    near = apart(near, same_place, most_near);
    if (near.empty()) near.push_back(basin);
    for (const Passage& passage : near) places.push_back(closer.place(passage, track.time));
  }
  return places;
}

}  // namespace skyscan

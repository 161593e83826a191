#include "splinempe/coarse_map_view.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "math/lanes.hpp"
#include "minimise/distinct_minima.hpp"

namespace skyscan {
namespace {

const float by_rho = static_cast<float>(direct_delay_per_metre);
// Cosines that part the six sides above the middle: of 30 and 60 degrees.
constexpr float upper_side = 0.8660254f, middle_side = 0.5f;
constexpr std::size_t most_times = 200;

constexpr int margin = static_cast<int>(CoarseMap::margin),
              after_last = static_cast<int>(CoarseMap::residual_steps);
typedef std::int16_t Short16 __attribute__((vector_size(32)));
constexpr std::size_t shorts = sizeof(Short16) / sizeof(std::int16_t);
static_assert(CoarseMap::margin >= shorts);
// Eight DOMs' rows add up to no more than a short integer holds.
static_assert(Lanes::count * (CoarseMap::most + 1) <= 32767);

// a b / 2^15, rounded.
[[gnu::always_inline]] inline Short16 scaled(const Short16& a, const Short16& b) {
#ifdef __AVX2__
  return Short16(_mm256_mulhrs_epi16(__m256i(a), __m256i(b)));
#else
  __m128i halves[2];
  std::memcpy(halves, &a, sizeof halves);
  // All of b's numbers are one.
  const __m128i by = _mm_set1_epi16(b[0]), one = _mm_set1_epi16(1);
  for (__m128i& half : halves) {
    const __m128i high = _mm_mulhi_epi16(half, by), low = _mm_mullo_epi16(half, by);
    const __m128i rest =
        _mm_add_epi16(_mm_srli_epi16(low, 15), _mm_and_si128(_mm_srli_epi16(low, 14), one));
    half = _mm_add_epi16(_mm_add_epi16(high, high), rest);
  }
  Short16 result;
  std::memcpy(&result, halves, sizeof result);
  return result;
#endif
}

[[gnu::always_inline]] inline Short16 load_shorts(const std::int16_t* from) {
  Short16 shorts;
  std::memcpy(&shorts, from, sizeof shorts);
  return shorts;
}

// Adds eight rows, and their neighbours' by these shares, to `count` totals, in blocks.
// `place(done, at)` says where in each row the block after so many begins.
template <typename Place>
[[gnu::always_inline]] inline void add_rows(const std::int16_t* const (&rows)[Lanes::count],
                                            const Short16 (&shares)[Lanes::count],
                                            std::size_t count, std::int32_t* total,
                                            const Place& place) {
  for (std::size_t done = 0; done < count; done += shorts, total += shorts) {
    std::int32_t at[Lanes::count];
    place(static_cast<int>(done), at);
    Short16 sum = {};
    for (std::size_t i = 0; i < Lanes::count; ++i) {
      const std::int16_t* const its = rows[i] + at[i];
      const Short16 here = load_shorts(its), next = load_shorts(its + CoarseMap::row_length);
      sum += here + scaled(next - here, shares[i]);
    }
    for (std::size_t m = 0; m < shorts; ++m) total[m] += sum[m];
  }
}

}  // namespace

class CoarseMapView::Profiles {
 public:
  void add(float a, float b, float start, std::size_t count) {
    list.push_back({a, b, start, count, total.size()});
    total.resize(total.size() + (count + shorts - 1) / shorts * shorts);
  }
  void clear() {
    list.clear();
    total.clear();
  }
  float value(const Profile& profile, std::size_t i) const {
    return CoarseMap::unit * static_cast<float>(total[profile.at + i]);
  }

  std::vector<Profile> list;
  std::vector<std::int32_t> total;
};

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
  // Far behind their own edges.
  while (a_.size() % Lanes::count != 0) {
    a_.push_back(1e6f);
    b_.push_back(0);
    residual_.push_back(0);
    edge_.push_back(0);
    rows_.push_back(nullptr);
  }
}

float CoarseMapView::time_of(double share) const {
  std::vector<float> residuals(residual_.begin(),
                               residual_.begin() + static_cast<std::ptrdiff_t>(map_.doms().size()));
  const auto at = residuals.begin() +
                  static_cast<std::ptrdiff_t>(share * static_cast<double>(residuals.size() - 1));
  std::nth_element(residuals.begin(), at, residuals.end());
  return *at;
}

std::vector<Passage> CoarseMapView::survey(float a, float b, double radius, double spacing,
                                           const std::function<float(float)>& first,
                                           float last) const {
  Profiles profiles;
  const double tracks = std::ceil(std::numbers::pi * radius * radius / (spacing * spacing));
  for (double i = 0; i < tracks; ++i) {
    // A sunflower's seeds: every turn by the golden angle, from -u to v.
    const double r = radius * std::sqrt((i + 0.5) / tracks);
    const double angle = i * std::numbers::pi * (3 - std::sqrt(5.0));
    const float start = first(static_cast<float>(r));
    const float steps = std::fmin((last - start) / step_, static_cast<float>(most_times - 1));
    profiles.add(a - static_cast<float>(r * std::cos(angle)),
                 b + static_cast<float>(r * std::sin(angle)), start,
                 static_cast<std::size_t>(std::fmax(steps, 0.f)) + 1);
  }
  evaluate(profiles);
  std::vector<Passage> found;
  for (const Profile& profile : profiles.list)
    for (std::size_t k = 1; k + 1 < profile.count; ++k) {
      const std::int32_t* const at = &profiles.total[profile.at + k];
      if (at[0] <= at[-1] && at[0] < at[1])
        found.push_back({profiles.value(profile, k), profile.a, profile.b,
                         profile.start + static_cast<float>(k) * step_});
    }
  sort_lowest_first(found, &Passage::llh);
  return found;
}

void CoarseMapView::follow(Passage& passage, double first, double last, double least_gain) const {
  constexpr std::size_t times = 9, here = times / 2;
  Profiles profiles;
  float turn = 0;
  for (auto size = static_cast<float>(first); size > static_cast<float>(last); turn += 0.5f) {
    const Passage centre = passage;
    profiles.clear();
    for (int i = 0; i < 6; ++i) {
      const float angle = turn + static_cast<float>(i * std::numbers::pi / 3);
      profiles.add(centre.a - size * std::cos(angle), centre.b + size * std::sin(angle),
                   centre.time - static_cast<float>(here) * step_, times);
    }
    evaluate(profiles);
    for (const Profile& profile : profiles.list)
      for (std::size_t k = 0; k < times; ++k)
        if (const float value = profiles.value(profile, k); value < passage.llh)
          passage = {value, profile.a, profile.b, profile.start + static_cast<float>(k) * step_};
    if (passage.llh > centre.llh - static_cast<float>(least_gain)) size /= 2;
  }
}

Vec3 CoarseMapView::place(const Passage& p, double time) const {
  return map_.middle() + frame_.vector(p.a, p.b, speed_of_light * (time - p.time));
}

// Adds the rows of eight DOMs for one track.
void CoarseMapView::add_doms(std::size_t first_dom, const Profile& profile,
                             std::int32_t* total) const {
  constexpr int last = static_cast<int>(CoarseMap::residual_steps) - 1;
  constexpr double per_distance = 1 / CoarseMap::first_distance;
  constexpr float far_away = 1e5f;  // from any row
  const float per_step = 1 / step_;
  const float offset = static_cast<float>(last) + (earliest_ + profile.start) * per_step;
  const Lanes x = load(&a_[first_dom]) - Lanes(profile.a),
              y = load(&b_[first_dom]) - Lanes(profile.b);
  const Lanes rho = root(x * x + y * y);
  // Distances go with the squares of whole numbers.
  const Lanes squares = rho * per_distance;
  const Integer8 near = __builtin_convertvector(
      lesser(root(squares), static_cast<double>(CoarseMap::distances) - 1.001).v, Integer8);
  const Lanes whole = __builtin_convertvector(near, Float8);
  const Lanes far = lesser((squares - whole * whole) / (2 * whole + 1), 1);
  // Each comparison that holds is -1.
  const Lanes upper = upper_side * rho, middle = middle_side * rho;
  const Integer8 side =
      -((y.v < upper.v) + (y.v < middle.v) + (y.v < 0) + (y.v < -middle.v) + (y.v < -upper.v));
  const Integer8 row = (side * static_cast<int>(CoarseMap::distances) + near) *
                       static_cast<int>(CoarseMap::row_length);
  const Integer8 is_unknown = rho.v > load(&edge_[first_dom]).v;
  const Lanes place = Lanes(offset) - (load(&residual_[first_dom]) - rho * by_rho) * per_step;
  const Integer8 first =
      __builtin_convertvector((clamped(place, -far_away, far_away) + (far_away + 0.5f)).v,
                              Integer8) -
      static_cast<int>(far_away);
  const Integer8 share = __builtin_convertvector((far * 32767).v, Integer8);

  const std::int16_t* rows[Lanes::count];
  Short16 shares[Lanes::count];
  for (std::size_t i = 0; i < Lanes::count; ++i) {
    rows[i] = (is_unknown[i] ? map_.outside() : rows_[first_dom + i] + row[i]) + margin;
    shares[i] = static_cast<std::int16_t>(share[i]) - Short16{};
  }
  const auto most = static_cast<int>((profile.count + shorts - 1) / shorts * shorts) - 1;
  const Integer8 is_beyond = (first < -margin) | (first + most >= after_last + margin);
  if (is_any(is_beyond)) {
    add_rows(rows, shares, profile.count, total, [&](int done, std::int32_t(&at)[Lanes::count]) {
      // Beyond the row's ends its last numbers serve: they fill the margins.
      Integer8 places = first + done;
      places = places < -margin ? Integer8{} - margin : places;
      places = places > after_last ? Integer8{} + after_last : places;
      std::memcpy(at, &places, sizeof places);
    });
    return;
  }
  std::int32_t begin[Lanes::count];
  std::memcpy(begin, &first, sizeof begin);
  for (std::size_t i = 0; i < Lanes::count; ++i) rows[i] += begin[i];
  add_rows(rows, shares, profile.count, total, [](int done, std::int32_t(&at)[Lanes::count]) {
    for (std::int32_t& each : at) each = done;
  });
}

// -ln L of many tracks. DOM after DOM: their rows are most of what moves through the caches.
void CoarseMapView::evaluate(Profiles& profiles) const {
  for (std::size_t dom = 0; dom < a_.size(); dom += Lanes::count)
    for (const Profile& profile : profiles.list)
      add_doms(dom, profile, &profiles.total[profile.at]);
}

}  // namespace skyscan

#include "rough_track.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "pandel.hpp"

namespace skyscan {
namespace {

constexpr double light_speed = 0.299792458;  // m/ns
constexpr double phase_index = 1.3195;
constexpr double group_index = 1.35634;
constexpr double jitter = 100;    // ns
constexpr double longest = 8000;  // ns
// Pandel parameters H2 (J. Ahrens et al., NIM A 524 (2004) 169) for light from the side.
constexpr double pandel_tau = 556.7, pandel_absorption = 98, pandel_lambda = 33.29;
constexpr double distance_slope = 0.8395, distance_offset = 3;  // m
// Density of pulses that have nothing to do with the track [1/ns].
constexpr double stray = 1e-6;
// More pulses than this add nothing to a rough picture: the brightest count.
constexpr std::size_t enough = 120;

// Of pulses in the middle of a track, this share is this early [ns] or earlier.
constexpr double early_share = 0.3, early_delay = 20;

constexpr double cosine = 1 / phase_index;
const double sine = std::sqrt(1 - cosine * cosine);
// Delay of direct light per metre of distance from the track.
const double by_rho = (group_index / sine - cosine / sine) / light_speed;

struct Delay {
  double delay, rho;
  Vec3 across;
};

Delay delay_of(const RoughPulse& pulse, const Track& track) {
  const Vec3 n = track.direction;
  const double x = pulse.position.x - track.position.x;
  const double y = pulse.position.y - track.position.y;
  const double z = pulse.position.z - track.position.z;
  const double l = x * n.x + y * n.y + z * n.z;
  const Vec3 across{x - l * n.x, y - l * n.y, z - l * n.z};
  const double rho =
      std::fmax(std::sqrt(across.x * across.x + across.y * across.y + across.z * across.z), 1e-3);
  return {pulse.time - track.time - l / light_speed - rho * by_rho, rho, across};
}

const ConvolutedPandel& table() {
  static const ConvolutedPandel pandel(
      1 / pandel_tau + light_speed / (group_index * pandel_absorption), jitter, longest);
  return pandel;
}

}  // namespace

RoughTrack::RoughTrack(const std::vector<FirstPulse>& pulses, Emphasis emphasis) {
  std::vector<FirstPulse> brightest = pulses;
  std::stable_sort(brightest.begin(), brightest.end(),
                   [](const auto& a, const auto& b) { return a.charge > b.charge; });
  if (brightest.size() > enough) brightest.resize(enough);
  for (const auto& pulse : brightest)
    pulses_.push_back({pulse.site.position, pulse.time, std::pow(pulse.charge, emphasis.weight),
                       std::fmax(1, std::pow(pulse.charge, emphasis.photons))});
}

Track RoughTrack::in_time(Track track, const Vec3& aside) const {
  Vec3 sum{0, 0, 0};
  double total = 0;
  for (const RoughPulse& pulse : pulses_) {
    sum.x += pulse.weight * pulse.position.x;
    sum.y += pulse.weight * pulse.position.y;
    sum.z += pulse.weight * pulse.position.z;
    total += pulse.weight;
  }
  track.position = {sum.x / total + aside.x, sum.y / total + aside.y, sum.z / total + aside.z};
  std::vector<std::pair<double, double>> residuals;
  for (const RoughPulse& pulse : pulses_)
    residuals.push_back({delay_of(pulse, track).delay, pulse.weight});
  std::sort(residuals.begin(), residuals.end());
  double passed = 0, residual = 0;
  for (const auto& [delay, weight] : residuals) {
    residual = delay;
    if ((passed += weight) >= early_share * total) break;
  }
  const double back = light_speed * (residual - early_delay);
  track.position.x -= back * track.direction.x;
  track.position.y -= back * track.direction.y;
  track.position.z -= back * track.direction.z;
  return track;
}

double RoughTrack::evaluate(const Track& track, SplineMpeSlope& slope) const {
  const ConvolutedPandel& pandel = table();
  const Vec3 n = track.direction;
  double sum = 0;
  Vec3 g{0, 0, 0};
  Symmetric3 h{0, 0, 0, 0, 0, 0};
  for (const RoughPulse& pulse : pulses_) {
    const auto [delay, rho, across] = delay_of(pulse, track);
    PandelPoint at;
    pandel.evaluate((distance_slope * rho + distance_offset) / pandel_lambda, &delay, 1, &at);
    const double rest = std::fmax(1 - at.cumulative, 1e-9);
    const double others = pulse.photons > 1 ? pulse.photons * std::pow(rest, pulse.photons - 1) : 1;
    const double density = at.density * others;
    const double hazard = (pulse.photons - 1) / rest;
    const double by_delay = others * (at.density_slope - hazard * at.density * at.density);
    const double by_shape =
        others * (at.density_by_shape - hazard * at.density * at.cumulative_by_shape);
    const double likelihood = density + stray;
    sum -= pulse.weight * std::log(likelihood);
    // The delay changes by n / c and by the distance's part, the shape by the distance's.
    const double along = by_delay / likelihood / light_speed;
    const double out =
        (by_delay * by_rho - by_shape * distance_slope / pandel_lambda) / (likelihood * rho);
    const Vec3 s{along * n.x + out * across.x, along * n.y + out * across.y,
                 along * n.z + out * across.z};
    const double w = pulse.weight;
    g.x -= w * s.x, g.y -= w * s.y, g.z -= w * s.z;
    h.xx += w * s.x * s.x, h.xy += w * s.x * s.y, h.xz += w * s.x * s.z;
    h.yy += w * s.y * s.y, h.yz += w * s.y * s.z, h.zz += w * s.z * s.z;
  }
  slope = {g, h};
  return sum;
}

}  // namespace skyscan

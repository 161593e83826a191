#include "splinempe/rough_likelihood.hpp"

#include <algorithm>
#include <cmath>

#include "splinempe/noise_mixture.hpp"
#include "splinempe/smearing.hpp"

namespace skyscan {

struct SmearingLanes {
  static constexpr std::size_t most_vectors = 3;
  std::size_t vectors;
  Lanes offset[most_vectors], weight[most_vectors];  // in units of sigma
};

namespace {

// The smearing's points: one vector of them, or two where the smearing is wide beside the timing's
// narrowest structure; all samples where light begins at once. In llh good to 1e-3, as the exact
// likelihood's own.
constexpr double wide_smearing = 0.8;  // in units of that structure's sigma

SmearingLanes lanes_of(const smearing::Rule& rule) {
  SmearingLanes lanes{(rule.points + Lanes::count - 1) / Lanes::count, {}, {}};
  for (std::size_t i = 0; i < lanes.vectors * Lanes::count; ++i) {
    // The last vector is filled up with points that do not count.
    const std::size_t n = std::min(i, rule.points - 1);
    lanes.offset[i / Lanes::count].v[i % Lanes::count] = static_cast<float>(rule.offset[n]);
    lanes.weight[i / Lanes::count].v[i % Lanes::count] =
        i == n ? static_cast<float>(rule.weight[n]) : 0;
  }
  return lanes;
}

const SmearingLanes& smearing_lanes(double sigma, double narrowest) {
  static const SmearingLanes narrow = lanes_of(smearing::gauss(Lanes::count)),
                             wide = lanes_of(smearing::gauss(2 * Lanes::count)),
                             all = lanes_of(smearing::all());
  if (!(narrowest > 0)) return all;
  return sigma <= wide_smearing * narrowest ? narrow : wide;
}

// m: the direction outward has a meaning from here.
constexpr double least_distance = 1e-3;

// PE: less is as little in single precision.
constexpr double least_charge = 1e-37;

// Least share of light that is left to come: so that its logarithm is a number.
constexpr double least_rest = 1e-30;

[[gnu::always_inline]] inline Lanes clamp01(const Lanes& x) { return clamped(x, 0, 1); }

// What competes with direct light, as in the exact likelihood, at eight DOMs or eight times at one.
struct NoiseLanes {
  NoiseMixtureLanes share;
  Lanes density, density_slope, cumulative;                    // noise
  Lanes after_density, after_density_slope, after_cumulative;  // and one after-pulse earlier
  Lanes flat_density, flat_cumulative;

  [[gnu::always_inline]] NoiseLanes of(std::size_t i) const {
    const auto one = [i](const Lanes& lanes) { return Lanes(lanes[i] - Float8{}); };
    return {{one(share.physics), one(share.random), one(share.after), one(share.structured)},
            one(density),
            one(density_slope),
            one(cumulative),
            one(after_density),
            one(after_density_slope),
            one(after_cumulative),
            one(flat_density),
            one(flat_cumulative)};
  }
};

// The likelihood of eight DOMs, or of one at eight times, and what its derivatives need: see
// SplineMpe::SmearedSums.
struct SumLanes {
  Lanes likelihood;
  Lanes by_residual;
  Lanes by_density, by_cumulative;
  Lanes physics, random, after;
  Lanes by_parameter[TimingLanes::most_parameters];
};
constexpr Lanes SumLanes::*sums_parts[] = {
    &SumLanes::likelihood, &SumLanes::by_residual, &SumLanes::by_density, &SumLanes::by_cumulative,
    &SumLanes::physics,    &SumLanes::random,      &SumLanes::after};

template <std::size_t parameters>
[[gnu::always_inline]] inline SumLanes added(const SumLanes& a, const SumLanes& b) {
  SumLanes all;
  all.likelihood = a.likelihood + b.likelihood;
  if constexpr (parameters == 0) return all;
  for (const auto part : sums_parts) all.*part = a.*part + b.*part;
  for (std::size_t k = 0; k < parameters; ++k)
    all.by_parameter[k] = a.by_parameter[k] + b.by_parameter[k];
  return all;
}

// The sums over lanes, as one of eight.
template <std::size_t parameters>
[[gnu::always_inline]] inline void put_sums(const SumLanes& from, std::size_t i, SumLanes& to) {
  to.likelihood.v[i] = skyscan::sum(from.likelihood);
  if constexpr (parameters == 0) return;
  for (const auto part : sums_parts) (to.*part).v[i] = skyscan::sum(from.*part);
  for (std::size_t k = 0; k < parameters; ++k)
    to.by_parameter[k].v[i] = skyscan::sum(from.by_parameter[k]);
}

// `parameters`: of the light, that slopes are by; 0: no slopes.
template <std::size_t parameters>
[[gnu::always_inline]] inline SumLanes likelihoods_of(const Lanes& weight, const Lanes& offset,
                                                      const TimingLanes& direct,
                                                      const NoiseLanes& noise,
                                                      const Lanes& photons) {
  const NoiseMixtureLanes& share = noise.share;
  const Lanes p = greater(direct.density, 0), c = clamp01(direct.cumulative);
  const Lanes s = share.structured, flat = 1 - s;
  const Lanes r =
      s * greater(noise.density + offset * noise.density_slope, 0) + flat * noise.flat_density;
  const Lanes rc =
      s * clamp01(noise.cumulative + offset * noise.density) + flat * noise.flat_cumulative;
  const Lanes a = greater(noise.after_density + offset * noise.after_density_slope, 0);
  const Lanes ac = clamp01(noise.after_cumulative + offset * noise.after_density);
  const Lanes density = share.physics * p + share.random * r + share.after * a;
  const Lanes cumulative = clamp01(share.physics * c + share.random * rc + share.after * ac);

  // The first of so many photons.
  const Lanes rest = greater(1 - cumulative, least_rest);
  const Lanes others = exponential_of((photons - 1) * logarithm_of(rest));
  const Lanes by_density = photons * others;
  SumLanes sums;
  sums.likelihood = weight * (density * by_density + SplineMpeSetting::noise_rate);
  if constexpr (parameters == 0) return sums;
  const Lanes lp = weight * by_density;
  // Before all light nothing depends on how much has come.
  const Lanes lc = chosen(cumulative.v > 0, -1.0 * (lp * (photons - 1) * density / rest), 0);
  sums.by_density = lp;
  sums.by_cumulative = lc;
  sums.by_residual = share.physics * (lp * direct.density_slope + lc * direct.density);
  for (std::size_t k = 0; k < parameters; ++k)
    sums.by_parameter[k] =
        share.physics * (lp * direct.density_by[k] + lc * direct.cumulative_by[k]);
  sums.physics = lp * p + lc * c;
  sums.random = lp * r + lc * rc;
  sums.after = lp * a + lc * ac;
  return sums;
}

// Noise and light one after-pulse earlier, with what slopes need of them.
struct Competitors {
  TimingLanes times[2];      // now, and one after-pulse earlier
  NoiseMixtureLanes by_log;  // of the shares, by the logarithm of the expected charge
};

// Derivatives of eight likelihoods by all that the light says.
struct LightSlopes {
  Lanes by_residual, by_charge;  // charge: by its logarithm
  Lanes by_parameter[TimingLanes::most_parameters];
};

// Through the direct light, the noise, and the expected charge, which the shares depend on.
template <std::size_t parameters>
[[gnu::always_inline]] inline LightSlopes light_slopes(const SumLanes& sums,
                                                       const NoiseLanes& noise,
                                                       const Competitors& of) {
  const auto& [now, after] = of.times;
  const NoiseMixtureLanes &share = noise.share, &by_log = of.by_log;
  const Lanes s = share.random * share.structured;
  const Lanes contrast = sums.by_density * (now.density - noise.flat_density) +
                         sums.by_cumulative * (now.cumulative - noise.flat_cumulative);
  LightSlopes slopes;
  slopes.by_residual =
      sums.by_residual +
      s * (sums.by_density * now.density_slope + sums.by_cumulative * now.density) +
      share.after * (sums.by_density * after.density_slope + sums.by_cumulative * after.density);
  slopes.by_charge = by_log.physics * sums.physics + by_log.random * sums.random +
                     by_log.after * sums.after + share.random * by_log.structured * contrast;
  for (std::size_t k = 0; k < parameters; ++k)
    slopes.by_parameter[k] =
        sums.by_parameter[k] +
        s * (sums.by_density * now.density_by[k] + sums.by_cumulative * now.cumulative_by[k]) +
        share.after *
            (sums.by_density * after.density_by[k] + sums.by_cumulative * after.cumulative_by[k]);
  return slopes;
}

// Where eight DOMs are across the track: outward directions along u and v, and their height.
struct Across {
  Lanes rho, per_rho, du, dv, outward_z;

  [[gnu::always_inline]] Across(const Lanes& a, const Lanes& b, const TrackFrame& frame)
      : rho(greater(root(a * a + b * b), least_distance)),
        per_rho(inverse(rho)),
        du(a * per_rho),
        dv(b * per_rho),
        outward_z(du * frame.u.z + dv * frame.v.z) {}
};

// Sums over DOMs, in the frame's coordinates.
struct SlopeSums {
  Vec3 gradient{0, 0, 0};
  Symmetric3 scores{0, 0, 0, 0, 0, 0};

  // `scale`: what counts of each, over its likelihood.
  [[gnu::always_inline]] void add(const Lanes& by_residual, const ViewSlopes& by, const Across& at,
                                  const TrackFrame& frame, double delay, const Lanes& scale) {
    // As the track moves by one metre along u, v or itself, rho changes by -du, -dv, 0, heights by
    // -u.z, -v.z, 0, and the outward direction turns by dv, -du, 0 over rho.
    const Lanes by_rho = by.by_rho - by_residual * delay, turn = by.by_angle * at.per_rho;
    const Lanes by_u = by_rho * at.du + by.by_above * frame.u.z - turn * at.dv;
    const Lanes by_v = by_rho * at.dv + by.by_above * frame.v.z + turn * at.du;
    const Lanes gu = scale * by_u, gv = scale * by_v;  // of -ln L
    const Lanes gn = -1 / speed_of_light * (scale * by_residual);
    const auto total = [](const Lanes& lanes) { return static_cast<double>(sum(lanes)); };
    gradient = gradient + Vec3{total(gu), total(gv), total(gn)};
    scores.xx += total(gu * gu);
    scores.xy += total(gu * gv);
    scores.xz += total(gu * gn);
    scores.yy += total(gv * gv);
    scores.yz += total(gv * gn);
    scores.zz += total(gn * gn);
  }
};

// The likelihoods of eight DOMs, each smeared where the exact one is.
template <std::size_t parameters>
SumLanes smeared_likelihoods(const SplineMpeSetting& setting, const SmearingLanes& smearing,
                             RoughTrack& light, const Integer8& is_known, const Lanes& residual,
                             const NoiseLanes& noise, const Lanes& photons) {
  constexpr bool with_slopes = parameters > 0;
  const Integer8 is_smeared = is_known &
                              (residual.v <= static_cast<float>(setting.latest_smeared)) &
                              (residual.v >= static_cast<float>(setting.earliest_smeared()));
  SumLanes sums{};
  if (is_any(~is_smeared)) {
    TimingLanes times;
    light.direct(residual, with_slopes, times);
    sums = likelihoods_of<parameters>(1, 0, times, noise, photons);
  }
  for (std::size_t i = 0; i < Lanes::count; ++i) {
    if (!is_smeared[i]) continue;
    const NoiseLanes its = noise.of(i);
    const Lanes its_photons = photons[i] - Float8{};
    Lanes offsets[SmearingLanes::most_vectors], residuals[SmearingLanes::most_vectors];
    for (std::size_t k = 0; k < smearing.vectors; ++k) {
      offsets[k] = smearing.offset[k] * setting.jitter;
      residuals[k] = offsets[k] + Lanes(residual[i] - Float8{});
    }
    TimingLanes times[SmearingLanes::most_vectors];
    light.direct_of(i, residuals, smearing.vectors, with_slopes, times);
    SumLanes whole{};
    for (std::size_t k = 0; k < smearing.vectors; ++k) {
      const SumLanes parts =
          likelihoods_of<parameters>(smearing.weight[k], offsets[k], times[k], its, its_photons);
      whole = k == 0 ? parts : added<parameters>(whole, parts);
    }
    put_sums<parameters>(whole, i, sums);
  }
  return sums;
}

// From the frame's coordinates to the detector's.
SplineMpeSlope turned_to_detector(const Vec3& g, const Symmetric3& s, const TrackFrame& frame) {
  const auto out = [&](const Vec3& a) { return frame.vector(a.x, a.y, a.z); };
  // Column by column, then row by row.
  const Vec3 x = out({s.xx, s.xy, s.xz}), y = out({s.xy, s.yy, s.yz}), z = out({s.xz, s.yz, s.zz});
  const Vec3 first = out({x.x, y.x, z.x}), second = out({x.y, y.y, z.y}),
             third = out({x.z, y.z, z.z});
  return {out(g), {first.x, first.y, first.z, second.y, second.z, third.z}};
}

}  // namespace

RoughSplineMpe::RoughSplineMpe(const SplineMpe& exact, const RoughMuon& light, const Track& track)
    : setting_(exact.setting()),
      frame_(track.direction),
      light_(light.along(frame_, track.zenith, {setting_.bare_factor, setting_.energy},
                         exact.rough_scratch())),
      origin_(exact.pulses()[0].site.position),
      smearing_(&smearing_lanes(setting_.jitter, exact.light().narrowest_timing())) {
  const std::vector<FirstPulse>& pulses = exact.pulses();
  constexpr std::size_t lanes = Lanes::count;
  groups_.resize((pulses.size() + lanes - 1) / lanes);
  for (std::size_t i = 0; i < groups_.size() * lanes; ++i) {
    const std::size_t n = std::min(i, pulses.size() - 1), k = i % lanes;
    const FirstPulse& pulse = pulses[n];
    const Vec3 at = frame_.components(pulse.site.position - origin_);
    Pulses& group = groups_[i / lanes];
    const auto set = [k](Lanes& of, double number) { of.v[k] = static_cast<float>(number); };
    set(group.a, at.x);
    set(group.b, at.y);
    set(group.along, at.z);
    set(group.height, pulse.site.position.z);
    set(group.efficiency, pulse.site.efficiency);
    set(group.time, pulse.time - setting_.middle_time);
    set(group.photons, static_cast<double>(std::max<std::int64_t>(setting_.photons[n], 1)));
    set(group.flat_cumulative, (pulse.time - setting_.start) / setting_.window);
    set(group.counts, i < pulses.size() ? 1 : 0);
  }
}

double RoughSplineMpe::evaluate(const Vec3& position, SplineMpeSlope* slope) const {
  const Vec3 from = frame_.components(position - origin_);
  const double llh = slope == nullptr            ? sum<0>(from, nullptr)
                     : light_->parameters() == 2 ? sum<2>(from, slope)
                                                 : sum<3>(from, slope);
  return std::isfinite(llh) ? llh : SplineMpeSetting::llh_where_undefined;
}

template <std::size_t parameters>
double RoughSplineMpe::sum(const Vec3& from, SplineMpeSlope* slope) const {
  constexpr bool with_slopes = parameters > 0;
  const double delay = light_->delay_per_metre();
  double llh = 0;
  SlopeSums slopes;
  for (const Pulses& group : groups_) {
    const Across at(group.a - from.x, group.b - from.y, frame_);
    const auto [is_known, charge] = light_->look(
        {at.rho, at.du, at.dv, at.rho * at.outward_z, group.height, group.efficiency}, with_slopes);
    const Lanes residual =
        group.time - (group.along - from.z) * (1 / speed_of_light) - at.rho * delay;

    Competitors competitors;
    light_->noise({residual, residual - after_pulse_delay}, with_slopes, competitors.times);
    const auto& [now, after] = competitors.times;
    NoiseLanes noise{{},
                     now.density,
                     now.density_slope,
                     now.cumulative,
                     after.density,
                     after.density_slope,
                     after.cumulative,
                     1 / setting_.window,
                     group.flat_cumulative};
    noise_mixture(logarithm_of(greater(charge, least_charge)), noise.share, competitors.by_log);

    const SumLanes sums = smeared_likelihoods<parameters>(setting_, *smearing_, *light_, is_known,
                                                          residual, noise, group.photons);
    const Lanes likelihood =
        chosen(is_known, greater(sums.likelihood, SplineMpeSetting::noise_rate),
               SplineMpeSetting::noise_rate);
    llh -= static_cast<double>(skyscan::sum(group.counts * logarithm_of(likelihood)));
    if constexpr (with_slopes) {
      const LightSlopes by = light_slopes<parameters>(sums, noise, competitors);
      slopes.add(by.by_residual, light_->by_view(by.by_charge, by.by_parameter), at, frame_, delay,
                 chosen(is_known, group.counts / likelihood, 0));
    }
  }
  if constexpr (with_slopes) *slope = turned_to_detector(slopes.gradient, slopes.scores, frame_);
  return llh;
}

}  // namespace skyscan

#include "splinempe/rough_likelihood.hpp"

#include <algorithm>
#include <cmath>

#include "splinempe/noise_mixture.hpp"
#include "splinempe/smearing.hpp"

namespace skyscan {

struct SmearingLanes {
  std::size_t vectors;
  Lanes offset[2], weight[2];  // in units of sigma
};

namespace {

// The smearing's points: one vector of them, or two where the smearing is wide beside the timing's
// narrowest structure. In llh good to 1e-3, as the exact likelihood's own.
constexpr double wide_smearing = 0.8;  // in units of that structure's sigma

SmearingLanes lanes_of(const smearing::Rule& rule) {
  SmearingLanes lanes{rule.points / Lanes::count, {}, {}};
  for (std::size_t i = 0; i < rule.points; ++i) {
    lanes.offset[i / Lanes::count].v[i % Lanes::count] = static_cast<float>(rule.offset[i]);
    lanes.weight[i / Lanes::count].v[i % Lanes::count] = static_cast<float>(rule.weight[i]);
  }
  return lanes;
}

const SmearingLanes& smearing_lanes(double sigma, double narrowest) {
  static const SmearingLanes narrow = lanes_of(smearing::gauss(Lanes::count)),
                             wide = lanes_of(smearing::gauss(2 * Lanes::count));
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
  Lanes by_residual, by_shape, by_rate;
  Lanes by_density, by_cumulative;
  Lanes physics, random, after;
};
constexpr Lanes SumLanes::*sums_parts[] = {
    &SumLanes::likelihood, &SumLanes::by_residual, &SumLanes::by_shape,
    &SumLanes::by_rate,    &SumLanes::by_density,  &SumLanes::by_cumulative,
    &SumLanes::physics,    &SumLanes::random,      &SumLanes::after};

[[gnu::always_inline]] inline SumLanes added(const SumLanes& a, const SumLanes& b) {
  SumLanes all;
  for (const auto part : sums_parts) all.*part = a.*part + b.*part;
  return all;
}

// The sums over lanes, as one of eight.
template <bool with_slopes>
[[gnu::always_inline]] inline void put_sums(const SumLanes& from, std::size_t i, SumLanes& to) {
  to.likelihood.v[i] = skyscan::sum(from.likelihood);
  if constexpr (with_slopes)
    for (const auto part : sums_parts) (to.*part).v[i] = skyscan::sum(from.*part);
}

template <bool with_slopes>
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
  if constexpr (!with_slopes) return sums;
  const Lanes lp = weight * by_density;
  // Before all light nothing depends on how much has come.
  const Lanes lc = chosen(cumulative.v > 0, -1.0 * (lp * (photons - 1) * density / rest), 0);
  sums.by_density = lp;
  sums.by_cumulative = lc;
  sums.by_residual = share.physics * (lp * direct.density_slope + lc * direct.density);
  sums.by_shape = share.physics * (lp * direct.density_by_shape + lc * direct.cumulative_by_shape);
  sums.by_rate = share.physics * (lp * direct.density_by_rate + lc * direct.cumulative_by_rate);
  sums.physics = lp * p + lc * c;
  sums.random = lp * r + lc * rc;
  sums.after = lp * a + lc * ac;
  return sums;
}

template <typename Number>
constexpr bool has_slopes = std::is_same_v<Number, LaneJet>;

// A number that is one of those slopes are by, or not.
template <typename Number>
[[gnu::always_inline]] inline Number variable(const Lanes& value, std::size_t which) {
  if constexpr (has_slopes<Number>)
    return LaneJet::variable(value, which);
  else
    return value;
}

// Noise and light one after-pulse earlier, with what slopes need of them.
struct Competitors {
  TimingLanes now, after;
  NoiseMixtureLanes by_log;  // of the shares, by the logarithm of the expected charge
};

// Derivatives of eight likelihoods by all that the light says.
struct LightSlopes {
  Lanes by_residual, by_shape, by_rate, by_charge;  // charge: by its logarithm
};

// Through the direct light, the noise, and the expected charge, which the shares depend on.
[[gnu::always_inline]] inline LightSlopes light_slopes(const SumLanes& sums,
                                                       const NoiseLanes& noise,
                                                       const Competitors& of) {
  const auto& [now, after, by_log] = of;
  const NoiseMixtureLanes& share = noise.share;
  const Lanes s = share.random * share.structured;
  const Lanes contrast = sums.by_density * (now.density - noise.flat_density) +
                         sums.by_cumulative * (now.cumulative - noise.flat_cumulative);
  return {sums.by_residual +
              s * (sums.by_density * now.density_slope + sums.by_cumulative * now.density) +
              share.after *
                  (sums.by_density * after.density_slope + sums.by_cumulative * after.density),
          sums.by_shape +
              s * (sums.by_density * now.density_by_shape +
                   sums.by_cumulative * now.cumulative_by_shape) +
              share.after * (sums.by_density * after.density_by_shape +
                             sums.by_cumulative * after.cumulative_by_shape),
          sums.by_rate,
          by_log.physics * sums.physics + by_log.random * sums.random + by_log.after * sums.after +
              share.random * by_log.structured * contrast};
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
  [[gnu::always_inline]] void add(const LightSlopes& slopes, const MuonAtDom<LaneJet>& light,
                                  const Across& at, const TrackFrame& frame, const Lanes& scale) {
    const Vec3 &u = frame.u, &v = frame.v;
    const Lanes per_bare = inverse(greater(light.bare.value, least_charge));
    Lanes by[3];
    for (int k = 0; k < 3; ++k)
      by[k] = slopes.by_shape * light.shape.slope[k] + slopes.by_rate * light.log_rate.slope[k] +
              slopes.by_charge * (light.bare.slope[k] * per_bare);
    by[0] = by[0] - slopes.by_residual * direct_delay_per_metre;
    // As the track moves by one metre along u, v or itself, rho changes by -du, -dv, 0, heights by
    // -u.z, -v.z, 0, the outward direction turns.
    const Lanes turn = sin_cherenkov * at.per_rho;
    const Lanes by_u = by[0] * at.du + by[1] * u.z + by[2] * turn * (u.z - at.outward_z * at.du);
    const Lanes by_v = by[0] * at.dv + by[1] * v.z + by[2] * turn * (v.z - at.outward_z * at.dv);
    const Lanes gu = scale * by_u, gv = scale * by_v;  // of -ln L
    const Lanes gn = -1 / speed_of_light * (scale * slopes.by_residual);
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
template <bool with_slopes>
SumLanes smeared_likelihoods(const SplineMpeSetting& setting, const SmearingLanes& smearing,
                             const PandelLanes& direct, const PandelLanes::Rows& rows,
                             const Lanes& residual, const NoiseLanes& noise, const Lanes& photons) {
  const Integer8 is_smeared = (residual.v <= static_cast<float>(setting.latest_smeared)) &
                              (residual.v >= static_cast<float>(setting.earliest_smeared()));
  SumLanes sums{};
  if (is_any(~is_smeared))
    sums = likelihoods_of<with_slopes>(1, 0, direct.by_each<with_slopes>(rows, residual), noise,
                                       photons);
  for (std::size_t i = 0; i < Lanes::count; ++i) {
    if (!is_smeared[i]) continue;
    const NoiseLanes its = noise.of(i);
    const Lanes its_photons = photons[i] - Float8{};
    SumLanes whole{};
    for (std::size_t k = 0; k < smearing.vectors; ++k) {
      const Lanes offset = smearing.offset[k] * setting.jitter;
      const Lanes residuals = offset + Lanes(residual[i] - Float8{});
      const SumLanes parts = likelihoods_of<with_slopes>(
          smearing.weight[k], offset, direct.by_one<with_slopes>(rows, i, residuals), its,
          its_photons);
      whole = k == 0 ? parts : added(whole, parts);
    }
    put_sums<with_slopes>(whole, i, sums);
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

RoughSplineMpe::RoughSplineMpe(const SplineMpe& exact, const RoughMuon& light,
                               const Vec3& direction)
    : setting_(exact.setting()),
      light_(light),
      frame_(direction),
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
  const double llh = slope == nullptr ? sum<Lanes>(from, nullptr) : sum<LaneJet>(from, slope);
  return std::isfinite(llh) ? llh : SplineMpeSetting::llh_where_undefined;
}

template <typename Number>
double RoughSplineMpe::sum(const Vec3& from, SplineMpeSlope* slope) const {
  constexpr bool with_slopes = has_slopes<Number>;
  const double rise = frame_.along.z;
  const double charge_factor = setting_.bare_factor + light_.stochastic_share() * setting_.energy;
  double llh = 0;
  SlopeSums slopes;
  for (const Pulses& group : groups_) {
    const Across at(group.a - from.x, group.b - from.y, frame_);
    const MuonAtDom<Number> light = light_.expect(SeenDom<Number, Lanes>{
        variable<Number>(at.rho, 0), variable<Number>(at.rho * at.outward_z, 1),
        variable<Number>(rise * cos_cherenkov + sin_cherenkov * at.outward_z, 2), group.height,
        group.efficiency, rise});
    const Lanes residual = group.time - (group.along - from.z) * (1 / speed_of_light) -
                           at.rho * direct_delay_per_metre;

    const PandelLanes::Rows noise_rows = light_.noise().rows(value_of(light.shape), 0);
    Competitors competitors{
        light_.noise().by_each<with_slopes>(noise_rows, residual),
        light_.noise().by_each<with_slopes>(noise_rows, residual - after_pulse_delay),
        {}};
    const auto& [now, after, by_log] = competitors;
    NoiseLanes noise{{},
                     now.density,
                     now.density_slope,
                     now.cumulative,
                     after.density,
                     after.density_slope,
                     after.cumulative,
                     1 / setting_.window,
                     group.flat_cumulative};
    noise_mixture(logarithm_of(greater(charge_factor * value_of(light.bare), least_charge)),
                  noise.share, competitors.by_log);

    const PandelLanes::Rows rows =
        light_.direct().rows(value_of(light.shape), value_of(light.log_rate));
    const SumLanes sums = smeared_likelihoods<with_slopes>(setting_, *smearing_, light_.direct(),
                                                           rows, residual, noise, group.photons);
    const Lanes likelihood = greater(sums.likelihood, SplineMpeSetting::noise_rate);
    llh -= static_cast<double>(skyscan::sum(group.counts * logarithm_of(likelihood)));
    if constexpr (with_slopes)
      slopes.add(light_slopes(sums, noise, competitors), light, at, frame_,
                 group.counts / likelihood);
  }
  if constexpr (with_slopes) *slope = turned_to_detector(slopes.gradient, slopes.scores, frame_);
  return llh;
}

}  // namespace skyscan

#include "splinempe/likelihood.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "light/rough_muon.hpp"
#include "splinempe/noise_mixture.hpp"
#include "splinempe/smearing.hpp"

namespace skyscan {
namespace {

constexpr double noise_rate = SplineMpeSetting::noise_rate;
constexpr double llh_where_undefined = SplineMpeSetting::llh_where_undefined;
// Likelihoods are between 1e-8 and a few thousand: the product of so many is within a double's
// range, and one logarithm does for all of them.
constexpr int most_factors = 16;
// Pulses whose times differ by less than this share of the window meet about the same flat noise.
constexpr double alike_share = 1 / 8.;

// Charges count with this power: bright events have more structure than the model knows.
double charge_exponent(double energy) {
  if (energy < 1) return 1;
  const double g = std::log10(energy);
  if (g <= 3) return 0.4;
  if (g <= 3.5) return 0.2 * g - 0.2;
  if (g <= 4) return 0.4 * g - 0.9;
  if (g <= 5.5) return 0.2 * g - 0.1;
  return 1;
}

// ns.
double post_jitter(double energy) {
  const double g = energy > 0 ? std::log10(energy) : 0;
  if (g <= 2) return 9;
  if (g <= 3) return 17 - 4 * g;
  if (g <= 4) return 8 - g;
  if (g <= 4.5) return 12 - 2 * g;
  if (g <= 5.75) return 6.6 - 0.8 * g;
  if (g <= 7.25) return 2;
  if (g <= 7.5) return 31 - 4 * g;
  return 1;
}

double integer_power(double base, std::int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent >>= 1, base *= base)
    if (exponent & 1) result *= base;
  return result;
}

// Against all 21 samples, in llh: of light whose timing has no structure narrower than 1 / 0.62 of
// the smearing's sigma 5 points are good to 1e-2, 7 to 3e-4; narrower than half of it, 11 to 1e-3.
const smearing::Rule& smearing_rule(double sigma, double narrowest) {
  static const smearing::Rule few = smearing::gauss(7), more = smearing::gauss(11),
                              all = smearing::all();
  if (sigma <= 0.62 * narrowest) return few;
  return sigma <= 2 * narrowest ? more : all;
}

// The likelihood of one DOM whose first of `photons` photons (0: one photon, its own formula) has
// this density and CDF; and its derivatives by both.
struct Likelihood {
  double value, by_density, by_cumulative;
};

Likelihood first_photon(double density, double cumulative, std::int64_t photons) {
  if (!(density > 0) || !std::isfinite(density)) return {noise_rate, 0, 0};
  if (photons == 0) return {density + noise_rate, 1, 0};
  const double n = static_cast<double>(photons);
  if (!(cumulative > 0)) return {n * density + noise_rate, n, 0};
  if (cumulative >= 1) return {noise_rate, 0, 0};
  const double rest = 1 - cumulative;
  const double power = photons > 1 ? integer_power(rest, photons - 2) : 1 / rest;
  const double others = power * rest;
  return {n * density * others + noise_rate, n * others, -n * (n - 1) * density * power};
}

double clamp01(double x) { return x < 0 ? 0 : (x > 1 ? 1 : x); }

double weighted_middle_time(const std::vector<FirstPulse>& pulses) {
  double sum = 0, total = 0;
  for (const FirstPulse& pulse : pulses) {
    const double weight = std::sqrt(std::fmax(pulse.charge, 0));
    sum += weight * pulse.time;
    total += weight;
  }
  return total > 0 ? sum / total : pulses[0].time;
}

SplineMpeSetting setting_of(const MuonLight& light, const std::vector<FirstPulse>& pulses,
                            double start, double stop, double energy) {
  const bool has_noise = energy > 0;
  SplineMpeSetting setting{start,
                           std::fmax(stop - start, 1),
                           energy,
                           has_noise,
                           1 + (has_noise ? light.low_energy_factor(energy) : 0),
                           post_jitter(energy),
                           weighted_middle_time(pulses),
                           {}};
  const double exponent = charge_exponent(energy);
  for (const FirstPulse& pulse : pulses) {
    const double n = std::pow(pulse.charge, exponent);
    setting.photons.push_back(n < 1.5 ? 0 : static_cast<std::int64_t>(std::lround(n)));
  }
  return setting;
}

}  // namespace

SplineMpe::SplineMpe(const MuonLight& light, std::vector<FirstPulse> pulses, double start,
                     double stop, double energy)
    : light_(light),
      scratch_(light.scratch()),
      rough_scratch_(light.rough() != nullptr ? light.rough()->scratch() : nullptr),
      pulses_(std::move(pulses)),
      setting_(setting_of(light, pulses_, start, stop, energy)),
      smearing_(smearing_rule(setting_.jitter, setting_.has_noise ? light.narrowest_timing() : 0)) {
}

double SplineMpe::expected_charge(const DomExpectation& expectation) const {
  return expectation.bare * setting_.bare_factor + expectation.stochastic * setting_.energy;
}

// What competes with direct light at one DOM. Over the few ns of the smearing it is so smooth that
// it is a straight line.
struct SplineMpe::Noise {
  NoiseMixture share{1, 0, 0, 0}, by_expected{};
  Timing now{}, after{};  // noise, and noise one after-pulse earlier
  double flat_density = 0, flat_cumulative = 0;
};

SplineMpe::Noise SplineMpe::noise_at(const FirstPulse& pulse, const DomExpectation& expectation,
                                     double residual) const {
  Noise noise;
  if (!setting_.has_noise) return noise;
  noise_mixture(expected_charge(expectation), noise.share, noise.by_expected);
  const double residuals[2] = {residual, residual - after_pulse_delay};
  Timing timing[2];
  light_.timing(expectation, MuonTiming::noise, residuals, 2, *scratch_, timing);
  noise.now = timing[0];
  noise.after = timing[1];
  noise.flat_density = 1 / setting_.window;
  noise.flat_cumulative = (pulse.time - setting_.start) / setting_.window;
  return noise;
}

// Sums over the smearing's points of one DOM's likelihood and of what its derivatives need.
struct SplineMpe::SmearedSums {
  double likelihood = 0;
  double by_residual = 0;                          // through the direct light's residual
  Vec3 by_place{0, 0, 0};                          // through the direct light at a fixed residual
  double noise_density = 0, noise_cumulative = 0;  // of dL/d(density), dL/d(CDF)
  double random = 0, after = 0, physics = 0;       // of dL/d(share) of each kind

  // `offset` [ns] from the residual, of this weight.
  void add(double weight, double offset, const Timing& direct, const Noise& noise, bool has_noise,
           std::int64_t photons, bool with_score) {
    const NoiseMixture& share = noise.share;
    const double p = std::fmax(direct.density, 0);
    const double c = clamp01(direct.cumulative);
    double density = p, cumulative = c;
    double r = 0, rc = 0, a = 0, ac = 0;
    if (has_noise) {
      const double s = share.structured;
      r = s * std::fmax(noise.now.density + offset * noise.now.density_slope, 0) +
          (1 - s) * noise.flat_density;
      rc = s * clamp01(noise.now.cumulative + offset * noise.now.density) +
           (1 - s) * noise.flat_cumulative;
      a = std::fmax(noise.after.density + offset * noise.after.density_slope, 0);
      ac = clamp01(noise.after.cumulative + offset * noise.after.density);
      density = share.physics * p + share.random * r + share.after * a;
      cumulative = clamp01(share.physics * c + share.random * rc + share.after * ac);
    }
    const Likelihood l = first_photon(density, cumulative, photons);
    likelihood += weight * l.value;
    if (!with_score) return;
    const double lp = weight * l.by_density, lc = weight * l.by_cumulative;
    by_residual += share.physics * (lp * direct.density_slope + lc * direct.density);
    by_place = by_place + (share.physics * lp) * direct.density_gradient +
               (share.physics * lc) * direct.cumulative_gradient;
    noise_density += lp;
    noise_cumulative += lc;
    physics += lp * p + lc * c;
    random += lp * r + lc * rc;
    after += lp * a + lc * ac;
  }

  // Through the noise, and through the expected charge, which the shares depend on.
  void add_noise(const Noise& noise, const DomExpectation& expectation, double bare_factor,
                 double energy) {
    const NoiseMixture& share = noise.share;
    const Timing &now = noise.now, &late = noise.after;
    const double s = share.random * share.structured;
    by_residual += s * (noise_density * now.density_slope + noise_cumulative * now.density);
    by_residual +=
        share.after * (noise_density * late.density_slope + noise_cumulative * late.density);
    by_place = by_place + (s * noise_density) * now.density_gradient +
               (s * noise_cumulative) * now.cumulative_gradient +
               (share.after * noise_density) * late.density_gradient +
               (share.after * noise_cumulative) * late.cumulative_gradient;
    const double contrast = noise_density * (now.density - noise.flat_density) +
                            noise_cumulative * (now.cumulative - noise.flat_cumulative);
    const double by_charge = noise.by_expected.physics * physics +
                             noise.by_expected.random * random + noise.by_expected.after * after +
                             share.random * noise.by_expected.structured * contrast;
    by_place = by_place + (by_charge * bare_factor) * expectation.bare_gradient +
               (by_charge * energy) * expectation.stochastic_gradient;
  }
};

SplineMpe::DomLikelihood SplineMpe::likelihood_of(std::size_t pulse,
                                                  const DomExpectation& expectation,
                                                  double residual, bool with_score) const {
  // Without noise the likelihood of bright DOMs falls by decades within the smearing.
  const smearing::Rule& rule = smearing_;
  static const double no_offset[1] = {0}, full_weight[1] = {1};
  const bool smeared = setting_.smears(residual);
  const std::size_t n = smeared ? rule.points : 1;
  const double* offset = smeared ? rule.offset.data() : no_offset;
  const double* weight = smeared ? rule.weight.data() : full_weight;
  double residuals[smearing::samples] = {};
  for (std::size_t k = 0; k < n; ++k) residuals[k] = residual + offset[k] * setting_.jitter;
  Timing direct[smearing::samples];
  light_.timing(expectation, MuonTiming::direct, residuals, n, *scratch_, direct);

  const Noise noise = noise_at(pulses_[pulse], expectation, residual);
  SmearedSums sums;
  for (std::size_t k = 0; k < n; ++k)
    sums.add(weight[k], offset[k] * setting_.jitter, direct[k], noise, setting_.has_noise,
             setting_.photons[pulse], with_score);
  if (!(sums.likelihood > 0)) sums.likelihood = noise_rate;
  if (!with_score) return {sums.likelihood, {0, 0, 0}};
  if (setting_.has_noise) sums.add_noise(noise, expectation, setting_.bare_factor, setting_.energy);
  return {sums.likelihood,
          (1 / sums.likelihood) *
              (sums.by_place - sums.by_residual * expectation.geometric_time_gradient)};
}

double SplineMpe::evaluate(const Track& track, SplineMpeSlope* slope) const {
  double sum = 0, product = 1;
  int factors = 0;
  Vec3 gradient{0, 0, 0};
  Symmetric3 scores{0, 0, 0, 0, 0, 0};
  for (std::size_t i = 0; i < pulses_.size(); ++i) {
    const FirstPulse& pulse = pulses_[i];
    DomExpectation expectation;
    expectation.with_gradients = slope != nullptr;
    light_.evaluate(track, pulse.site, *scratch_, expectation);
    if (!expectation.inside) {
      sum += std::log(noise_rate);
      continue;
    }
    const double residual = pulse.time - expectation.geometric_time - track.time;
    const auto [value, score] = likelihood_of(i, expectation, residual, slope != nullptr);
    product *= value;
    if (++factors == most_factors) {
      sum += std::log(product);
      product = 1;
      factors = 0;
    }
    if (slope == nullptr) continue;
    gradient = gradient - score;
    scores.xx += score.x * score.x;
    scores.xy += score.x * score.y;
    scores.xz += score.x * score.z;
    scores.yy += score.y * score.y;
    scores.yz += score.y * score.z;
    scores.zz += score.z * score.z;
  }
  sum += std::log(product);
  if (slope != nullptr) *slope = {gradient, scores};
  return std::isfinite(sum) ? -sum : llh_where_undefined;
}

double SplineMpe::evaluate_exactly(const Track& track) const {
  constexpr std::size_t most = smearing::samples;
  double sum = 0;
  for (std::size_t i = 0; i < pulses_.size(); ++i) {
    const FirstPulse& pulse = pulses_[i];
    DomExpectation expectation;
    light_.evaluate(track, pulse.site, *scratch_, expectation);
    if (!expectation.inside) {
      sum += std::log(noise_rate);
      continue;
    }
    const double residual = pulse.time - expectation.geometric_time - track.time;
    const bool smeared = setting_.smears(residual);
    const std::size_t n = smeared ? most : 1;
    double residuals[2 * most];
    for (std::size_t k = 0; k < n; ++k) {
      const double steps = static_cast<double>(k) - static_cast<double>(smearing::centre);
      residuals[k] = smeared ? residual + steps * smearing::spacing * setting_.jitter : residual;
      residuals[n + k] = residuals[k] - after_pulse_delay;
    }
    Timing direct[most], noise[2 * most];
    light_.timing(expectation, MuonTiming::direct, residuals, n, *scratch_, direct);
    NoiseMixture share{1, 0, 0, 0};
    if (setting_.has_noise) {
      share = noise_mixture(std::fmax(expected_charge(expectation), least_expected));
      light_.timing(expectation, MuonTiming::noise, residuals, 2 * n, *scratch_, noise);
    }
    std::array<float, most> values{};
    double value = 0;
    for (std::size_t k = 0; k < n; ++k) {
      double density = std::fmax(direct[k].density, 0);
      double cumulative = clamp01(direct[k].cumulative);
      if (setting_.has_noise) {
        const Timing &now = noise[k], &after = noise[n + k];
        const double s = share.structured;
        const double random = s * std::fmax(now.density, 0) + (1 - s) / setting_.window;
        const double random_cumulative =
            s * clamp01(now.cumulative) + (1 - s) * (pulse.time - setting_.start) / setting_.window;
        density = share.physics * density + share.random * random +
                  share.after * std::fmax(after.density, 0);
        cumulative = clamp01(share.physics * cumulative + share.random * random_cumulative +
                             share.after * clamp01(after.cumulative));
      }
      value = first_photon(density, cumulative, setting_.photons[i]).value;
      values[k] = static_cast<float>(value);
    }
    sum += std::log(smeared ? smearing::recursive(values) : value);
  }
  return std::isfinite(sum) ? -sum : llh_where_undefined;
}

double SplineMpe::floor() const { return noise_rate; }

bool SplineMpe::are_alike(std::size_t i, std::size_t k) const {
  // The pulse's time itself counts through flat noise that came before, if others did.
  const FirstPulse &a = pulses_[i], &b = pulses_[k];
  return setting_.photons[i] == setting_.photons[k] && a.site.efficiency == b.site.efficiency &&
         (setting_.photons[i] == 0 || std::fabs(a.time - b.time) < alike_share * setting_.window);
}

void SplineMpe::likelihoods(std::size_t i, const DomExpectation& expectation, const double* direct,
                            const double* noise, const double* after, double step, std::size_t n,
                            double* out) const {
  const FirstPulse& pulse = pulses_[i];
  NoiseMixture share{1, 0, 0, 0}, unused;
  if (setting_.has_noise)
    noise_mixture(pulse.site.efficiency * expected_charge(expectation), share, unused);
  const double structured = share.random * share.structured;
  const double flat = (share.random - structured) / setting_.window;
  const double flat_cumulative = flat * (pulse.time - setting_.start);
  const std::int64_t photons = std::max<std::int64_t>(setting_.photons[i], 1);
  // Step by step of the formula, many times at a time.
  std::vector<double> rest(n + 1), others(n + 1, 1);
  for (std::size_t k = 0; k <= n; ++k) {
    rest[k] = 1 - clamp01(share.physics * clamp01(direct[k]) + structured * clamp01(noise[k]) +
                          share.after * clamp01(after[k]) + flat_cumulative);
  }
  std::vector<double> square = rest;
  for (std::int64_t power = photons - 1; power > 0; power /= 2) {
    if (power % 2 == 1)
      for (std::size_t k = 0; k <= n; ++k) others[k] *= square[k];
    for (std::size_t k = 0; k <= n; ++k) square[k] *= square[k];
  }
  // Averaged over a step the likelihood is the difference of what is left at its ends; but flat
  // noise is flat in the pulse's time, not in its residual.
  const double per_step = 1 / step, flat_density = static_cast<double>(photons) * flat;
  for (std::size_t k = 0; k < n; ++k) {
    const double seen = others[k] * rest[k] - others[k + 1] * rest[k + 1];
    out[k] = (seen > 0 ? seen : 0) * per_step + flat_density * others[k + 1] + noise_rate;
  }
}

}  // namespace skyscan

#include "splinempe/likelihood.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "splinempe/noise_mixture.hpp"
#include "splinempe/smearing.hpp"

namespace skyscan {
namespace {

constexpr double noise_rate = 1e-8;         // 1/ns: 10 Hz
constexpr double after_pulse_delay = 2000;  // ns
constexpr double smearing_latest = 40;      // ns: later residuals are not smeared
constexpr double smearing_margin = 5;       // ns before -3 sigma: nor are earlier ones
constexpr std::size_t smearing_points =
    7;                            // for smooth light: 5 are good to 1e-2 in llh, 7 to 3e-4
constexpr double hopeless = 1e9;  // llh of a hypothesis that cannot be computed

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

bool smeared(double residual, double jitter) {
  return residual <= smearing_latest && residual >= -3 * jitter - smearing_margin;
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

}  // namespace

SplineMpe::SplineMpe(const MuonLight& light, std::vector<FirstPulse> pulses, double start,
                     double stop, double energy)
    : light_(light),
      pulses_(std::move(pulses)),
      start_(start),
      window_(std::fmax(stop - start, 1)),
      photons_(pulses_.size()) {
  double sum = 0, total = 0;
  for (const FirstPulse& pulse : pulses_) {
    const double weight = std::sqrt(std::fmax(pulse.charge, 0));
    sum += weight * pulse.time;
    total += weight;
  }
  middle_time_ = total > 0 ? sum / total : pulses_[0].time;
  set_energy(energy);
}

SplineMpe::SplineMpe(SplineMpe&&) noexcept = default;
SplineMpe::~SplineMpe() = default;

void SplineMpe::set_energy(double energy) {
  energy_ = energy;
  minima_.clear();
  minima_direction_ = {};
  for (auto& sketches : sketches_) sketches.reset();
  jitter_ = post_jitter(energy);
  const double exponent = charge_exponent(energy);
  for (std::size_t i = 0; i < pulses_.size(); ++i) {
    const double n = std::pow(pulses_[i].charge, exponent);
    photons_[i] = n < 1.5 ? 0 : static_cast<std::int64_t>(std::lround(n));
  }
}

double SplineMpe::evaluate(const Track& track, SplineMpeSlope* slope) const {
  static const smearing::Rule few = smearing::gauss(smearing_points), all = smearing::all();
  const bool mixed = energy_ > 0;
  // Without noise the likelihood of bright DOMs falls by decades within the smearing.
  const smearing::Rule& rule = mixed && light_.smooth_timing() ? few : all;
  constexpr std::size_t most = smearing::samples;
  static const double no_offset[1] = {0}, full_weight[1] = {1};
  const double low_energy = mixed ? light_.low_energy_factor(energy_) : 0;
  // A logarithm of a product for that many DOMs: likelihoods are between 1e-8 and a few thousand.
  constexpr int most_factors = 16;
  double sum = 0, product = 1;
  int factors = 0;
  Vec3 gradient{0, 0, 0};
  Symmetric3 scores{0, 0, 0, 0, 0, 0};

  for (std::size_t i = 0; i < pulses_.size(); ++i) {
    const FirstPulse& pulse = pulses_[i];
    DomExpectation expectation;
    expectation.with_gradients = slope != nullptr;
    light_.evaluate(track, pulse.site, expectation);
    if (!expectation.inside) {
      sum += std::log(noise_rate);
      continue;
    }
    const double residual = pulse.time - expectation.geometric_time - track.time;
    const bool smear = smeared(residual, jitter_);
    const std::size_t n = smear ? rule.points : 1;
    const double* offset = smear ? rule.offset.data() : no_offset;
    const double* weight = smear ? rule.weight.data() : full_weight;
    double residuals[most];
    for (std::size_t k = 0; k < n; ++k) residuals[k] = residual + offset[k] * jitter_;
    Timing direct[most];
    light_.timing(expectation, MuonTiming::direct, residuals, n, direct);

    // Noise is so smooth that over the few ns of the smearing it is a straight line.
    NoiseMixture share{1, 0, 0, 0}, by_expected{};
    Timing noise[2] = {};
    double flat_density = 0, flat_cumulative = 0;
    if (mixed) {
      noise_mixture(expectation.bare * (1 + low_energy) + expectation.stochastic * energy_, share,
                    by_expected);
      const double times[2] = {residual, residual - after_pulse_delay};
      light_.timing(expectation, MuonTiming::noise, times, 2, noise);
      flat_density = 1 / window_;
      flat_cumulative = (pulse.time - start_) / window_;
    }

    // Sums over the smearing's points of the likelihood and of what its derivatives need.
    double likelihood = 0;
    double by_residual = 0;                          // through the direct light's residual
    Vec3 by_place{0, 0, 0};                          // through the direct light at fixed residual
    double noise_density = 0, noise_cumulative = 0;  // sums of dL/d(density), dL/d(CDF)
    double random_sum = 0, after_sum = 0, physics_sum = 0;
    for (std::size_t k = 0; k < n; ++k) {
      const double p = std::fmax(direct[k].density, 0);
      const double c = clamp01(direct[k].cumulative);
      double density = p, cumulative = c;
      double r = 0, rc = 0, a = 0, ac = 0;
      if (mixed) {
        const double dt = offset[k] * jitter_;
        const double s = share.structured;
        r = s * std::fmax(noise[0].density + dt * noise[0].density_slope, 0) +
            (1 - s) * flat_density;
        rc = s * clamp01(noise[0].cumulative + dt * noise[0].density) + (1 - s) * flat_cumulative;
        a = std::fmax(noise[1].density + dt * noise[1].density_slope, 0);
        ac = clamp01(noise[1].cumulative + dt * noise[1].density);
        density = share.physics * p + share.random * r + share.after * a;
        cumulative = clamp01(share.physics * c + share.random * rc + share.after * ac);
      }
      const Likelihood l = first_photon(density, cumulative, photons_[i]);
      likelihood += weight[k] * l.value;
      if (slope == nullptr) continue;
      const double lp = weight[k] * l.by_density, lc = weight[k] * l.by_cumulative;
      by_residual += share.physics * (lp * direct[k].density_slope + lc * direct[k].density);
      by_place = by_place + (share.physics * lp) * direct[k].density_gradient +
                 (share.physics * lc) * direct[k].cumulative_gradient;
      noise_density += lp;
      noise_cumulative += lc;
      physics_sum += lp * p + lc * c;
      random_sum += lp * r + lc * rc;
      after_sum += lp * a + lc * ac;
    }
    if (!(likelihood > 0)) likelihood = noise_rate;
    product *= likelihood;
    if (++factors == most_factors) {
      sum += std::log(product);
      product = 1;
      factors = 0;
    }
    if (slope == nullptr) continue;

    if (mixed) {
      const double s = share.random * share.structured;
      by_residual +=
          s * (noise_density * noise[0].density_slope + noise_cumulative * noise[0].density);
      by_residual += share.after *
                     (noise_density * noise[1].density_slope + noise_cumulative * noise[1].density);
      by_place = by_place + (s * noise_density) * noise[0].density_gradient +
                 (s * noise_cumulative) * noise[0].cumulative_gradient +
                 (share.after * noise_density) * noise[1].density_gradient +
                 (share.after * noise_cumulative) * noise[1].cumulative_gradient;
      // Through the expected charge: the shares.
      const double contrast = noise_density * (noise[0].density - flat_density) +
                              noise_cumulative * (noise[0].cumulative - flat_cumulative);
      const double by_charge = by_expected.physics * physics_sum + by_expected.random * random_sum +
                               by_expected.after * after_sum +
                               share.random * by_expected.structured * contrast;
      by_place = by_place + (by_charge * (1 + low_energy)) * expectation.bare_gradient +
                 (by_charge * energy_) * expectation.stochastic_gradient;
    }
    const Vec3 score =
        (1 / likelihood) * (by_place - by_residual * expectation.geometric_time_gradient);
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
  return std::isfinite(sum) ? -sum : hopeless;
}

class SplineMpe::Model final : public FirstPulseModel {
 public:
  explicit Model(const SplineMpe& likelihood) : of_(likelihood) {}

  double floor() const override { return noise_rate; }
  bool are_alike(std::size_t i, std::size_t k) const override {
    // The pulse's time itself counts through flat noise that came before, if others did.
    constexpr double similar = 1 / 8.;  // of the window
    const FirstPulse &a = of_.pulses_[i], &b = of_.pulses_[k];
    return of_.photons_[i] == of_.photons_[k] && a.site.efficiency == b.site.efficiency &&
           (of_.photons_[i] == 0 || std::fabs(a.time - b.time) < similar * of_.window_);
  }
  void likelihoods(std::size_t i, const DomExpectation& expectation, const double* direct,
                   const double* noise, const double* after, double step, std::size_t n,
                   double* out) const override {
    const FirstPulse& pulse = of_.pulses_[i];
    const double energy = of_.energy_;
    NoiseMixture share{1, 0, 0, 0}, unused;
    if (energy > 0)
      noise_mixture(
          pulse.site.efficiency * (expectation.bare * (1 + of_.light_.low_energy_factor(energy)) +
                                   expectation.stochastic * energy),
          share, unused);
    const double structured = share.random * share.structured;
    const double flat = (share.random - structured) / of_.window_;
    const double flat_cumulative = flat * (pulse.time - of_.start_);
    const std::int64_t photons = std::max<std::int64_t>(of_.photons_[i], 1);
    // Averaged over a step the likelihood is the difference of what is left at its ends; but flat
    // noise is flat in the pulse's time, not in its residual.
    double before = 0;
    for (std::size_t k = 0; k <= n; ++k) {
      const double rest =
          1 - clamp01(share.physics * clamp01(direct[k]) + structured * clamp01(noise[k]) +
                      share.after * clamp01(after[k]) + flat_cumulative);
      const double others = integer_power(rest, photons - 1);
      const double left = others * rest;
      if (k > 0)
        out[k - 1] = std::fmax(before - left, 0) / step +
                     static_cast<double>(photons) * flat * others + noise_rate;
      before = left;
    }
  }

 private:
  const SplineMpe& of_;
};

const SplineMpe::Sketches& SplineMpe::sketches(double zenith) {
  const auto bands = static_cast<double>(sketches_.size());
  const double band = std::fmin(std::floor((1 - std::cos(zenith)) / 2 * bands), bands - 1);
  auto& sketches = sketches_[static_cast<std::size_t>(band)];
  if (!sketches) {
    const double middle = std::acos(1 - (2 * band + 1) / bands);
    const Model model(*this);
    sketches = std::make_unique<const Sketches>(
        Sketches{TrackSketch(light_, pulses_, model, coarse_scale, middle),
                 TrackSketch(light_, pulses_, model, fine_scale, middle)});
  }
  return *sketches;
}

double SplineMpe::evaluate_exactly(const Track& track) const {
  constexpr std::size_t most = smearing::samples;
  const bool mixed = energy_ > 0;
  const double low_energy = mixed ? light_.low_energy_factor(energy_) : 0;
  double sum = 0;
  for (std::size_t i = 0; i < pulses_.size(); ++i) {
    const FirstPulse& pulse = pulses_[i];
    DomExpectation expectation;
    light_.evaluate(track, pulse.site, expectation);
    if (!expectation.inside) {
      sum += std::log(noise_rate);
      continue;
    }
    const double residual = pulse.time - expectation.geometric_time - track.time;
    const bool smear = smeared(residual, jitter_);
    const std::size_t n = smear ? most : 1;
    double residuals[2 * most];
    for (std::size_t k = 0; k < n; ++k) {
      const double steps = static_cast<double>(k) - static_cast<double>(smearing::centre);
      residuals[k] = smear ? residual + steps * smearing::spacing * jitter_ : residual;
      residuals[n + k] = residuals[k] - after_pulse_delay;
    }
    Timing direct[most], noise[2 * most];
    light_.timing(expectation, MuonTiming::direct, residuals, n, direct);
    NoiseMixture share{1, 0, 0, 0};
    if (mixed) {
      const double expected = std::fmax(
          expectation.bare * (1 + low_energy) + expectation.stochastic * energy_, least_expected);
      share = noise_mixture(expected);
      light_.timing(expectation, MuonTiming::noise, residuals, 2 * n, noise);
    }
    std::array<float, most> values{};
    double value = 0;
    for (std::size_t k = 0; k < n; ++k) {
      double density = std::fmax(direct[k].density, 0);
      double cumulative = clamp01(direct[k].cumulative);
      if (mixed) {
        const Timing &now = noise[k], &after = noise[n + k];
        const double s = share.structured;
        const double random = s * std::fmax(now.density, 0) + (1 - s) / window_;
        const double random_cumulative =
            s * clamp01(now.cumulative) + (1 - s) * (pulse.time - start_) / window_;
        density = share.physics * density + share.random * random +
                  share.after * std::fmax(after.density, 0);
        cumulative = clamp01(share.physics * cumulative + share.random * random_cumulative +
                             share.after * clamp01(after.cumulative));
      }
      value = first_photon(density, cumulative, photons_[i]).value;
      values[k] = static_cast<float>(value);
    }
    sum += std::log(smear ? smearing::recursive(values) : value);
  }
  return std::isfinite(sum) ? -sum : hopeless;
}

}  // namespace skyscan

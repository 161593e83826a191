#include "light/analytic.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "base/constants.hpp"
#include "light/pandel.hpp"
#include "math/exp_log4.hpp"

namespace skyscan {
namespace {

constexpr double pi = std::numbers::pi;
constexpr double dom_radius = 0.16510;  // m

// Cherenkov photons per metre of a bare muon, and per metre of the track length that 1 GeV of an
// electromagnetic cascade has in all (5.21 m); 300-600 nm weighted with the DOM's sensitivity.
constexpr double muon_photons = 32240;     // 1/m
constexpr double cascade_photons = 32582;  // 1/m
constexpr double cascade_length = 5.21;    // m/GeV
// A muon's light relative to a bare one's: 1.22 + 1.36e-3/GeV * E.
constexpr double muon_small_losses = 0.22;
constexpr double muon_stochastic = 1.36e-3;  // 1/GeV
// Photomultiplier, glass, gel and quantum efficiency averaged over the Cherenkov spectrum.
constexpr double effective_area = 20.2e-4;  // m^2

// Pandel parameters, set H2; the mean scattering length they were fitted with belongs to ice with
// one effective scattering per 25 m.
constexpr double pandel_ice = 25;             // m
constexpr double pandel_absorption = 98;      // m
constexpr double muon_pandel_tau = 556.7;     // ns
constexpr double muon_pandel_lambda = 33.29;  // m
constexpr double cascade_pandel_tau = 450;    // ns
constexpr double cascade_pandel_lambda = 47;  // m
constexpr double noise_jitter = 1000;         // ns: timing of random noise
constexpr double longest_delay = 30000;       // ns

double pandel_rate(double tau) {
  return 1 / tau + speed_of_light / (group_index * pandel_absorption);
}

struct Slope {
  double value, slope;
};

Slope polynomial(const std::vector<double>& coefficients, double x) {
  Slope sum{0, 0};
  for (std::size_t i = coefficients.size(); i-- > 0;) {
    sum.slope = sum.slope * x + sum.value;
    sum.value = sum.value * x + coefficients[i];
  }
  return sum;
}

// tanh(x) from exp(-2 x), and its logarithmic slope 2 x / sinh(2 x).
struct Tanh {
  double value, tail;
};

Tanh tanh_with_tail(double x, double exp_minus_2x) {
  const double below = 1 - exp_minus_2x, above = 1 + exp_minus_2x;
  return {below / above, 4 * x * exp_minus_2x / (below * above)};
}

class EmbeddedMuon final : public MuonLight {
 public:
  explicit EmbeddedMuon(std::shared_ptr<const EmbeddedSetting> setting)
      : setting_(std::move(setting)),
        direct_(pandel_rate(muon_pandel_tau), setting_->jitter, longest_delay),
        noise_(pandel_rate(muon_pandel_tau), noise_jitter, longest_delay) {}

  void evaluate(const Track& track, const DomSite& dom, DomExpectation& out) const override {
    const Vec3 n = track.direction;
    const Vec3 reach = dom.position - track.position;
    const double l = dot(reach, n);
    const Vec3 across = reach - l * n;
    const double rho = std::fmax(std::sqrt(dot(across, across)), 1e-6);
    const Vec3 outward = (1 / rho) * across;  // d rho / d position = -outward, d l = -n

    const double path = rho / sin_cherenkov;
    out.inside = true;
    out.geometric_time =
        (l - rho * cot_cherenkov) / speed_of_light + path * group_index / speed_of_light;
    const double time_by_rho = (group_index / sin_cherenkov - cot_cherenkov) / speed_of_light;
    out.geometric_time_gradient = (-1 / speed_of_light) * n - time_by_rho * outward;

    // Height of the point the light comes from, and the direction it arrives in.
    const double origin = track.position.z + n.z * (l - rho * cot_cherenkov);
    const Vec3 up{0, 0, 1};
    const Vec3 origin_gradient = up - n.z * n + (n.z * cot_cherenkov) * outward;
    const double rising = n.z * cos_cherenkov + outward.z * sin_cherenkov;
    const Vec3 rising_gradient = (-sin_cherenkov / rho) * (up - n.z * n - outward.z * outward);
    const PathIce ice = setting_->ice.mean(origin, dom.position.z);
    const double b = ice.scattering.value, a = ice.absorption.value;

    // ln(amplitude) but for the constants, and its derivatives by distance, scattering, absorption.
    const double distance = std::sqrt(rho * rho + dom_radius * dom_radius);
    const double per_b = 1 / b, ratio = a * per_b;
    const double decay = std::sqrt(3 * a * b);  // 1 / lambda_p
    // lambda_c = exp(a / b) / (3 b), lambda_mu = (lambda_c / sin)^2 * 2 decay / pi.
    const double root_near = std::sqrt(decay * (2 / pi)) * per_b / (3 * sin_cherenkov);
    const double root_distance = std::sqrt(distance);
    const Double4 first = exp4(Double4{ratio, -ratio, -distance * decay, -path * b});
    const double root = root_distance / root_near * first[1];
    const double direct = first[3];
    const Tanh flat = tanh_with_tail(root, exp4(Double4{-2 * root, 0, 0, 0})[0]);
    const double amplitude = muon_photons * effective_area / (2 * pi * sin_cherenkov) *
                             dom.efficiency * first[2] /
                             (root_near * first[0] * root_distance * flat.value);
    const double by_distance = -decay - (0.5 + 0.5 * flat.tail) / distance;
    const double by_near = -0.5 + 0.5 * flat.tail;               // by ln(lambda_mu)
    const double by_decay = 0.5 * (by_near - distance * decay);  // by ln(decay^2)
    const double by_b = per_b * (by_decay - 2 * by_near * (1 + ratio));
    const double by_a = by_decay / a + 2 * by_near * per_b;

    // Acceptance, fading with the path.
    const Slope acceptance = polynomial(setting_->acceptance, rising);
    const double factor = 1 + (acceptance.value - 1) * direct;
    const double by_direct = (acceptance.value - 1) / factor;

    out.bare = amplitude * factor;
    const double from_rho = by_distance * rho / distance - by_direct * direct * b / sin_cherenkov;
    const double from_b = by_b - by_direct * direct * path;
    const double from_origin = from_b * ice.scattering.by_from + by_a * ice.absorption.by_from;
    const double from_rising = acceptance.slope * direct / factor;
    out.bare_gradient = out.bare * (from_origin * origin_gradient + from_rising * rising_gradient -
                                    from_rho * outward);
    out.stochastic = muon_stochastic * out.bare;
    out.stochastic_gradient = muon_stochastic * out.bare_gradient;

    // The Pandel function's shape and its gradient.
    const double scale = pandel_ice / muon_pandel_lambda;
    const double effective = 0.8395 * rho + 3.094 - 3.946 * rising + 4.636 * rising * rising;
    const Vec3 shape_gradient =
        (scale * b) * ((-3.946 + 2 * 4.636 * rising) * rising_gradient - 0.8395 * outward) +
        (scale * effective * ice.scattering.by_from) * origin_gradient;
    out.state[0] = scale * b * effective;
    out.state[1] = shape_gradient.x;
    out.state[2] = shape_gradient.y;
    out.state[3] = shape_gradient.z;
  }

  void timing(const DomExpectation& expectation, MuonTiming kind, const double* residuals,
              std::size_t n, Timing* out) const override {
    const ConvolutedPandel& pandel = kind == MuonTiming::direct ? direct_ : noise_;
    const Vec3 gradient{expectation.state[1], expectation.state[2], expectation.state[3]};
    constexpr std::size_t batch = 32;
    PandelPoint points[batch];
    for (std::size_t start = 0; start < n; start += batch) {
      const std::size_t count = std::min(batch, n - start);
      pandel.evaluate(expectation.state[0], residuals + start, count, points);
      for (std::size_t i = 0; i < count; ++i) {
        const PandelPoint& point = points[i];
        out[start + i] = {point.density, point.cumulative, point.density_slope,
                          point.density_by_shape * gradient, point.cumulative_by_shape * gradient};
      }
    }
  }

  bool smooth_timing() const override { return true; }

  // With bare = the yield 1.0 and stochastic = 1.36e-3 per GeV, this makes bare + low-energy +
  // stochastic light the model's 1.22 + 1.36e-3 E.
  double low_energy_factor(double) const override { return muon_small_losses; }

 private:
  std::shared_ptr<const EmbeddedSetting> setting_;
  ConvolutedPandel direct_, noise_;
};

// Angular emission of a cascade, normalised to a mean of 1 over the sphere. The cusp at the
// Cherenkov angle is rounded off within 0.002 of the cosine, so that gradients stay finite.
constexpr double emission_steepness = 2.61, emission_power = 0.39, emission_rounding = 2e-3;

Slope raw_emission(double cosine) {
  const double x = cosine - cos_cherenkov;
  const double square = x * x + emission_rounding * emission_rounding;
  const double power = std::pow(square, emission_power / 2);
  const double value = std::exp(-emission_steepness * power);
  return {value, -emission_steepness * emission_power * power * x / square * value};
}

double mean_emission() {
  // Midpoint rule, fine enough for the rounded cusp.
  constexpr int steps = 20000;
  double sum = 0;
  for (int i = 0; i < steps; ++i) sum += raw_emission(-1 + (2 * i + 1.0) / steps).value;
  return sum / steps;
}

class EmbeddedCascade final : public CascadeLight {
 public:
  explicit EmbeddedCascade(std::shared_ptr<const EmbeddedSetting> setting)
      : setting_(std::move(setting)),
        timing_(pandel_rate(cascade_pandel_tau), setting_->jitter, longest_delay),
        rough_timing_(timing_, longest_delay),
        emission_norm_(1 / mean_emission()) {
    make_bounds();
  }

  bool evaluate(const Vec3& position, const Vec3& direction, double, double, double time,
                const DomSite& dom, const double* edges, std::size_t n, double& amplitude,
                double* cumulative, Gradient4* amplitude_gradient,
                Gradient4* cumulative_gradient) const override {
    const Vec3 reach = dom.position - position;
    const double r = std::fmax(std::sqrt(dot(reach, reach)), 1e-6);
    const Vec3 outward = (1 / r) * reach;  // d r / d position = -outward
    const double cosine = dot(outward, direction);
    const PathIce ice = setting_->ice.mean(position.z, dom.position.z);
    const double b = ice.scattering.value, a = ice.absorption.value;

    const double distance = std::sqrt(r * r + dom_radius * dom_radius);
    const double decay = std::sqrt(3 * a * b);
    const Double4 first = exp4(Double4{a / b, -distance * decay, -r * b, 0});
    const double length = first[0] / (3 * b);
    const double direct = first[2];
    const double steps = distance / length;
    const Tanh flat = tanh_with_tail(steps, exp4(Double4{-2 * steps, 0, 0, 0})[0]);
    const double isotropic = cascade_photons * cascade_length * effective_area * dom.efficiency /
                             (4 * pi * distance) * first[1] / (length * flat.value);
    Slope emission = raw_emission(cosine);
    emission = {emission.value * emission_norm_, emission.slope * emission_norm_};
    const Slope acceptance = polynomial(setting_->acceptance, outward.z);
    const double emitted = 1 + (emission.value - 1) * direct;
    const double accepted = 1 + (acceptance.value - 1) * direct;
    amplitude = isotropic * emitted * accepted;

    if (amplitude_gradient != nullptr) {
      const double by_direct = (emission.value - 1) / emitted + (acceptance.value - 1) / accepted;
      const double by_length = -1 + flat.tail;  // by ln(lambda_c)
      const double from_r =
          (-decay - (1 + flat.tail) / distance) * r / distance - by_direct * direct * b;
      const double from_b =
          -distance * decay / (2 * b) + by_length * (-1 / b - a / (b * b)) - by_direct * direct * r;
      const double from_a = -distance * decay / (2 * a) + by_length / b;
      const double from_z = from_b * ice.scattering.by_from + from_a * ice.absorption.by_from;
      const double from_cosine = emission.slope * direct / emitted;
      const double from_rising = acceptance.slope * direct / accepted;
      const Vec3 gradient = amplitude * (Vec3{0, 0, from_z} - from_r * outward +
                                         (from_cosine / r) * (cosine * outward - direction) +
                                         (from_rising / r) * (outward.z * outward - Vec3{0, 0, 1}));
      *amplitude_gradient = {gradient.x, gradient.y, gradient.z, 0};
    }

    const double scale = pandel_ice / cascade_pandel_lambda;
    const double shape = scale * b * r;
    const double arrival = time + r * group_index / speed_of_light;
    const Vec3 arrival_gradient = (-group_index / speed_of_light) * outward;
    const Vec3 shape_gradient =
        (-scale * b) * outward + Vec3{0, 0, scale * r * ice.scattering.by_from};
    constexpr std::size_t batch = 32;
    double residuals[batch];
    PandelPoint points[batch];
    for (std::size_t start = 0; start < n; start += batch) {
      const std::size_t count = std::min(batch, n - start);
      for (std::size_t i = 0; i < count; ++i)
        residuals[i] = std::clamp(edges[start + i] - arrival, -1e5, 1e6);
      timing_.evaluate(shape, residuals, count, points);
      for (std::size_t i = 0; i < count; ++i) {
        const PandelPoint& point = points[i];
        cumulative[start + i] = std::clamp(point.cumulative, 0.0, 1.0);
        if (cumulative_gradient != nullptr) {
          const Vec3 gradient =
              point.cumulative_by_shape * shape_gradient - point.density * arrival_gradient;
          cumulative_gradient[start + i] = {gradient.x, gradient.y, gradient.z, -point.density};
        }
      }
    }
    return true;
  }

  std::unique_ptr<const TrackCascades> along_track(const Track& track, const double* lengths,
                                                   std::size_t count) const override {
    return std::make_unique<AnalyticTrackCascades>(*this, track, lengths, count);
  }

  // For a DOM of efficiency 1.
  double amplitude_bound(double distance) const override {
    const double step = std::fmax(distance, 0) / bound_spacing;
    const auto index = static_cast<std::size_t>(std::fmin(step, 1e6));
    return bounds_[std::min(index, bounds_.size() - 1)];
  }

 private:
  // Four cascades at a time.
  class AnalyticTrackCascades final : public TrackCascades {
   public:
    AnalyticTrackCascades(const EmbeddedCascade& light, const Track& track, const double* lengths,
                          std::size_t count)
        : light_(light), track_(track) {
      // The last cascade fills what is left of a four.
      for (std::size_t i = 0; i < count + 3; ++i) {
        const double length = lengths[std::min(i, count - 1)];
        const double z = track.position.z + length * track.direction.z;
        const LayeredIce::Point ice = light.setting_->ice.point(z);
        length_.push_back(length);
        height_.push_back(z);
        scattering_.push_back(ice.integral[0]);
        absorption_.push_back(ice.integral[1]);
      }
    }

    void evaluate(const DomSite& dom, std::size_t first, std::size_t last, const double* edges,
                  std::size_t n, double* amplitude, double* cumulative) const override {
      const LayeredIce& ice = light_.setting_->ice;
      const Vec3 d = dom.position - track_.position;
      const double along = dot(d, track_.direction);
      const double square = std::fmax(dot(d, d) - along * along, 0);
      const LayeredIce::Point at_dom = ice.point(dom.position.z);
      const double scale = pandel_ice / cascade_pandel_lambda;
      const double photons =
          cascade_photons * cascade_length * effective_area * dom.efficiency / (4 * pi);
      const std::vector<double>& acceptance = light_.setting_->acceptance;
      for (std::size_t i = first; i < last; i += 4) {
        const std::size_t lanes = std::min<std::size_t>(4, last - i);
        const Double4 height = dom.position.z - load4(&height_[i]);
        const Double4 per_height = 1 / height;
        Double4 b = (at_dom.integral[0] - load4(&scattering_[i])) * per_height;
        Double4 a = (at_dom.integral[1] - load4(&absorption_[i])) * per_height;
        for (std::size_t k = 0; k < 4; ++k)
          if (std::fabs(height[k]) < horizontal) {
            const PathIce mean = ice.mean(height_[i + k], dom.position.z);
            b[k] = mean.scattering.value;
            a[k] = mean.absorption.value;
          }
        const Double4 l = along - load4(&length_[i]);
        const Double4 r = root(square + l * l + 1e-12), per_r = 1 / r;
        const Double4 distance = root(r * r + dom_radius * dom_radius);
        const Double4 per_length = 3 * b * rough_exp4(-a / b);
        const Double4 direct = rough_exp4(-r * b);
        const Double4 tail = rough_exp4(-2 * distance * per_length);
        const Double4 isotropic = photons * rough_exp4(-distance * root(3 * a * b)) * per_length *
                                  (1 + tail) / (distance * (1 - tail));
        const Double4 x = l * per_r - cos_cherenkov;
        const Double4 power = rough_exp4(0.5 * emission_power *
                                         rough_log4(x * x + emission_rounding * emission_rounding));
        const Double4 emission = light_.emission_norm_ * rough_exp4(-emission_steepness * power);
        const Double4 rising = height * per_r;
        Double4 accepted{};
        for (std::size_t k = acceptance.size(); k-- > 0;)
          accepted = accepted * rising + acceptance[k];
        const Double4 light =
            isotropic * (1 + (emission - 1) * direct) * (1 + (accepted - 1) * direct);
        for (std::size_t k = 0; k < lanes; ++k) amplitude[i - first + k] = light[k];
        if (n == 0) continue;
        const Double4 shape = scale * b * r;
        const Double4 arrival =
            track_.time + load4(&length_[i]) / speed_of_light + r * (group_index / speed_of_light);
        constexpr std::size_t batch = 32;
        double residuals[batch];
        for (std::size_t k = 0; k < lanes; ++k) {
          double* const out = cumulative + (i - first + k) * n;
          for (std::size_t start = 0; start < n; start += batch) {
            const std::size_t count = std::min(batch, n - start);
            for (std::size_t e = 0; e < count; ++e) residuals[e] = edges[start + e] - arrival[k];
            light_.rough_timing_.cumulative(shape[k], residuals, count, out + start);
          }
        }
      }
    }

   private:
    static Double4 root(const Double4& x) {
      return Double4{std::sqrt(x[0]), std::sqrt(x[1]), std::sqrt(x[2]), std::sqrt(x[3])};
    }
    // Paths with less height [m] than this are looked at by themselves, as the quotients above
    // would be all rounding.
    static constexpr double horizontal = 1e-3;

    const EmbeddedCascade& light_;
    Track track_;
    // Of every cascade: along the track, its height, and the ice's integrals up to there.
    std::vector<double> length_, height_, scattering_, absorption_;
  };

  static constexpr double bound_spacing = 2;  // m

  // Largest amplitude at and beyond each distance over all the scattering there is, with the least
  // absorption, the strongest emission and the best acceptance.
  void make_bounds() {
    double best_emission = 0, best_acceptance = 0;
    for (int i = -1000; i <= 1000; ++i) {
      const double cosine = i / 1000.0;
      best_emission = std::fmax(best_emission, raw_emission(cosine).value * emission_norm_);
      best_acceptance = std::fmax(best_acceptance, polynomial(setting_->acceptance, cosine).value);
    }
    best_emission = std::fmax(best_emission, raw_emission(cos_cherenkov).value * emission_norm_);
    const double low = setting_->ice.lowest_scattering(), high = setting_->ice.highest_scattering();
    const double a = setting_->ice.lowest_absorption();
    constexpr std::size_t count = 1500;  // 3 km
    bounds_.assign(count, 0);
    for (std::size_t i = 0; i < count; ++i) {
      const double r = static_cast<double>(i) * bound_spacing;
      const double distance = std::sqrt(r * r + dom_radius * dom_radius);
      const double direct = std::exp(-r * low);
      const double angular =
          (1 + (best_emission - 1) * direct) * (1 + (best_acceptance - 1) * direct);
      for (int k = 0; k <= 60; ++k) {
        const double b = low * std::pow(high / low, k / 60.0);
        const double length = std::exp(a / b) / (3 * b);
        const double isotropic = cascade_photons * cascade_length * effective_area /
                                 (4 * pi * distance) * std::exp(-distance * std::sqrt(3 * a * b)) /
                                 (length * std::tanh(distance / length));
        bounds_[i] = std::fmax(bounds_[i], 1.05 * isotropic * angular);
      }
    }
    for (std::size_t i = count - 1; i-- > 0;) bounds_[i] = std::fmax(bounds_[i], bounds_[i + 1]);
  }

  std::shared_ptr<const EmbeddedSetting> setting_;
  ConvolutedPandel timing_;
  RoughPandel rough_timing_;
  double emission_norm_;
  std::vector<double> bounds_;
};

}  // namespace

std::unique_ptr<const MuonLight> embedded_muon_light(
    std::shared_ptr<const EmbeddedSetting> setting) {
  return std::make_unique<EmbeddedMuon>(std::move(setting));
}

std::unique_ptr<const CascadeLight> embedded_cascade_light(
    std::shared_ptr<const EmbeddedSetting> setting) {
  return std::make_unique<EmbeddedCascade>(std::move(setting));
}

}  // namespace skyscan

// The analytic light of a cascade, at one place and along a track.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "light/analytic.hpp"
#include "light/analytic_optics.hpp"
#include "light/pandel.hpp"
#include "math/exp_log4.hpp"

namespace skyscan {
namespace {

using namespace analytic;
using std::numbers::pi;

// Angular emission of a cascade by the cosine to its axis, but for its norm.
ValueAndSlope raw_emission(double cosine) {
  const double x = cosine - cos_cherenkov;
  const double square = x * x + emission_rounding * emission_rounding;
  const double power = std::pow(square, emission_power / 2);
  const double value = std::exp(-emission_steepness * power);
  return {value, -emission_steepness * emission_power * power * x / square * value};
}

// Its mean over the sphere, by the midpoint rule, fine enough for the rounded cusp.
double mean_emission() {
  constexpr int steps = 20000;
  double sum = 0;
  for (int i = 0; i < steps; ++i) sum += raw_emission(-1 + (2 * i + 1.0) / steps).value;
  return sum / steps;
}

class AnalyticCascade final : public CascadeLight {
 public:
  explicit AnalyticCascade(std::shared_ptr<const AnalyticSetting> setting)
      : setting_(std::move(setting)),
        timing_(pandel_rate(cascade_pandel_tau), setting_->jitter, longest_residual),
        rough_timing_(timing_, longest_residual),
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
    ValueAndSlope emission = raw_emission(cosine);
    emission = {emission.value * emission_norm_, emission.slope * emission_norm_};
    const ValueAndSlope acceptance = polynomial(setting_->acceptance, outward.z);
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
                                                   std::size_t count,
                                                   LightScratch&) const override {
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
    AnalyticTrackCascades(const AnalyticCascade& light, const Track& track, const double* lengths,
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
        const Double4 inverse_height = 1 / height;
        Double4 b = (at_dom.integral[0] - load4(&scattering_[i])) * inverse_height;
        Double4 a = (at_dom.integral[1] - load4(&absorption_[i])) * inverse_height;
        for (std::size_t k = 0; k < 4; ++k)
          if (std::fabs(height[k]) < horizontal) {
            const PathIce mean = ice.mean(height_[i + k], dom.position.z);
            b[k] = mean.scattering.value;
            a[k] = mean.absorption.value;
          }
        const Double4 l = along - load4(&length_[i]);
        const Double4 r = root(square + l * l + 1e-12), inverse_r = 1 / r;
        const Double4 distance = root(r * r + dom_radius * dom_radius);
        const Double4 inverse_length = 3 * b * rough_exp4(-a / b);
        const Double4 direct = rough_exp4(-r * b);
        const Double4 tail = rough_exp4(-2 * distance * inverse_length);
        const Double4 isotropic = photons * rough_exp4(-distance * root(3 * a * b)) *
                                  inverse_length * (1 + tail) / (distance * (1 - tail));
        const Double4 x = l * inverse_r - cos_cherenkov;
        const Double4 power = rough_exp4(0.5 * emission_power *
                                         rough_log4(x * x + emission_rounding * emission_rounding));
        const Double4 emission = light_.emission_norm_ * rough_exp4(-emission_steepness * power);
        const Double4 rising = height * inverse_r;
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

    const AnalyticCascade& light_;
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

  std::shared_ptr<const AnalyticSetting> setting_;
  ConvolutedPandel timing_;
  RoughPandel rough_timing_;
  double emission_norm_;
  std::vector<double> bounds_;
};

}  // namespace

std::unique_ptr<const CascadeLight> analytic_cascade_light(
    std::shared_ptr<const AnalyticSetting> setting) {
  return std::make_unique<AnalyticCascade>(std::move(setting));
}

}  // namespace skyscan

// The embedded light of a cascade, 2026b: at one place and along a track.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "light/analytic.hpp"
#include "light/cascade_decay.hpp"
#include "light/fitted_optics.hpp"
#include "light/pandel.hpp"
#include "light/pandel_family.hpp"

namespace skyscan {
namespace {

using namespace analytic;
using fitted::rounding;
using std::numbers::pi;

// Angular emission of a cascade by the cosine to its axis, but for its norm.
template <typename Number>
[[gnu::always_inline]] inline Number raw_emission(const Number& cosine) {
  const Number x = cosine - cos_cherenkov;
  const Number power = exponential_of((0.5 * emission_power) *
                                      logarithm_of(x * x + emission_rounding * emission_rounding));
  return exponential_of((-emission_steepness) * power);
}

// Its mean over the sphere, and its mean cosine, by the midpoint rule, fine enough for the rounded
// cusp.
struct Emission {
  double mean = 0, cosine = 0;

  Emission() {
    constexpr int steps = 20000;
    for (int i = 0; i < steps; ++i) {
      const double x = -1 + (2 * i + 1.0) / steps, emitted = raw_emission(x);
      mean += emitted / steps;
      cosine += x * emitted / steps;
    }
    cosine /= mean;
  }
};

// What one DOM is to one cascade, or to eight: before light and time are known.
template <typename Number>
struct SeenDom {
  Number r, cosine, rising;  // m; of the light's way to the cascade's axis and to the vertical
  Number along_dipole;       // m: the way's component along the displacement
  double dipole_square;      // of the displacement, per scattering length
};

// Light of 1 GeV at a DOM of efficiency 1 and the shape and rate of its times, in this ice.
template <typename Number>
struct Light {
  Number amplitude;
  fitted::TimingParameters<Number> times;
};

// decay_of(r, rising, ln(25 m b)): how it falls off; with_times: where these are asked for too.
template <typename Number, typename DecayOf>
[[gnu::always_inline]] inline Light<Number> light_of(const SeenDom<Number>& seen,
                                                     const fitted::MeanIce<Number>& ice,
                                                     const DecayOf& decay_of,
                                                     const Number& emitted_and_accepted,
                                                     bool with_times) {
  constexpr const fitted::Constants& of = fitted::cascade;
  const Number &b = ice.scattering, &a = ice.absorption, &r = seen.r;
  const Number per_scattering = inverse(b), scatterings = r * b;
  const Number direct = of.direct_share * exponential_of((-1 / of.direct_fading) * scatterings);
  const Number shift = (1 - exponential_of((-1 / of.shift_fading) * scatterings)) * per_scattering;
  const Number square = r * r;
  const Number displaced = root(rounding * rounding + square -
                                shift * (2 * seen.along_dipole - seen.dipole_square * shift));

  const Number log_scattering = logarithm_of(fitted::usual_scattering_length * b);
  const Number decay = decay_of(r, seen.rising, log_scattering);
  const Number inverse_length = 3 * (b * exponential_of(-1.0 * (a * per_scattering)));
  const Number correction = fitted::correction(of, r, b, decay, log_scattering);
  // The diffusive amplitude, but for the constants, times the exponential of the correction.
  const auto diffusive = [&](const Number& distance) {
    const Number tail = exponential_of(-2.0 * (distance * inverse_length));
    return exponential_of(correction - distance * decay) * inverse_length * (1 + tail) *
           inverse(distance * (1 - tail));
  };
  constexpr double unit = cascade_photons * cascade_length * effective_area / (4 * pi);
  const Number near = root(dom_radius * dom_radius + square);
  Light<Number> light{};
  light.amplitude = unit * (diffusive(near) * emitted_and_accepted * direct +
                            diffusive(displaced) * (1 - direct));
  if (with_times)
    light.times = fitted::timing(of, displaced * b, 1 + (emitted_and_accepted - 1) * direct, a);
  return light;
}

class FittedCascade final : public CascadeLight {
 public:
  explicit FittedCascade(std::shared_ptr<const AnalyticSetting> setting)
      : setting_(std::move(setting)),
        view_(fitted::mean_cosine(setting_->acceptance)),
        decays_(cascade_decay(setting_->ice, fitted::cascade.window)),
        timing_(setting_->jitter, longest_residual),
        rough_timing_(timing_, longest_residual),
        acceptance_(setting_->acceptance.begin(), setting_->acceptance.end()) {
    make_bounds();
  }

  bool evaluate(const Vec3& position, const Vec3& direction, double, double, double time,
                const DomSite& dom, const double* edges, std::size_t n, double& amplitude,
                double* cumulative, Gradient4* amplitude_gradient,
                Gradient4* cumulative_gradient) const override {
    const Vec3 reach = dom.position - position;
    const double r = std::fmax(std::sqrt(dot(reach, reach)), 1e-6);
    const Arrival arrival{time + r * group_index / speed_of_light, (1 / r) * reach, r};
    if (amplitude_gradient == nullptr && cumulative_gradient == nullptr) {
      const Light<double> light = light_at<double>(position, direction, dom, arrival, n > 0);
      amplitude = dom.efficiency * light.amplitude;
      share<double>(light.times, arrival, edges, n, cumulative, nullptr);
      return true;
    }
    const Light<Jet> light = light_at<Jet>(position, direction, dom, arrival, n > 0);
    amplitude = dom.efficiency * light.amplitude.value();
    const Vec3 slope = dom.efficiency * light.amplitude.gradient();
    if (amplitude_gradient != nullptr) *amplitude_gradient = {slope.x, slope.y, slope.z, 0};
    share<Jet>(light.times, arrival, edges, n, cumulative, cumulative_gradient);
    return true;
  }

  std::unique_ptr<const TrackCascades> along_track(const Track& track, const double* lengths,
                                                   std::size_t count,
                                                   LightScratch&) const override {
    return std::make_unique<FittedTrackCascades>(*this, track, lengths, count);
  }

  // For a DOM of efficiency 1.
  double amplitude_bound(double distance) const override {
    const double step = std::fmax(distance, 0) / bound_spacing;
    const auto index = static_cast<std::size_t>(std::fmin(step, 1e6));
    return bounds_[std::min(index, bounds_.size() - 1)];
  }

 private:
  // When direct light arrives, and how.
  struct Arrival {
    double time;
    Vec3 outward;
    double r;
  };

  template <typename Number>
  Light<Number> light_at(const Vec3& position, const Vec3& direction, const DomSite& dom,
                         const Arrival& arrival, bool with_times) const {
    const auto& [time, outward, distance] = arrival;
    const double per_r = 1 / distance;
    const Vec3 up{0, 0, 1}, dipole = emission().cosine * direction + view_ * up;
    const double along = dot(outward, direction);
    const SeenDom<Number> seen{number<Number>(distance, -1.0 * outward),
                               number<Number>(along, per_r * (along * outward - direction)),
                               number<Number>(outward.z, per_r * (outward.z * outward - up)),
                               number<Number>(distance * dot(outward, dipole), -1.0 * dipole),
                               dot(dipole, dipole)};
    const auto ice = fitted::mean_ice(setting_->ice, number<Number>(position.z, up), dom.position.z,
                                      fitted::cascade.window * seen.r);
    return light_of(seen, ice, decay_at<Number>(dom.position.z),
                    (1 / emission().mean) *
                        (raw_emission(seen.cosine) * accepted(setting_->acceptance, seen.rising)),
                    with_times);
  }

  template <typename Number>
  auto decay_at(double height) const {
    return [this, height](const Number& r, const Number& rising, const Number& log_scattering) {
      return decays_.at(height, r, rising, log_scattering);
    };
  }

  // The share of the light before each edge.
  template <typename Number>
  void share(const fitted::TimingParameters<Number>& times, const Arrival& arrival,
             const double* edges, std::size_t n, double* cumulative, Gradient4* gradients) const {
    const Vec3 arrival_gradient = (-group_index / speed_of_light) * arrival.outward;
    constexpr std::size_t batch = 32;
    double residuals[batch];
    RatedPandelPoint points[batch];
    for (std::size_t start = 0; start < n; start += batch) {
      const std::size_t count = std::min(batch, n - start);
      for (std::size_t i = 0; i < count; ++i)
        residuals[i] = std::clamp(edges[start + i] - arrival.time, -1e5, 1e6);
      timing_.evaluate(value_of(times.shape), value_of(times.log_rate), residuals, count, points);
      for (std::size_t i = 0; i < count; ++i) {
        const RatedPandelPoint& at = points[i];
        cumulative[start + i] = std::clamp(at.cumulative, 0.0, 1.0);
        if constexpr (std::is_same_v<Number, Jet>) {
          if (gradients == nullptr) continue;
          const Vec3 slope = at.cumulative_by_shape * times.shape.gradient() +
                             at.cumulative_by_rate * times.log_rate.gradient() -
                             at.density * arrival_gradient;
          gradients[start + i] = {slope.x, slope.y, slope.z, -at.density};
        }
      }
    }
  }

  // Eight cascades at a time, in single precision.
  class FittedTrackCascades final : public TrackCascades {
   public:
    FittedTrackCascades(const FittedCascade& light, const Track& track, const double* lengths,
                        std::size_t count)
        : light_(light), track_(track) {
      // The last cascade fills what is left of an eight.
      for (std::size_t i = 0; i < count + Lanes::count - 1; ++i)
        lengths_.push_back(static_cast<float>(lengths[std::min(i, count - 1)]));
    }

    void evaluate(const DomSite& dom, std::size_t first, std::size_t last, const double* edges,
                  std::size_t n, double* amplitude, double* cumulative) const override {
      const Vec3 d = dom.position - track_.position;
      const double along = dot(d, track_.direction);
      const double square = std::fmax(dot(d, d) - along * along, 0);
      const DecayTable::AtHeight decays = light_.decays_.at_height(dom.position.z);
      for (std::size_t i = first; i < last; i += Lanes::count) {
        const std::size_t lanes = std::min(Lanes::count, last - i);
        const Lanes length = load(&lengths_[i]);
        const Lanes l = along - length;
        const Lanes r = root(square + l * l + 1e-12);
        const Light<Lanes> light = light_at(dom, decays, d, length, l, r, n > 0);
        const Lanes in_dom = dom.efficiency * light.amplitude;
        for (std::size_t k = 0; k < lanes; ++k)
          amplitude[i - first + k] = static_cast<double>(in_dom[k]);
        if (n == 0) continue;
        const Lanes arrival = length * (1 / speed_of_light) + r * (group_index / speed_of_light);
        const auto places = light_.rough_timing_.places(light.times.shape, light.times.log_rate);
        for (std::size_t e = 0; e < n; ++e) {
          const Lanes share =
              light_.rough_timing_.cumulative(places, (edges[e] - track_.time) - arrival);
          for (std::size_t k = 0; k < lanes; ++k)
            cumulative[(i - first + k) * n + e] = static_cast<double>(share[k]);
        }
      }
    }

   private:
    // d: from the track's position to the DOM; l: from the cascades, along the track.
    Light<Lanes> light_at(const DomSite& dom, const DecayTable::AtHeight& decays, const Vec3& d,
                          const Lanes& length, const Lanes& l, const Lanes& r,
                          bool with_times) const {
      const Vec3& n = track_.direction;
      const double cosine = emission().cosine, view = light_.view_;
      const Lanes per_r = 1 / r, height = d.z - length * n.z;
      const SeenDom<Lanes> seen{r, l * per_r, height * per_r, cosine * l + view * height,
                                cosine * cosine + view * view + 2 * cosine * view * n.z};
      const auto ice = fitted::mean_ice(light_.setting_->ice, dom.position.z - height,
                                        dom.position.z, fitted::cascade.window * r);
      const auto decay_of = [&decays](const Lanes& r, const Lanes& rising, const Lanes& log) {
        return decays.at(r, rising, log);
      };
      return light_of(seen, ice, decay_of,
                      (1 / emission().mean) *
                          (raw_emission(seen.cosine) * accepted(light_.acceptance_, seen.rising)),
                      with_times);
    }

    const FittedCascade& light_;
    Track track_;
    std::vector<float> lengths_;
  };

  static const Emission& emission() {
    static const Emission of_cascades;
    return of_cascades;
  }

  static constexpr double bound_spacing = 2;  // m

  // Largest amplitude at and beyond each distance, of all heights and ways up and down, with the
  // strongest emission, the best acceptance, and the displacement straight towards the DOM.
  void make_bounds() {
    double best = 0, best_acceptance = 0;
    for (int i = -1000; i <= 1000; ++i) {
      const double x = i / 1000.0;
      best = std::fmax(best, raw_emission(x));
      best_acceptance = std::fmax(best_acceptance, accepted(setting_->acceptance, x));
    }
    best = std::fmax(best, raw_emission(cos_cherenkov)) / emission().mean * best_acceptance;
    const double dipole = emission().cosine + std::fabs(view_);
    constexpr std::size_t count = 1500;  // 3 km
    // Every distance near a cascade; further out, where light falls off evenly, some.
    constexpr std::size_t near = 100, stride = 10;
    constexpr double between = 1.15;  // more than where it is looked at
    bounds_.assign(count, 0);
    for (std::size_t i = 0; i < count; ++i) {
      if (i >= near && i % stride != 0) {
        bounds_[i] = bounds_[i - 1];
        continue;
      }
      const double r = std::fmax(static_cast<double>(i) * bound_spacing, 1e-6);
      for (double height = -600; height <= 600; height += 10)
        for (double rising = -1; rising <= 1; rising += 1 / 8.) {
          const SeenDom<double> seen{r, 1, rising, dipole * r, dipole * dipole};
          const auto ice = fitted::mean_ice(setting_->ice, height - r * rising, height,
                                            fitted::cascade.window * r);
          const double light = light_of(seen, ice, decay_at<double>(height), best, false).amplitude;
          bounds_[i] = std::fmax(bounds_[i], between * light);
        }
    }
    for (std::size_t i = count - 1; i-- > 0;) bounds_[i] = std::fmax(bounds_[i], bounds_[i + 1]);
  }

  std::shared_ptr<const AnalyticSetting> setting_;
  double view_;  // the DOM's mean cosine
  DecayTable decays_;
  PandelFamily timing_;
  PandelFamily::Rough rough_timing_;
  std::vector<float> acceptance_;
  std::vector<double> bounds_;
};

}  // namespace

std::unique_ptr<const CascadeLight> fitted_cascade_light(
    std::shared_ptr<const AnalyticSetting> setting) {
  return std::make_unique<FittedCascade>(std::move(setting));
}

}  // namespace skyscan

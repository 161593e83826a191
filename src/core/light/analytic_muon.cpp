// The analytic light of an infinite muon.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "light/analytic.hpp"
#include "light/analytic_optics.hpp"
#include "light/diffusive_track.hpp"
#include "light/pandel.hpp"
#include "light/rough_pandel_muon.hpp"
#include "math/exp_log4.hpp"

namespace skyscan {
namespace {

using namespace analytic;
using std::numbers::pi;

template <typename Number>
struct Ice {
  Number scattering, absorption;
};

// Between the height the light comes from and that of each of eight DOMs.
template <typename Number>
Ice<Number> ice_between(const LayeredIce& ice, const Number& from, const Lanes& to) {
  Lanes value[2], by_from[2];
  for (std::size_t i = 0; i < Lanes::count; ++i) {
    const auto [b, a] =
        ice.mean(static_cast<double>(value_of(from)[i]), static_cast<double>(to[i]));
    value[0].v[i] = static_cast<float>(b.value);
    value[1].v[i] = static_cast<float>(a.value);
    by_from[0].v[i] = static_cast<float>(b.by_from);
    by_from[1].v[i] = static_cast<float>(a.by_from);
  }
  return {chained(from, value[0], by_from[0]), chained(from, value[1], by_from[1])};
}

// What AnalyticMuon::evaluate expects, at eight DOMs. There is no deriving one from the other: the
// exact numbers stay what they were to the last bit.
class RoughOptics {
 public:
  explicit RoughOptics(const AnalyticSetting& setting) : setting_(setting) {}

  std::unique_ptr<LightScratch> scratch() const { return std::make_unique<LightScratch>(); }
  // All directions are alike.
  RoughOptics along(double, LightScratch&) const { return *this; }

  template <typename Number>
  MuonAtDom<Number> at(const SeenDom<Number, Lanes>& seen) const {
    const auto& [rho, above, rising, height, efficiency, upwards] = seen;
    // From the height of the point the light comes from.
    const Number origin = height - above - (upwards * cot_cherenkov) * rho;
    const auto [b, a] = ice_between(setting_.ice, origin, height);
    const Number direct = exponential_of((-1 / sin_cherenkov) * (rho * b));
    const Number acceptance = accepted(setting_.acceptance, rising);
    const Number distance = root(dom_radius * dom_radius + rho * rho);
    const Lanes unit = muon_photons * effective_area / (2 * pi * sin_cherenkov) * efficiency;
    const Number bare =
        unit * (DiffusiveTrack<Number>(b, a).amplitude(distance) * (1 + (acceptance - 1) * direct));
    const Number effective =
        effective_distance_constant + effective_distance_by_rho * rho +
        rising * (effective_distance_by_rising_square * rising - effective_distance_by_rising);
    // All ice absorbs alike.
    return {bare, (pandel_ice / muon_pandel_lambda) * (b * effective), 0.0 * rho};
  }

 private:
  const AnalyticSetting& setting_;
};

class AnalyticMuon final : public MuonLight {
 public:
  explicit AnalyticMuon(std::shared_ptr<const AnalyticSetting> setting)
      : setting_(std::move(setting)),
        direct_(pandel_rate(muon_pandel_tau), setting_->jitter, longest_residual),
        noise_(pandel_rate(muon_pandel_tau), noise_jitter, longest_residual),
        rough_(RoughOptics(*setting_), direct_, noise_, muon_stochastic) {}

  const RoughMuon* rough() const override { return &rough_; }

  void evaluate(const Track& track, const DomSite& dom, LightScratch&,
                DomExpectation& out) const override {
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
    const double inverse_b = 1 / b, ratio = a * inverse_b;
    const double decay = std::sqrt(3 * a * b);  // 1 / lambda_p
    // lambda_c = exp(a / b) / (3 b), lambda_mu = (lambda_c / sin)^2 * 2 decay / pi.
    const double root_near = std::sqrt(decay * (2 / pi)) * inverse_b / (3 * sin_cherenkov);
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
    const double by_b = inverse_b * (by_decay - 2 * by_near * (1 + ratio));
    const double by_a = by_decay / a + 2 * by_near * inverse_b;

    // Acceptance, fading with the path.
    const ValueAndSlope acceptance = polynomial(setting_->acceptance, rising);
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
    const double effective = effective_distance_by_rho * rho + effective_distance_constant -
                             effective_distance_by_rising * rising +
                             effective_distance_by_rising_square * rising * rising;
    const Vec3 shape_gradient =
        (scale * b) *
            ((-effective_distance_by_rising + 2 * effective_distance_by_rising_square * rising) *
                 rising_gradient -
             effective_distance_by_rho * outward) +
        (scale * effective * ice.scattering.by_from) * origin_gradient;
    out.state[0] = scale * b * effective;
    out.state[1] = shape_gradient.x;
    out.state[2] = shape_gradient.y;
    out.state[3] = shape_gradient.z;
  }

  void timing(const DomExpectation& expectation, MuonTiming kind, const double* residuals,
              std::size_t n, LightScratch&, Timing* out) const override {
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

  double narrowest_timing() const override { return setting_->jitter; }

  // With bare = the yield 1.0 and stochastic = 1.36e-3 per GeV, this makes bare + low-energy +
  // stochastic light the model's 1.22 + 1.36e-3 E.
  double low_energy_factor(double) const override { return muon_small_losses; }

 private:
  std::shared_ptr<const AnalyticSetting> setting_;
  ConvolutedPandel direct_, noise_;
  RoughPandelMuon<RoughOptics, ConvolutedPandel> rough_;
};

}  // namespace

std::unique_ptr<const MuonLight> analytic_muon_light(
    std::shared_ptr<const AnalyticSetting> setting) {
  return std::make_unique<AnalyticMuon>(std::move(setting));
}

}  // namespace skyscan

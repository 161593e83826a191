// The embedded light of an infinite muon, 2026b.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "light/analytic.hpp"
#include "light/fitted_optics.hpp"
#include "light/pandel.hpp"
#include "light/pandel_family.hpp"
#include "light/rough_muon.hpp"

namespace skyscan {
namespace {

using namespace analytic;
using fitted::rounding;
using std::numbers::pi;

// The diffusive light at distances d1 (direct) and d2 (displaced) from a track in given ice.
template <typename Number>
class DiffusiveTrack {
 public:
  DiffusiveTrack(const Number& scattering, const Number& absorption) {
    const Number per_scattering = inverse(scattering);
    decay_ = root(3 * (absorption * scattering));
    // lambda_mu = (lambda_c / sin)^2 2 decay / pi, lambda_c = exp(a / b) / (3 b): its inverse root.
    inverse_near_ =
        (3 * sin_cherenkov) * (scattering * exponential_of((-1.0) * (absorption * per_scattering)) *
                               inverse(root((2 / pi) * decay_)));
  }
  const Number& decay() const { return decay_; }
  // But for the constants; times the exponential of `correction`.
  Number amplitude(const Number& distance, const Number& correction) const {
    const Number root_distance = root(distance);
    const Number steps = root_distance * inverse_near_;
    const Number tail = exponential_of((-2.0) * steps);
    return exponential_of(correction - distance * decay_) * inverse_near_ * (1 + tail) *
           inverse(root_distance * (1 - tail));
  }

 private:
  Number decay_, inverse_near_;
};

// `view`: the DOM's mean cosine.
template <typename Number, typename Plain>
MuonAtDom<Number> light_at(const AnalyticSetting& setting, double view,
                           const SeenDom<Number, Plain>& seen) {
  constexpr const fitted::Constants& of = fitted::muon;
  const auto& [rho, above, rising, height, efficiency, upwards] = seen;
  // The light that counts comes from where the track is nearest: all of it shines.
  const auto [b, a] = fitted::mean_ice(setting.ice, height - above, height, of.window * rho);
  const Number scatterings = (1 / sin_cherenkov) * (rho * b);
  const Number direct = of.direct_share * exponential_of((-1 / of.direct_fading) * scatterings);
  const Number shift =
      view * ((1 - exponential_of((-1 / of.shift_fading) * scatterings)) * inverse(b));
  const Number square = rho * rho,
               displaced_square = square - shift * (2 * above - (1 - upwards * upwards) * shift);
  const Number displaced = root(rounding * rounding + displaced_square);

  const DiffusiveTrack<Number> diffusive(b, a);
  const Number correction = fitted::correction(of, rho, b, diffusive.decay());
  const Number acceptance = fitted::accepted(setting.acceptance, rising);
  const Number near = root(dom_radius * dom_radius + square);
  const Plain unit = muon_photons * effective_area / (2 * pi * sin_cherenkov) * efficiency;
  const Number bare = unit * (diffusive.amplitude(near, correction) * acceptance * direct +
                              diffusive.amplitude(displaced, correction) * (1 - direct));
  const fitted::TimingParameters<Number> times =
      fitted::timing(of, (1 / sin_cherenkov) * (displaced * b), 1 + (acceptance - 1) * direct, a);
  return {bare, times.shape, times.log_rate};
}

class FittedRoughMuon final : public RoughMuon {
 public:
  FittedRoughMuon(const AnalyticSetting& setting, double view, const PandelFamily& direct,
                  const ConvolutedPandel& noise)
      : setting_(setting), view_(view), direct_(direct), noise_(noise) {}

  MuonAtDom<Lanes> expect(const SeenDom<Lanes, Lanes>& seen) const override {
    return light_at(setting_, view_, seen);
  }
  MuonAtDom<LaneJet> expect(const SeenDom<LaneJet, Lanes>& seen) const override {
    return light_at(setting_, view_, seen);
  }
  double stochastic_share() const override { return muon_stochastic; }
  const PandelLanes& direct() const override { return direct_; }
  const PandelLanes& noise() const override { return noise_; }

 private:
  const AnalyticSetting& setting_;
  double view_;
  PandelLanes direct_, noise_;
};

class FittedMuon final : public MuonLight {
 public:
  explicit FittedMuon(std::shared_ptr<const AnalyticSetting> setting)
      : setting_(std::move(setting)),
        view_(fitted::mean_cosine(setting_->acceptance)),
        direct_(setting_->jitter, longest_residual),
        noise_(fitted::noise_rate, noise_jitter, longest_residual),
        rough_(*setting_, view_, direct_, noise_) {}

  const RoughMuon* rough() const override { return &rough_; }

  void evaluate(const Track& track, const DomSite& dom, LightScratch&,
                DomExpectation& out) const override {
    const Vec3 n = track.direction;
    const Vec3 reach = dom.position - track.position;
    const double l = dot(reach, n);
    const Vec3 across = reach - l * n;
    const double rho = std::fmax(std::sqrt(dot(across, across)), 1e-6);
    const Vec3 outward = (1 / rho) * across;

    out.inside = true;
    out.geometric_time = (l - rho * cot_cherenkov) / speed_of_light +
                         rho / sin_cherenkov * group_index / speed_of_light;
    out.geometric_time_gradient = (-1 / speed_of_light) * n - direct_delay_per_metre * outward;
    if (out.with_gradients)
      expect<Jet>(n, outward, rho, dom, out);
    else
      expect<double>(n, outward, rho, dom, out);
  }

  void timing(const DomExpectation& expectation, MuonTiming kind, const double* residuals,
              std::size_t n, LightScratch&, Timing* out) const override {
    const double* const state = expectation.state;
    const Vec3 by_shape{state[1], state[2], state[3]}, by_rate{state[5], state[6], state[7]};
    constexpr std::size_t batch = 32;
    if (kind == MuonTiming::noise) {
      PandelPoint points[batch];
      for (std::size_t start = 0; start < n; start += batch) {
        const std::size_t count = std::min(batch, n - start);
        noise_.evaluate(state[0], residuals + start, count, points);
        for (std::size_t i = 0; i < count; ++i) {
          const PandelPoint& at = points[i];
          out[start + i] = {at.density, at.cumulative, at.density_slope,
                            at.density_by_shape * by_shape, at.cumulative_by_shape * by_shape};
        }
      }
      return;
    }
    RatedPandelPoint points[batch];
    for (std::size_t start = 0; start < n; start += batch) {
      const std::size_t count = std::min(batch, n - start);
      direct_.evaluate(state[0], state[4], residuals + start, count, points);
      for (std::size_t i = 0; i < count; ++i) {
        const RatedPandelPoint& at = points[i];
        out[start + i] = {at.density, at.cumulative, at.density_slope,
                          at.density_by_shape * by_shape + at.density_by_rate * by_rate,
                          at.cumulative_by_shape * by_shape + at.cumulative_by_rate * by_rate};
      }
    }
  }

  double narrowest_timing() const override { return setting_->jitter; }

  double low_energy_factor(double) const override { return muon_small_losses; }

 private:
  // Amplitudes, and the state that timing() needs.
  template <typename Number>
  void expect(const Vec3& n, const Vec3& outward, double distance, const DomSite& dom,
              DomExpectation& out) const {
    const Vec3 upright = Vec3{0, 0, 1} - n.z * n;  // how a height across the track changes
    const SeenDom<Number, double> seen{
        number<Number>(distance, -1.0 * outward),
        number<Number>(distance * outward.z, -1.0 * upright),
        number<Number>(n.z * cos_cherenkov + outward.z * sin_cherenkov,
                       (-sin_cherenkov / distance) * (upright - outward.z * outward)),
        dom.position.z,
        dom.efficiency,
        n.z};
    const MuonAtDom<Number> light = light_at(*setting_, view_, seen);
    put(light.bare, out.bare, out.bare_gradient);
    out.stochastic = muon_stochastic * out.bare;
    out.stochastic_gradient = muon_stochastic * out.bare_gradient;
    put(light.shape, out.state[0], out.state + 1);
    put(light.log_rate, out.state[4], out.state + 5);
  }

  static void put(const Jet& from, double& value, Vec3& gradient) {
    value = from.value();
    gradient = from.gradient();
  }
  static void put(double from, double& value, Vec3& gradient) {
    value = from;
    gradient = {0, 0, 0};
  }
  template <typename Number>
  static void put(const Number& from, double& value, double* gradient) {
    Vec3 slope;
    put(from, value, slope);
    gradient[0] = slope.x;
    gradient[1] = slope.y;
    gradient[2] = slope.z;
  }

  std::shared_ptr<const AnalyticSetting> setting_;
  double view_;
  PandelFamily direct_;
  ConvolutedPandel noise_;
  FittedRoughMuon rough_;
};

}  // namespace

std::unique_ptr<const MuonLight> fitted_muon_light(std::shared_ptr<const AnalyticSetting> setting) {
  return std::make_unique<FittedMuon>(std::move(setting));
}

}  // namespace skyscan

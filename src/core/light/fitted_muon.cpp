// The embedded light of an infinite muon, 2026b.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "light/analytic.hpp"
#include "light/diffusive_track.hpp"
#include "light/fitted_optics.hpp"
#include "light/pandel.hpp"
#include "light/pandel_family.hpp"
#include "light/rough_pandel_muon.hpp"
#include "light/track_decay.hpp"

namespace skyscan {
namespace {

using namespace analytic;
using fitted::rounding;
using std::numbers::pi;

// What tracks of one direction keep.
struct DirectionScratch final : LightScratch {
  TrackDecay::Slice slice;
};

class FittedOptics {
 public:
  explicit FittedOptics(const AnalyticSetting& setting)
      : setting_(setting),
        view_(fitted::mean_cosine(setting.acceptance)),
        decay_(std::make_shared<const TrackDecay>(setting.ice, fitted::muon.window)) {}

  std::unique_ptr<LightScratch> scratch() const { return std::make_unique<DirectionScratch>(); }

  // Of tracks of one direction.
  class Along;
  Along along(double upwards, LightScratch& scratch) const;

 private:
  const AnalyticSetting& setting_;
  double view_;  // the DOM's mean cosine
  std::shared_ptr<const TrackDecay> decay_;
};

class FittedOptics::Along {
 public:
  Along(const FittedOptics& optics, const DecayTable& decay) : optics_(optics), decay_(decay) {}

  template <typename Number, typename Plain>
  MuonAtDom<Number> at(const SeenDom<Number, Plain>& seen) const {
    constexpr const fitted::Constants& of = fitted::muon;
    const auto& [rho, above, rising, height, efficiency, upwards] = seen;
    const AnalyticSetting& setting = optics_.setting_;
    // How b and a are averaged: most light comes from where the track is nearest.
    const auto [b, a] = fitted::mean_ice(setting.ice, height - above, height, of.window * rho);
    const Number scatterings = (1 / sin_cherenkov) * (rho * b);
    const Number direct = of.direct_share * exponential_of((-1 / of.direct_fading) * scatterings);
    const Number shift =
        optics_.view_ * ((1 - exponential_of((-1 / of.shift_fading) * scatterings)) * inverse(b));
    const Number square = rho * rho,
                 displaced_square = square - shift * (2 * above - (1 - upwards * upwards) * shift);
    const Number displaced = root(rounding * rounding + displaced_square);

    const Number log_scattering = logarithm_of(fitted::usual_scattering_length * b);
    // Vertical tracks are seen alike from all sides.
    const double level = std::sqrt(std::fmax(1 - upwards * upwards, 1e-6));
    const Number cosine = (1 / (sin_cherenkov * level)) * (rising - upwards * cos_cherenkov);
    const DiffusiveTrack<Number> diffusive(b, a, decay_.at(height, rho, cosine, log_scattering));
    const Number correction = fitted::correction(of, rho, b, diffusive.decay(), log_scattering);
    const Number acceptance = accepted(setting.acceptance, rising);
    const Number near = root(dom_radius * dom_radius + square);
    const Plain unit = muon_photons * effective_area / (2 * pi * sin_cherenkov) * efficiency;
    const Number bare = unit * (diffusive.amplitude(near, correction) * acceptance * direct +
                                diffusive.amplitude(displaced, correction) * (1 - direct));
    const fitted::TimingParameters<Number> times =
        fitted::timing(of, (1 / sin_cherenkov) * (displaced * b), 1 + (acceptance - 1) * direct, a);
    return {bare, times.shape, times.log_rate};
  }

 private:
  const FittedOptics& optics_;
  const DecayTable& decay_;
};

FittedOptics::Along FittedOptics::along(double upwards, LightScratch& scratch) const {
  TrackDecay::Slice& slice = static_cast<DirectionScratch&>(scratch).slice;
  decay_->turn(slice, upwards);
  return {*this, slice.decay};
}

class FittedMuon final : public MuonLight {
 public:
  explicit FittedMuon(std::shared_ptr<const AnalyticSetting> setting)
      : setting_(std::move(setting)),
        optics_(*setting_),
        direct_(setting_->jitter, longest_residual),
        noise_(fitted::noise_rate, noise_jitter, longest_residual),
        rough_(optics_, direct_, noise_, muon_stochastic) {}

  const RoughMuon* rough() const override { return &rough_; }

  std::unique_ptr<LightScratch> scratch() const override { return optics_.scratch(); }

  void evaluate(const Track& track, const DomSite& dom, LightScratch& scratch,
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
      expect<Jet>(n, outward, rho, dom, scratch, out);
    else
      expect<double>(n, outward, rho, dom, scratch, out);
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
              LightScratch& scratch, DomExpectation& out) const {
    const Vec3 upright = Vec3{0, 0, 1} - n.z * n;  // how a height across the track changes
    const SeenDom<Number, double> seen{
        number<Number>(distance, -1.0 * outward),
        number<Number>(distance * outward.z, -1.0 * upright),
        number<Number>(n.z * cos_cherenkov + outward.z * sin_cherenkov,
                       (-sin_cherenkov / distance) * (upright - outward.z * outward)),
        dom.position.z,
        dom.efficiency,
        n.z};
    const MuonAtDom<Number> light = optics_.along(n.z, scratch).at(seen);
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
  FittedOptics optics_;
  PandelFamily direct_;
  ConvolutedPandel noise_;
  RoughPandelMuon<FittedOptics, PandelFamily> rough_;
};

}  // namespace

std::unique_ptr<const MuonLight> fitted_muon_light(std::shared_ptr<const AnalyticSetting> setting) {
  return std::make_unique<FittedMuon>(std::move(setting));
}

}  // namespace skyscan

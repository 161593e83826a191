// The C interface of light models: opening, closing, and asking them about single DOMs.

#include <cmath>
#include <memory>
#include <vector>

#include "abi/guarded.hpp"
#include "abi/handles.hpp"
#include "abi/skyscan.h"
#include "light/analytic.hpp"
#include "light/analytic_optics.hpp"
#include "light/fitted_optics.hpp"
#include "light/table_light.hpp"

using namespace skyscan;

namespace {

void put(const Vec3& gradient, double (&out)[3]) {
  out[0] = gradient.x;
  out[1] = gradient.y;
  out[2] = gradient.z;
}

void put(const Gradient4& gradient, double (&out)[4]) {
  out[0] = gradient.x;
  out[1] = gradient.y;
  out[2] = gradient.z;
  out[3] = gradient.t;
}

}  // namespace

int32_t skyscan_light_embedded_open(int32_t model, int64_t layer_count,
                                    const skyscan_ice_layer* layers, int64_t coefficient_count,
                                    const double* acceptance, double jitter, int32_t kinds,
                                    skyscan_light** light, char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{layers, "layers"}, {acceptance, "acceptance"}, {light, "light"}});
    *light = nullptr;
    if (model != SKYSCAN_EMBEDDED_2026A && model != SKYSCAN_EMBEDDED_2026B)
      throw BadInput("embedded light: there is no such model");
    const bool is_fitted = model == SKYSCAN_EMBEDDED_2026B;
    if (jitter == 0) jitter = is_fitted ? fitted::jitter : analytic::jitter;
    if (!(jitter >= 1 && jitter <= 1000))
      throw BadInput("embedded light: the jitter must be between 1 and 1000 ns");
    const auto setting = std::make_shared<const AnalyticSetting>(
        AnalyticSetting{LayeredIce(&layers->height, static_cast<std::size_t>(layer_count)),
                        std::vector<double>(acceptance, acceptance + coefficient_count), jitter});
    auto made = std::make_unique<skyscan_light>();
    if (kinds & SKYSCAN_MUON_LIGHT)
      made->muon = is_fitted ? fitted_muon_light(setting) : analytic_muon_light(setting);
    if (kinds & SKYSCAN_CASCADE_LIGHT)
      made->cascade = is_fitted ? fitted_cascade_light(setting) : analytic_cascade_light(setting);
    *light = made.release();
  });
}

int32_t skyscan_light_tables_open(const char* amplitude, const char* timing, const char* stochastic,
                                  int32_t kinds, int32_t single_precision, skyscan_light** light,
                                  char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{amplitude, "amplitude"}, {timing, "timing"}, {light, "light"}});
    *light = nullptr;
    auto made = std::make_unique<skyscan_light>();
    if (kinds == SKYSCAN_MUON_LIGHT)
      made->muon = table_muon_light(amplitude, timing, stochastic);
    else if (kinds == SKYSCAN_CASCADE_LIGHT)
      made->cascade = table_cascade_light(amplitude, timing, single_precision != 0);
    else
      throw BadInput("photon tables hold the light of muons or of cascades, one of them");
    *light = made.release();
  });
}

void skyscan_light_close(skyscan_light* light) { delete light; }

int32_t skyscan_muon_expectation(const skyscan_light* light, const skyscan_hypothesis* hypothesis,
                                 int64_t count, const skyscan_site* sites, double* bare,
                                 double* stochastic, char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{light, "light"},
              {hypothesis, "hypothesis"},
              {sites, "sites"},
              {bare, "bare"},
              {stochastic, "stochastic"}});
    const MuonLight& muon = muon_of(light);
    const Track track = track_of(*hypothesis);
    const auto scratch = muon.scratch();
    DomExpectation expectation;
    for (int64_t i = 0; i < count; ++i) {
      muon.evaluate(track, site_of(sites[i]), *scratch, expectation);
      bare[i] = expectation.inside ? expectation.bare : 0;
      stochastic[i] = expectation.inside ? expectation.stochastic : 0;
    }
  });
}

int32_t skyscan_muon_low_energy_factor(const skyscan_light* light, double energy, double* factor,
                                       char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{light, "light"}, {factor, "factor"}});
    *factor = muon_of(light).low_energy_factor(energy);
  });
}

int32_t skyscan_muon_light(const skyscan_light* light, const skyscan_hypothesis* hypothesis,
                           const skyscan_site* site, int32_t noise, int64_t count,
                           const double* residuals, skyscan_muon_at_site* at_site,
                           skyscan_muon_timing* timing, char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{light, "light"},
              {hypothesis, "hypothesis"},
              {site, "site"},
              {residuals, "residuals"},
              {at_site, "at_site"},
              {timing, "timing"}});
    const MuonLight& muon = muon_of(light);
    const auto scratch = muon.scratch();
    DomExpectation expectation;
    muon.evaluate(track_of(*hypothesis), site_of(*site), *scratch, expectation);
    *at_site = {};
    if (!expectation.inside) return;
    at_site->inside = 1;
    at_site->geometric_time = expectation.geometric_time;
    put(expectation.geometric_time_gradient, at_site->geometric_time_gradient);
    at_site->bare = expectation.bare;
    put(expectation.bare_gradient, at_site->bare_gradient);
    at_site->stochastic = expectation.stochastic;
    put(expectation.stochastic_gradient, at_site->stochastic_gradient);
    std::vector<Timing> found(static_cast<std::size_t>(count));
    muon.timing(expectation, noise ? MuonTiming::noise : MuonTiming::direct, residuals,
                found.size(), *scratch, found.data());
    for (const Timing& at : found) {
      timing->density = at.density;
      timing->density_slope = at.density_slope;
      put(at.density_gradient, timing->density_gradient);
      timing->cumulative = at.cumulative;
      put(at.cumulative_gradient, timing->cumulative_gradient);
      ++timing;
    }
  });
}

int32_t skyscan_cascade_expectation(const skyscan_light* light,
                                    const skyscan_hypothesis* hypothesis, int64_t count,
                                    const skyscan_site* sites, double* amplitude, char* message,
                                    int64_t message_size) {
  return guarded(message, message_size, [&] {
    required(
        {{light, "light"}, {hypothesis, "hypothesis"}, {sites, "sites"}, {amplitude, "amplitude"}});
    const CascadeLight& cascade = cascade_of(light);
    const Track source = track_of(*hypothesis);
    for (int64_t i = 0; i < count; ++i) {
      const bool inside = cascade.evaluate(source.position, source.direction, source.zenith,
                                           source.azimuth, source.time, site_of(sites[i]), nullptr,
                                           0, amplitude[i], nullptr, nullptr, nullptr);
      if (!inside) amplitude[i] = 0;
    }
  });
}

int32_t skyscan_cascade_light(const skyscan_light* light, const skyscan_hypothesis* hypothesis,
                              const skyscan_site* site, int64_t count, const double* edges,
                              skyscan_cascade_at_site* at_site, skyscan_cascade_timing* timing,
                              char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{light, "light"},
              {hypothesis, "hypothesis"},
              {site, "site"},
              {edges, "edges"},
              {at_site, "at_site"},
              {timing, "timing"}});
    const CascadeLight& cascade = cascade_of(light);
    const Track source = track_of(*hypothesis);
    const auto n = static_cast<std::size_t>(count);
    std::vector<double> cumulative(n);
    std::vector<Gradient4> slopes(n);
    double amplitude = 0;
    Gradient4 amplitude_slope{};
    const bool inside = cascade.evaluate(
        source.position, source.direction, source.zenith, source.azimuth, source.time,
        site_of(*site), edges, n, amplitude, cumulative.data(), &amplitude_slope, slopes.data());
    *at_site = {};
    if (!inside) return;
    at_site->inside = 1;
    at_site->amplitude = amplitude;
    put(amplitude_slope, at_site->amplitude_gradient);
    for (std::size_t i = 0; i < n; ++i) {
      timing[i].cumulative = cumulative[i];
      put(slopes[i], timing[i].cumulative_gradient);
    }
  });
}

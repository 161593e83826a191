// The C ABI of light models: opening, closing, and asking them about single DOMs.

#include <cmath>
#include <memory>
#include <vector>

#include "abi/guarded.hpp"
#include "abi/handles.hpp"
#include "abi/skyscan.h"
#include "light/analytic.hpp"
#include "light/table_light.hpp"

using namespace skyscan;

int32_t skyscan_light_embedded_open(int64_t layer_count, const double* layers,
                                    int64_t coefficient_count, const double* acceptance,
                                    double acceptance_mean, double jitter, int32_t kinds,
                                    skyscan_light** light, char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{layers, "layers"}, {acceptance, "acceptance"}, {light, "light"}});
    *light = nullptr;
    if (!(jitter >= 1 && jitter <= 1000))
      throw BadInput("embedded light: the jitter must be between 1 and 1000 ns");
    std::vector<double> polynomial(acceptance, acceptance + coefficient_count);
    for (double& coefficient : polynomial) coefficient /= acceptance_mean;
    const auto setting = std::make_shared<const AnalyticSetting>(AnalyticSetting{
        LayeredIce(layers, static_cast<std::size_t>(layer_count)), std::move(polynomial), jitter});
    auto made = std::make_unique<skyscan_light>();
    if (kinds & SKYSCAN_MUON_LIGHT) made->muon = analytic_muon_light(setting);
    if (kinds & SKYSCAN_CASCADE_LIGHT) made->cascade = analytic_cascade_light(setting);
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

int32_t skyscan_muon_expectation(const skyscan_light* light, const double* hypothesis,
                                 int64_t count, const double* sites, double* bare,
                                 double* stochastic, char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{light, "light"},
              {hypothesis, "hypothesis"},
              {sites, "sites"},
              {bare, "bare"},
              {stochastic, "stochastic"}});
    const MuonLight& muon = muon_of(light);
    const Track track = track_of(hypothesis);
    DomExpectation expectation;
    for (int64_t i = 0; i < count; ++i) {
      const double* site = sites + 4 * i;
      muon.evaluate(track, {{site[0], site[1], site[2]}, site[3]}, expectation);
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

int32_t skyscan_muon_light(const skyscan_light* light, const double* hypothesis, const double* site,
                           int32_t noise, int64_t count, const double* residuals, double* out,
                           char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{light, "light"},
              {hypothesis, "hypothesis"},
              {site, "site"},
              {residuals, "residuals"},
              {out, "out"}});
    const MuonLight& muon = muon_of(light);
    DomExpectation expectation;
    muon.evaluate(track_of(hypothesis), {{site[0], site[1], site[2]}, site[3]}, expectation);
    const auto put = [&out](const Vec3& v) {
      for (const double value : {v.x, v.y, v.z}) *out++ = value;
    };
    *out++ = expectation.inside ? 1 : 0;
    if (!expectation.inside) return;
    *out++ = expectation.geometric_time;
    put(expectation.geometric_time_gradient);
    *out++ = expectation.bare;
    put(expectation.bare_gradient);
    *out++ = expectation.stochastic;
    put(expectation.stochastic_gradient);
    std::vector<Timing> timing(static_cast<std::size_t>(count));
    muon.timing(expectation, noise ? MuonTiming::noise : MuonTiming::direct, residuals,
                timing.size(), timing.data());
    for (const Timing& at : timing) {
      *out++ = at.density;
      *out++ = at.cumulative;
      *out++ = at.density_slope;
      put(at.density_gradient);
      put(at.cumulative_gradient);
    }
  });
}

int32_t skyscan_cascade_light(const skyscan_light* light, const double* hypothesis,
                              const double* site, int64_t count, const double* edges, double* out,
                              char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{light, "light"},
              {hypothesis, "hypothesis"},
              {site, "site"},
              {edges, "edges"},
              {out, "out"}});
    const CascadeLight& cascade = cascade_of(light);
    const Track source = track_of(hypothesis);
    const auto n = static_cast<std::size_t>(count);
    std::vector<double> cumulative(n);
    std::vector<Gradient4> slopes(n);
    double amplitude = 0;
    Gradient4 amplitude_slope{};
    const bool inside =
        cascade.evaluate(source.position, source.direction, source.zenith, source.azimuth,
                         source.time, {{site[0], site[1], site[2]}, site[3]}, edges, n, amplitude,
                         cumulative.data(), &amplitude_slope, slopes.data());
    const auto put = [&out](double value, const Gradient4& g) {
      for (const double number : {value, g.x, g.y, g.z, g.t}) *out++ = number;
    };
    *out++ = inside ? 1 : 0;
    if (!inside) return;
    put(amplitude, amplitude_slope);
    for (std::size_t i = 0; i < n; ++i) put(cumulative[i], slopes[i]);
  });
}

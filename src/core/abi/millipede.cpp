// The C ABI of millipede.

#include <cmath>
#include <memory>
#include <optional>
#include <string>

#include "abi/guarded.hpp"
#include "abi/handles.hpp"
#include "abi/skyscan.h"
#include "millipede/fit.hpp"
#include "millipede/likelihood.hpp"

using namespace skyscan;

int32_t skyscan_millipede_open(const skyscan_light* light, const skyscan_light* sketch_light,
                               int64_t dom_count, const double* doms, const int64_t* pulse_begin,
                               const double* pulses, const int64_t* exclusion_begin,
                               const double* exclusions, const double* settings,
                               skyscan_millipede** handle, char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{light, "light"},
              {doms, "doms"},
              {pulse_begin, "pulse_begin"},
              {pulses, "pulses"},
              {exclusion_begin, "exclusion_begin"},
              {exclusions, "exclusions"},
              {settings, "settings"},
              {handle, "handle"}});
    if (!light->cascade || (sketch_light != nullptr && !sketch_light->cascade))
      throw BadInput("millipede: the light model knows no cascades");
    const Interval window{settings[0], settings[1]};
    if (!(window.start < window.stop) || !std::isfinite(window.start + window.stop))
      throw BadInput("millipede: the readout window is empty or not finite");
    const BinSettings bin_settings{settings[2], settings[3]};
    std::vector<MillipedeDom> list;
    list.reserve(static_cast<std::size_t>(dom_count));
    for (int64_t k = 0; k < dom_count; ++k) {
      const double* d = doms + 5 * k;
      std::vector<Interval> excluded;
      for (int64_t i = exclusion_begin[k]; i < exclusion_begin[k + 1]; ++i)
        excluded.push_back({exclusions[2 * i], exclusions[2 * i + 1]});
      std::vector<RawPulse> series;
      for (int64_t i = pulse_begin[k]; i < pulse_begin[k + 1]; ++i)
        series.push_back({pulses[3 * i], pulses[3 * i + 1], pulses[3 * i + 2]});
      list.push_back({{{d[0], d[1], d[2]}, d[3]},
                      d[4],
                      dom_bins(readout_pieces(window, std::move(excluded)), series, bin_settings)});
    }
    const MillipedeSettings millipede_settings{settings[4], settings[5]};
    std::optional<Millipede> sketch;
    if (sketch_light != nullptr) sketch.emplace(*sketch_light->cascade, list, millipede_settings);
    *handle = new skyscan_millipede{light->cascade,
                                    sketch_light != nullptr ? sketch_light->cascade : nullptr,
                                    Millipede(*light->cascade, std::move(list), millipede_settings),
                                    std::move(sketch),
                                    {},
                                    {}};
  });
}

void skyscan_millipede_close(skyscan_millipede* handle) { delete handle; }

int32_t skyscan_millipede_bins(const skyscan_millipede* handle, double* out, int64_t capacity,
                               int64_t* count, char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {out, "out"}, {count, "count"}});
    std::vector<double> flat;
    for (const MillipedeDom& dom : handle->millipede.doms()) {
      const DomBins& bins = dom.bins;
      flat.push_back(static_cast<double>(bins.charges.size()));
      flat.insert(flat.end(), bins.edges.begin(), bins.edges.end());
      flat.insert(flat.end(), bins.charges.begin(), bins.charges.end());
      for (const bool valid : bins.valid) flat.push_back(valid ? 1 : 0);
    }
    hand_out(flat, out, capacity, count);
  });
}

int32_t skyscan_millipede_evaluate(skyscan_millipede* handle, const double* hypothesis,
                                   double spacing, double relative_uncertainty, double* out,
                                   char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {hypothesis, "hypothesis"}, {out, "out"}});
    check_spacing(spacing);
    const Track track = track_of(hypothesis);
    const Millipede& millipede = handle->millipede;
    const MillipedeValue value = millipede.evaluate(track, spacing, exact_cutoff, true);
    handle->losses = value.cascades;
    for (int i = 0; i < 7; ++i) out[i] = std::nan("");
    if (!value.placed) return;
    out[0] = value.llh;
    for (std::size_t axis = 0; axis < 4; ++axis) out[1 + axis] = value.gradient[axis];
    out[5] = value.solution.certificate;
    out[6] = value.solution.iterations;
    if (relative_uncertainty > 0)
      out[0] = millipede.llh_of(track, spacing, value.solution.energies, relative_uncertainty);
  });
}

int32_t skyscan_millipede_fit(skyscan_millipede* handle, const double* seed, const double* fallback,
                              const double* search, double* out, char* message,
                              int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {seed, "seed"}, {search, "search"}, {out, "out"}});
    check_spacing(search[0]);
    const MillipedeSearch settings{search[0], search[1], search[2] != 0,
                                   static_cast<int>(search[3])};
    const Track first = track_of(seed);
    Track second = first;
    if (fallback != nullptr) {
      const double other[6] = {fallback[0], fallback[1], fallback[2],
                               fallback[3], seed[4],     seed[5]};
      second = track_of(other);
    }
    const Millipede& millipede = handle->millipede;
    const MillipedeFit fit =
        handle->fitter.fit(millipede, handle->sketch ? *handle->sketch : millipede, first,
                           fallback != nullptr ? &second : nullptr, settings);
    handle->losses = fit.losses;
    out[0] = fit.llh;
    out[1] = fit.track.position.x;
    out[2] = fit.track.position.y;
    out[3] = fit.track.position.z;
    out[4] = fit.track.time;
    out[5] = fit.evaluations;
    out[6] = static_cast<double>(fit.outcome);
  });
}

int32_t skyscan_millipede_losses(const skyscan_millipede* handle, double* out, int64_t capacity,
                                 int64_t* count, char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {out, "out"}, {count, "count"}});
    std::vector<double> flat;
    for (const Cascade& c : handle->losses)
      flat.insert(flat.end(), {c.position.x, c.position.y, c.position.z, c.time, c.energy});
    hand_out(flat, out, capacity, count);
  });
}

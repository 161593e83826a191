// The C interface of millipede.

#include <cmath>
#include <memory>
#include <optional>
#include <string>

#include "abi/guarded.hpp"
#include "abi/handles.hpp"
#include "abi/skyscan.h"
#include "millipede/fit.hpp"
#include "millipede/likelihood.hpp"
#include "millipede/widened_fit.hpp"

using namespace skyscan;

namespace {

MillipedeSearch search_of(const skyscan_millipede_search& search) {
  check_spacing(search.spacing);
  return {search.spacing, search.reach, search.keeps_time != 0, search.settles != 0,
          static_cast<int>(search.max_evaluations)};
}

// The likelihood that searches begin with.
const Millipede& sketch_of(const skyscan_millipede& handle) {
  return handle.sketch ? *handle.sketch : handle.millipede;
}

void hand_out_fit(skyscan_millipede& handle, const MillipedeFit& fit,
                  skyscan_millipede_minimum* minimum) {
  handle.losses = fit.losses;
  handle.minima = fit.minima;
  const Vec3& vertex = fit.track.position;
  *minimum = {fit.llh,
              vertex.x,
              vertex.y,
              vertex.z,
              fit.track.time,
              fit.evaluations,
              static_cast<int32_t>(fit.outcome)};
}

}  // namespace

int32_t skyscan_millipede_open(const skyscan_light* light, const skyscan_light* sketch_light,
                               int64_t dom_count, const skyscan_millipede_dom* doms,
                               const int64_t* pulse_begin, const skyscan_pulse* pulses,
                               const int64_t* exclusion_begin, const skyscan_interval* exclusions,
                               const skyscan_millipede_settings* settings,
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
    const Interval window{settings->start, settings->stop};
    if (!(window.start < window.stop) || !std::isfinite(window.start + window.stop))
      throw BadInput("millipede: the readout window is empty or not finite");
    const BinSettings bin_settings{settings->bin_sigma, settings->min_time_width};
    std::vector<MillipedeDom> list;
    list.reserve(static_cast<std::size_t>(dom_count));
    for (int64_t k = 0; k < dom_count; ++k) {
      const skyscan_millipede_dom& d = doms[k];
      std::vector<Interval> excluded;
      for (int64_t i = exclusion_begin[k]; i < exclusion_begin[k + 1]; ++i)
        excluded.push_back({exclusions[i].start, exclusions[i].stop});
      std::vector<RawPulse> series;
      for (int64_t i = pulse_begin[k]; i < pulse_begin[k + 1]; ++i)
        series.push_back({pulses[i].time, pulses[i].charge, pulses[i].width});
      list.push_back({{{d.x, d.y, d.z}, d.efficiency},
                      d.noise_rate,
                      dom_bins(readout_pieces(window, std::move(excluded)), series, bin_settings)});
    }
    const MillipedeSettings millipede_settings{settings->boundary, settings->regularisation};
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

int32_t skyscan_millipede_evaluate(skyscan_millipede* handle, const skyscan_hypothesis* hypothesis,
                                   double spacing, double relative_uncertainty,
                                   skyscan_millipede_value* value, char* message,
                                   int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {hypothesis, "hypothesis"}, {value, "value"}});
    check_spacing(spacing);
    const Track track = track_of(*hypothesis);
    const Millipede& millipede = handle->millipede;
    const MillipedeValue found = millipede.evaluate(track, spacing, exact_cutoff, true);
    handle->losses = found.cascades;
    const double none = std::nan("");
    *value = {none, {none, none, none, none}, none, 0};
    if (!found.placed) return;
    value->llh = found.llh;
    for (std::size_t axis = 0; axis < 4; ++axis) value->gradient[axis] = found.gradient[axis];
    value->certificate = found.solution.certificate;
    value->iterations = found.solution.iterations;
    if (relative_uncertainty > 0)
      value->llh = millipede.llh_of(track, spacing, found.solution.energies, relative_uncertainty);
  });
}

int32_t skyscan_millipede_direction_open(const skyscan_millipede* handle, double zenith,
                                         double azimuth, const skyscan_millipede_search* search,
                                         int32_t* evaluations,
                                         skyscan_millipede_direction** searched, char* message,
                                         int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"},
              {search, "search"},
              {evaluations, "evaluations"},
              {searched, "searched"}});
    const Track track = track_of({0, 0, 0, 0, zenith, azimuth});
    auto known = search_direction(handle->millipede, sketch_of(*handle), track, search_of(*search));
    *evaluations = known.best.evaluations;
    *searched = new skyscan_millipede_direction{zenith, azimuth, std::move(known)};
  });
}

void skyscan_millipede_direction_close(skyscan_millipede_direction* searched) { delete searched; }

int32_t skyscan_millipede_fit(skyscan_millipede* handle,
                              const skyscan_millipede_direction* searched,
                              const skyscan_hypothesis* seed, const skyscan_vertex* fallback,
                              const skyscan_millipede_search* search,
                              skyscan_millipede_minimum* minimum, char* message,
                              int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {seed, "seed"}, {search, "search"}, {minimum, "minimum"}});
    const Track track = track_of(*seed);
    const MillipedeSearch settings = search_of(*search);
    const MillipedeFit fit = [&] {
      if (fallback != nullptr && settings.reach > 0)
        return fit_beside(handle->millipede, sketch_of(*handle), track, track_of(*seed, *fallback),
                          settings);
      if (searched == nullptr) return fit_downhill(handle->millipede, track, settings);
      if (searched->zenith != seed->zenith || searched->azimuth != seed->azimuth)
        throw BadInput("millipede: the seed is of another direction than the one searched");
      if (!(searched->searched.search == settings))
        throw BadInput("millipede: the direction was searched with other settings");
      return fit_seed(handle->millipede, sketch_of(*handle), searched->searched, track);
    }();
    hand_out_fit(*handle, fit, minimum);
  });
}

int32_t skyscan_millipede_fit_from(skyscan_millipede* handle,
                                   const skyscan_millipede_minimum* starts, int64_t start_count,
                                   const skyscan_hypothesis* seed,
                                   const skyscan_millipede_search* search,
                                   skyscan_millipede_minimum* minimum, char* message,
                                   int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"},
              {starts, "starts"},
              {seed, "seed"},
              {search, "search"},
              {minimum, "minimum"}});
    std::vector<RoughMinimum> list;
    for (int64_t i = 0; i < start_count; ++i) {
      const auto& [llh, x, y, z, time, evaluations, outcome] = starts[i];
      list.push_back({track_of(*seed, {x, y, z, time}), llh});
    }
    hand_out_fit(*handle, fit_from(handle->millipede, track_of(*seed), list, search_of(*search)),
                 minimum);
  });
}

int32_t skyscan_millipede_minima(const skyscan_millipede* handle, skyscan_millipede_minimum* minima,
                                 int64_t capacity, int64_t* count, char* message,
                                 int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {minima, "minima"}, {count, "count"}});
    std::vector<skyscan_millipede_minimum> list;
    for (const auto& [track, llh] : handle->minima) {
      const Vec3& at = track.position;
      list.push_back({llh, at.x, at.y, at.z, track.time, 0, 0});
    }
    hand_out(list, minima, capacity, count);
  });
}

int32_t skyscan_millipede_widened_fit(skyscan_millipede* handle, const skyscan_hypothesis* start,
                                      double spacing, double relative_uncertainty,
                                      skyscan_millipede_minimum* minimum, char* message,
                                      int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {start, "start"}, {minimum, "minimum"}});
    check_spacing(spacing);
    if (!(relative_uncertainty > 0) || !std::isfinite(relative_uncertainty))
      throw BadInput("millipede: the relative uncertainty is not a positive number");
    const MillipedeFit fit =
        widened_minimum(handle->millipede, track_of(*start), spacing, relative_uncertainty);
    handle->losses = fit.losses;
    const Vec3& vertex = fit.track.position;
    *minimum = {fit.llh,
                vertex.x,
                vertex.y,
                vertex.z,
                fit.track.time,
                fit.evaluations,
                static_cast<int32_t>(fit.outcome)};
  });
}

int32_t skyscan_millipede_losses(const skyscan_millipede* handle, skyscan_loss* losses,
                                 int64_t capacity, int64_t* count, char* message,
                                 int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {losses, "losses"}, {count, "count"}});
    std::vector<skyscan_loss> list;
    for (const Cascade& c : handle->losses)
      list.push_back({c.position.x, c.position.y, c.position.z, c.time, c.energy});
    hand_out(list, losses, capacity, count);
  });
}

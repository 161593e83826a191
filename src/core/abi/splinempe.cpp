// The C interface of splinempe.

#include <cmath>
#include <memory>
#include <vector>

#include "abi/guarded.hpp"
#include "abi/handles.hpp"
#include "abi/skyscan.h"
#include "splinempe/fit.hpp"
#include "splinempe/free_direction.hpp"

using namespace skyscan;

struct skyscan_splinempe {
  std::shared_ptr<const MuonLight> light;  // kept as long as the likelihood that asks it
  SplineMpe likelihood;
  CoarseMaps maps;  // of the search: 122 MB at most
};

namespace {

std::vector<Minimum> minima_of(const skyscan_splinempe_minimum* list, int64_t count) {
  std::vector<Minimum> minima;
  for (int64_t i = 0; i < count; ++i)
    minima.push_back({list[i].llh, {list[i].x, list[i].y, list[i].z}});
  return minima;
}

void hand_out_minima(const DirectionMinima& found, skyscan_splinempe_minimum* minima,
                     int64_t* count, int64_t* evaluations) {
  *evaluations = found.evaluations;
  for (const auto& [llh, at] : found.minima) minima[(*count)++] = {llh, at.x, at.y, at.z};
}

void hand_out_fit(const SplineMpeFit& fit, skyscan_splinempe_result* result) {
  const Vec3& at = fit.position;
  *result = {fit.llh, at.x, at.y, at.z, fit.time, fit.evaluations};
}

}  // namespace

int32_t skyscan_splinempe_open(const skyscan_light* light, int64_t dom_count,
                               const skyscan_splinempe_dom* doms,
                               const skyscan_splinempe_settings* settings,
                               skyscan_splinempe** handle, char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{light, "light"}, {doms, "doms"}, {settings, "settings"}, {handle, "handle"}});
    *handle = nullptr;
    const MuonLight& muon = muon_of(light);
    const auto [start, stop, energy] = *settings;
    if (dom_count < 1) throw BadInput("splinempe: no DOM has a pulse");
    if (!std::isfinite(energy)) throw BadInput("splinempe: the energy must be a finite number");
    if (!(stop >= start)) throw BadInput("splinempe: the readout window ends before it starts");
    std::vector<FirstPulse> pulses;
    for (int64_t i = 0; i < dom_count; ++i) {
      const auto [x, y, z, efficiency, first_time, charge] = doms[i];
      for (const double number : {x, y, z, efficiency, first_time, charge})
        if (!std::isfinite(number)) throw BadInput("splinempe: a DOM or pulse holds no number");
      pulses.push_back({{{x, y, z}, efficiency}, first_time, charge});
    }
    *handle = new skyscan_splinempe{
        light->muon, SplineMpe(muon, std::move(pulses), start, stop, energy), {}};
  });
}

void skyscan_splinempe_close(skyscan_splinempe* handle) { delete handle; }

int32_t skyscan_splinempe_evaluate(const skyscan_splinempe* handle,
                                   const skyscan_hypothesis* hypothesis, double* llh,
                                   double* gradient, char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {hypothesis, "hypothesis"}, {llh, "llh"}});
    SplineMpeSlope slope;
    *llh = handle->likelihood.evaluate(track_of(*hypothesis), gradient ? &slope : nullptr);
    if (!gradient) return;
    gradient[0] = slope.gradient.x;
    gradient[1] = slope.gradient.y;
    gradient[2] = slope.gradient.z;
  });
}

int32_t skyscan_splinempe_evaluate_exactly(const skyscan_splinempe* handle,
                                           const skyscan_hypothesis* hypothesis, double* llh,
                                           char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {hypothesis, "hypothesis"}, {llh, "llh"}});
    *llh = handle->likelihood.evaluate_exactly(track_of(*hypothesis));
  });
}

static_assert(SKYSCAN_SPLINEMPE_MINIMA == DirectionMinima::most);

int32_t skyscan_splinempe_search(skyscan_splinempe* handle, double zenith, double azimuth,
                                 int32_t thorough, skyscan_splinempe_minimum* minima,
                                 int64_t* count, int64_t* evaluations, char* message,
                                 int64_t message_size) {
  return guarded(message, message_size, [&] {
    required(
        {{handle, "handle"}, {minima, "minima"}, {count, "count"}, {evaluations, "evaluations"}});
    *count = 0;
    const DirectionMinima found = minima_along(
        handle->likelihood, handle->maps, track_of({0, 0, 0, 0, zenith, azimuth}), thorough != 0);
    hand_out_minima(found, minima, count, evaluations);
  });
}

int32_t skyscan_splinempe_search_beside(const skyscan_splinempe* handle, double zenith,
                                        double azimuth, const skyscan_splinempe_minimum* starts,
                                        int64_t start_count, skyscan_splinempe_minimum* minima,
                                        int64_t* count, int64_t* evaluations, char* message,
                                        int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"},
              {starts, "starts"},
              {minima, "minima"},
              {count, "count"},
              {evaluations, "evaluations"}});
    *count = 0;
    if (start_count < 1 || start_count > SKYSCAN_SPLINEMPE_MINIMA)
      throw BadInput("splinempe: a search beside others starts from 1 to 128 places");
    const DirectionMinima found =
        minima_beside(handle->likelihood, track_of({0, 0, 0, 0, zenith, azimuth}),
                      minima_of(starts, start_count));
    hand_out_minima(found, minima, count, evaluations);
  });
}

int32_t skyscan_splinempe_free_direction(skyscan_splinempe* handle,
                                         const skyscan_splinempe_track* starts, int64_t start_count,
                                         skyscan_splinempe_direction* direction, char* message,
                                         int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {starts, "starts"}, {direction, "direction"}});
    if (start_count < 1)
      throw BadInput("splinempe: a free direction needs at least one track to start from");
    std::vector<Track> tracks;
    for (int64_t i = 0; i < start_count; ++i)
      tracks.push_back(track_of(
          {starts[i].x, starts[i].y, starts[i].z, 0, starts[i].zenith, starts[i].azimuth}));
    const FreeDirection found = free_direction(handle->likelihood, handle->maps, tracks);
    const auto& [position, travel, time, zenith, azimuth] = found.track;
    const auto& [uu, uv, vv] = found.covariance;
    *direction = {found.llh, position.x, position.y, position.z,       time, zenith, azimuth,
                  uu,        uv,         vv,         found.evaluations};
  });
}

int32_t skyscan_splinempe_fit(const skyscan_splinempe* handle,
                              const skyscan_splinempe_minimum* minima, int64_t count,
                              const skyscan_hypothesis* seeds, int64_t seed_count,
                              skyscan_splinempe_result* result, char* message,
                              int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {minima, "minima"}, {seeds, "seeds"}, {result, "result"}});
    if (count < 1) throw BadInput("splinempe: a fit needs at least one minimum of its direction");
    if (seed_count < 1) throw BadInput("splinempe: a fit needs at least one seed");
    std::vector<Track> tracks;
    for (int64_t i = 0; i < seed_count; ++i) tracks.push_back(track_of(seeds[i]));
    hand_out_fit(fit(handle->likelihood, minima_of(minima, count), tracks), result);
  });
}

int32_t skyscan_splinempe_vertex(const skyscan_splinempe* handle,
                                 const skyscan_splinempe_minimum* minima, int64_t count,
                                 const skyscan_hypothesis* seed, skyscan_splinempe_result* result,
                                 char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {minima, "minima"}, {seed, "seed"}, {result, "result"}});
    if (count < 1) throw BadInput("splinempe: a fit needs at least one minimum of its direction");
    hand_out_fit(vertex_at(handle->likelihood, minima_of(minima, count), track_of(*seed)), result);
  });
}

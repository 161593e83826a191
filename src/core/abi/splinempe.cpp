// The C ABI of the splinempe likelihood.

#include <cmath>
#include <memory>
#include <vector>

#include "abi/guarded.hpp"
#include "abi/handles.hpp"
#include "abi/skyscan.h"
#include "splinempe/fit.hpp"

using namespace skyscan;

struct skyscan_splinempe {
  std::shared_ptr<const MuonLight> light;  // kept as long as the likelihood that asks it
  SplineMpe likelihood;
  CoarseMaps maps;  // of the search: 106 MB at most
};

namespace {

// One minimum as it crosses the interface: llh, x, y, z.
constexpr int64_t minimum_size = 4;

std::vector<Minimum> minima_of(const double* numbers, int64_t count) {
  if (count < minimum_size || count % minimum_size != 0)
    throw BadInput("splinempe: minima are four numbers each, and at least one");
  std::vector<Minimum> minima;
  for (const double* at = numbers; at != numbers + count; at += minimum_size)
    minima.push_back({at[0], {at[1], at[2], at[3]}});
  return minima;
}

}  // namespace

int32_t skyscan_splinempe_open(const skyscan_light* light, int64_t count, const double* doms,
                               double start, double stop, double energy, skyscan_splinempe** handle,
                               char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{light, "light"}, {doms, "doms"}, {handle, "handle"}});
    *handle = nullptr;
    const MuonLight& muon = muon_of(light);
    if (count < 1) throw BadInput("splinempe: no DOM has a pulse");
    if (!std::isfinite(energy)) throw BadInput("splinempe: the energy must be a finite number");
    if (!(stop >= start)) throw BadInput("splinempe: the readout window ends before it starts");
    std::vector<FirstPulse> pulses;
    for (int64_t i = 0; i < count; ++i) {
      const double* dom = doms + 6 * i;
      for (int k = 0; k < 6; ++k)
        if (!std::isfinite(dom[k])) throw BadInput("splinempe: a DOM or pulse holds no number");
      pulses.push_back({{{dom[0], dom[1], dom[2]}, dom[3]}, dom[4], dom[5]});
    }
    *handle = new skyscan_splinempe{
        light->muon, SplineMpe(muon, std::move(pulses), start, stop, energy), {}};
  });
}

void skyscan_splinempe_close(skyscan_splinempe* handle) { delete handle; }

int32_t skyscan_splinempe_evaluate(const skyscan_splinempe* handle, const double* hypothesis,
                                   int32_t exact, double* out, char* message,
                                   int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {hypothesis, "hypothesis"}, {out, "out"}});
    const Track track = track_of(hypothesis);
    if (exact) {
      out[0] = handle->likelihood.evaluate_exactly(track);
      out[1] = out[2] = out[3] = NAN;
      return;
    }
    SplineMpeSlope slope;
    out[0] = handle->likelihood.evaluate(track, &slope);
    out[1] = slope.gradient.x;
    out[2] = slope.gradient.y;
    out[3] = slope.gradient.z;
  });
}

int32_t skyscan_splinempe_search(skyscan_splinempe* handle, double zenith, double azimuth,
                                 int32_t thorough, double* out, int64_t capacity, int64_t* count,
                                 char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {out, "out"}, {count, "count"}});
    *count = 0;
    if (capacity < SKYSCAN_SPLINEMPE_SEARCH)
      throw BadInput("splinempe: too little room for minima");
    const double hypothesis[6] = {0, 0, 0, 0, zenith, azimuth};
    const DirectionMinima found =
        minima_along(handle->likelihood, handle->maps, track_of(hypothesis), thorough != 0);
    out[(*count)++] = static_cast<double>(found.evaluations);
    for (const auto& [llh, position] : found.minima)
      for (const double number : {llh, position.x, position.y, position.z})
        out[(*count)++] = number;
  });
}
static_assert(SKYSCAN_SPLINEMPE_SEARCH == 1 + minimum_size * DirectionMinima::most);

int32_t skyscan_splinempe_fit(const skyscan_splinempe* handle, const double* minima, int64_t count,
                              const double* seed, const double* fallback, double* out,
                              char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {minima, "minima"}, {seed, "seed"}, {out, "out"}});
    std::vector<Track> seeds = {track_of(seed)};
    if (fallback != nullptr) {
      const double other[6] = {fallback[0], fallback[1], fallback[2],
                               fallback[3], seed[4],     seed[5]};
      seeds.push_back(track_of(other));
    }
    const SplineMpeFit found = fit(handle->likelihood, minima_of(minima, count), seeds);
    out[0] = found.llh;
    out[1] = found.position.x;
    out[2] = found.position.y;
    out[3] = found.position.z;
    out[4] = found.time;
    out[5] = static_cast<double>(found.evaluations);
  });
}

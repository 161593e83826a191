// The C ABI of the splinempe likelihood.

#include <cmath>
#include <memory>
#include <vector>

#include "abi/guarded.hpp"
#include "abi/handles.hpp"
#include "abi/skyscan.h"
#include "splinempe/likelihood.hpp"

using namespace skyscan;

struct skyscan_splinempe {
  std::shared_ptr<const MuonLight> light;  // kept as long as the likelihood that asks it
  SplineMpe likelihood;
  double energy;   // the event's own
  double current;  // the one set
};

namespace {

void use_energy(skyscan_splinempe* handle, double energy) {
  const double wanted = std::isnan(energy) ? handle->energy : energy;
  if (wanted == handle->current) return;
  handle->likelihood.set_energy(wanted);
  handle->current = wanted;
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
        light->muon, SplineMpe(muon, std::move(pulses), start, stop, energy), energy, energy};
  });
}

void skyscan_splinempe_close(skyscan_splinempe* handle) { delete handle; }

int32_t skyscan_splinempe_evaluate(skyscan_splinempe* handle, const double* hypothesis,
                                   double energy, int32_t exact, double* out, char* message,
                                   int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {hypothesis, "hypothesis"}, {out, "out"}});
    use_energy(handle, energy);
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

int32_t skyscan_splinempe_fit(skyscan_splinempe* handle, const double* seed, const double* fallback,
                              double energy, double* out, char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {seed, "seed"}, {out, "out"}});
    use_energy(handle, energy);
    Track seeds[2] = {track_of(seed), {}};
    std::size_t count = 1;
    if (fallback != nullptr) {
      const double other[6] = {fallback[0], fallback[1], fallback[2],
                               fallback[3], seed[4],     seed[5]};
      seeds[count++] = track_of(other);
    }
    const SplineMpeFit fit = handle->likelihood.fit(seeds, count);
    out[0] = fit.llh;
    out[1] = fit.position.x;
    out[2] = fit.position.y;
    out[3] = fit.position.z;
    out[4] = fit.time;
    out[5] = static_cast<double>(fit.evaluations);
  });
}

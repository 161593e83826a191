// The C ABI of light from photon tables.

#include "light/table_light.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "abi/guarded.hpp"
#include "abi/handles.hpp"
#include "abi/skyscan.h"

using namespace skyscan;

struct skyscan_table_pair {
  skyscan_table_pair(const char* amplitude, const char* timing, bool infinite_muon, double sigma)
      : pair(amplitude, timing, infinite_muon), time(pair.timing(), pair.time_axis(), sigma) {}
  TablePair pair;
  TimeAxis time;
};

extern "C" {

int32_t skyscan_light_tables_open(const char* amplitude, const char* timing, const char* stochastic,
                                  int32_t kinds, int32_t single_precision, skyscan_light** light,
                                  char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
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

int32_t skyscan_table_pair_open(const char* amplitude, const char* timing, int32_t infinite_muon,
                                double sigma, skyscan_table_pair** pair, char* message,
                                int64_t message_size) {
  return guarded(message, message_size, [&] {
    *pair = nullptr;
    if (!(sigma >= 0 && sigma < 1e5)) throw BadInput("time smearing must be 0 to 1e5 ns");
    *pair = new skyscan_table_pair(amplitude, timing, infinite_muon != 0, sigma);
  });
}

void skyscan_table_pair_close(skyscan_table_pair* pair) { delete pair; }

int32_t skyscan_table_pair_look(const skyscan_table_pair* handle, int32_t kind, double energy,
                                const double* source, const double* dom, int64_t count,
                                const double* residuals, double* mean, double* geometric_time,
                                double* coordinates, double* timing, uint8_t* inside, char* message,
                                int64_t message_size) {
  return guarded(message, message_size, [&] {
    const TablePair& pair = handle->pair;
    const double zenith = source[3], azimuth = source[4];
    const Vec3 direction{-std::sin(zenith) * std::cos(azimuth),
                         -std::sin(zenith) * std::sin(azimuth), -std::cos(zenith)};
    TablePair::Point point;
    pair.locate({{source[0], source[1], source[2]}, direction, zenith, azimuth, source[5]},
                {dom[0], dom[1], dom[2]}, point);
    const int n = pair.coordinates();
    const unsigned all = (1u << n) - 1;
    *geometric_time = point.geometric_time;
    for (int c = 0; c < n; ++c) coordinates[c] = point.coordinate[c];
    const double yield = light_yield(static_cast<SourceKind>(kind), energy);
    double value, slopes[TablePair::kMostCoordinates];
    *inside = pair.log_amplitude(point, all, &value, slopes);
    mean[0] = *inside ? yield * std::exp(value) : 0;
    for (int k = 0; k < 5; ++k) {
      mean[1 + k] = 0;
      for (int c = 0; *inside && c < n; ++c)
        mean[1 + k] += mean[0] * slopes[c] * point.gradient[c].by[k];
    }
    auto curve = std::make_unique<TablePair::Curve>();
    const SplineBasis& basis = handle->time.basis();
    *inside = *inside && pair.curve(point, all, 0, basis.size() - 1, *curve);
    std::vector<double> weight(static_cast<std::size_t>(basis.lanes())), rise(weight.size());
    for (int64_t i = 0; i < count; ++i) {
      double* out = timing + 7 * i;  // cumulative, density, then the gradient of the cumulative
      std::fill_n(out, 7, 0.0);
      const double residual = residuals[i];
      const bool above = residual > handle->time.upper();
      const bool within = !above && residual > handle->time.lower();
      if (!*inside) continue;
      out[0] = above ? 1 : 0;
      const int interval = basis.locate(residual);
      if (interval < 0) continue;
      basis.weights(interval, residual, weight.data(), rise.data());
      const auto sum = [&](int channel, const std::vector<double>& w) {
        const double* c = curve->coefficients + channel * curve->count + basis.first(interval);
        double total = 0;
        for (int j = 0; j < basis.width(); ++j) total += c[j] * w[static_cast<std::size_t>(j)];
        return total;
      };
      out[1] = sum(0, rise);
      if (!within) continue;
      out[0] = sum(0, weight);
      // At a fixed moment: the residual shrinks as the geometric time grows.
      for (int k = 0; k < 5; ++k) {
        out[2 + k] = -out[1] * point.geometric_time_gradient.by[k];
        for (int c = 0; c < n; ++c) out[2 + k] += sum(1 + c, weight) * point.gradient[c].by[k];
      }
    }
  });
}

}  // extern "C"

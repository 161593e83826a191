// The C interface of what only tests ask.

#include "abi/testing.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "abi/guarded.hpp"
#include "abi/handles.hpp"
#include "light/pandel.hpp"
#include "light/table_pair.hpp"

using namespace skyscan;

struct skyscan_table_pair {
  skyscan_table_pair(const char* amplitude, const char* timing, bool infinite_muon, double sigma)
      : pair(amplitude, timing, infinite_muon), time(pair.timing(), pair.time_axis(), sigma) {}
  TablePair pair;
  TimeAxis time;
};

int32_t skyscan_cascade_string(const skyscan_light* light, const skyscan_hypothesis* hypothesis,
                               int64_t cascades, const double* lengths, const skyscan_site* site,
                               int64_t count, const double* edges, double* out, char* message,
                               int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{light, "light"},
              {hypothesis, "hypothesis"},
              {lengths, "lengths"},
              {site, "site"},
              {edges, "edges"},
              {out, "out"}});
    const CascadeLight& cascade = cascade_of(light);
    const auto n = static_cast<std::size_t>(cascades);
    const auto scratch = cascade.scratch();
    cascade.along_track(track_of(*hypothesis), lengths, n, *scratch)
        ->evaluate(site_of(*site), 0, n, edges, static_cast<std::size_t>(count), out, out + n);
  });
}

int32_t skyscan_convoluted_pandel(double rate, double sigma, int64_t count, const double* shapes,
                                  const double* residuals, double* out, char* message,
                                  int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{shapes, "shapes"}, {residuals, "residuals"}, {out, "out"}});
    const ConvolutedPandel pandel(rate, sigma, 30000);
    for (int64_t i = 0; i < count; ++i) {
      PandelPoint at;
      pandel.evaluate(shapes[i], residuals + i, 1, &at);
      const double numbers[] = {at.density, at.density_slope, at.density_by_shape, at.cumulative,
                                at.cumulative_by_shape};
      for (int k = 0; k < 5; ++k) out[5 * i + k] = numbers[k];
    }
  });
}

int32_t skyscan_table_pair_open(const char* amplitude, const char* timing, int32_t infinite_muon,
                                double sigma, skyscan_table_pair** pair, char* message,
                                int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{amplitude, "amplitude"}, {timing, "timing"}, {pair, "pair"}});
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
    required({{handle, "pair"},
              {source, "source"},
              {dom, "dom"},
              {residuals, "residuals"},
              {mean, "mean"},
              {geometric_time, "geometric_time"},
              {coordinates, "coordinates"},
              {timing, "timing"},
              {inside, "inside"}});
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
    double value, slopes[TablePair::most_coordinates];
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

int32_t skyscan_millipede_llh(const skyscan_millipede* handle, const skyscan_hypothesis* hypothesis,
                              double spacing, double relative_uncertainty, const double* energies,
                              int64_t count, double* llh, char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required(
        {{handle, "handle"}, {hypothesis, "hypothesis"}, {energies, "energies"}, {llh, "llh"}});
    check_spacing(spacing);
    *llh = handle->millipede.llh_of(track_of(*hypothesis), spacing,
                                    std::vector<double>(energies, energies + count),
                                    relative_uncertainty);
  });
}

int32_t skyscan_millipede_unfolding(const skyscan_millipede* handle,
                                    const skyscan_hypothesis* hypothesis, double spacing,
                                    const double* energies, int64_t count, double* llh,
                                    double* sums, char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"},
              {hypothesis, "hypothesis"},
              {energies, "energies"},
              {llh, "llh"},
              {sums, "sums"}});
    check_spacing(spacing);
    const Millipede& millipede = handle->millipede;
    const MillipedeValue found =
        millipede.evaluate(track_of(*hypothesis), spacing, exact_cutoff, false);
    if (static_cast<std::size_t>(count) != found.cascades.size())
      throw BadInput(std::to_string(found.cascades.size()) + " cascades along this track");
    llh[0] = millipede.llh_of(found, std::vector<double>(energies, energies + count));
    llh[1] = found.llh;
    llh[2] = found.solution.certificate;
    std::copy(found.response.sum.begin(), found.response.sum.end(), sums);
  });
}

int32_t skyscan_millipede_column_sums(const skyscan_millipede* handle,
                                      const skyscan_hypothesis* hypothesis, double spacing,
                                      int32_t scan, double* out, int64_t capacity, int64_t* count,
                                      char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{handle, "handle"}, {hypothesis, "hypothesis"}, {out, "out"}, {count, "count"}});
    check_spacing(spacing);
    const LightCutoff cutoff = scan != 0 ? LightCutoff(search_cutoff) : LightCutoff(exact_cutoff);
    hand_out(handle->millipede.column_sums(track_of(*hypothesis), spacing, cutoff), out, capacity,
             count);
  });
}

int32_t skyscan_table_derivative(const skyscan_table* table, int64_t count, const double* x,
                                 const int32_t* orders, double* values, uint8_t* inside,
                                 char* message, int64_t message_size) {
  return guarded(message, message_size, [&] {
    required(
        {{table, "table"}, {x, "x"}, {orders, "orders"}, {values, "values"}, {inside, "inside"}});
    const auto& t = table->table;
    int order[SplineTable::most_axes] = {};
    for (int axis = 0; axis < t.dimensions(); ++axis) {
      order[axis] = orders[axis];
      if (order[axis] < 0 || order[axis] > 16)
        throw BadInput("the order of a derivative is 0 to 16");
    }
    for (int64_t i = 0; i < count; ++i) {
      values[i] = 0;
      inside[i] = t.derivative(x + i * t.dimensions(), order, &values[i]);
    }
  });
}

// What the C interface's handles and arguments stand for: light models, likelihoods, tables;
// tracks.
#pragma once

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "abi/skyscan.h"
#include "base/errors.hpp"
#include "base/track.hpp"
#include "light/light_model.hpp"
#include "millipede/fit.hpp"
#include "millipede/likelihood.hpp"
#include "splines/table.hpp"

// The light of muons, of cascades, or of both. Read-only once made: any number of likelihoods in
// any number of threads may use one, and each keeps the light it uses.
struct skyscan_light {
  std::shared_ptr<const skyscan::MuonLight> muon;
  std::shared_ptr<const skyscan::CascadeLight> cascade;
};

struct skyscan_millipede {
  // Kept as long as the likelihoods that ask them; the second may be null.
  std::shared_ptr<const skyscan::CascadeLight> light, sketch_light;
  skyscan::Millipede millipede;
  std::optional<skyscan::Millipede> sketch;
  std::vector<skyscan::Cascade> losses;       // of the latest evaluation or fit
  std::vector<skyscan::RoughMinimum> minima;  // of the latest fit
};

struct skyscan_millipede_direction {
  double zenith, azimuth;
  skyscan::SearchedDirection searched;
};

struct skyscan_table {
  skyscan::SplineTable table;
};

namespace skyscan {

inline Track track_of(const skyscan_hypothesis& from) {
  for (const double number : {from.x, from.y, from.z, from.time, from.zenith, from.azimuth})
    if (!std::isfinite(number))
      throw BadInput("hypothesis: x, y, z, time, zenith and azimuth must be finite numbers");
  const Vec3 direction{-std::sin(from.zenith) * std::cos(from.azimuth),
                       -std::sin(from.zenith) * std::sin(from.azimuth), -std::cos(from.zenith)};
  return {{from.x, from.y, from.z}, direction, from.time, from.zenith, from.azimuth};
}

// The track through another vertex.
inline Track track_of(const skyscan_hypothesis& direction, const skyscan_vertex& vertex) {
  return track_of(skyscan_hypothesis{vertex.x, vertex.y, vertex.z, vertex.time, direction.zenith,
                                     direction.azimuth});
}

inline DomSite site_of(const skyscan_site& from) {
  return {{from.x, from.y, from.z}, from.efficiency};
}

inline const MuonLight& muon_of(const skyscan_light* light) {
  if (!light->muon) throw BadInput("light: this light model knows no muons");
  return *light->muon;
}

inline const CascadeLight& cascade_of(const skyscan_light* light) {
  if (!light->cascade) throw BadInput("light: this light model knows no cascades");
  return *light->cascade;
}

inline void check_spacing(double spacing) {
  if (!(spacing >= 0.1))
    throw BadInput("millipede: spacing " + std::to_string(spacing) + " m, expected at least 0.1");
}

// Copies as much as fits; *count says how much there is.
template <typename T>
void hand_out(const std::vector<T>& values, T* out, int64_t capacity, int64_t* count) {
  *count = static_cast<int64_t>(values.size());
  for (int64_t i = 0; i < *count && i < capacity; ++i) out[i] = values[static_cast<std::size_t>(i)];
}

}  // namespace skyscan

// Hypotheses as they cross the C ABI: x, y, z, time, zenith, azimuth.
#pragma once

#include <cmath>

#include "light.hpp"
#include "light_handle.hpp"
#include "status.hpp"

namespace skyscan {

inline Track track_of(const double* hypothesis) {
  for (int i = 0; i < 6; ++i)
    if (!std::isfinite(hypothesis[i]))
      throw BadInput("hypothesis: x, y, z, time, zenith and azimuth must be finite numbers");
  const double zenith = hypothesis[4], azimuth = hypothesis[5];
  const Vec3 direction{-std::sin(zenith) * std::cos(azimuth), -std::sin(zenith) * std::sin(azimuth),
                       -std::cos(zenith)};
  return {{hypothesis[0], hypothesis[1], hypothesis[2]}, direction, hypothesis[3], zenith, azimuth};
}

inline const MuonLight& muon_of(const skyscan_light* light) {
  if (light == nullptr || !light->muon) throw BadInput("light: this light model knows no muons");
  return *light->muon;
}

}  // namespace skyscan

// Ice for tests of light: clear, with a layer of dust.
#pragma once

#include <cmath>
#include <vector>

#include "light/layered_ice.hpp"

namespace skyscan {

// Every 10 m from -700 to 700 m: effective scattering and absorption are 4 and 4.5 times as much at
// the height `dust` as far from it.
inline LayeredIce dusty_ice(double dust) {
  std::vector<double> layers;
  for (int z = -700; z <= 700; z += 10) {
    const double more = std::exp(-std::pow((z - dust) / 40, 4));
    layers.insert(layers.end(), {1.0 * z, 0.035 * (1 + 3 * more), 0.009 * (1 + 3.5 * more)});
  }
  return LayeredIce(layers.data(), layers.size() / 3);
}

// The same everywhere.
inline LayeredIce even_ice(double scattering, double absorption) {
  const double layers[] = {-700, scattering, absorption, 700, scattering, absorption};
  return LayeredIce(layers, 2);
}

}  // namespace skyscan

// A straight track at the speed of light.
#pragma once

#include "base/vec3.hpp"

namespace skyscan {

// Metres, nanoseconds, radians; detector coordinates.
struct Track {
  Vec3 position;
  Vec3 direction;  // unit vector along travel
  double time;
  double zenith, azimuth;  // where the particle comes from
};

}  // namespace skyscan

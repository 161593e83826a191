// Detector directions to equatorial J2000 and back.
#pragma once

#include <cstdint>

namespace skyscan {

// Towards the sky the slow terms take UTC for the time, towards the detector TT; see
// equatorial.cpp.
enum class Way : std::int64_t { to_sky = 1, to_detector = 2 };

// The Earth's rotation: hour angles and horizon.
struct Horizon {
  double sidereal;  // local apparent sidereal time, rad
  double speed;     // of the observatory about the Earth's axis, units of c
  double sin_latitude;
  double cos_latitude;
};

// What bends the light of a star on its way to the Earth's centre.
struct Apparent {
  double to_earth[3];        // unit vector Sun -> Earth
  double deflection;         // twice the Sun's gravitational radius over the Earth's distance
  double velocity[3];        // of the Earth about the barycentre, units of c
  double inverse_gamma;      // sqrt(1 - v^2)
  double orientation[3][3];  // ICRS -> true equator and equinox of date
};

// Everything that depends on the time alone: a fifth of a millisecond's work, where a direction
// costs half a microsecond.
struct Moment {
  double mjd;
  Way way;
  Horizon horizon;
  Apparent apparent;
};

// mjd is UTC, days. Throws BadInput for a time that is no date.
Moment moment_at(double mjd, Way way);

// Element by element: all arrays have `count` entries, rad. zenith and azimuth say where the
// particle comes from; ra and azimuth come out in [0, 2 pi). The moment is one of this way.
void to_equatorial(const Moment& moment, std::int64_t count, const double* zenith,
                   const double* azimuth, double* ra, double* dec);
void to_detector(const Moment& moment, std::int64_t count, const double* ra, const double* dec,
                 double* zenith, double* azimuth);

}  // namespace skyscan

// Detector directions <-> equatorial J2000, on ERFA (BSD).
//
// The chain is the classical one (mean place -> apparent place -> observed place, and back) with
// the conventions of the software whose maps we must match: no refraction, no polar motion, UT1 =
// UTC, sidereal time of IAU 1982, bias-precession-nutation of IAU 2006/2000A. Formulae: Explanatory
// Supplement to the Astronomical Almanac (1992), sections 3.26, 3.31 and 3.315.
//
// Two of its habits look odd and are kept, because they move the sky by more than we tolerate
// (0.01"):
//  - the equation of the equinoxes takes the nutation in longitude with the precession correction
//  of
//    Shirai & Fukushima (2001) still inside, 0.07" to 0.11" in these decades;
//  - towards the sky the slow terms are evaluated at UTC, towards the detector at TT (0.0005").

#include "sky/equatorial.hpp"

#include <erfa.h>
#include <erfam.h>

#include <cmath>

#include "base/errors.hpp"

namespace skyscan {
namespace {

// IceCube, geodetic, east positive; sea level.
constexpr double latitude = -89.9944 * ERFA_DD2R;
constexpr double longitude = -62.6081 * ERFA_DD2R;

// Twice the Sun's gravitational radius, AU.
constexpr double solar_deflection = 2 * 9.87063e-9;

// Closest 1 + cos(angle from the antisolar direction) at which deflection still grows: inside the
// Sun's disc the formula would diverge.
constexpr double smallest_deflection_denominator = 1e-5;

// Obliquity at J2000 (IAU 1976), and Shirai & Fukushima's correction to the precession in
// longitude: arcsec, and arcsec per Julian century.
constexpr double obliquity = 84381.412 * ERFA_DAS2R;
constexpr double precession_offset = -0.042888 * ERFA_DAS2R;
constexpr double precession_rate = -0.29856 * ERFA_DAS2R;

// Furthest MJD taken, either way: far beyond any event, well within what ERFA can date.
constexpr double latest = 1e6;

// How fast the Earth turns, rad/s of UT1: 2 pi x 1.00273781191135448 / 86400.
constexpr double earth_rate = ERFA_D2PI * 1.00273781191135448 / ERFA_DAYSEC;

// ERFA's signatures know no const; these do.
double dot(const double a[3], const double b[3]) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
void rotate(const double matrix[3][3], const double from[3], double to[3]) {
  for (int i = 0; i < 3; ++i) to[i] = dot(matrix[i], from);
}
void rotate_back(const double matrix[3][3], const double from[3], double to[3]) {
  for (int i = 0; i < 3; ++i)
    to[i] = matrix[0][i] * from[0] + matrix[1][i] * from[1] + matrix[2][i] * from[2];
}

Apparent apparent_at(double mjd) {
  Apparent at;
  double heliocentric[2][3];
  double barycentric[2][3];
  eraEpv00(ERFA_DJM0, mjd, heliocentric, barycentric);
  double distance;
  eraPn(heliocentric[0], &distance, at.to_earth);
  at.deflection = solar_deflection / distance;
  eraSxp(ERFA_AULT / ERFA_DAYSEC, barycentric[1], at.velocity);
  at.inverse_gamma = std::sqrt(1 - dot(at.velocity, at.velocity));
  eraPnm06a(ERFA_DJM0, mjd, at.orientation);
  return at;
}

// Mean J2000 unit vector -> geocentric apparent unit vector.
void of_date(const Apparent& sky, const double mean[3], double apparent[3]) {
  const double along = dot(mean, sky.to_earth);
  const double bend = sky.deflection / std::fmax(1 + along, smallest_deflection_denominator);
  double bent[3];
  for (int i = 0; i < 3; ++i) bent[i] = mean[i] + bend * (sky.to_earth[i] - along * mean[i]);

  const double towards = dot(bent, sky.velocity);
  const double push = 1 + towards / (1 + sky.inverse_gamma);
  double aberrated[3];
  for (int i = 0; i < 3; ++i)
    aberrated[i] = (sky.inverse_gamma * bent[i] + push * sky.velocity[i]) / (1 + towards);

  rotate(sky.orientation, aberrated, apparent);
}

// The inverse: aberration and deflection are undone by fixed-point iteration, as often as it
// takes to converge well below a micro-arcsecond (they are 1e-4 and 1e-8 rad).
void of_j2000(const Apparent& sky, const double apparent[3], double mean[3]) {
  double norm;
  double aberrated[3];
  rotate_back(sky.orientation, apparent, aberrated);

  double bent[3];
  eraCp(aberrated, bent);
  for (int iteration = 0; iteration < 2; ++iteration) {
    const double towards = dot(bent, sky.velocity);
    const double push = 1 + towards / (1 + sky.inverse_gamma);
    for (int i = 0; i < 3; ++i)
      bent[i] = ((1 + towards) * aberrated[i] - push * sky.velocity[i]) / sky.inverse_gamma;
    eraPn(bent, &norm, bent);
  }

  eraCp(bent, mean);
  for (int iteration = 0; iteration < 5; ++iteration) {
    const double along = dot(mean, sky.to_earth);
    for (int i = 0; i < 3; ++i)
      mean[i] = ((1 + along) * bent[i] - sky.deflection * sky.to_earth[i]) /
                (1 + along - sky.deflection * along);
    eraPn(mean, &norm, mean);
  }
}

// Local apparent sidereal time, rad, at an MJD in UTC (taken for UT1).
double sidereal_time(double mjd) {
  const double centuries = (mjd - ERFA_DJM00) / ERFA_DJC;
  const double equinoxes = eraEe06a(ERFA_DJM0, mjd) +
                           std::cos(obliquity) * (precession_offset + precession_rate * centuries);
  return eraGmst82(ERFA_DJM0, mjd) + longitude + equinoxes;
}

// The observatory's speed around the Earth's axis, units of c: metres per second away from it.
double diurnal_aberration() {
  double position[3];
  eraGd2gc(ERFA_WGS84, longitude, latitude, 0, position);
  return earth_rate * std::hypot(position[0], position[1]) / ERFA_CMPS;
}

// UTC -> TT, both MJD. ERFA knows no leap seconds before 1960, and none to come.
double terrestrial_time(double mjd) {
  int year, month, day;
  double fraction;
  double tai_minus_utc = 0;
  eraJd2cal(ERFA_DJM0, mjd, &year, &month, &day, &fraction);
  eraDat(year, month, day, fraction, &tai_minus_utc);
  return mjd + (ERFA_TTMTAI + tai_minus_utc) / ERFA_DAYSEC;
}

// Into [0, 2 pi): adding 2 pi to a tiny negative angle would round to 2 pi itself.
double wrapped(double angle) {
  const double positive = eraAnp(angle);
  return positive < ERFA_D2PI ? positive : 0;
}

void turn_about_pole(double angle, const double from[3], double to[3]) {
  const double c = std::cos(angle);
  const double s = std::sin(angle);
  to[0] = c * from[0] - s * from[1];
  to[1] = s * from[0] + c * from[1];
  to[2] = from[2];
}

// Direction in the detector -> geocentric apparent unit vector.
void to_apparent(const Horizon& earth, double zenith, double azimuth, double apparent[3]) {
  // Horizon with x to the south, y to the east. IceCube's azimuth runs from grid east (the 90th
  // meridian east) against the compass's sense.
  const double compass = ERFA_DPI / 2 - azimuth - longitude;
  const double x = -std::cos(compass) * std::sin(zenith);
  const double y = std::sin(compass) * std::sin(zenith);
  const double z = std::cos(zenith);

  // Equatorial with x on the meridian, y to the east.
  double hour[3] = {earth.sin_latitude * x + earth.cos_latitude * z, y,
                    -earth.cos_latitude * x + earth.sin_latitude * z};
  const double shrink = 1 + earth.speed * hour[1];
  hour[0] *= shrink;
  hour[1] = shrink * (hour[1] - earth.speed);
  hour[2] *= shrink;

  turn_about_pole(earth.sidereal, hour, apparent);
}

// The inverse.
void to_local(const Horizon& earth, const double apparent[3], double& zenith, double& azimuth) {
  double hour[3];
  turn_about_pole(-earth.sidereal, apparent, hour);
  const double shrink = 1 - earth.speed * hour[1];
  hour[0] *= shrink;
  hour[1] = shrink * (hour[1] + earth.speed);
  hour[2] *= shrink;

  const double x = earth.sin_latitude * hour[0] - earth.cos_latitude * hour[2];
  const double y = hour[1];
  const double z = earth.cos_latitude * hour[0] + earth.sin_latitude * hour[2];
  zenith = std::atan2(std::hypot(x, y), z);
  azimuth = wrapped(ERFA_DPI / 2 - std::atan2(y, -x) - longitude);
}

}  // namespace

Moment moment_at(double mjd, Way way) {
  if (!(std::fabs(mjd) < latest)) throw BadInput("mjd is not a date");
  const Horizon horizon{sidereal_time(mjd), diurnal_aberration(), std::sin(latitude),
                        std::cos(latitude)};
  return {mjd, way, horizon, apparent_at(way == Way::to_detector ? terrestrial_time(mjd) : mjd)};
}

void to_equatorial(const Moment& moment, std::int64_t count, const double* zenith,
                   const double* azimuth, double* ra, double* dec) {
  for (std::int64_t i = 0; i < count; ++i) {
    double apparent[3];
    double mean[3];
    to_apparent(moment.horizon, zenith[i], azimuth[i], apparent);
    of_j2000(moment.apparent, apparent, mean);
    eraC2s(mean, &ra[i], &dec[i]);
    ra[i] = wrapped(ra[i]);
  }
}

void to_detector(const Moment& moment, std::int64_t count, const double* ra, const double* dec,
                 double* zenith, double* azimuth) {
  for (std::int64_t i = 0; i < count; ++i) {
    double mean[3];
    double apparent[3];
    eraS2c(ra[i], dec[i], mean);
    of_date(moment.apparent, mean, apparent);
    to_local(moment.horizon, apparent, zenith[i], azimuth[i]);
  }
}

}  // namespace skyscan

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
#include <optional>

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

// What bends the light of a star on its way to the Earth's centre, at one moment.
struct Apparent {
  double to_earth[3];        // unit vector Sun -> Earth
  double deflection;         // solar_deflection over the Earth's distance
  double velocity[3];        // of the Earth about the barycentre, units of c
  double inverse_gamma;      // sqrt(1 - v^2)
  double orientation[3][3];  // ICRS -> true equator and equinox of date

  explicit Apparent(double mjd) {
    double heliocentric[2][3];
    double barycentric[2][3];
    eraEpv00(ERFA_DJM0, mjd, heliocentric, barycentric);
    double distance;
    eraPn(heliocentric[0], &distance, to_earth);
    deflection = solar_deflection / distance;
    eraSxp(ERFA_AULT / ERFA_DAYSEC, barycentric[1], velocity);
    inverse_gamma = std::sqrt(1 - dot(velocity, velocity));
    eraPnm06a(ERFA_DJM0, mjd, orientation);
  }

  // Mean J2000 unit vector -> geocentric apparent unit vector.
  void of_date(const double mean[3], double apparent[3]) const {
    const double along = dot(mean, to_earth);
    const double bend = deflection / std::fmax(1 + along, smallest_deflection_denominator);
    double bent[3];
    for (int i = 0; i < 3; ++i) bent[i] = mean[i] + bend * (to_earth[i] - along * mean[i]);

    const double towards = dot(bent, velocity);
    const double push = 1 + towards / (1 + inverse_gamma);
    double aberrated[3];
    for (int i = 0; i < 3; ++i)
      aberrated[i] = (inverse_gamma * bent[i] + push * velocity[i]) / (1 + towards);

    rotate(orientation, aberrated, apparent);
  }

  // The inverse: aberration and deflection are undone by fixed-point iteration, as often as it
  // takes to converge well below a micro-arcsecond (they are 1e-4 and 1e-8 rad).
  void of_j2000(const double apparent[3], double mean[3]) const {
    double norm;
    double aberrated[3];
    rotate_back(orientation, apparent, aberrated);

    double bent[3];
    eraCp(aberrated, bent);
    for (int iteration = 0; iteration < 2; ++iteration) {
      const double towards = dot(bent, velocity);
      const double push = 1 + towards / (1 + inverse_gamma);
      for (int i = 0; i < 3; ++i)
        bent[i] = ((1 + towards) * aberrated[i] - push * velocity[i]) / inverse_gamma;
      eraPn(bent, &norm, bent);
    }

    eraCp(bent, mean);
    for (int iteration = 0; iteration < 5; ++iteration) {
      const double along = dot(mean, to_earth);
      for (int i = 0; i < 3; ++i)
        mean[i] =
            ((1 + along) * bent[i] - deflection * to_earth[i]) / (1 + along - deflection * along);
      eraPn(mean, &norm, mean);
    }
  }
};

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

// The Earth's rotation at one moment: hour angles and horizon.
struct Horizon {
  double sidereal;
  double speed = diurnal_aberration();
  double sin_latitude = std::sin(latitude);
  double cos_latitude = std::cos(latitude);

  explicit Horizon(double mjd) : sidereal(sidereal_time(mjd)) {}

  void to_apparent(double zenith, double azimuth, double apparent[3]) const {
    // Horizon with x to the south, y to the east. IceCube's azimuth runs from grid east (the 90th
    // meridian east) against the compass's sense.
    const double compass = ERFA_DPI / 2 - azimuth - longitude;
    const double x = -std::cos(compass) * std::sin(zenith);
    const double y = std::sin(compass) * std::sin(zenith);
    const double z = std::cos(zenith);

    // Equatorial with x on the meridian, y to the east.
    double hour[3] = {sin_latitude * x + cos_latitude * z, y, -cos_latitude * x + sin_latitude * z};
    const double shrink = 1 + speed * hour[1];
    hour[0] *= shrink;
    hour[1] = shrink * (hour[1] - speed);
    hour[2] *= shrink;

    turn_about_pole(sidereal, hour, apparent);
  }

  void to_detector(const double apparent[3], double& zenith, double& azimuth) const {
    double hour[3];
    turn_about_pole(-sidereal, apparent, hour);
    const double shrink = 1 - speed * hour[1];
    hour[0] *= shrink;
    hour[1] = shrink * (hour[1] + speed);
    hour[2] *= shrink;

    const double x = sin_latitude * hour[0] - cos_latitude * hour[2];
    const double y = hour[1];
    const double z = cos_latitude * hour[0] + sin_latitude * hour[2];
    zenith = std::atan2(std::hypot(x, y), z);
    azimuth = wrapped(ERFA_DPI / 2 - std::atan2(y, -x) - longitude);
  }

  // Into [0, 2 pi): adding 2 pi to a tiny negative angle would round to 2 pi itself.
  static double wrapped(double angle) {
    const double positive = eraAnp(angle);
    return positive < ERFA_D2PI ? positive : 0;
  }

  static void turn_about_pole(double angle, const double from[3], double to[3]) {
    const double c = std::cos(angle);
    const double s = std::sin(angle);
    to[0] = c * from[0] - s * from[1];
    to[1] = s * from[0] + c * from[1];
    to[2] = from[2];
  }
};

// Towards the sky the slow terms take UTC for the time, towards the detector TT.
enum class Clock { utc, tt };

// Everything that depends on the time alone.
struct Moment {
  double mjd;
  Horizon horizon;
  Apparent sky;

  Moment(double time, Clock clock)
      : mjd(time), horizon(time), sky(clock == Clock::tt ? terrestrial_time(time) : time) {}
};

// The moment last asked for: a fifth of a millisecond's work, and a scan asks for one time only,
// often for one direction per call. A thread's own, so no thread sees another's.
template <Clock clock>
const Moment& moment_at(double mjd) {
  thread_local std::optional<Moment> last;
  if (!(std::fabs(mjd) < latest)) throw BadInput("mjd is not a date");
  if (!last || last->mjd != mjd) last.emplace(mjd, clock);
  return *last;
}

}  // namespace

void to_equatorial(std::int64_t count, const double* zenith, const double* azimuth,
                   const double* mjd, double* ra, double* dec) {
  for (std::int64_t i = 0; i < count; ++i) {
    const Moment& moment = moment_at<Clock::utc>(mjd[i]);
    double apparent[3];
    double mean[3];
    moment.horizon.to_apparent(zenith[i], azimuth[i], apparent);
    moment.sky.of_j2000(apparent, mean);
    eraC2s(mean, &ra[i], &dec[i]);
    ra[i] = Horizon::wrapped(ra[i]);
  }
}

void to_detector(std::int64_t count, const double* ra, const double* dec, const double* mjd,
                 double* zenith, double* azimuth) {
  for (std::int64_t i = 0; i < count; ++i) {
    const Moment& moment = moment_at<Clock::tt>(mjd[i]);
    double mean[3];
    double apparent[3];
    eraS2c(ra[i], dec[i], mean);
    moment.sky.of_date(mean, apparent);
    moment.horizon.to_detector(apparent, zenith[i], azimuth[i]);
  }
}

}  // namespace skyscan

// Detector directions to equatorial J2000 and back.
#pragma once

#include <cstdint>

namespace skyscan {

// Element by element: all arrays have `count` entries, rad; mjd is UTC, days. zenith and azimuth
// say where the particle comes from; ra and azimuth come out in [0, 2 pi). Equal times next to each
// other share the costly part. Throws BadInput for a time that is no date.
void to_equatorial(std::int64_t count, const double* zenith, const double* azimuth,
                   const double* mjd, double* ra, double* dec);
void to_detector(std::int64_t count, const double* ra, const double* dec, const double* mjd,
                 double* zenith, double* azimuth);

}  // namespace skyscan

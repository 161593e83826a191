// The C interface of directions.

#include "abi/guarded.hpp"
#include "abi/skyscan.h"
#include "sky/equatorial.hpp"

int32_t skyscan_to_equatorial(int64_t count, const double* zenith, const double* azimuth,
                              const double* mjd, double* ra, double* dec, char* message,
                              int64_t message_size) {
  return skyscan::guarded(message, message_size,
                          [&] { skyscan::to_equatorial(count, zenith, azimuth, mjd, ra, dec); });
}

int32_t skyscan_to_detector(int64_t count, const double* ra, const double* dec, const double* mjd,
                            double* zenith, double* azimuth, char* message, int64_t message_size) {
  return skyscan::guarded(message, message_size,
                          [&] { skyscan::to_detector(count, ra, dec, mjd, zenith, azimuth); });
}

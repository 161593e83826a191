// The C interface of directions.

#include <bit>

#include "abi/guarded.hpp"
#include "abi/skyscan.h"
#include "sky/equatorial.hpp"

using namespace skyscan;

namespace {

Moment moment_of(const skyscan_moment& numbers, Way way) {
  const auto moment = std::bit_cast<Moment>(numbers);
  if (moment.way != way) throw BadInput("moment: not one that was made for this way");
  return moment;
}

}  // namespace

int32_t skyscan_moment_at(double mjd, int32_t way, skyscan_moment* moment, char* message,
                          int64_t message_size) {
  return guarded(message, message_size, [&] {
    required({{moment, "moment"}});
    if (way != SKYSCAN_TO_SKY && way != SKYSCAN_TO_DETECTOR)
      throw BadInput("way: one of skyscan_ways");
    *moment = std::bit_cast<skyscan_moment>(moment_at(mjd, static_cast<Way>(way)));
  });
}

int32_t skyscan_to_equatorial(const skyscan_moment* moment, int64_t count, const double* zenith,
                              const double* azimuth, double* ra, double* dec, char* message,
                              int64_t message_size) {
  return guarded(message, message_size, [&] {
    required(
        {{moment, "moment"}, {zenith, "zenith"}, {azimuth, "azimuth"}, {ra, "ra"}, {dec, "dec"}});
    to_equatorial(moment_of(*moment, Way::to_sky), count, zenith, azimuth, ra, dec);
  });
}

int32_t skyscan_to_detector(const skyscan_moment* moment, int64_t count, const double* ra,
                            const double* dec, double* zenith, double* azimuth, char* message,
                            int64_t message_size) {
  return guarded(message, message_size, [&] {
    required(
        {{moment, "moment"}, {ra, "ra"}, {dec, "dec"}, {zenith, "zenith"}, {azimuth, "azimuth"}});
    to_detector(moment_of(*moment, Way::to_detector), count, ra, dec, zenith, azimuth);
  });
}

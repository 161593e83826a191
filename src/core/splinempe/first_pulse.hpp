// What one DOM saw first, and what turns the light expected there into its likelihood.
#pragma once

#include <cstddef>

#include "light/light_model.hpp"

namespace skyscan {

struct FirstPulse {
  DomSite site;
  double time;    // of its first pulse [ns]
  double charge;  // of all its pulses [PE]
};

// The likelihood of the pulses of one event, each by itself, as a coarse map wants it.
class FirstPulseModel {
 public:
  virtual ~FirstPulseModel() = default;
  // The likelihood of a pulse where nothing is known of the light [1/ns].
  virtual double floor() const = 0;
  // Whether light near two pulses' DOMs means about the same to both.
  virtual bool are_alike(std::size_t pulse, std::size_t other) const = 0;
  // out[i], i < n: the likelihood of pulse number `pulse`, averaged over residuals from i to i + 1
  // steps [ns], from the cumulative distributions at their ends (n + 1 of each): of direct light,
  // of noise, and of noise one after-pulse earlier.
  virtual void likelihoods(std::size_t pulse, const DomExpectation& expectation,
                           const double* direct, const double* noise, const double* after,
                           double step, std::size_t n, double* out) const = 0;
};

}  // namespace skyscan

// Convoluted Pandel distributions of every rate, for ice that absorbs more here than there.
//
// Tables stand at rates a constant factor apart; between two of them the distribution is a mixture
// of both, with weights that go smoothly from one to the other. So it is a distribution everywhere,
// continuously differentiable by shape, rate and residual, and the derivatives are exact.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "light/pandel.hpp"
#include "math/lanes.hpp"

namespace skyscan {

// Also by the logarithm of the rate.
struct RatedPandelPoint : PandelPoint {
  double density_by_rate, cumulative_by_rate;
};

class PandelFamily {
 public:
  // sigma: ns of the Gaussian; longest: residual in ns that the tables reach.
  PandelFamily(double sigma, double longest);

  // out[i] at residuals[i], all for one shape and rate (the logarithm of it in 1/ns). Shapes
  // outside [0, 62) and rates outside the tables' count as the nearest inside.
  void evaluate(double shape, double log_rate, const double* residuals, std::size_t n,
                RatedPandelPoint* out) const;

  // Their cumulative alone, as RoughPandel has it: for searches. Eight shapes and rates at a time,
  // in single precision.
  class Rough {
   public:
    Rough(const PandelFamily& exact, double longest);

    // Where eight shapes and rates are: rows of two rates and two shapes each, and what the numbers
    // of two neighbours in them weigh.
    struct Places {
      const RoughPandel::Node* rows[Lanes::count][4];
      Float8 weights[Lanes::count][4];
    };
    Places places(const Lanes& shape, const Lanes& log_rate) const;

    // At eight residuals [ns], each at its own place; 0 so early that less than 1e-7 is.
    Lanes cumulative(const Places& places, const Lanes& residuals) const;

   private:
    float inverse_sigma_, last_;
    std::size_t times_, shapes_;            // nodes per shape, and shapes per rate
    std::vector<RoughPandel::Node> nodes_;  // of all rates
  };

  // From light that is absorbed in a microsecond to such as dust takes in 20 ns. Steps of
  // 1.7 widen a distribution of shape 3 by at most a tenth; finer ones take longer to make and are
  // found less often in a processor's cache.
  static constexpr double least_rate = 0.001, rate_step = 1.7;
  static constexpr std::size_t rates = 8;

 private:
  friend class PandelLanes;
  // Which two tables a rate is between, and the second one's share, with its slope by the rate's
  // logarithm.
  struct RateCell {
    std::size_t index;
    double share, slope;
  };
  static RateCell rate_cell(double log_rate);

  std::vector<ConvolutedPandel> tables_;
};

}  // namespace skyscan

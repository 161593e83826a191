// The Pandel distribution of time residuals in ice, convoluted with a Gaussian.
//
// The residuals of scattered photons follow a gamma distribution (J. Ahrens et al., NIM A 524
// (2004) 169) whose rate is the same everywhere and whose shape grows with the distance;
// electronics and photomultiplier smear it with a Gaussian. Density and CDF are tabulated once over
// (shape, residual) and interpolated: quintic Hermite in the residual, cubic Hermite in the shape,
// so that both are continuously differentiable and the derivatives are exact ones of the
// interpolated functions.
#pragma once

#include <cstddef>
#include <vector>

namespace skyscan {

// One point of the convoluted distribution.
struct PandelPoint {
  double density;        // 1/ns
  double density_slope;  // d density / d residual
  double density_by_shape;
  double cumulative;
  double cumulative_by_shape;
};

class ConvolutedPandel {
 public:
  // rate: 1/ns of the gamma distribution; sigma: ns of the Gaussian (> 0); longest: residual in ns
  // the table reaches (at least 10 sigma).
  ConvolutedPandel(double rate, double sigma, double longest);

  // out[i] at residuals[i], all for one shape. Shapes outside [0, 62) count as the nearest inside.
  void evaluate(double shape, const double* residuals, std::size_t n, PandelPoint* out) const;

  double rate() const { return rate_; }
  double sigma() const { return sigma_; }

 private:
  friend class PandelFamily;
  friend class PandelLanes;
  // Cumulative, density, its first and second slope, and the derivatives of these four by shape.
  struct Node {
    double value[4];
    double by_shape[4];
  };
  void set_density(double longest);
  void set_cumulative();
  void leave_table(double wanted, double last, PandelPoint& point) const;

  double rate_, sigma_, inverse_sigma_;
  std::size_t times_;  // nodes per shape
  std::vector<Node> nodes_;
};

// Its cumulative alone, to 5e-6 (1e-6 for shapes above 0.4), several times quicker: for searches.
// Bicubic Hermite.
class RoughPandel {
 public:
  RoughPandel(const ConvolutedPandel& exact, double longest);

  // out[i] at residuals[i], all for one shape; 0 so early that less than 1e-7 is.
  void cumulative(double shape, const double* residuals, std::size_t n, double* out) const;

 private:
  friend class PandelFamily;
  // The cumulative, its derivatives by residual in units of sigma and by shape, and by both: in
  // single precision, as a family's tables must share a processor's cache.
  struct Node {
    float value[4];
  };
  double inverse_sigma_, last_;
  std::size_t times_;  // nodes per shape
  std::vector<Node> nodes_;
};

}  // namespace skyscan

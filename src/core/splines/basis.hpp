// One axis of a B-spline: its basis functions as polynomials on every knot interval.
//
// photospline's look-up rules (which points are inside, which side of a knot counts) are kept; the
// values are the definition's (C. de Boor, A Practical Guide to Splines, 2001, ch. IX).
#pragma once

#include <vector>

namespace skyscan {

// The basis functions of one axis that are not zero at one coordinate: values and slopes of those
// numbered first ... first + count - 1. For axes with at most most_width of them.
struct BasisValues {
  static constexpr int most_width = 8;
  int first, count;
  double value[most_width], slope[most_width];
};

// Between two knots: functions `first`... as polynomials.
struct SplinePiece {
  double middle, scale;  // 2 / its length
  int first;
  const double* factors;
  int lanes;
  // Of function `first + j` the factor of a power of (x - middle) * scale.
  double factor(int power, int j) const { return factors[power * lanes + j]; }
};

class SplineBasis {
 public:
  // Basis functions of degree `order` on ascending knots; there are knots.size() - order - 1.
  SplineBasis(std::vector<double> knots, int order);

  // Each basis function convolved with the unit-area B-spline on the ascending `kernel` knots (two:
  // a box, three: a triangle). The same coefficients then describe the convolved spline, exactly.
  SplineBasis(const SplineBasis& plain, const std::vector<double>& kernel);

  int size() const { return size_; }      // number of basis functions (coefficients)
  int degree() const { return degree_; }  // of the polynomial pieces
  int width() const { return width_; }    // most functions that are non-zero at one point
  const std::vector<double>& knots() const { return knots_; }

  // Interval holding x, or -1 outside: x <= first knot or x > last knot. NaN is outside.
  int locate(double x) const;

  // Values of the `width()` basis functions first(interval)..., and their first n - 1 derivatives:
  // out[k * stride + j] is the k-th derivative of function first + j. Functions beyond the last one
  // that is not zero come out as 0.
  int first(int interval) const { return first_[static_cast<std::size_t>(interval)]; }
  void evaluate(int interval, double x, int n, double* out, int stride) const;
  // The same for value, first and (where not null) second derivative; room for width() rounded up
  // to 4 in each, zeros where there is no function.
  void weights(int interval, double x, double* value, double* slope,
               double* curvature = nullptr) const;
  // The values alone.
  void values(int interval, double x, double* value) const;
  int lanes() const { return lanes_; }  // width() rounded up to 4

  // The intervals between distinct knots, from the first on. They go with the basis.
  int pieces() const { return static_cast<int>(scale_.size()); }
  SplinePiece piece(int interval) const;

  // One abscissa per basis function where interpolation is well posed: Greville's (means of `order`
  // knots), kept where the basis is complete.
  std::vector<double> sites() const;

 private:
  void set_breaks(std::vector<double> breaks);
  void set_convolved_knots(const std::vector<double>& plain, const std::vector<double>& kernel);
  void find_convolved_functions(const std::vector<double>& plain, int p,
                                const std::vector<double>& kernel);

  std::vector<double> knots_;
  int order_ = 0;
  int degree_ = 0;
  int size_ = 0;
  int width_ = 0;
  int lanes_ = 0;                 // width_ rounded up to 4
  double lower_ = 0, upper_ = 0;  // support
  double top_ = 0;                // above it, intervals are closed at their upper end
  std::vector<double> breaks_;    // distinct knots
  std::vector<double> scale_;     // 2 / interval's length
  std::vector<double> middle_;
  std::vector<int> first_;
  std::vector<double> poly_;  // [interval][power][lane], in v = (x - middle) * scale
  std::vector<int> guess_;    // interval holding the start of each of equally wide buckets
  double bucket_scale_ = 0;
};

}  // namespace skyscan

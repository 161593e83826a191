// Tensor-product B-splines in photospline's FITS layout (github.com/icecube/photospline).
//
// Coefficients are float32, as stored; everything computed from them is float64.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "splines/basis.hpp"
#include "splines/coefficient_store.hpp"
#include "splines/fits.hpp"
#include "splines/gauss_convolution.hpp"

namespace skyscan {

class SplineTable {
 public:
  static constexpr int most_axes = 10;

  // `inner`: the axis to be contracted last (time), if the caller has one; it must be one of the
  // last three. Throws BadInput naming file, HDU and key.
  explicit SplineTable(const std::string& path, std::optional<int> inner = std::nullopt);

  int dimensions() const { return static_cast<int>(axes_.size()); }
  const std::string& path() const { return file_.path(); }
  int order(int axis) const { return orders_[static_cast<std::size_t>(axis)]; }
  int size(int axis) const { return sizes_[static_cast<std::size_t>(axis)]; }
  double period(int axis) const { return periods_[static_cast<std::size_t>(axis)]; }
  const SplineBasis& basis(int axis) const { return axes_[static_cast<std::size_t>(axis)]; }
  const std::vector<double>& plain_knots(int axis) const {
    return knots_[static_cast<std::size_t>(axis)];
  }
  std::pair<double, double> extent(int axis) const {
    return extents_[static_cast<std::size_t>(axis)];
  }
  const Coefficients& coefficients() const { return *coefficients_; }

  // What the header says beside the layout.
  const std::vector<FitsCard>& keys() const { return keys_; }
  // A key's number; absent: the fallback. BadInput when it is there and none.
  double number(const std::string& key, double fallback) const;
  [[noreturn]] void fail(const std::string& what) const { file_.fail(*image_, what); }

  // Replaces the table by its convolution along one axis with the unit-area B-spline on these
  // ascending knots: once. Coefficients and extents are photospline's; only where knots repeat,
  // which photospline cannot convolve, the convolution is exact.
  void convolve(int axis, const std::vector<double>& kernel);

  // Value (and, where not null, gradient) at x; false outside the knots. x: one per axis.
  bool evaluate(const double* x, double* value, double* gradient) const;
  // The same for many points, [point][axis]; where outside, zeros. Points far from each other cost
  // little more than points close by: while one is computed the next one's coefficients come in.
  void evaluate(std::int64_t count, const double* x, double* values, double* gradients,
                std::uint8_t* inside) const;
  // The same from the axes' functions; gradient only along the axes of `slopes`, else left alone.
  // Only for tables that are contractable().
  void evaluate(const BasisValues* at, unsigned slopes, double* value, double* gradient) const;
  // The value in photospline's single precision, every rounding its own. Nothing where its rounding
  // is not reproduced: outside the full support, on an axis of order 8 or more, or convolved; the
  // caller then has the value of evaluate() only, in double precision.
  std::optional<double> rounded_as_reference(const double* x) const;
  // Any partial derivative: orders[axis] times along each axis.
  bool derivative(const double* x, const int* orders, double* value) const;

  // For each coefficient number along the first axis, the largest coefficient over all others.
  std::vector<double> largest_along_first() const;

  // The axis at coordinate x; false outside the knots. For axes up to order 7, not convolved.
  bool at(int axis, double x, BasisValues& out) const;
  // The same without slopes.
  bool value_at(int axis, double x, BasisValues& out) const;

  // Contracts every axis but the inner one. `at`: one per axis (the inner one's is ignored).
  // Out come the coefficients of the remaining one-dimensional spline from number 4 * from on,
  // 4 * fours of them; then as many for the derivative along each axis of `slopes`, a bit mask,
  // lowest axis first.
  void contract(const BasisValues* at, unsigned slopes, int from, int fours, double* out) const;
  // A row along the inner axis, its length rounded up to 4, contracted along one other axis. `at`:
  // that axis; `index`: coefficient number on every axis, of those two ignored.
  void combine(const int* index, int axis, const BasisValues& at, double* out) const;
  // Whether `contract` works: up to six axes, orders up to 7, not convolved but along the inner
  // axis.
  bool contractable() const { return contractable_; }

 private:
  void read_axis(int axis, int n);
  std::vector<double> read_knots(int axis, int order, std::int64_t size) const;
  void read_extents();
  // Which functions there are at x: the interval, -1 outside the knots.
  int place(int axis, double x, BasisValues& out) const;
  // As stored; and, along a convolved axis, convolved.
  float stored(const int* index) const;
  float coefficient(const int* index) const;

  // Whether values can be had by contraction: also the inner axis, perhaps convolved, is narrow.
  bool has_contractable_inner() const;
  struct PlannedPoint;
  void prepare(const double* x, bool with_slopes, PlannedPoint& point) const;
  void finish(const PlannedPoint& point, double* value, double* gradient) const;

  FitsFile file_;
  const FitsHdu* image_ = nullptr;
  std::vector<int> orders_, sizes_;
  std::vector<double> periods_;
  std::vector<std::vector<double>> knots_;
  std::vector<SplineBasis> axes_;
  std::vector<std::pair<double, double>> extents_;
  std::vector<FitsCard> keys_;
  std::unique_ptr<Coefficients> coefficients_;
  bool contractable_ = true;
  int convolved_axis_ = -1;
  std::optional<SplineConvolution> convolution_;
};

}  // namespace skyscan

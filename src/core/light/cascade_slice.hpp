// A cascade's tables at one zenith, in single precision, as the tables are: for searches.
#pragma once

#include <vector>

#include "light/zenith_slice.hpp"
#include "math/simd4.hpp"
#include "splines/table.hpp"

namespace skyscan {

class CascadeSlice {
 public:
  // An amplitude table of axes (distance, azimuth, polar, zenith, depth), a timing table of
  // (distance, azimuth, polar, time, zenith, depth).
  CascadeSlice(const SplineTable& amplitude, const SplineTable& timing);
  static bool suits(const SplineTable& amplitude, const SplineTable& timing);

  // The zenith axis of both tables.
  void at_zenith(const BasisValues& amplitude, const BasisValues& timing);

  // ln(amplitude). at: distance, azimuth, polar, depth.
  double amplitude(const BasisValues* at);

  // What a curve is made of; good until the next point is asked for.
  struct Rows {
    static constexpr int most = 512;
    int blocks, depths, stride;
    const float* block[most];  // first depth's row
    double weight[most];
    const double* depth_weight;
  };
  void rows(const BasisValues* at, Rows& out);
  // Four coefficients of the time axis from each of first[i] on, i < n; what is beyond the last
  // coefficient is undefined.
  static void curve(const Rows& rows, const int* first, int n, double* out);

 private:
  template <int fixed>
  Double4 sum_amplitudes(const BasisValues* at, int from);

  const SplineTable &amplitude_, &timing_;
  BasisValues amplitude_zenith_{}, timing_zenith_{};
  ZenithSlice<float> amplitudes_, timings_;
  std::vector<double> scratch_;
};

}  // namespace skyscan

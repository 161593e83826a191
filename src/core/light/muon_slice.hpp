// The muon's tables at one zenith: amplitudes and timings of places.
#pragma once

#include <vector>

#include "light/zenith_slice.hpp"
#include "math/simd4.hpp"
#include "splines/table.hpp"

namespace skyscan {

class MuonSlice {
 public:
  // Amplitude tables of axes (rho, azimuth, zenith, depth) with the same knots, a timing table of
  // (rho, azimuth, time, zenith, depth).
  MuonSlice(const SplineTable& bare, const SplineTable& stochastic, const SplineTable& timing);
  static bool suits(const SplineTable& bare, const SplineTable& stochastic,
                    const SplineTable& timing);

  // The zenith axis of the amplitude tables and of the timing table.
  void at_zenith(const BasisValues& amplitude, const BasisValues& timing);

  // ln(amplitude) of bare muon and stochastics, and their slopes along rho, azimuth and depth.
  struct Amplitudes {
    double bare, stochastic;
    double bare_slope[3], stochastic_slope[3];
  };
  // at: rho, azimuth, depth.
  Amplitudes amplitudes(const BasisValues* at);
  // The same without slopes.
  void amplitudes(const BasisValues* at, double& bare, double& stochastic);

  // Coefficients 4 * from ... of the time axis, 4 * fours of them: for each its value and its
  // derivatives by the place's x, y, z. `by`: how rho, azimuth and depth change with x, y, z.
  void curve(const BasisValues* at, const double (*by)[3], int from, int fours, Double4* out);
  // Their values alone.
  void curve(const BasisValues* at, int from, int fours, double* out);

 private:
  const double* amplitude_row(int rho, int azimuth);
  void list_rows(const BasisValues* at, const double** rows);
  const double* timing_rows(int rho, int azimuth, int depth, int count);

  const SplineTable &bare_, &stochastic_, &timing_;
  BasisValues amplitude_zenith_{}, timing_zenith_{};
  int depths_;  // in a row of both amplitudes, rounded up
  int times_;   // in a row of timings, rounded up
  ZenithSlice<double> amplitudes_, timings_;
  std::vector<double> scratch_;
};

}  // namespace skyscan

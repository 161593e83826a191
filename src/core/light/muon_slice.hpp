// The muon's tables at one zenith: the axis that fits of a position leave alone.
//
// Every evaluation at a DOM contracts the tables along all their axes. Along the zenith the weights
// are the same for all DOMs and positions, so that axis is contracted once for each row of
// coefficients that is touched, and the rest reads doubles that need no more than a third of the
// work. Rows of earlier zeniths are forgotten.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

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
  void turn(const AxisAt& amplitude, const AxisAt& timing);

  // ln(amplitude) of bare muon and stochastics, and their slopes along rho, azimuth and depth.
  struct Amplitudes {
    double bare, stochastic;
    double bare_slope[3], stochastic_slope[3];
  };
  // at: rho, azimuth, depth.
  Amplitudes amplitudes(const AxisAt* at);
  // The same without slopes.
  void amplitudes(const AxisAt* at, double& bare, double& stochastic);

  // Coefficients 4 * from ... of the time axis, 4 * fours of them: for each its value and its
  // derivatives by the place's x, y, z. `by`: how rho, azimuth and depth change with x, y, z.
  void curve(const AxisAt* at, const double (*by)[3], int from, int fours, Double4* out);
  // Their values alone.
  void curve(const AxisAt* at, int from, int fours, double* out);

 private:
  // Blocks of rows, kept in the order they were asked for.
  class Blocks {
   public:
    Blocks(int blocks, int rows, int length);
    void forget() { held_ = 0; }
    // Forgets if there might be no room for so many more.
    void make_room(int more) {
      if (held_ + more > capacity_) held_ = 0;
    }
    // A block with those of its rows `first` ... that `fill(row, out)` has to make; it stays where
    // it is until blocks are forgotten.
    template <typename Fill>
    const double* block(int number, int first, int count, const Fill& fill) {
      int& place = place_[static_cast<std::size_t>(number)];
      if (place >= held_ || number_[static_cast<std::size_t>(place)] != number) {
        place = held_++;
        number_[static_cast<std::size_t>(place)] = number;
        std::fill_n(&ready_[static_cast<std::size_t>(place * rows_)], rows_, false);
      }
      double* values = &values_[static_cast<std::size_t>(place) * static_cast<std::size_t>(size_)];
      bool* ready = &ready_[static_cast<std::size_t>(place * rows_)];
      for (int row = first; row < first + count; ++row) {
        if (ready[row]) continue;
        fill(row, values + row * (size_ / rows_));
        ready[row] = true;
      }
      return values;
    }

   private:
    int rows_, size_, capacity_, held_ = 0;
    std::unique_ptr<int[]> place_, number_;  // of a block; of the block at a place
    std::unique_ptr<bool[]> ready_;
    std::unique_ptr<double[]> values_;
  };

  const double* amplitude_row(int rho, int azimuth);
  void list_rows(const AxisAt* at, const double** rows);
  const double* timing_rows(int rho, int azimuth, int depth, int count);

  const SplineTable &bare_, &stochastic_, &timing_;
  AxisAt amplitude_zenith_{}, timing_zenith_{};
  int depths_;  // in a row of both amplitudes, rounded up
  int times_;   // in a row of timings, rounded up
  Blocks amplitudes_, timings_;
  std::vector<double> scratch_;
};

}  // namespace skyscan

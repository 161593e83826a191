// Non-negative energies of maximum Poisson likelihood: the inner problem of millipede.
//
//   maximise  L(E) = sum_i d_i ln mu_i - sum_i mu_i - regularisation sum_j E_j^2,   E >= 0,
//   mu = B E + noise.
//
// Only bins with charge need their mu one by one (the response's rows); all others enter L through
// the columns' sums alone. L is concave, so the Karush-Kuhn-Tucker conditions prove an optimum.
#pragma once

#include <cstddef>
#include <vector>

namespace skyscan {

// The response, one column per cascade: dense over the rows (bins with charge), as most of them see
// something of most cascades that are worth a look.
class Response {
 public:
  Response() = default;
  Response(std::size_t rows, std::size_t columns)
      : sum(columns, 0), stride_((rows + 3) / 4 * 4), values_(columns * stride_, 0) {}

  std::size_t columns() const { return sum.size(); }
  // Numbers per column, zeros after the last row's up to a multiple of four.
  std::size_t stride() const { return stride_; }
  double* column(std::size_t j) { return values_.data() + j * stride_; }  // PE per GeV
  const double* column(std::size_t j) const { return values_.data() + j * stride_; }

  std::vector<double> sum;  // over ALL bins, also those without charge; PE per GeV

 private:
  std::size_t stride_ = 0;
  std::vector<double> values_;
};

struct ChargedBins {
  std::vector<double> charge;  // PE, > 0
  std::vector<double> noise;   // PE, > 0
};

struct EnergySettings {
  double regularisation = 0;  // 1 / GeV^2
  double tolerance = 1e-7;    // on the certificate, in units of L
  int max_iterations = 500;   // Newton steps; a solution takes some ten, this ends what hangs

  // The numbers below change the way to the solution, which the certificate proves whatever they
  // are. None was measured apart.

  // Without a start: so many rounds of expectation maximisation from an even track, then light is
  // gathered at the top of each hump, and what is below this share of all charge is dropped. More
  // rounds cost as much as Newton steps, which they are to spare.
  int cold_rounds = 15;
  double least_gathered = 1e-6;
  // Relative, added to the diagonal of Newton's matrix: from just above rounding, by these factors
  // up after a step that does not go up, down after one that does; beyond the last it gives up.
  double damping = 1e-11, damping_up = 100, damping_down = 10, most_damping = 1e-2;
  // A step is taken that gains this share of what its slope promises (Armijo's rule), else it is
  // shortened by the first factor, after `gentle` attempts by the second, until it is nothing.
  double least_gain = 1e-4;
  double shorter = 0.5, much_shorter = 0.3;
  int gentle = 3, most_attempts = 60;
  double least_length = 1e-14;
  // Light below this share of all charge that goes down is put to zero: it is rounding.
  double least_light = 1e-12;
};

struct EnergySolution {
  std::vector<double> energies;  // GeV, one per column
  // dL/dE_j / sum_j: at an optimum 0 where E_j > 0 and <= 0 elsewhere; -1 = sees no charge.
  std::vector<double> reduced_gradient;
  // Proven upper bound of L(best) - L(energies): L is concave and, at its optimum, the light of
  // all cascades is at most the charge of all rows.
  double certificate = 0;
  int iterations = 0;
  bool converged = false;
};

// `start` (GeV, one per column) warms the start; empty or all zero: none.
EnergySolution solve_energies(const Response& response, const ChargedBins& bins,
                              const std::vector<double>& start, const EnergySettings& settings);

}  // namespace skyscan

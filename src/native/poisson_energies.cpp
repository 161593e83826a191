#include "poisson_energies.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace skyscan {

void Response::clear() {
  begin.assign(1, 0);
  row.clear();
  value.clear();
  sum.clear();
}

bool solve_cholesky(std::vector<double>& matrix, std::vector<double>& x, std::size_t n) {
  double* const a = matrix.data();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      const double *p = a + i * n, *q = a + j * n;
      for (std::size_t k = 0; k < j; ++k) sum -= p[k] * q[k];
      if (i == j) {
        if (!(sum > 0)) return false;
        a[j * n + j] = std::sqrt(sum);
      } else {
        a[i * n + j] = sum / a[j * n + j];
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    double sum = x[i];
    for (std::size_t k = 0; k < i; ++k) sum -= a[i * n + k] * x[k];
    x[i] = sum / a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    double sum = x[i];
    for (std::size_t k = i + 1; k < n; ++k) sum -= a[k * n + i] * x[k];
    x[i] = sum / a[i * n + i];
  }
  return true;
}

namespace {

// The problem in units of light: u_j = E_j sum_j [PE], so that every column sums to one and
// gradients need no scale. Columns without light stay at zero.
class Solver {
 public:
  Solver(const Response& response, const Rows& rows, const EnergySettings& settings)
      : response_(response), rows_(rows), settings_(settings), columns_(response.columns()) {
    for (const double charge : rows.charge) total_charge_ += charge;
    ridge_.assign(columns_, 0);
    for (std::size_t j = 0; j < columns_; ++j)
      if (response.sum[j] > 0)
        ridge_[j] = settings.regularisation / (response.sum[j] * response.sum[j]);
  }

  EnergySolution run(const std::vector<double>& start) {
    light_.assign(columns_, 0);
    double warm = 0;
    if (start.size() == columns_)
      for (std::size_t j = 0; j < columns_; ++j)
        warm += light_[j] = std::max(0.0, start[j]) * response_.sum[j];
    if (!(warm > 0)) cold_start();
    // No optimum holds more light than there is charge, however absurd the start.
    if (warm > total_charge_)
      for (double& light : light_) light *= total_charge_ / warm;

    refresh();
    EnergySolution solution;
    for (; solution.iterations < settings_.max_iterations; ++solution.iterations) {
      if (certificate() <= settings_.tolerance) {
        solution.converged = true;
        break;
      }
      choose_free();
      if (!step()) {
        if (damping_ >= 1e-2) break;
        damping_ *= 100;
      } else {
        damping_ = std::max(1e-11, damping_ / 10);
      }
    }
    solution.certificate = certificate();
    solution.converged = solution.certificate <= settings_.tolerance;
    solution.energies.assign(columns_, 0);
    for (std::size_t j = 0; j < columns_; ++j)
      if (light_[j] > 0) solution.energies[j] = light_[j] / response_.sum[j];
    solution.expectation = std::move(expectation_);
    solution.reduced_gradient = std::move(gradient_);
    return solution;
  }

 private:
  void add_column(std::size_t j, double light, std::vector<double>& expectation) const {
    const double scale = light / response_.sum[j];
    for (std::size_t k = response_.begin[j]; k < response_.begin[j + 1]; ++k)
      expectation[static_cast<std::size_t>(response_.row[k])] += scale * response_.value[k];
  }

  void expect(const std::vector<double>& light, std::vector<double>& expectation) const {
    expectation = rows_.noise;
    for (std::size_t j = 0; j < columns_; ++j)
      if (light[j] > 0) add_column(j, light[j], expectation);
  }

  double objective(const std::vector<double>& light, const std::vector<double>& expectation) const {
    double value = 0;
    for (std::size_t i = 0; i < expectation.size(); ++i)
      value += rows_.charge[i] * std::log(expectation[i]);
    for (std::size_t j = 0; j < columns_; ++j) value -= light[j] + ridge_[j] * light[j] * light[j];
    return value;
  }

  void refresh() {
    expect(light_, expectation_);
    value_ = objective(light_, expectation_);
    gradients();
  }

  void gradients() {
    ratio_.resize(expectation_.size());
    for (std::size_t i = 0; i < ratio_.size(); ++i) ratio_[i] = rows_.charge[i] / expectation_[i];
    gradient_.assign(columns_, -1);
    for (std::size_t j = 0; j < columns_; ++j) {
      if (!(response_.sum[j] > 0)) continue;
      double seen = 0;
      for (std::size_t k = response_.begin[j]; k < response_.begin[j + 1]; ++k)
        seen += response_.value[k] * ratio_[static_cast<std::size_t>(response_.row[k])];
      gradient_[j] = seen / response_.sum[j] - 1 - 2 * ridge_[j] * light_[j];
    }
  }

  double certificate() const {
    double steepest = 0, slack = 0;
    for (std::size_t j = 0; j < columns_; ++j) {
      steepest = std::max(steepest, gradient_[j]);
      slack += gradient_[j] * light_[j];
    }
    return steepest * total_charge_ + std::fabs(slack);
  }

  // Expectation maximisation from an even track, then each hump of light gathered at its top.
  void cold_start() {
    std::size_t lit = 0;
    for (const double sum : response_.sum) lit += sum > 0;
    if (lit == 0) return;
    for (std::size_t j = 0; j < columns_; ++j)
      light_[j] = response_.sum[j] > 0 ? total_charge_ / static_cast<double>(lit) : 0;
    for (int i = 0; i < 15; ++i) {
      expect(light_, expectation_);
      gradients();
      for (std::size_t j = 0; j < columns_; ++j) light_[j] *= std::max(0.0, gradient_[j] + 1);
    }
    std::vector<double> gathered(columns_, 0);
    for (std::size_t j = 0; j < columns_; ++j) {
      std::size_t top = j;
      for (;;) {
        if (top > 0 && light_[top - 1] > light_[top])
          --top;
        else if (top + 1 < columns_ && light_[top + 1] > light_[top])
          ++top;
        else
          break;
      }
      gathered[top] += light_[j];
    }
    for (double& light : gathered)
      if (light < 1e-6 * total_charge_) light = 0;
    light_ = std::move(gathered);
  }

  // Free to move: every cascade with light, and of those without the ones that promise most, the
  // tops of the gradient along the track.
  void choose_free() {
    free_.clear();
    const double worth = settings_.tolerance / (4 * std::max(1.0, total_charge_));
    for (std::size_t j = 0; j < columns_; ++j) {
      const bool top = gradient_[j] > worth && (j == 0 || gradient_[j] >= gradient_[j - 1]) &&
                       (j + 1 == columns_ || gradient_[j] > gradient_[j + 1]);
      if (light_[j] > 0 || top) free_.push_back(j);
    }
  }

  // One projected Newton step on the free cascades; false when it does not go up.
  bool step() {
    const std::size_t n = free_.size();
    if (n == 0) return false;
    // Hessian A^T diag(d / mu^2) A from a dense copy of the free columns, rows outermost.
    const std::size_t rows = expectation_.size();
    dense_.assign(n * rows, 0);
    for (std::size_t a = 0; a < n; ++a) {
      const std::size_t j = free_[a];
      const double scale = 1 / response_.sum[j];
      for (std::size_t k = response_.begin[j]; k < response_.begin[j + 1]; ++k) {
        const auto i = static_cast<std::size_t>(response_.row[k]);
        dense_[a * rows + i] =
            scale * response_.value[k] * std::sqrt(rows_.charge[i]) / expectation_[i];
      }
    }
    hessian_.assign(n * n, 0);
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t b = 0; b <= a; ++b) {
        const double *p = dense_.data() + a * rows, *q = dense_.data() + b * rows;
        double sums[8] = {};
        std::size_t i = 0;
        for (; i + 8 <= rows; i += 8)
          for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] += p[i + lane] * q[i + lane];
        double sum = 0;
        for (; i < rows; ++i) sum += p[i] * q[i];
        for (const double lane : sums) sum += lane;
        hessian_[a * n + b] = sum;
      }
    for (std::size_t a = 0; a < n; ++a) hessian_[a * n + a] += 2 * ridge_[free_[a]] + 1e-300;

    // Cascades that want below zero leave one by one: solve, cut the step at the first bound, drop
    // what sits there, solve again. Every sub-step goes up.
    std::vector<std::size_t> kept(n);
    for (std::size_t a = 0; a < n; ++a) kept[a] = a;
    while (!kept.empty()) {
      const std::size_t m = kept.size();
      matrix_.resize(m * m);
      direction_.resize(m);
      for (std::size_t a = 0; a < m; ++a) {
        for (std::size_t b = 0; b <= a; ++b) matrix_[a * m + b] = hessian_[kept[a] * n + kept[b]];
        matrix_[a * m + a] *= 1 + damping_;
        direction_[a] = gradient_[free_[kept[a]]];
      }
      if (!solve_cholesky(matrix_, direction_, m)) return false;
      // Those at zero that would go below are not free after all.
      std::size_t out = 0;
      for (std::size_t a = 0; a < m; ++a)
        if (light_[free_[kept[a]]] > 0 || direction_[a] > 0) kept[out++] = kept[a];
      if (out < m) {
        kept.resize(out);
        continue;
      }
      return search(kept);
    }
    return false;
  }

  // Along the Newton direction, bent at the bounds; when bending does not go up, straight to the
  // first bound.
  bool search(const std::vector<std::size_t>& kept) {
    double reach = std::numeric_limits<double>::infinity();
    for (std::size_t a = 0; a < kept.size(); ++a)
      if (direction_[a] < 0) reach = std::min(reach, -light_[free_[kept[a]]] / direction_[a]);
    bool straight = false;
    double length = 1;
    for (int attempt = 0; attempt < 60; ++attempt) {
      trial_ = light_;
      double slope = 0;
      for (std::size_t a = 0; a < kept.size(); ++a) {
        const std::size_t j = free_[kept[a]];
        double moved = light_[j] + length * direction_[a];
        if (moved < 1e-12 * total_charge_ && direction_[a] < 0) moved = 0;
        trial_[j] = std::max(0.0, moved);
        slope += gradient_[j] * (trial_[j] - light_[j]);
      }
      if (slope > 0) {
        expect(trial_, trial_expectation_);
        const double value = objective(trial_, trial_expectation_);
        // Near the optimum the gain drowns in rounding: accept what is not measurably worse.
        const double noise = 4e-16 * (std::fabs(value_) + total_charge_);
        if (value >= value_ + 1e-4 * slope - noise) {
          light_.swap(trial_);
          expectation_.swap(trial_expectation_);
          value_ = value;
          gradients();
          return true;
        }
      }
      if (!straight && attempt >= 3 && reach < length) {
        straight = true;
        length = reach;
      } else {
        length *= attempt < 3 ? 0.5 : 0.3;
        if (!straight && length <= reach) straight = true;
      }
      if (length < 1e-14) break;
    }
    return false;
  }

  const Response& response_;
  const Rows& rows_;
  const EnergySettings& settings_;
  const std::size_t columns_;
  double total_charge_ = 0;
  double damping_ = 1e-11;
  double value_ = 0;
  std::vector<double> ridge_, light_, expectation_, ratio_, gradient_;
  std::vector<std::size_t> free_;
  std::vector<double> dense_, hessian_, matrix_, direction_, trial_, trial_expectation_;
};

}  // namespace

EnergySolution solve_energies(const Response& response, const Rows& rows,
                              const std::vector<double>& start, const EnergySettings& settings) {
  return Solver(response, rows, settings).run(start);
}

}  // namespace skyscan

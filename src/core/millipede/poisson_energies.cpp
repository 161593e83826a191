#include "millipede/poisson_energies.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "math/cholesky.hpp"
#include "math/exp_log4.hpp"
#include "math/simd4.hpp"

namespace skyscan {

namespace {

// Of padded arrays: `n` is a multiple of four.
double dot(const double* a, const double* b, std::size_t n) {
  Double4 even{}, odd{};
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    even += load4(a + i) * load4(b + i);
    odd += load4(a + i + 4) * load4(b + i + 4);
  }
  if (i < n) even += load4(a + i) * load4(b + i);
  return sum4(even + odd);
}

void add_scaled(double scale, const double* from, double* to, std::size_t n) {
  for (std::size_t i = 0; i < n; i += 4) store4(to + i, load4(to + i) + scale * load4(from + i));
}

// The problem in units of light: u_j = E_j sum_j [PE], so that every column sums to one and
// gradients need no scale. Columns without light stay at zero.
class Solver {
 public:
  Solver(const Response& response, const ChargedBins& bins, const EnergySettings& settings)
      : response_(response),
        settings_(settings),
        columns_(response.columns()),
        rows_(response.stride()),
        charge_(bins.charge),
        noise_(bins.noise) {
    for (const double charge : charge_) total_charge_ += charge;
    // The padding are bins that see nothing and want nothing.
    charge_.resize(rows_, 0);
    noise_.resize(rows_, 1);
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
        if (damping_ >= settings_.most_damping) break;
        damping_ *= settings_.damping_up;
      } else {
        damping_ = std::max(settings_.damping, damping_ / settings_.damping_down);
      }
    }
    solution.certificate = certificate();
    solution.converged = solution.certificate <= settings_.tolerance;
    solution.energies.assign(columns_, 0);
    for (std::size_t j = 0; j < columns_; ++j)
      if (light_[j] > 0) solution.energies[j] = light_[j] / response_.sum[j];
    solution.reduced_gradient = std::move(gradient_);
    return solution;
  }

 private:
  void expect(const std::vector<double>& light, std::vector<double>& expectation) const {
    expectation = noise_;
    for (std::size_t j = 0; j < columns_; ++j)
      if (light[j] > 0)
        add_scaled(light[j] / response_.sum[j], response_.column(j), expectation.data(), rows_);
  }

  double objective(const std::vector<double>& light, const std::vector<double>& expectation) const {
    Double4 wanted{};
    for (std::size_t i = 0; i < rows_; i += 4)
      wanted += load4(&charge_[i]) * log4(load4(&expectation[i]));
    double value = sum4(wanted);
    for (std::size_t j = 0; j < columns_; ++j) value -= light[j] + ridge_[j] * light[j] * light[j];
    return value;
  }

  void refresh() {
    expect(light_, expectation_);
    value_ = objective(light_, expectation_);
    gradients();
  }

  void gradients() {
    ratio_.resize(rows_);
    for (std::size_t i = 0; i < rows_; ++i) ratio_[i] = charge_[i] / expectation_[i];
    gradient_.assign(columns_, -1);
    for (std::size_t j = 0; j < columns_; ++j)
      if (response_.sum[j] > 0)
        gradient_[j] = dot(response_.column(j), ratio_.data(), rows_) / response_.sum[j] - 1 -
                       2 * ridge_[j] * light_[j];
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
    for (int i = 0; i < settings_.cold_rounds; ++i) {
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
      if (light < settings_.least_gathered * total_charge_) light = 0;
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

  // A^T diag(d / mu^2) A of the free columns, from a dense copy of them.
  void set_hessian() {
    const std::size_t n = free_.size(), padded = (n + 1) / 2 * 2;
    root_weight_.resize(rows_);
    for (std::size_t i = 0; i < rows_; ++i)
      root_weight_[i] = std::sqrt(charge_[i]) / expectation_[i];
    dense_.assign(padded * rows_, 0);
    for (std::size_t a = 0; a < n; ++a) {
      const double scale = 1 / response_.sum[free_[a]];
      const double* const column = response_.column(free_[a]);
      double* const weighted = dense_.data() + a * rows_;
      for (std::size_t i = 0; i < rows_; i += 4)
        store4(weighted + i, scale * load4(column + i) * load4(&root_weight_[i]));
    }
    hessian_.assign(n * n, 0);
    // Two columns by two at a time: each number read is used twice.
    for (std::size_t a = 0; a < n; a += 2)
      for (std::size_t b = 0; b <= a; b += 2) {
        const double *p = dense_.data() + a * rows_, *q = dense_.data() + b * rows_;
        Double4 sums[4]{};
        for (std::size_t i = 0; i < rows_; i += 4) {
          const Double4 p0 = load4(p + i), p1 = load4(p + rows_ + i);
          const Double4 q0 = load4(q + i), q1 = load4(q + rows_ + i);
          sums[0] += p0 * q0;
          sums[1] += p0 * q1;
          sums[2] += p1 * q0;
          sums[3] += p1 * q1;
        }
        hessian_[a * n + b] = sum4(sums[0]);
        if (b + 1 <= a) hessian_[a * n + b + 1] = sum4(sums[1]);
        if (a + 1 < n) {
          hessian_[(a + 1) * n + b] = sum4(sums[2]);
          hessian_[(a + 1) * n + b + 1] = sum4(sums[3]);
        }
      }
  }

  // One projected Newton step on the free cascades; false when it does not go up.
  bool step() {
    const std::size_t n = free_.size();
    if (n == 0) return false;
    set_hessian();
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
    for (int attempt = 0; attempt < settings_.most_attempts; ++attempt) {
      trial_ = light_;
      double slope = 0;
      for (std::size_t a = 0; a < kept.size(); ++a) {
        const std::size_t j = free_[kept[a]];
        double moved = light_[j] + length * direction_[a];
        if (moved < settings_.least_light * total_charge_ && direction_[a] < 0) moved = 0;
        trial_[j] = std::max(0.0, moved);
        slope += gradient_[j] * (trial_[j] - light_[j]);
      }
      if (slope > 0) {
        expect(trial_, trial_expectation_);
        const double value = objective(trial_, trial_expectation_);
        // Near the optimum the gain drowns in rounding, of 2e-16 for each of two values: accept
        // what is not measurably worse.
        const double noise = 4e-16 * (std::fabs(value_) + total_charge_);
        if (value >= value_ + settings_.least_gain * slope - noise) {
          light_.swap(trial_);
          expectation_.swap(trial_expectation_);
          value_ = value;
          gradients();
          return true;
        }
      }
      if (!straight && attempt >= settings_.gentle && reach < length) {
        straight = true;
        length = reach;
      } else {
        length *= attempt < settings_.gentle ? settings_.shorter : settings_.much_shorter;
        if (!straight && length <= reach) straight = true;
      }
      if (length < settings_.least_length) break;
    }
    return false;
  }

  const Response& response_;
  const EnergySettings& settings_;
  const std::size_t columns_, rows_;
  std::vector<double> charge_, noise_;
  double total_charge_ = 0;
  double damping_ = settings_.damping;
  double value_ = 0;
  std::vector<double> ridge_, light_, expectation_, ratio_, root_weight_, gradient_;
  std::vector<std::size_t> free_;
  std::vector<double> dense_, hessian_, matrix_, direction_, trial_, trial_expectation_;
};

}  // namespace

EnergySolution solve_energies(const Response& response, const ChargedBins& bins,
                              const std::vector<double>& start, const EnergySettings& settings) {
  return Solver(response, bins, settings).run(start);
}

}  // namespace skyscan

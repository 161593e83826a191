#include "millipede/poisson_energies.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "../random.hpp"

using namespace skyscan;

namespace {

struct Problem {
  Response response;
  ChargedBins bins;
  double regularisation = 0;
};

// Dense columns of light, with charges as from some of the energies; `dark` more light in bins
// without charge.
Problem random_problem(Random& random, std::size_t rows, std::size_t columns) {
  Problem problem{Response(rows, columns), {}, 0};
  problem.bins.noise.assign(rows, 0.01);
  std::vector<double> mean(rows, 0.01);
  for (std::size_t j = 0; j < columns; ++j) {
    const double energy = random.uniform(0, 1) < 0.5 ? 0 : random.uniform(0, 300);
    double sum = random.uniform(0, 0.02);
    for (std::size_t i = 0; i < rows; ++i) {
      const double distance = static_cast<double>(i) / static_cast<double>(rows) -
                              static_cast<double>(j) / static_cast<double>(columns);
      const double light = 0.05 * std::exp(-40 * distance * distance) * random.uniform(0.5, 1.5);
      problem.response.column(j)[i] = light;
      mean[i] += light * energy;
      sum += light;
    }
    problem.response.sum[j] = sum;
  }
  for (std::size_t i = 0; i < rows; ++i)
    problem.bins.charge.push_back(std::max(0.2, mean[i] * random.uniform(0.6, 1.4)));
  return problem;
}

double llh(const Problem& problem, const std::vector<double>& energies) {
  double sum = 0;
  for (std::size_t i = 0; i < problem.bins.charge.size(); ++i) {
    double mean = problem.bins.noise[i];
    for (std::size_t j = 0; j < energies.size(); ++j)
      mean += problem.response.column(j)[i] * energies[j];
    sum += problem.bins.charge[i] * std::log(mean);
  }
  for (std::size_t j = 0; j < energies.size(); ++j)
    sum -=
        problem.response.sum[j] * energies[j] + problem.regularisation * energies[j] * energies[j];
  return sum;
}

std::vector<double> gradient(const Problem& problem, const std::vector<double>& energies) {
  std::vector<double> slopes;
  for (std::size_t j = 0; j < energies.size(); ++j)
    slopes.push_back(-problem.response.sum[j] - 2 * problem.regularisation * energies[j]);
  for (std::size_t i = 0; i < problem.bins.charge.size(); ++i) {
    double mean = problem.bins.noise[i];
    for (std::size_t j = 0; j < energies.size(); ++j)
      mean += problem.response.column(j)[i] * energies[j];
    for (std::size_t j = 0; j < energies.size(); ++j)
      slopes[j] += problem.bins.charge[i] * problem.response.column(j)[i] / mean;
  }
  return slopes;
}

EnergySolution solve(const Problem& problem, const std::vector<double>& start = {}) {
  EnergySettings settings;
  settings.regularisation = problem.regularisation;
  return solve_energies(problem.response, problem.bins, start, settings);
}

Problem single(double light, double charge, double noise, double regularisation) {
  Problem problem{Response(1, 1), {{charge}, {noise}}, regularisation};
  problem.response.column(0)[0] = problem.response.sum[0] = light;
  return problem;
}

}  // namespace

TEST_CASE("one cascade in one bin has the energy of its charge less the noise") {
  const auto found = solve(single(0.02, 7, 0.5, 0));
  CHECK(found.converged);
  CHECK(std::fabs(found.energies[0] - 6.5 / 0.02) < 1e-3);
  CHECK(solve(single(0.02, 0.3, 0.5, 0)).energies[0] == 0);
}

TEST_CASE("regularised, it has the root of its quadratic equation") {
  // d b / (b E + n) = b + 2 r E.
  const double b = 0.02, d = 7, n = 0.5, r = 1e-4;
  const double p = b * b + 2 * r * n, q = 2 * r * b;
  const double expected = (-p + std::sqrt(p * p + 4 * q * b * (d - n))) / (2 * q);
  CHECK(std::fabs(solve(single(b, d, n, r)).energies[0] - expected) < 1e-3 * expected);
}

TEST_CASE("the Karush-Kuhn-Tucker conditions hold at the energies found, and prove them best") {
  Random random(3);
  for (const double regularisation : {0.0, 1e-5})
    for (int trial = 0; trial < 20; ++trial) {
      CAPTURE(trial);
      Problem problem = random_problem(random, 30, 12);
      problem.regularisation = regularisation;
      const auto found = solve(problem);
      REQUIRE(found.converged);
      CHECK(found.certificate <= 1e-7);
      const auto slopes = gradient(problem, found.energies);
      for (std::size_t j = 0; j < slopes.size(); ++j) {
        CHECK(found.energies[j] >= 0);
        CHECK(std::fabs(found.reduced_gradient[j] - slopes[j] / problem.response.sum[j]) < 1e-9);
        // L is concave: by its tangent nothing is to be won from here but the certificate, which is
        // at most the slope times all energy there may be.
        CHECK(slopes[j] < 1e-5);
        CHECK(std::fabs(slopes[j] * found.energies[j]) < 1e-5);
      }
      // Nothing near is better than the certificate says.
      for (int other = 0; other < 50; ++other) {
        auto energies = found.energies;
        for (auto& energy : energies) energy = std::max(0.0, energy + random.uniform(-20, 20));
        CHECK(llh(problem, energies) <= llh(problem, found.energies) + found.certificate + 1e-10);
      }
    }
}

TEST_CASE("wherever the solver starts, it ends at the same likelihood") {
  Random random(4);
  const Problem problem = random_problem(random, 24, 10);
  const auto cold = solve(problem);
  std::vector<double> start(10);
  for (auto& energy : start) energy = random.uniform(0, 1000);
  const auto warm = solve(problem, start), again = solve(problem, cold.energies);
  CHECK(std::fabs(llh(problem, warm.energies) - llh(problem, cold.energies)) < 2e-7);
  CHECK(std::fabs(llh(problem, again.energies) - llh(problem, cold.energies)) < 2e-7);
  CHECK(again.iterations <= cold.iterations);
}

TEST_CASE("a cascade that no charge sees gets no energy") {
  Random random(6);
  Problem problem = random_problem(random, 16, 4);
  std::fill_n(problem.response.column(2), 16, 0.0);
  problem.response.sum[2] = 0.5;
  const auto found = solve(problem);
  CHECK(found.energies[2] == 0);
  CHECK(found.reduced_gradient[2] == -1);
}

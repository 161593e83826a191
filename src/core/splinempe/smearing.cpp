#include "splinempe/smearing.hpp"

#include <cmath>

namespace skyscan::smearing {
namespace {

template <typename Real>
Real filter(std::array<Real, samples>& values) {
  constexpr int steps = 4;
  const double sigma = 1 / spacing;  // in samples
  const double lambda = sigma * sigma / (2 * steps);
  const double decay = (1 + 2 * lambda - std::sqrt(1 + 4 * lambda)) / (2 * lambda);
  const Real nu = static_cast<Real>(decay);
  const Real edge = static_cast<Real>(1 / (1 - decay));
  const Real scale = static_cast<Real>(std::pow(decay / lambda, steps));
  for (int step = 0; step < steps; ++step) {
    values[0] *= edge;
    for (std::size_t i = 1; i < samples; ++i) values[i] += nu * values[i - 1];
    values[samples - 1] *= edge;
    for (std::size_t i = samples - 1; i > 0; --i) values[i - 1] += nu * values[i];
  }
  return values[centre] * scale;
}

}  // namespace

Rule all() {
  Rule rule{samples, {}, {}};
  for (std::size_t i = 0; i < samples; ++i) {
    std::array<double, samples> unit{};
    unit[i] = 1;
    rule.offset[i] = (static_cast<double>(i) - static_cast<double>(centre)) * spacing;
    rule.weight[i] = filter(unit);
  }
  return rule;
}

namespace {

// Gauss quadrature of the filter's measure. Orthonormal polynomials follow from Stieltjes'
// recurrence x p[k] = b[k + 1] p[k + 1] + a[k] p[k] + b[k] p[k - 1]; the nodes are the roots of the
// last one, the weights Christoffel's numbers (W. Gautschi, Orthogonal Polynomials, 2004,
// sections 1.4 and 2.2).
class Orthogonal {
 public:
  explicit Orthogonal(std::size_t degree) : degree_(degree) {
    const auto [count, at, mass] = all();
    std::array<double, samples> before{}, now;
    for (const double weight : mass) total_ += weight;
    now.fill(1 / std::sqrt(total_));
    for (std::size_t k = 0; k < degree_; ++k) {
      for (std::size_t i = 0; i < samples; ++i) a_[k] += mass[i] * at[i] * now[i] * now[i];
      std::array<double, samples> next;
      double norm = 0;
      for (std::size_t i = 0; i < samples; ++i) {
        next[i] = (at[i] - a_[k]) * now[i] - b_[k] * before[i];
        norm += mass[i] * next[i] * next[i];
      }
      b_[k + 1] = std::sqrt(norm);
      for (auto& value : next) value /= b_[k + 1];
      before = now;
      now = next;
    }
  }
  // The last polynomial at x, and the sum of the squares of all before it.
  std::array<double, 2> at(double x) const {
    double before = 0, now = 1 / std::sqrt(total_), squares = 0;
    for (std::size_t k = 0; k < degree_; ++k) {
      squares += now * now;
      const double next = ((x - a_[k]) * now - b_[k] * before) / b_[k + 1];
      before = now;
      now = next;
    }
    return {now, squares};
  }

 private:
  std::size_t degree_;
  std::array<double, samples> a_{};
  std::array<double, samples + 1> b_{};
  double total_ = 0;
};

}  // namespace

Rule gauss(std::size_t points) {
  const Orthogonal polynomials(points);
  Rule rule{points, {}, {}};
  std::size_t found = 0;
  constexpr double step = 0.0101;  // none of the roots falls on a multiple of it
  for (double x = -reach - step / 3; x < reach && found < points; x += step) {
    double low = x, high = x + step;
    const bool rising = polynomials.at(low)[0] < 0;
    if ((polynomials.at(high)[0] < 0) == rising) continue;
    while (high - low > 1e-14) {
      const double middle = 0.5 * (low + high);
      if (middle == low || middle == high) break;
      ((polynomials.at(middle)[0] < 0) == rising ? low : high) = middle;
    }
    rule.offset[found] = 0.5 * (low + high);
    rule.weight[found++] = 1 / polynomials.at(0.5 * (low + high))[1];
  }
  return rule;
}

double recursive(std::array<float, samples> values) { return filter(values); }

}  // namespace skyscan::smearing

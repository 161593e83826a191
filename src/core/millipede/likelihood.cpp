#include "millipede/likelihood.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/constants.hpp"
#include "base/errors.hpp"
#include "math/cholesky.hpp"

namespace skyscan {

namespace {

// Of energies solved from nothing: llh to far below what single light's rounding leaves of it.
constexpr double evaluation_tolerance = 1e-8;
// Relative: added to the diagonal of the energies' curvature, so that two cascades that no DOM can
// tell apart do not make it singular. It changes directions of search, no result.
constexpr double curvature_ridge = 1e-6;

Vec3 along(const Track& track, double length) {
  return {track.position.x + track.direction.x * length,
          track.position.y + track.direction.y * length,
          track.position.z + track.direction.z * length};
}

// Negative log-likelihood of one bin when the expectation itself is uncertain by `relative`: its
// Gamma distribution of mean mu and width relative x mu, integrated out. C. A. Arguelles, A.
// Schneider, T. Yuan, JHEP 06 (2019) 030, eq. 3.14 family with alpha = mu^2 / sigma^2, beta = mu /
// sigma^2 (a = b = 0): the member whose maximum stays at mu = d and whose limit is Poisson.
double widened(double charge, double mu, double relative) {
  if (relative == 0) return mu - (charge > 0 ? charge * std::log(mu) : 0) + std::lgamma(charge + 1);
  const double alpha = 1 / (relative * relative), beta = alpha / mu;
  return std::lgamma(alpha) + std::lgamma(charge + 1) - std::lgamma(charge + alpha) -
         alpha * std::log(beta) + (charge + alpha) * std::log1p(beta);
}

// Adds the cascades' light, with the floor under every energy, to the bins with charge and to the
// sum over all bins.
void add_light(const Response& response, const std::vector<double>& energies,
               std::vector<double>& mu, double& sum) {
  for (std::size_t j = 0; j < response.columns(); ++j) {
    const double energy = energies[j] + Millipede::energy_floor;
    const double* const column = response.column(j);
    sum += energy * response.sum[j];
    for (std::size_t i = 0; i < mu.size(); ++i) mu[i] += energy * column[i];
  }
}

// By the vertex x, y, z, t.
using Slope = std::array<double, 4>;

// First derivatives by the vertex, the energies fixed.
struct VertexSlopes {
  std::vector<std::size_t> active;  // cascades with energy
  std::vector<double> mu;           // PE per bin with charge
  std::vector<Slope> slope;         // d mu / d vertex
  std::vector<Slope> own;  // per active cascade: d (dL/dE_j) / d vertex at fixed mu, per PE
  Slope total{};           // d (sum of all expectations) / d vertex
};

// Adds what one active cascade's light at one DOM does when the vertex moves. Returns the light.
// `change`: of the light in all of the DOM's bins.
template <typename AddToBin>
double add_slopes(const LitDom& lit, Slope& change, const AddToBin& add_to_bin) {
  const DomBins& bins = lit.dom.bins;
  const Gradient4& g = lit.gradient;
  if (bins.charges.size() == 1) {
    const Slope d{g.x, g.y, g.z, g.t};
    for (std::size_t axis = 0; axis < 4; ++axis) change[axis] += d[axis];
    if (bins.charges[0] > 0) add_to_bin(lit.first_charged, d);
    return lit.amplitude;
  }
  const double amplitude = lit.amplitude;
  double light = 0;
  std::size_t number = lit.first_charged;
  for (std::size_t i = 0; i < bins.charges.size(); ++i) {
    if (!bins.valid[i]) continue;
    const double share = lit.share(i);
    const Gradient4 &p = lit.cumulative_gradient[i], &q = lit.cumulative_gradient[i + 1];
    Slope d{};
    if (share > 0)
      d = {amplitude * (q.x - p.x) + share * g.x, amplitude * (q.y - p.y) + share * g.y,
           amplitude * (q.z - p.z) + share * g.z, amplitude * (q.t - p.t) + share * g.t};
    light += amplitude * share;
    for (std::size_t axis = 0; axis < 4; ++axis) change[axis] += d[axis];
    if (bins.charges[i] > 0) add_to_bin(number++, d);
  }
  return light;
}

VertexSlopes vertex_slopes(const DetectorResponse& response, const ChargedBins& charged,
                           const Track& track, const LightCutoff& cutoff,
                           const MillipedeValue& value, std::vector<double> mu) {
  VertexSlopes s;
  s.mu = std::move(mu);
  for (std::size_t j = 0; j < value.cascades.size(); ++j)
    if (value.cascades[j].energy > 0) s.active.push_back(j);
  s.slope.assign(charged.charge.size(), Slope{});
  s.own.assign(s.active.size(), Slope{});
  for (std::size_t a = 0; a < s.active.size(); ++a) {
    const Cascade& cascade = value.cascades[s.active[a]];
    const double energy = cascade.energy + Millipede::energy_floor;
    const double scale = 1 / value.response.sum[s.active[a]];
    Slope sum{};
    const auto add_to_bin = [&](std::size_t i, const Slope& d) {
      const double ratio = charged.charge[i] / s.mu[i];
      for (std::size_t axis = 0; axis < 4; ++axis) {
        s.slope[i][axis] += energy * d[axis];
        s.own[a][axis] -= scale * ratio * d[axis];
      }
    };
    response.for_each_lit_dom(track, cascade, cutoff, true,
                              [&](const LitDom& lit) { return add_slopes(lit, sum, add_to_bin); });
    for (std::size_t axis = 0; axis < 4; ++axis) {
      s.total[axis] += energy * sum[axis];
      s.own[a][axis] += scale * sum[axis];
    }
  }
  return s;
}

// Takes from the hessian what the energies, following the vertex, give back: the Schur complement
// over those above zero. `weight`: d / mu^2 per bin with charge.
void eliminate_energies(const VertexSlopes& s, const std::vector<double>& weight,
                        MillipedeValue& value) {
  const std::size_t n = s.active.size(), n_bins = weight.size();
  std::vector<double> dense(n * n_bins, 0);  // B_j per PE of the cascade's light
  for (std::size_t a = 0; a < n; ++a) {
    const double scale = 1 / value.response.sum[s.active[a]];
    const double* const column = value.response.column(s.active[a]);
    for (std::size_t i = 0; i < n_bins; ++i) dense[a * n_bins + i] = scale * column[i];
  }
  // Cross terms and the energies' own curvature.
  std::vector<Slope> cross = s.own;
  std::vector<double> curvature(n * n);
  for (std::size_t a = 0; a < n; ++a) {
    const double* column = dense.data() + a * n_bins;
    for (std::size_t i = 0; i < n_bins; ++i) {
      if (column[i] == 0) continue;
      for (std::size_t p = 0; p < 4; ++p) cross[a][p] += weight[i] * column[i] * s.slope[i][p];
    }
    for (std::size_t b = 0; b <= a; ++b) {
      const double* other = dense.data() + b * n_bins;
      double sum = 0;
      for (std::size_t i = 0; i < n_bins; ++i) sum += weight[i] * column[i] * other[i];
      curvature[a * n + b] = sum;
    }
    curvature[a * n + a] *= 1 + curvature_ridge;
  }
  for (std::size_t q = 0; q < 4 && n > 0; ++q) {
    std::vector<double> matrix = curvature, x(n);
    for (std::size_t a = 0; a < n; ++a) x[a] = cross[a][q];
    if (!solve_cholesky(matrix, x, n)) break;
    for (std::size_t p = 0; p < 4; ++p)
      for (std::size_t a = 0; a < n; ++a) value.hessian[p][q] -= cross[a][p] * x[a];
  }
}

}  // namespace

std::optional<Chord> chord(const Track& track, double boundary) {
  double first = -std::numeric_limits<double>::infinity(), last = -first;
  const double position[] = {track.position.x, track.position.y, track.position.z};
  const double direction[] = {track.direction.x, track.direction.y, track.direction.z};
  for (int axis = 0; axis < 3; ++axis) {
    if (direction[axis] == 0) {
      if (!(std::fabs(position[axis]) <= boundary)) return std::nullopt;
      continue;
    }
    double a = (-boundary - position[axis]) / direction[axis];
    double b = (boundary - position[axis]) / direction[axis];
    if (a > b) std::swap(a, b);
    first = std::max(first, a);
    last = std::min(last, b);
  }
  if (!(first < last)) return std::nullopt;
  return Chord{first, last};
}

Millipede::Millipede(const CascadeLight& light, std::vector<MillipedeDom> doms,
                     MillipedeSettings settings)
    : response_(light, std::move(doms)), settings_(settings) {
  for (const MillipedeDom& dom : response_.doms()) {
    const DomBins& bins = dom.bins;
    bool is_first = true;
    for (std::size_t i = 0; i < bins.charges.size(); ++i) {
      if (!bins.valid[i]) continue;
      const double noise = dom.noise_rate * (bins.edges[i + 1] - bins.edges[i]);
      noise_sum_ += noise;
      if (!(bins.charges[i] > 0)) continue;
      charged_.charge.push_back(bins.charges[i]);
      charged_.noise.push_back(noise);
      if (is_first) first_light_.push_back({dom.site.position, bins.edges[i], 0});
      is_first = false;
      first_light_.back().charge += bins.charges[i];
      log_factorials_ += std::lgamma(bins.charges[i] + 1);
    }
  }
}

std::vector<Cascade> Millipede::cascades(const Track& track, double spacing) const {
  std::vector<Cascade> list;
  const auto inside = chord(track, settings_.boundary);
  if (!inside) return list;
  for (long number = std::lround(inside->first / spacing); number * spacing <= inside->last;
       ++number) {
    const double length = static_cast<double>(number) * spacing;
    list.push_back({number, along(track, length), track.time + length / speed_of_light, 0});
  }
  return list;
}

// Poisson, with the floor under every energy.
double Millipede::llh(const Response& response, const std::vector<double>& energies,
                      const CascadeSelection* selection) const {
  std::vector<double> mu = charged_.noise;
  double value = noise_sum_ + log_factorials_;
  if (selection != nullptr) {
    value += selection->floor_sum;
    for (std::size_t i = 0; i < mu.size(); ++i) mu[i] += selection->floor[i];
  }
  add_light(response, energies, mu, value);
  for (std::size_t i = 0; i < mu.size(); ++i) value -= charged_.charge[i] * std::log(mu[i]);
  return value;
}

void Millipede::solve_energies_of(MillipedeValue& value, const std::vector<double>& start,
                                  double tolerance, const CascadeSelection* selection) const {
  EnergySettings settings;
  settings.regularisation = settings_.regularisation;
  settings.tolerance = tolerance;
  value.solution = solve_energies(value.response, charged_, start, settings);
  for (std::size_t j = 0; j < value.cascades.size(); ++j)
    value.cascades[j].energy = value.solution.energies[j];
  value.llh = llh(value.response, value.solution.energies, selection);
}

MillipedeValue Millipede::solve(const Track& track, std::vector<Cascade> cascades,
                                const LightCutoff& cutoff, const std::vector<double>& start,
                                double tolerance, const CascadeSelection* selection) const {
  MillipedeValue value;
  if (cascades.empty()) return value;
  value.placed = true;
  value.cascades = std::move(cascades);
  if (selection != nullptr) value.floor = selection->floor;
  value.response = response_.columns(track, value.cascades, cutoff);
  solve_energies_of(value, start, tolerance, selection);
  return value;
}

MillipedeValue Millipede::solve(const Track& track, double spacing, const LightCutoff& cutoff,
                                const MillipedeValue* previous, double tolerance,
                                const CascadeSelection* selection) const {
  auto list = cascades(track, spacing);
  if (selection != nullptr)
    std::erase_if(list, [&](const Cascade& c) { return !selection->keeps(c.number); });
  std::vector<double> start(list.size(), 0);
  if (previous != nullptr)
    for (std::size_t i = 0, j = 0; i < previous->cascades.size(); ++i) {
      const Cascade& old = previous->cascades[i];
      while (j < list.size() && list[j].number < old.number) ++j;
      if (j < list.size() && list[j].number == old.number) start[j] = old.energy;
    }
  return solve(track, std::move(list), cutoff, start, tolerance, selection);
}

MillipedeValue Millipede::evaluate(const Track& track, double spacing, const LightCutoff& cutoff,
                                   bool with_gradient) const {
  MillipedeValue value = solve(track, spacing, cutoff, nullptr, evaluation_tolerance);
  if (value.placed && with_gradient) differentiate(track, cutoff, value);
  return value;
}

void Millipede::refine(const Track& track, const LightCutoff& cutoff,
                       const CascadeSelection& selection, double tolerance,
                       MillipedeValue& value) const {
  std::vector<double> start;
  for (std::size_t j = 0; j < value.cascades.size(); ++j) {
    start.push_back(value.cascades[j].energy);
    if (selection.keeps(value.cascades[j].number))
      response_.replace_column(track, value.cascades[j], cutoff, j, value.response);
  }
  solve_energies_of(value, start, tolerance, nullptr);
}

// Gradient and Gauss-Newton curvature of llh with respect to the vertex. By the envelope theorem
// the gradient is that at fixed energies; for the curvature the energies are eliminated.
void Millipede::differentiate(const Track& track, const LightCutoff& cutoff,
                              MillipedeValue& value) const {
  std::vector<double> mu = charged_.noise;
  for (std::size_t i = 0; i < value.floor.size(); ++i) mu[i] += value.floor[i];
  double sum = 0;
  add_light(value.response, value.solution.energies, mu, sum);
  const VertexSlopes s = vertex_slopes(response_, charged_, track, cutoff, value, std::move(mu));
  value.gradient = s.total;
  value.hessian = {};
  std::vector<double> weight(charged_.charge.size());
  for (std::size_t i = 0; i < weight.size(); ++i) {
    weight[i] = charged_.charge[i] / (s.mu[i] * s.mu[i]);
    for (std::size_t p = 0; p < 4; ++p) {
      value.gradient[p] -= charged_.charge[i] / s.mu[i] * s.slope[i][p];
      for (std::size_t q = 0; q < 4; ++q)
        value.hessian[p][q] += weight[i] * s.slope[i][p] * s.slope[i][q];
    }
  }
  eliminate_energies(s, weight, value);
}

double Millipede::llh_of(const Track& track, double spacing, const std::vector<double>& energies,
                         double relative_uncertainty) const {
  const auto list = cascades(track, spacing);
  if (list.size() != energies.size())
    throw BadInput("millipede: " + std::to_string(energies.size()) + " energies given for " +
                   std::to_string(list.size()) + " cascades");
  if (relative_uncertainty == 0)
    return llh(response_.columns(track, list, exact_cutoff), energies, nullptr);
  return widened_llh(track, list, energies, relative_uncertainty);
}

// Every bin by itself, with or without charge.
double Millipede::widened_llh(const Track& track, const std::vector<Cascade>& cascades,
                              const std::vector<double>& energies,
                              double relative_uncertainty) const {
  const std::vector<MillipedeDom>& doms = response_.doms();
  std::vector<std::size_t> first(doms.size());
  std::vector<double> mu, charge;
  for (std::size_t k = 0; k < doms.size(); ++k) {
    const DomBins& bins = doms[k].bins;
    first[k] = mu.size();
    for (std::size_t i = 0; i < bins.charges.size(); ++i) {
      mu.push_back(doms[k].noise_rate * (bins.edges[i + 1] - bins.edges[i]));
      charge.push_back(bins.valid[i] ? bins.charges[i] : -1);
    }
  }
  for (std::size_t j = 0; j < cascades.size(); ++j)
    response_.for_each_lit_dom(track, cascades[j], exact_cutoff, false, [&](const LitDom& lit) {
      const std::size_t n = lit.dom.bins.charges.size();
      const double light = lit.amplitude * (energies[j] + energy_floor);
      for (std::size_t i = 0; i < n; ++i)
        mu[first[lit.index] + i] += light * (n == 1 ? 1 : lit.share(i));
      return lit.amplitude;
    });
  double value = 0;
  for (std::size_t i = 0; i < mu.size(); ++i)
    if (charge[i] >= 0) value += widened(charge[i], mu[i], relative_uncertainty);
  return value;
}

std::vector<double> Millipede::column_sums(const Track& track, double spacing,
                                           const LightCutoff& cutoff) const {
  return response_.columns(track, cascades(track, spacing), cutoff).sum;
}

}  // namespace skyscan

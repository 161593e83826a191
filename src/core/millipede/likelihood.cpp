#include "millipede/likelihood.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>

#include "base/constants.hpp"
#include "base/errors.hpp"

namespace skyscan {

namespace {

constexpr double energy_floor = 1e-3;  // GeV, added to every energy in the likelihood
constexpr double shell_width = 20;     // m, see Neglect

// Searches: light of one-bin DOMs without charge beyond `near_from` .. `near_to` from the track's
// cascades is smooth along the track, and is interpolated between points `far_step` apart.
constexpr double near_from = 40, near_to = 80;  // m
constexpr double far_step = 20;                 // m
// Where DOMs without charge are very many, they fade out nearer: only their sum enters.
constexpr std::size_t many_quiet = 1000;
constexpr double many_from = 180, many_to = 300;  // m

// 1 below `from`, 0 above `to`, smooth between.
double fading(double r, double from, double to) {
  if (r <= from) return 1;
  if (r >= to) return 0;
  const double x = (to - r) / (to - from);
  return x * x * (3 - 2 * x);
}

Vec3 along(const Track& track, double length) {
  return {track.position.x + track.direction.x * length,
          track.position.y + track.direction.y * length,
          track.position.z + track.direction.z * length};
}

double expected_share(double before, double after) { return std::max(0.0, after - before); }

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
    : light_(light), doms_(std::move(doms)), settings_(settings) {
  for (std::size_t k = 0; k < doms_.size(); ++k) {
    const MillipedeDom& dom = doms_[k];
    const DomBins& bins = dom.bins;
    bins_ += bins.charges.size();
    const std::size_t first_row = rows_.charge.size();
    double valid = 0, contrast = 0;
    for (std::size_t i = 0; i < bins.charges.size(); ++i) {
      if (!bins.valid[i]) continue;
      ++valid;
      const double noise = dom.noise_rate * (bins.edges[i + 1] - bins.edges[i]);
      noise_sum_ += noise;
      if (!(bins.charges[i] > 0)) continue;
      rows_.charge.push_back(bins.charges[i]);
      rows_.noise.push_back(noise);
      contrast = std::max(contrast, bins.charges[i] / noise);
      if (first_row + 1 == rows_.charge.size())
        first_light_.push_back({dom.site.position, bins.edges[i], 0});
      first_light_.back().charge += bins.charges[i];
      log_factorials_ += std::lgamma(bins.charges[i] + 1);
    }
    if (valid == 0) continue;
    if (rows_.charge.size() > first_row)
      hit_.push_back({k, first_row, dom.site.efficiency, contrast});
    else
      quiet_.push_back({k, first_row, dom.site.efficiency, 0});
  }
  // Shell s holds distances from s * shell_width; the bound covers it and everything beyond.
  for (int shell = 0; shell < 256; ++shell)
    bound_.push_back(light_.amplitude_bound(shell * shell_width));
  for (std::size_t shell = bound_.size() - 1; shell-- > 0;)
    bound_[shell] = std::max(bound_[shell], bound_[shell + 1]);
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

// DOMs of one kind, by shells of distance from a cascade.
struct Millipede::Shells {
  std::vector<std::uint8_t> shell;   // of every DOM
  std::vector<std::uint32_t> begin;  // first entry of `order` per shell, and the end
  std::vector<std::uint32_t> order;  // indices of DOMs, near ones first
  std::vector<double> beyond;        // most light in this shell and all further ones, weighted
};

struct Millipede::Scratch {
  Shells hit, quiet;
  std::vector<double> cumulative;
  std::vector<Gradient4> gradient;
};

void Millipede::sort(const Vec3& position, const std::vector<Member>& members, double contrast,
                     Shells& shells) const {
  const std::size_t n = members.size(), last = bound_.size() - 1;
  shells.shell.resize(n);
  shells.begin.assign(bound_.size() + 1, 0);
  shells.beyond.assign(bound_.size() + 1, 0);
  for (std::size_t k = 0; k < n; ++k) {
    const double r = distance(position, doms_[members[k].dom].site.position);
    const auto shell = std::min(last, static_cast<std::size_t>(r / shell_width));
    shells.shell[k] = static_cast<std::uint8_t>(shell);
    ++shells.begin[shell + 1];
    // Of a DOM's light that falls into one bin all counts as much as that bin does.
    const double weight = std::max(1.0, std::min(contrast, members[k].contrast));
    shells.beyond[shell] += members[k].efficiency * weight;
  }
  for (std::size_t shell = bound_.size(); shell-- > 0;)
    shells.beyond[shell] = shells.beyond[shell] * bound_[shell] + shells.beyond[shell + 1];
  for (std::size_t shell = 0; shell <= last; ++shell)
    shells.begin[shell + 1] += shells.begin[shell];
  shells.order.resize(n);
  std::vector<std::uint32_t> next(shells.begin.begin(), shells.begin.end() - 1);
  for (std::size_t k = 0; k < n; ++k)
    shells.order[next[shells.shell[k]]++] = static_cast<std::uint32_t>(k);
}

// Visits the DOMs that a cascade lights, near ones first, as far as `neglect` asks:
// see(member, dom, amplitude) with scratch.cumulative (one per edge) and, when `with_gradient`,
// the amplitude's gradient as fourth argument and scratch.gradient (one per edge). Must return the
// light it found in valid bins.
template <typename See>
void Millipede::visit(const Cascade& cascade, const Track& track, const Neglect& neglect,
                      bool with_gradient, Scratch& scratch, See see) const {
  double found = 0;
  const auto look = [&](const Member& member, bool is_hit) {
    const MillipedeDom& dom = doms_[member.dom];
    const std::size_t edges = dom.bins.charges.size() == 1 ? 0 : dom.bins.edges.size();
    if (scratch.cumulative.size() < edges) {
      scratch.cumulative.resize(edges);
      scratch.gradient.resize(edges);
    }
    double amplitude = 0;
    Gradient4 gradient{};
    double fade = 1;
    if (neglect.fade_to > 0) {
      const bool is_near = !is_hit && quiet_.size() >= many_quiet;
      fade = fading(distance(cascade.position, dom.site.position),
                    is_near ? many_from : neglect.fade_from, is_near ? many_to : neglect.fade_to);
      if (fade == 0) return;
    }
    if (!light_.evaluate(cascade.position, track.direction, track.zenith, track.azimuth,
                         cascade.time, dom.site, dom.bins.edges.data(), edges, amplitude,
                         scratch.cumulative.data(), with_gradient ? &gradient : nullptr,
                         with_gradient ? scratch.gradient.data() : nullptr) ||
        !(amplitude > 0))
      return;
    if (fade < 1) {
      amplitude *= fade;
      gradient = {fade * gradient.x, fade * gradient.y, fade * gradient.z, fade * gradient.t};
    }
    found += see(member, is_hit, dom, amplitude, gradient);
  };
  if (neglect.fade_to > 0) {
    for (const Member& member : hit_) look(member, true);
    for (const Member& member : quiet_) look(member, false);
    return;
  }
  sort(cascade.position, hit_, neglect.contrast, scratch.hit);
  sort(cascade.position, quiet_, 0, scratch.quiet);
  bool hit = !hit_.empty(), quiet = !quiet_.empty();
  for (std::size_t shell = 0; shell < bound_.size() && (hit || quiet); ++shell) {
    hit = hit && scratch.hit.beyond[shell] > neglect.hit * found;
    quiet = quiet && scratch.quiet.beyond[shell] > neglect.quiet * found;
    if (hit)
      for (auto k = scratch.hit.begin[shell]; k < scratch.hit.begin[shell + 1]; ++k)
        look(hit_[scratch.hit.order[k]], true);
    if (quiet)
      for (auto k = scratch.quiet.begin[shell]; k < scratch.quiet.begin[shell + 1]; ++k)
        look(quiet_[scratch.quiet.order[k]], false);
  }
}

void Millipede::add_column(const Cascade& cascade, const Track& track, const Neglect& neglect,
                           Scratch& scratch, std::size_t j, Response& response) const {
  double& sum = response.sum[j];
  double* const column = response.column(j);
  const auto see = [&](const Member& member, bool, const MillipedeDom& dom, double amplitude,
                       const Gradient4&) {
    const DomBins& bins = dom.bins;
    if (bins.charges.size() == 1) {
      sum += amplitude;
      if (bins.charges[0] > 0) column[member.first_row] = amplitude;
      return amplitude;
    }
    double light = 0;
    std::size_t number = member.first_row;
    for (std::size_t i = 0; i < bins.charges.size(); ++i) {
      if (!bins.valid[i]) continue;
      const double value =
          amplitude * expected_share(scratch.cumulative[i], scratch.cumulative[i + 1]);
      light += value;
      if (bins.charges[i] > 0) column[number++] = value;
    }
    sum += light;
    return light;
  };
  visit(cascade, track, neglect, false, scratch, see);
}

// One cascade after the other, each as far as `neglect` asks.
Response Millipede::response(const Track& track, const std::vector<Cascade>& cascades,
                             const Neglect& neglect) const {
  if (neglect.fade_to > 0) return faded_response(track, cascades, neglect);
  Response response(rows_.charge.size(), cascades.size());
  Scratch scratch;
  for (std::size_t j = 0; j < cascades.size(); ++j)
    add_column(cascades[j], track, neglect, scratch, j, response);
  return response;
}

// For searches: one DOM after the other, each looking along the track. Cascades are in the order of
// their numbers.
Response Millipede::faded_response(const Track& track, const std::vector<Cascade>& cascades,
                                   const Neglect& neglect) const {
  const std::size_t columns = cascades.size();
  std::vector<double> lengths(columns);
  for (std::size_t j = 0; j < columns; ++j)
    lengths[j] = (cascades[j].time - track.time) * speed_of_light;
  Response response(rows_.charge.size(), columns);
  response.sum = far_light(track, lengths, neglect);
  const auto along_track = light_.along_track(track, lengths.data(), columns);
  std::vector<double> amplitude(columns), cumulative;
  const Vec3 &n = track.direction, &v = track.position;
  // `to`: where the DOM's light has faded out.
  const auto look = [&](const Member& member, double from, double to, bool only_near) {
    const MillipedeDom& dom = doms_[member.dom];
    const Vec3& p = dom.site.position;
    const Vec3 d{p.x - v.x, p.y - v.y, p.z - v.z};
    const double length = d.x * n.x + d.y * n.y + d.z * n.z;
    const double square = std::max(0.0, d.x * d.x + d.y * d.y + d.z * d.z - length * length);
    const double reach = only_near ? near_to : to;
    if (!(square < reach * reach)) return;
    const double wide = std::sqrt(reach * reach - square);
    const auto first = static_cast<std::size_t>(
        std::upper_bound(lengths.begin(), lengths.end(), length - wide) - lengths.begin());
    const auto last = static_cast<std::size_t>(
        std::lower_bound(lengths.begin(), lengths.end(), length + wide) - lengths.begin());
    if (first >= last) return;
    const DomBins& bins = dom.bins;
    const std::size_t edges = bins.charges.size() == 1 ? 0 : bins.edges.size();
    if (cumulative.size() < edges * columns) cumulative.resize(edges * columns);
    along_track->evaluate(dom.site, first, last, bins.edges.data(), edges, amplitude.data(),
                          cumulative.data());
    for (std::size_t j = first; j < last; ++j) {
      double light = amplitude[j - first];
      if (!(light > 0)) continue;
      const double apart = lengths[j] - length, r2 = square + apart * apart;
      if (r2 > from * from) light *= fading(std::sqrt(r2), from, to);
      if (only_near && r2 > near_from * near_from)
        light *= fading(std::sqrt(r2), near_from, near_to);
      double* const column = response.column(j) + member.first_row;
      if (edges == 0) {
        response.sum[j] += light;
        if (bins.charges[0] > 0) column[0] = light;
        continue;
      }
      const double* const before = cumulative.data() + (j - first) * edges;
      std::size_t row = 0;
      double sum = 0;
      for (std::size_t i = 0; i < bins.charges.size(); ++i) {
        if (!bins.valid[i]) continue;
        const double value = light * expected_share(before[i], before[i + 1]);
        sum += value;
        if (bins.charges[i] > 0) column[row++] = value;
      }
      response.sum[j] += sum;
    }
  };
  for (const Member& member : hit_) look(member, neglect.fade_from, neglect.fade_to, false);
  const bool many = quiet_.size() >= many_quiet;
  for (const Member& member : quiet_)
    look(member, many ? many_from : neglect.fade_from, many ? many_to : neglect.fade_to,
         doms_[member.dom].bins.charges.size() == 1);
  return response;
}

// Light of one-bin DOMs without charge that are not near, per GeV, at `lengths` along the track:
// smooth, hence seen at few points along it and interpolated.
std::vector<double> Millipede::far_light(const Track& track, const std::vector<double>& lengths,
                                         const Neglect& neglect) const {
  const long first = std::lround(std::floor(lengths.front() / far_step)) - 1;
  const long last = std::lround(std::floor(lengths.back() / far_step)) + 2;
  const auto count = static_cast<std::size_t>(last - first + 1);
  std::vector<bool> wanted(count, false);
  for (const double length : lengths) {
    const double whole = std::floor(length / far_step);
    const auto k = static_cast<std::size_t>(std::lround(whole) - first);
    for (std::size_t i = k - 1; i <= k + 2; ++i) wanted[i] = true;
  }
  std::vector<double> places;
  std::vector<std::size_t> node;  // number of each place
  for (std::size_t i = 0; i < count; ++i) {
    if (!wanted[i]) continue;
    places.push_back(static_cast<double>(first + static_cast<long>(i)) * far_step);
    node.push_back(i);
  }
  std::vector<double> found(count, 0), amplitude(places.size());
  const auto along_track = light_.along_track(track, places.data(), places.size());
  const bool many = quiet_.size() >= many_quiet;
  const double from = many ? many_from : neglect.fade_from;
  const double to = many ? many_to : neglect.fade_to;
  const Vec3 &n = track.direction, &v = track.position;
  const std::size_t stride = many ? neglect.dark_stride : 1;
  for (std::size_t k = 0; k < quiet_.size(); k += stride) {
    const MillipedeDom& dom = doms_[quiet_[k].dom];
    if (dom.bins.charges.size() != 1) continue;
    const Vec3& p = dom.site.position;
    const Vec3 d{p.x - v.x, p.y - v.y, p.z - v.z};
    const double length = d.x * n.x + d.y * n.y + d.z * n.z;
    const double square = std::max(0.0, d.x * d.x + d.y * d.y + d.z * d.z - length * length);
    if (!(square < to * to)) continue;
    const double wide = std::sqrt(to * to - square);
    const auto begin = std::upper_bound(places.begin(), places.end(), length - wide);
    const auto end = std::lower_bound(begin, places.end(), length + wide);
    // Places too near are left out.
    const double close = std::sqrt(std::max(0.0, near_from * near_from - square));
    const auto hole = close > 0 ? std::lower_bound(begin, end, length - close) : end;
    const auto resume = close > 0 ? std::upper_bound(hole, end, length + close) : end;
    const auto see = [&](auto a, auto b) {
      if (a == b) return;
      const auto k = static_cast<std::size_t>(a - places.begin());
      const auto m = static_cast<std::size_t>(b - places.begin());
      along_track->evaluate(dom.site, k, m, nullptr, 0, amplitude.data(), nullptr);
      for (std::size_t i = k; i < m; ++i) {
        const double apart = places[i] - length, r = std::sqrt(square + apart * apart);
        found[node[i]] += static_cast<double>(stride) * amplitude[i - k] * fading(r, from, to) *
                          (1 - fading(r, near_from, near_to));
      }
    };
    see(begin, hole);
    see(resume, end);
  }
  std::vector<double> light;
  light.reserve(lengths.size());
  for (const double length : lengths) {
    const double place = length / far_step, whole = std::floor(place), x = place - whole;
    const double* const at = &found[static_cast<std::size_t>(std::lround(whole) - first)];
    light.push_back(std::max(
        0.0, -x * (x - 1) * (x - 2) / 6 * at[-1] + (x + 1) * (x - 1) * (x - 2) / 2 * at[0] -
                 (x + 1) * x * (x - 2) / 2 * at[1] + (x + 1) * x * (x - 1) / 6 * at[2]));
  }
  return light;
}

// Poisson, with the floor under every energy.
double Millipede::llh(const Response& response, const std::vector<double>& energies,
                      const Screen* screen) const {
  std::vector<double> mu = rows_.noise;
  double value = noise_sum_ + log_factorials_;
  if (screen != nullptr) {
    value += screen->floor_sum;
    for (std::size_t i = 0; i < mu.size(); ++i) mu[i] += screen->floor[i];
  }
  for (std::size_t j = 0; j < response.columns(); ++j) {
    const double energy = energies[j] + energy_floor;
    const double* const column = response.column(j);
    value += energy * response.sum[j];
    for (std::size_t i = 0; i < mu.size(); ++i) mu[i] += energy * column[i];
  }
  for (std::size_t i = 0; i < mu.size(); ++i) value -= rows_.charge[i] * std::log(mu[i]);
  return value;
}

MillipedeValue Millipede::solve(const Track& track, double spacing, const Neglect& neglect,
                                const MillipedeValue* previous, double tolerance,
                                const Screen* screen) const {
  MillipedeValue value;
  value.cascades = cascades(track, spacing);
  if (screen != nullptr)
    std::erase_if(value.cascades, [&](const Cascade& c) { return !screen->keeps(c.number); });
  if (value.cascades.empty()) return value;
  value.placed = true;
  if (screen != nullptr) value.floor = screen->floor;
  value.response = response(track, value.cascades, neglect);
  std::vector<double> start(value.cascades.size(), 0);
  if (previous != nullptr)
    for (std::size_t i = 0, j = 0; i < previous->cascades.size(); ++i) {
      const Cascade& old = previous->cascades[i];
      while (j < value.cascades.size() && value.cascades[j].number < old.number) ++j;
      if (j < value.cascades.size() && value.cascades[j].number == old.number)
        start[j] = old.energy;
    }
  settle(start, tolerance, screen, value);
  return value;
}

void Millipede::settle(const std::vector<double>& start, double tolerance, const Screen* screen,
                       MillipedeValue& value) const {
  EnergySettings settings;
  settings.regularisation = settings_.regularisation;
  settings.tolerance = tolerance;
  value.solution = solve_energies(value.response, rows_, start, settings);
  for (std::size_t j = 0; j < value.cascades.size(); ++j)
    value.cascades[j].energy = value.solution.energies[j];
  value.llh = llh(value.response, value.solution.energies, screen);
}

// The light of a cascade left out.
void Millipede::add_floor(const Response& response, std::size_t j, Screen& screen) {
  const double* const column = response.column(j);
  screen.floor_sum += energy_floor * response.sum[j];
  for (std::size_t i = 0; i < screen.floor.size(); ++i) screen.floor[i] += energy_floor * column[i];
}

std::optional<Millipede::Screen> Millipede::scout(const Track& track, double spacing,
                                                  const Neglect& neglect,
                                                  const MillipedeValue* previous, double stride,
                                                  double reach, double threshold) const {
  const auto all = cascades(track, spacing);
  if (all.empty()) return std::nullopt;
  const long every = std::max(1L, std::lround(stride / spacing));
  const long around = std::lround(std::ceil(reach / spacing));
  MillipedeValue value;
  for (const Cascade& c : all)
    if (c.number % every == 0) value.cascades.push_back(c);
  if (value.cascades.empty()) value.cascades.push_back(all[all.size() / 2]);
  value.response = response(track, value.cascades, neglect);
  std::vector<double> start(value.cascades.size(), 0);
  if (previous != nullptr)
    for (const Cascade& old : previous->cascades) {
      const double at = static_cast<double>(old.number - value.cascades.front().number) /
                        static_cast<double>(every);
      const long j = std::clamp(std::lround(at), 0L, static_cast<long>(start.size()) - 1);
      start[static_cast<std::size_t>(j)] += old.energy;
    }
  settle(start, 0.05, nullptr, value);
  Screen screen{all.front().number, std::vector<char>(all.size(), 0),
                std::vector<double>(rows_.charge.size(), 0), 0};
  const long n = static_cast<long>(all.size());
  for (std::size_t j = 0; j < value.cascades.size(); ++j) {
    const bool lit = value.cascades[j].energy > 0;
    if (!lit && !(value.solution.reduced_gradient[j] > threshold)) continue;
    const long at = value.cascades[j].number - screen.first;
    const long wide = lit ? std::max(every, around) : every / 2;
    for (long k = std::max(0L, at - wide); k <= std::min(n - 1, at + wide); ++k)
      screen.keep[static_cast<std::size_t>(k)] = 1;
  }
  if (previous != nullptr)
    for (const Cascade& old : previous->cascades) {
      const long at = old.number - screen.first;
      if (old.energy > 0 && at >= 0 && at < n) screen.keep[static_cast<std::size_t>(at)] = 1;
    }
  // Every looked-at cascade stands for those around it that are left out.
  std::size_t next = 0;
  for (const Cascade& c : all) {
    if (screen.keeps(c.number)) continue;
    while (next + 1 < value.cascades.size() &&
           std::labs(value.cascades[next + 1].number - c.number) <=
               std::labs(value.cascades[next].number - c.number))
      ++next;
    add_floor(value.response, next, screen);
  }
  return screen;
}

Millipede::Screen Millipede::screen(const MillipedeValue& value, const Screen* outer, long reach,
                                    double threshold) const {
  const long first = value.cascades.front().number;
  const long n = value.cascades.back().number - first + 1;
  Screen screen{first, std::vector<char>(static_cast<std::size_t>(n), 0),
                outer ? outer->floor : std::vector<double>(rows_.charge.size(), 0),
                outer ? outer->floor_sum : 0};
  for (std::size_t j = 0; j < value.cascades.size(); ++j) {
    const long at = value.cascades[j].number - first;
    const bool lit = value.cascades[j].energy > 0;
    if (!lit && !(value.solution.reduced_gradient[j] > threshold)) continue;
    const long wide = lit ? reach : 0;
    for (long k = std::max(0L, at - wide); k <= std::min(n - 1, at + wide); ++k)
      screen.keep[static_cast<std::size_t>(k)] = 1;
  }
  for (std::size_t j = 0; j < value.cascades.size(); ++j) {
    if (screen.keeps(value.cascades[j].number)) continue;
    add_floor(value.response, j, screen);
  }
  return screen;
}

void Millipede::refine(const Track& track, const Neglect& neglect, const Screen& screen,
                       double tolerance, MillipedeValue& value) const {
  Scratch scratch;
  std::vector<double> start;
  for (std::size_t j = 0; j < value.cascades.size(); ++j) {
    start.push_back(value.cascades[j].energy);
    if (!screen.keeps(value.cascades[j].number)) continue;
    value.response.sum[j] = 0;
    std::fill_n(value.response.column(j), value.response.stride(), 0.0);
    add_column(value.cascades[j], track, neglect, scratch, j, value.response);
  }
  settle(start, tolerance, nullptr, value);
}

// Gradient and Gauss-Newton curvature of llh with respect to the vertex. By the envelope theorem
// the gradient is that at fixed energies; for the curvature the energies are eliminated (Schur
// complement over those above zero).
void Millipede::differentiate(const Track& track, const Neglect& neglect,
                              MillipedeValue& value) const {
  const std::size_t n_rows = rows_.charge.size();
  std::vector<double> mu = rows_.noise;
  for (std::size_t i = 0; i < value.floor.size(); ++i) mu[i] += value.floor[i];
  std::vector<std::size_t> active;
  for (std::size_t j = 0; j < value.cascades.size(); ++j) {
    const double energy = value.cascades[j].energy + energy_floor;
    if (value.cascades[j].energy > 0) active.push_back(j);
    const double* const column = value.response.column(j);
    for (std::size_t i = 0; i < n_rows; ++i) mu[i] += energy * column[i];
  }
  using Four = std::array<double, 4>;
  std::vector<Four> slope(n_rows, Four{});       // d mu / d vertex
  std::vector<Four> own(active.size(), Four{});  // d (dL/dE_j) / d vertex at fixed mu, per PE
  std::vector<double> dense(active.size() * n_rows, 0);  // B_j per PE of the cascade's light
  Four total{};
  Scratch scratch;
  for (std::size_t a = 0; a < active.size(); ++a) {
    const Cascade& cascade = value.cascades[active[a]];
    const double energy = cascade.energy + energy_floor;
    const double scale = 1 / value.response.sum[active[a]];
    Four sum{};
    visit(cascade, track, neglect, true, scratch,
          [&](const Member& member, bool, const MillipedeDom& dom, double amplitude,
              const Gradient4& g) {
            const DomBins& bins = dom.bins;
            const Four change{g.x, g.y, g.z, g.t};
            const auto row = [&](std::size_t i, const Four& d) {
              const double ratio = rows_.charge[i] / mu[i];
              for (int axis = 0; axis < 4; ++axis) {
                slope[i][axis] += energy * d[axis];
                own[a][axis] -= scale * ratio * d[axis];
              }
            };
            if (bins.charges.size() == 1) {
              for (int axis = 0; axis < 4; ++axis) sum[axis] += change[axis];
              if (bins.charges[0] > 0) row(member.first_row, change);
              return amplitude;
            }
            double light = 0;
            std::size_t number = member.first_row;
            for (std::size_t i = 0; i < bins.charges.size(); ++i) {
              if (!bins.valid[i]) continue;
              const double share = expected_share(scratch.cumulative[i], scratch.cumulative[i + 1]);
              const Gradient4 &p = scratch.gradient[i], &q = scratch.gradient[i + 1];
              Four d{};
              if (share > 0)
                d = {amplitude * (q.x - p.x) + share * g.x, amplitude * (q.y - p.y) + share * g.y,
                     amplitude * (q.z - p.z) + share * g.z, amplitude * (q.t - p.t) + share * g.t};
              light += amplitude * share;
              for (int axis = 0; axis < 4; ++axis) sum[axis] += d[axis];
              if (bins.charges[i] > 0) row(number++, d);
            }
            return light;
          });
    for (int axis = 0; axis < 4; ++axis) {
      total[axis] += energy * sum[axis];
      own[a][axis] += scale * sum[axis];
    }
    const double* const column = value.response.column(active[a]);
    for (std::size_t i = 0; i < n_rows; ++i) dense[a * n_rows + i] = scale * column[i];
  }

  value.gradient = total;
  value.hessian = {};
  std::vector<double> weight(n_rows);
  for (std::size_t i = 0; i < n_rows; ++i) {
    weight[i] = rows_.charge[i] / (mu[i] * mu[i]);
    for (int p = 0; p < 4; ++p) {
      value.gradient[p] -= rows_.charge[i] / mu[i] * slope[i][p];
      for (int q = 0; q < 4; ++q) value.hessian[p][q] += weight[i] * slope[i][p] * slope[i][q];
    }
  }
  // Cross terms and the energies' own curvature.
  const std::size_t n = active.size();
  std::vector<Four> cross(n);
  std::vector<double> curvature(n * n);
  for (std::size_t a = 0; a < n; ++a) {
    cross[a] = own[a];
    const double* column = dense.data() + a * n_rows;
    for (std::size_t i = 0; i < n_rows; ++i) {
      if (column[i] == 0) continue;
      for (int p = 0; p < 4; ++p) cross[a][p] += weight[i] * column[i] * slope[i][p];
    }
    for (std::size_t b = 0; b <= a; ++b) {
      const double* other = dense.data() + b * n_rows;
      double sum = 0;
      for (std::size_t i = 0; i < n_rows; ++i) sum += weight[i] * column[i] * other[i];
      curvature[a * n + b] = sum;
    }
    curvature[a * n + a] *= 1 + 1e-6;
  }
  for (int q = 0; q < 4 && n > 0; ++q) {
    std::vector<double> matrix = curvature, x(n);
    for (std::size_t a = 0; a < n; ++a) x[a] = cross[a][q];
    if (!solve_cholesky(matrix, x, n)) break;
    for (int p = 0; p < 4; ++p)
      for (std::size_t a = 0; a < n; ++a) value.hessian[p][q] -= cross[a][p] * x[a];
  }
}

Millipede::Neglect neglect_for(Precision precision) {
  if (precision == Precision::full)
    return {1e-9, 1e-8, std::numeric_limits<double>::infinity(), 0, 0};
  if (precision == Precision::result) return {1e-6, 1e-6, 1e3, 0, 0};
  if (precision == Precision::scan) return {0, 0, 0, 550, 700};
  return {0, 0, 0, 300, 420, 3};
}

MillipedeValue Millipede::evaluate(const Track& track, double spacing, const Neglect& neglect,
                                   bool with_gradient) const {
  MillipedeValue value = solve(track, spacing, neglect, nullptr, 1e-8);
  if (value.placed && with_gradient) differentiate(track, neglect, value);
  return value;
}

double Millipede::llh_of(const Track& track, double spacing, const std::vector<double>& energies,
                         double relative_uncertainty) const {
  const auto list = cascades(track, spacing);
  if (list.size() != energies.size())
    throw BadInput("millipede: " + std::to_string(energies.size()) + " energies given for " +
                   std::to_string(list.size()) + " cascades");
  if (relative_uncertainty == 0)
    return llh(response(track, list, neglect_for(Precision::full)), energies, nullptr);
  // Every bin by itself, with or without charge.
  std::vector<std::size_t> first(doms_.size());
  std::vector<double> mu, charge;
  for (std::size_t k = 0; k < doms_.size(); ++k) {
    const DomBins& bins = doms_[k].bins;
    first[k] = mu.size();
    for (std::size_t i = 0; i < bins.charges.size(); ++i) {
      mu.push_back(doms_[k].noise_rate * (bins.edges[i + 1] - bins.edges[i]));
      charge.push_back(bins.valid[i] ? bins.charges[i] : -1);
    }
  }
  Scratch scratch;
  for (std::size_t j = 0; j < list.size(); ++j)
    visit(list[j], track, neglect_for(Precision::full), false, scratch,
          [&](const Member& member, bool, const MillipedeDom& dom, double amplitude,
              const Gradient4&) {
            const std::size_t n = dom.bins.charges.size();
            const double light = amplitude * (energies[j] + energy_floor);
            for (std::size_t i = 0; i < n; ++i)
              mu[first[member.dom] + i] +=
                  light *
                  (n == 1 ? 1 : expected_share(scratch.cumulative[i], scratch.cumulative[i + 1]));
            return amplitude;
          });
  double value = 0;
  for (std::size_t i = 0; i < mu.size(); ++i)
    if (charge[i] >= 0) value += widened(charge[i], mu[i], relative_uncertainty);
  return value;
}

std::vector<double> Millipede::column_sums(const Track& track, double spacing,
                                           const Neglect& neglect) const {
  return response(track, cascades(track, spacing), neglect).sum;
}

}  // namespace skyscan

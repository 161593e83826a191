// Photons of one muon at the detector's DOMs by Monte Carlo: each followed until it is absorbed.
//
//   photon_alert ICE.tsv ACCEPTANCE.tsv SEED < SOURCES > HITS
//
// Only as many photons are thrown as would be detected if every one met a DOM head-on that is
// `enlarged` times as wide; how many of these are kept makes the DOM's own efficiency. The time of
// a hit is that of the photon's closest point to the DOM's centre, which for light from afar does
// not depend on how large the DOM is.
//
// Lines of SOURCES (m, ns, GeV):
//   dom X Y Z EFFICIENCY                    numbered from 0
//   track X Y Z T NX NY NZ                  a place of the muon, when, and its direction of travel
//   stretch FROM TO PHOTONS GEV             along it: bare-muon photons and continuous losses a
//   metre cascade ALONG GEV                       a loss of its own
// Lines of HITS: number of the DOM, and the photon's time.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "photons.hpp"

namespace {

using namespace photons;

constexpr double dom_radius = 0.16510;  // m
constexpr double enlarged = 8;
constexpr double radius = dom_radius * enlarged;
// m: light further than this outside the array is not followed. Absorbed over 100 m and scattered
// on its way back, next to nothing of it is ever seen.
constexpr double reach = 300;

struct Dom {
  Vec3 position;
  double efficiency;
};

// DOMs by place: strings near a place in the horizontal plane.
class Array {
 public:
  explicit Array(std::vector<Dom> doms) : doms_(std::move(doms)) {
    for (std::size_t i = 0; i < doms_.size(); ++i) {
      const Vec3 p = doms_[i].position;
      for (int u = -1; u <= 1; ++u)
        for (int v = -1; v <= 1; ++v) cells_[{cell(p.x) + u, cell(p.y) + v}].push_back(i);
      low_ = {std::fmin(low_.x, p.x), std::fmin(low_.y, p.y), std::fmin(low_.z, p.z)};
      high_ = {std::fmax(high_.x, p.x), std::fmax(high_.y, p.y), std::fmax(high_.z, p.z)};
    }
    columns_ = cell(high_.x) - cell(low_.x) + 5;
    rows_ = cell(high_.y) - cell(low_.y) + 5;
    grid_.resize(static_cast<std::size_t>(columns_ * rows_));
    for (auto& [at, inside] : cells_) {
      std::ranges::sort(inside, {}, [&](std::size_t i) { return doms_[i].position.z; });
      const int u = at.first - cell(low_.x) + 2, v = at.second - cell(low_.y) + 2;
      grid_[static_cast<std::size_t>(u * rows_ + v)] = std::move(inside);
    }
  }
  bool is_near(Vec3 p) const {
    return p.x > low_.x - reach && p.x < high_.x + reach && p.y > low_.y - reach &&
           p.y < high_.y + reach && p.z > low_.z - reach && p.z < high_.z + reach;
  }
  // Calls `hit` for every DOM whose sphere a straight step shorter than a cell passes.
  template <typename Hit>
  void along(Vec3 from, Vec3 n, double step, const Hit& hit) const {
    const double mx = from.x + 0.5 * step * n.x, my = from.y + 0.5 * step * n.y;
    const int u = cell(mx) - cell(low_.x) + 2, v = cell(my) - cell(low_.y) + 2;
    if (u < 0 || v < 0 || u >= columns_ || v >= rows_) return;
    const auto& near = grid_[static_cast<std::size_t>(u * rows_ + v)];
    if (near.empty()) return;
    const double z1 = from.z + step * n.z;
    const double lowest = std::fmin(from.z, z1) - radius, highest = std::fmax(from.z, z1) + radius;
    auto at = std::ranges::lower_bound(near, lowest, {},
                                       [&](std::size_t i) { return doms_[i].position.z; });
    for (; at != near.end() && doms_[*at].position.z <= highest; ++at) {
      const Vec3 d = doms_[*at].position + (-1.0) * from;
      const double along = dot(d, n);
      if (along < 0 || along >= step || dot(d, d) - along * along > radius * radius) continue;
      hit(*at, along);
    }
  }
  double efficiency(std::size_t dom) const { return doms_[dom].efficiency; }
  double most_efficient() const {
    double most = 0;
    for (const Dom& dom : doms_) most = std::fmax(most, dom.efficiency);
    return most;
  }
  static constexpr double width = 12;  // m, of a cell: no step is longer

 private:
  static int cell(double x) { return static_cast<int>(std::floor(x / width)); }
  std::vector<Dom> doms_;
  std::map<std::pair<int, int>, std::vector<std::size_t>> cells_;
  std::vector<std::vector<std::size_t>> grid_;
  int columns_ = 0, rows_ = 0;
  Vec3 low_{1e9, 1e9, 1e9}, high_{-1e9, -1e9, -1e9};
};

class Propagation {
 public:
  Propagation(const Array& array, const Ice& ice, const Acceptance& acceptance, unsigned seed)
      : array_(array),
        ice_(ice),
        acceptance_(acceptance.curve[0]),
        spectrum_(ice, 0),
        random_(seed) {
    for (int i = -100; i <= 100; ++i)
      most_accepted_ = std::fmax(most_accepted_, polynomial(acceptance_, i / 100.0));
    most_accepted_ *= array.most_efficient();
  }
  // So many of the photons made are thrown.
  double share() const { return effective_area * most_accepted_ / (pi * radius * radius); }
  Random& random() { return random_; }
  // A number of mean `expected`.
  long poisson(double expected) {
    std::poisson_distribution<long> distribution(expected);
    return distribution(engine_);
  }
  // Follows one photon until it is absorbed.
  void follow(Vec3 p, Vec3 n, double time) {
    const auto& [optics, velocity] = spectrum_.draw(random_);
    double absorption = -std::log(random_()), scattering = -std::log(random_());
    std::size_t layer = ice_.layer(p.z);
    const double end = time + latest;
    while (time < end && array_.is_near(p)) {
      const double s = optics.scattering[layer], a = optics.absorption[layer];
      double step = std::fmin(std::fmin(scattering / s, absorption / a), Array::width);
      bool crosses = false;
      const bool has_next = n.z > 0 ? layer + 1 < ice_.size() : layer > 0;
      if (has_next && n.z != 0) {
        const double border = ice_.bottom(n.z > 0 ? layer + 1 : layer);
        const double way = std::fmax((border - p.z) / n.z, 0);
        if (way < step) {
          step = way;
          crosses = true;
        }
      }
      array_.along(p, n, step, [&](std::size_t dom, double along) {
        const double kept = polynomial(acceptance_, n.z) * array_.efficiency(dom) / most_accepted_;
        if (random_() < kept) std::printf("%zu %.2f\n", dom, time + along / velocity);
      });
      p = p + step * n;
      time += step / velocity;
      scattering -= step * s;
      absorption -= step * a;
      if (crosses) {
        layer = n.z > 0 ? layer + 1 : layer - 1;
      } else if (absorption <= 1e-12) {
        return;
      } else if (scattering <= 1e-12) {
        n = turned(n, scattered_cosine(random_), random_);
        scattering = -std::log(random_());
      }
    }
  }

 private:
  const Array& array_;
  const Ice& ice_;
  const std::vector<double>& acceptance_;
  Spectrum spectrum_;
  Random random_;
  std::mt19937_64 engine_{random_.bits()};
  double most_accepted_ = 0;
};

struct Track {
  Vec3 place{0, 0, 0};
  double time = 0;
  Vec3 n{0, 0, 0};
  Vec3 at(double along) const { return place + along * n; }
  double when(double along) const { return time + along / speed_of_light; }
};

// A direction of a cascade's light.
Vec3 emitted(const Emission& emission, Vec3 n, Random& random) {
  for (;;) {
    const double cosine = 2 * random() - 1;
    if (random() * emission.most() < emission(cosine)) return turned(n, cosine, random);
  }
}

void shine_stretch(Propagation& propagation, const Array& array, const Track& track,
                   const Emission& emission, double from, double to, double bare, double gev) {
  Random& random = propagation.random();
  const auto shine = [&](double per_metre, bool is_bare) {
    const long count = propagation.poisson(per_metre * (to - from) * propagation.share());
    for (long i = 0; i < count; ++i) {
      const double along = from + (to - from) * random();
      if (!array.is_near(track.at(along))) continue;
      const Vec3 n =
          is_bare ? turned(track.n, cos_cherenkov, random) : emitted(emission, track.n, random);
      propagation.follow(track.at(along), n, track.when(along));
    }
  };
  shine(bare, true);
  shine(gev * cascade_photons, false);
}

void shine_cascade(Propagation& propagation, const Track& track, const Emission& emission,
                   double along, double gev) {
  Random& random = propagation.random();
  const long count = propagation.poisson(gev * cascade_photons * propagation.share());
  // Longitudinal profile: E. Longo and I. Sestili, NIM 128 (1975) 283, with the parameters for ice
  // of C. Wiebusch (thesis, Aachen 1995): a = 2.03 + 0.604 ln(E/GeV), b = 0.633 per 0.3585 m.
  std::gamma_distribution<double> length(2.03 + 0.604 * std::log(std::fmax(gev, 1)),
                                         0.3585 / 0.633);
  std::mt19937_64 engine(random.bits());
  for (long i = 0; i < count; ++i) {
    const double at = along + length(engine);
    propagation.follow(track.at(at), emitted(emission, track.n, random), track.when(at));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const Ice ice(argv[1]);
  const Acceptance acceptance(argv[2]);
  std::vector<Dom> doms;
  Track track;
  std::vector<std::vector<double>> stretches, cascades;
  for (std::string line, word; std::getline(std::cin, line);) {
    std::istringstream text(line);
    text >> word;
    std::vector<double> x;
    for (double value; text >> value;) x.push_back(value);
    if (word == "dom" && x.size() == 4) {
      doms.push_back({{x[0], x[1], x[2]}, x[3]});
    } else if (word == "track" && x.size() == 7) {
      track = {{x[0], x[1], x[2]}, x[3], {x[4], x[5], x[6]}};
    } else if (word == "stretch" && x.size() == 4) {
      stretches.push_back(x);
    } else if (word == "cascade" && x.size() == 2) {
      cascades.push_back(x);
    } else {
      std::fprintf(stderr, "not understood: %s\n", line.c_str());
      return 2;
    }
  }
  const Array array(std::move(doms));
  const Emission emission;
  Propagation propagation(array, ice, acceptance, static_cast<unsigned>(std::atol(argv[3])));
  for (const auto& x : stretches)
    shine_stretch(propagation, array, track, emission, x[0], x[1], x[2], x[3]);
  for (const auto& x : cascades)
    if (array.is_near(track.at(x[0]))) shine_cascade(propagation, track, emission, x[0], x[1]);
}

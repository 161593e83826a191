// Light of cascades and bare muons at DOMs by Monte Carlo: single photons through layered ice.
//
// What the constants of the embedded light are fitted to. Absorption is a continuous weight; every
// step scores, at a random point of it, the length it has in the cell there.
//
//   photon_mc ICE.tsv ACCEPTANCE.tsv muon|cascade HEIGHT ZENITH PHOTONS SEED [400]
//
// HEIGHT in m (detector coordinates), ZENITH in degrees: where the particle comes from; it travels
// towards +x, or straight up or down. A last argument: all photons of that wavelength [nm]. Cells:
// distance [m] +-12 %; cascades: cosine of the direction to the DOM to the vertical, azimuth from
// +x [deg]; muons: azimuth about the track, 0: above it; and DOMs within 20 m of its closest point.
// Columns as the header says: photo-electrons of 1 GeV, of h2-50cm and nominal acceptance;
// quantiles of the time after the geometric time [ns].

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "photons.hpp"

namespace {

using namespace photons;

constexpr double least_weight = 0.02;                // below: roulette
constexpr double window = 20;                        // m along a muon's track
constexpr double track_from = -700, track_to = 250;  // m: what of the track shines

constexpr double distances[] = {10, 20, 35, 50, 75, 100, 150, 200, 250, 300};
constexpr int distance_count = 10, angle_count = 6, cosine_count = 5, azimuth_count = 4;
constexpr double half_width = 0.12;

struct Cell {
  static constexpr int bins = 600;
  static constexpr double scale = 3, per_bin = 0.02;  // ns: of asinh
  double light[2] = {0, 0}, square = 0, entries = 0;
  std::array<double, bins> times{};

  void add(double weight, double h2, double nominal, double t) {
    light[0] += weight * h2;
    light[1] += weight * nominal;
    square += weight * weight * h2 * h2;
    ++entries;
    const double bin = std::asinh(t / scale) / per_bin + 150;
    times[static_cast<std::size_t>(std::fmin(std::fmax(bin, 0), bins - 1))] += weight * h2;
  }
  double quantile(double share) const {
    double sum = 0;
    for (int i = 0; i < bins; ++i) {
      const double next = sum + times[static_cast<std::size_t>(i)];
      if (next >= share * light[0])
        return scale * std::sinh((i - 150 + (share * light[0] - sum) / (next - sum)) * per_bin);
      sum = next;
    }
    return latest;
  }
};

int distance_bin(double r) {
  for (int i = 0; i < distance_count; ++i)
    if (std::fabs(r / distances[i] - 1) < half_width) return i;
  return -1;
}

// A source, and the cells around it. `find` gives the cell of a place and the geometric time there.
struct Place {
  int cell = -1;
  double geometric_time = 0;
};

class Cascade {
 public:
  explicit Cascade(double height, Vec3 direction) : height_(height), n_(direction) {}
  static constexpr int count = distance_count * cosine_count * azimuth_count;
  // Isotropic; the weight does the rest.
  void emit(Random& random, Vec3& position, Vec3& direction, double& time, double& weight) const {
    position = {0, 0, height_};
    const double z = 2 * random() - 1;
    direction = turned({0, 0, 1}, z, random);
    time = 0;
    weight = emission_(dot(direction, n_));
  }
  Place find(Vec3 p) const {
    const Vec3 d{p.x, p.y, p.z - height_};
    const double r = std::sqrt(dot(d, d));
    const int i = distance_bin(r);
    if (i < 0) return {};
    const int k = std::min(static_cast<int>((d.z / r + 1) / 2 * cosine_count), cosine_count - 1);
    const double phi = std::fabs(std::atan2(d.y, d.x));
    const int m = std::min(static_cast<int>(phi / pi * azimuth_count), azimuth_count - 1);
    return {(i * cosine_count + k) * azimuth_count + m, r * reference_group_index / speed_of_light};
  }
  double volume(int cell) const {
    const double r = distances[cell / (cosine_count * azimuth_count)];
    const double shell = std::pow(r * (1 + half_width), 3) - std::pow(r * (1 - half_width), 3);
    return 4 * pi / 3 * shell / (cosine_count * azimuth_count);
  }
  double photons() const { return cascade_photons; }
  void name(int cell) const {
    const int m = cell % azimuth_count, k = cell / azimuth_count % cosine_count;
    std::printf("%g\t%g\t%g\t%g\t%g", distances[cell / (cosine_count * azimuth_count)],
                -1 + 2.0 * k / cosine_count, -1 + 2.0 * (k + 1) / cosine_count,
                180.0 * m / azimuth_count, 180.0 * (m + 1) / azimuth_count);
  }
  static constexpr const char* columns = "distance\tcos_lo\tcos_hi\tphi_lo\tphi_hi";

 private:
  double height_;
  Vec3 n_;
  Emission emission_;
};

class Muon {
 public:
  explicit Muon(double height, Vec3 direction) : height_(height), n_(direction) {
    // "Above": across the track, in the vertical plane; for vertical tracks along +x.
    up_ = {-n_.z * n_.x, -n_.z * n_.y, 1 - n_.z * n_.z};
    const double length = std::sqrt(dot(up_, up_));
    up_ = length > 1e-6 ? (1 / length) * up_ : Vec3{1, 0, 0};
    side_ = cross(n_, up_);
    is_level_ = std::fabs(n_.z) < 1e-6;
  }
  static constexpr int count = distance_count * angle_count;
  void emit(Random& random, Vec3& position, Vec3& direction, double& time, double& weight) const {
    // Along a level track all places are alike.
    const double s = is_level_ ? 0 : track_from + (track_to - track_from) * random();
    position = Vec3{0, 0, height_} + s * n_;
    direction = turned(n_, cos_cherenkov, random);
    time = s / speed_of_light;
    weight = 1;
  }
  Place find(Vec3 p) const {
    const Vec3 d{p.x, p.y, p.z - height_};
    const double l = dot(d, n_), u = dot(d, up_), v = dot(d, side_);
    if (!is_level_ && std::fabs(l) > window) return {};
    const double rho = std::sqrt(u * u + v * v);
    const int i = distance_bin(rho);
    if (i < 0) return {};
    const double phi = std::fabs(std::atan2(v, u));
    const int m = std::min(static_cast<int>(phi / pi * angle_count), angle_count - 1);
    return {i * angle_count + m, (l - rho * cos_cherenkov / sin_cherenkov) / speed_of_light +
                                     rho / sin_cherenkov * reference_group_index / speed_of_light};
  }
  double volume(int cell) const {
    const double r = distances[cell / angle_count];
    const double ring = pi * r * r * 4 * half_width / angle_count;
    // Per metre of level track; else of the window.
    return is_level_ ? ring : ring * 2 * window;
  }
  double photons() const {
    return is_level_ ? muon_photons : muon_photons * (track_to - track_from);
  }
  void name(int cell) const {
    const int m = cell % angle_count;
    std::printf("%g\t%g\t%g", distances[cell / angle_count], 180.0 * m / angle_count,
                180.0 * (m + 1) / angle_count);
  }
  static constexpr const char* columns = "distance\tphi_lo\tphi_hi";

 private:
  double height_;
  Vec3 n_, up_{}, side_{};
  bool is_level_ = false;
};

// One photon's way until it is absorbed or too late.
template <typename Source>
void follow(const Source& source, const Ice& ice, const Ice::Optics& optics,
            const Acceptance& acceptance, double velocity, Random& random,
            std::vector<Cell>& cells) {
  Vec3 p, n;
  double time, weight;
  source.emit(random, p, n, time, weight);
  if (weight == 0) return;
  const double least = least_weight * weight;
  double left = -std::log(random());  // scattering lengths to the next scattering
  std::size_t layer = ice.layer(p.z);
  const double end = time + latest;
  while (time < end) {
    const double s = optics.scattering[layer], a = optics.absorption[layer];
    double step = left / s;
    bool scatters = true;
    const bool has_next = n.z > 0 ? layer + 1 < ice.size() : layer > 0;
    if (has_next && n.z != 0) {
      const double border = ice.bottom(n.z > 0 ? layer + 1 : layer);
      const double way = std::fmax((border - p.z) / n.z, 0);
      if (way < step) {
        step = way;
        scatters = false;
      }
    }
    const double at = random() * step;
    const Place place = source.find(p + at * n);
    if (place.cell >= 0) {
      const double w = weight * std::exp(-a * at) * step;
      cells[static_cast<std::size_t>(place.cell)].add(w, polynomial(acceptance.curve[0], n.z),
                                                      polynomial(acceptance.curve[1], n.z),
                                                      time + at / velocity - place.geometric_time);
    }
    p = p + step * n;
    time += step / velocity;
    weight *= std::exp(-a * step);
    if (weight < least) {
      if (random() > 0.2) return;
      weight *= 5;
    }
    if (scatters) {
      n = turned(n, scattered_cosine(random), random);
      left = -std::log(random());
    } else {
      left -= step * s;
      layer = n.z > 0 ? layer + 1 : layer - 1;
    }
  }
}

template <typename Source>
void run(const Source& source, const Ice& ice, const Acceptance& acceptance, long photons,
         unsigned seed, double wavelength) {
  const Spectrum spectrum(ice, wavelength);
  std::vector<Cell> cells(Source::count);
  Random random(seed);
  for (long i = 0; i < photons; ++i) {
    const auto& [optics, velocity] = spectrum.draw(random);
    follow(source, ice, optics, acceptance, velocity, random, cells);
  }
  std::printf("%s\tamplitude_h250\tamplitude_nominal\trel_error\tt10\tt25\tt50\tt75\tt90\n",
              Source::columns);
  for (int i = 0; i < Source::count; ++i) {
    const Cell& cell = cells[static_cast<std::size_t>(i)];
    if (cell.entries < 100) continue;
    const double unit =
        source.photons() * effective_area / static_cast<double>(photons) / source.volume(i);
    source.name(i);
    std::printf("\t%.5g\t%.5g\t%.2g", cell.light[0] * unit, cell.light[1] * unit,
                std::sqrt(cell.square) / cell.light[0]);
    for (const double share : {0.1, 0.25, 0.5, 0.75, 0.9})
      std::printf("\t%.2f", cell.quantile(share));
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 8) return 2;
  const Ice ice(argv[1]);
  const Acceptance acceptance(argv[2]);
  const double height = std::atof(argv[4]), zenith = std::atof(argv[5]) * pi / 180;
  const double sine = std::sin(zenith) < 1e-9 ? 0 : std::sin(zenith);
  const double cosine = std::fabs(std::cos(zenith)) < 1e-9 ? 0 : std::cos(zenith);
  const Vec3 direction{sine, 0, -cosine};
  const long photons = std::atol(argv[6]);
  const auto seed = static_cast<unsigned>(std::atoi(argv[7]));
  const double wavelength = argc > 8 ? std::atof(argv[8]) : 0;
  if (std::string(argv[3]) == "muon")
    run(Muon(height, direction), ice, acceptance, photons, seed, wavelength);
  else
    run(Cascade(height, direction), ice, acceptance, photons, seed, wavelength);
}

// Light of cascades and bare muons at DOMs by Monte Carlo: single photons through layered ice.
//
// What the constants of the embedded light are fitted to. Scattering is 0.55 Henyey-Greenstein and
// 0.45 simplified Liu with mean cosine 0.9, absorption a continuous weight, SPICE-Mie ice in layers
// of 10 m (M. Aartsen et al., NIM A 711 (2013) 73). Photons have the Cherenkov spectrum times the
// DOM's acceptance by wavelength; ice and group velocity go with it. Every step scores, at a random
// point of it, the length it has in the cell there.
//
//   photon_mc ICE.tsv ACCEPTANCE.tsv muon|cascade HEIGHT ZENITH PHOTONS SEED [400]
//
// HEIGHT in m (detector coordinates), ZENITH in degrees: where the particle comes from; it travels
// towards +x, or straight up or down. A last argument: all photons of that wavelength [nm]. Cells:
// distance [m] +-12 %; cascades: cosine of the direction to the DOM to the vertical, azimuth from
// +x [deg]; muons: azimuth about the track, 0: above it; and DOMs within 20 m of its closest point.
// Columns as the header says: photo-electrons of 1 GeV, of h2-50cm and nominal acceptance; quantiles
// of the time after the geometric time [ns].

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numbers>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace {

using std::numbers::pi;

constexpr double speed_of_light = 0.299792458, reference_group_index = 1.35634;
constexpr double phase_index = 1.3195, cos_cherenkov = 1 / phase_index;
const double sin_cherenkov = std::sqrt(1 - cos_cherenkov * cos_cherenkov);
constexpr double effective_area = 20.2e-4;                    // m^2
constexpr double muon_photons = 32240;                        // 1/m
constexpr double cascade_photons = 32582 * 5.21;              // 1/GeV
constexpr double mean_acceptance[] = {0.338, 0.33583};        // of h2-50cm, of nominal
constexpr double mean_cosine = 0.9, share_of_liu = 0.45;      // of scattering
constexpr double surface = 1948.07;                           // m
constexpr double least_weight = 0.02;                         // below: roulette
constexpr double latest = 12000;                              // ns
constexpr double window = 20;                                 // m along a muon's track
constexpr double track_from = -700, track_to = 250;           // m: what of the track shines

// Of the 2007 DOM, every 10 nm from 260 nm on: the effective area in m^2 of a photon of random
// place and direction (IceCube's public simulation clsim, GetIceCubeDOMAcceptance).
constexpr double acceptance_by_wavelength[] = {
    0.0000064522, 0.0000064522, 0.0000064522, 0.0000064522, 0.0000021980, 0.0001339040,
    0.0005556810, 0.0016953000, 0.0035997000, 0.0061340900, 0.0074592700, 0.0090579800,
    0.0099246700, 0.0105769000, 0.0110961000, 0.0114214000, 0.0114425000, 0.0111527000,
    0.0108086000, 0.0104458000, 0.0099763100, 0.0093102500, 0.0087516600, 0.0083225800,
    0.0079767200, 0.0075625100, 0.0066377000, 0.0053335800, 0.0043789400, 0.0037583500,
    0.0033279800, 0.0029212500, 0.0025334900, 0.0021115400, 0.0017363300, 0.0013552700,
    0.0010546600, 0.0007201320, 0.0004240050, 0.0002316740, 0.0001087250};
constexpr double first_wavelength = 260, wavelength_step = 10;  // nm

struct Vec3 {
  double x, y, z;
};
Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
Vec3 operator*(double s, Vec3 a) { return {s * a.x, s * a.y, s * a.z}; }
double dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
Vec3 cross(Vec3 a, Vec3 b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

class Random {
 public:
  explicit Random(unsigned seed) : generator_(seed) {}
  double operator()() { return (static_cast<double>(generator_() >> 11) + 0.5) * 0x1p-53; }

 private:
  std::mt19937_64 generator_;
};

// Turns a direction by an angle, at a random azimuth about it.
Vec3 turned(Vec3 n, double cosine, Random& random) {
  const double sine = std::sqrt(std::fmax(0, 1 - cosine * cosine)), phi = 2 * pi * random();
  const Vec3 other = std::fabs(n.z) < 0.9 ? Vec3{0, 0, 1} : Vec3{1, 0, 0};
  Vec3 u = cross(n, other);
  u = (1 / std::sqrt(dot(u, u))) * u;
  const Vec3 v = cross(n, u);
  const Vec3 m = cosine * n + sine * (std::cos(phi) * u + std::sin(phi) * v);
  return (1 / std::sqrt(dot(m, m))) * m;
}

double scattered_cosine(Random& random) {
  constexpr double g = mean_cosine;
  if (random() < share_of_liu) return 2 * std::pow(random(), (1 - g) / (1 + g)) - 1;
  const double s = (1 - g * g) / (1 - g + 2 * g * random());
  return (1 + g * g - s * s) / (2 * g);
}

// Per layer, from the bottom up: scattering (geometric) and absorption of one wavelength.
class Ice {
 public:
  explicit Ice(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line)) {
      if (line.rfind("# alpha", 0) == 0) {
        std::istringstream numbers(line.substr(line.find(':') + 1));
        numbers >> alpha_ >> kappa_ >> a_ >> b_ >> d_ >> e_;
      }
      if (line.empty() || line[0] == '#') continue;
      std::istringstream numbers(line);
      double depth, scattering, dust, temperature;
      numbers >> depth >> scattering >> dust >> temperature;
      if (dust == 999) continue;  // below all measurements
      layers_.insert(layers_.begin(), {surface - depth, scattering, dust, temperature});
    }
    bottom_ = layers_[0].height - 5;
  }

  // The optics of the ice at one wavelength.
  struct Optics {
    std::vector<double> scattering, absorption;
  };
  Optics at(double wavelength) const {
    Optics optics;
    for (const Layer& layer : layers_) {
      optics.scattering.push_back(layer.scattering * std::pow(wavelength / 400, -alpha_) /
                                  (1 - mean_cosine));
      optics.absorption.push_back((d_ * layer.dust + e_) * std::pow(wavelength, -kappa_) +
                                  a_ * std::exp(-b_ / wavelength) * (1 + 0.01 * layer.temperature));
    }
    return optics;
  }
  std::size_t layer(double z) const {
    const double at = std::floor((z - bottom_) / 10);
    return static_cast<std::size_t>(
        std::fmin(std::fmax(at, 0), static_cast<double>(layers_.size() - 1)));
  }
  double bottom(std::size_t layer) const { return bottom_ + 10 * static_cast<double>(layer); }
  std::size_t size() const { return layers_.size(); }

 private:
  struct Layer {
    double height, scattering, dust, temperature;
  };
  double alpha_ = 0, kappa_ = 0, a_ = 0, b_ = 0, d_ = 0, e_ = 0, bottom_ = 0;
  std::vector<Layer> layers_;
};

double group_index(double nm) {
  const double l = nm / 1000;
  const double phase = 1.55749 + l * (-1.57988 + l * (3.99993 + l * (-4.68271 + l * 2.09354)));
  return phase * (1 + 0.227106 + l * (-0.954648 + l * (1.42568 - l * 0.711832)));
}

double polynomial(const std::vector<double>& c, double x) {
  double sum = 0;
  for (std::size_t i = c.size(); i-- > 0;) sum = sum * x + c[i];
  return sum;
}

// The published curves, relative to their means over the sphere.
struct Acceptance {
  std::vector<double> curve[2];

  explicit Acceptance(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    int which = -1;
    bool is_maximum = false;
    while (std::getline(file, line)) {
      if (line.empty()) continue;
      if (line[0] == '#') {
        ++which;
        is_maximum = true;
        continue;
      }
      if (!is_maximum) curve[which].push_back(std::stod(line) / mean_acceptance[which]);
      is_maximum = false;
    }
  }
};

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
  explicit Cascade(double height, Vec3 direction) : height_(height), n_(direction) {
    constexpr int steps = 20000;
    for (int i = 0; i < steps; ++i) norm_ += raw(-1 + (2 * i + 1.0) / steps) / steps;
  }
  static constexpr int count = distance_count * cosine_count * azimuth_count;
  // Isotropic; the weight does the rest.
  void emit(Random& random, Vec3& position, Vec3& direction, double& time, double& weight) const {
    position = {0, 0, height_};
    const double z = 2 * random() - 1;
    direction = turned({0, 0, 1}, z, random);
    time = 0;
    weight = raw(dot(direction, n_)) / norm_;
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
  static double raw(double cosine) {
    return std::exp(-2.61 * std::pow(std::fabs(cosine - cos_cherenkov), 0.39));
  }
  double height_;
  Vec3 n_;
  double norm_ = 0;
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
  double photons() const { return is_level_ ? muon_photons : muon_photons * (track_to - track_from); }
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
      cells[static_cast<std::size_t>(place.cell)].add(
          w, polynomial(acceptance.curve[0], n.z), polynomial(acceptance.curve[1], n.z),
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
  // The ice of every wavelength there is, and how many photons have it.
  std::vector<Ice::Optics> optics;
  std::vector<double> velocity, cumulative;
  double sum = 0;
  const auto add = [&](double nm, double weight) {
    optics.push_back(ice.at(nm));
    velocity.push_back(speed_of_light / group_index(nm));
    cumulative.push_back(sum += weight);
  };
  if (wavelength > 0) {
    add(wavelength, 1);
  } else {
    double nm = first_wavelength;
    for (const double area : acceptance_by_wavelength) {
      add(nm, area / (nm * nm));
      nm += wavelength_step;
    }
  }
  std::vector<Cell> cells(Source::count);
  Random random(seed);
  for (long i = 0; i < photons; ++i) {
    const double u = random() * sum;
    std::size_t k = 0;
    while (cumulative[k] < u) ++k;
    follow(source, ice, optics[k], acceptance, velocity[k], random, cells);
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

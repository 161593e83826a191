// Single photons in layered ice: optics by wavelength, scattering, and what a DOM accepts of them.
//
// Scattering is 0.55 Henyey-Greenstein and 0.45 simplified Liu with mean cosine 0.9, SPICE-Mie ice
// in layers of 10 m (M. Aartsen et al., NIM A 711 (2013) 73). Photons have the Cherenkov spectrum
// times the DOM's acceptance by wavelength; ice and group velocity go with it.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <numbers>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace photons {

using std::numbers::pi;

constexpr double speed_of_light = 0.299792458, reference_group_index = 1.35634;
constexpr double phase_index = 1.3195, cos_cherenkov = 1 / phase_index;
inline const double sin_cherenkov = std::sqrt(1 - cos_cherenkov * cos_cherenkov);
constexpr double effective_area = 20.2e-4;                // m^2
constexpr double muon_photons = 32240;                    // 1/m
constexpr double cascade_photons = 32582 * 5.21;          // 1/GeV
constexpr double mean_acceptance[] = {0.338, 0.33583};    // of h2-50cm, of nominal
constexpr double mean_cosine = 0.9, share_of_liu = 0.45;  // of scattering
constexpr double surface = 1948.07;                       // m
constexpr double latest = 12000;                          // ns: later photons count for nothing

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
inline Vec3 operator+(Vec3 a, Vec3 b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline Vec3 operator*(double s, Vec3 a) { return {s * a.x, s * a.y, s * a.z}; }
inline double dot(Vec3 a, Vec3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline Vec3 cross(Vec3 a, Vec3 b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

class Random {
 public:
  explicit Random(unsigned seed) : generator_(seed) {}
  double operator()() { return (static_cast<double>(generator_() >> 11) + 0.5) * 0x1p-53; }
  std::uint64_t bits() { return generator_(); }

 private:
  std::mt19937_64 generator_;
};

// Turns a direction by an angle, at a random azimuth about it.
inline Vec3 turned(Vec3 n, double cosine, Random& random) {
  const double sine = std::sqrt(std::fmax(0, 1 - cosine * cosine)), phi = 2 * pi * random();
  const Vec3 other = std::fabs(n.z) < 0.9 ? Vec3{0, 0, 1} : Vec3{1, 0, 0};
  Vec3 u = cross(n, other);
  u = (1 / std::sqrt(dot(u, u))) * u;
  const Vec3 v = cross(n, u);
  const Vec3 m = cosine * n + sine * (std::cos(phi) * u + std::sin(phi) * v);
  return (1 / std::sqrt(dot(m, m))) * m;
}

inline double scattered_cosine(Random& random) {
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

inline double group_index(double nm) {
  const double l = nm / 1000;
  const double phase = 1.55749 + l * (-1.57988 + l * (3.99993 + l * (-4.68271 + l * 2.09354)));
  return phase * (1 + 0.227106 + l * (-0.954648 + l * (1.42568 - l * 0.711832)));
}

inline double polynomial(const std::vector<double>& c, double x) {
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

// All wavelengths there are: how often photons that a DOM takes have them, and their ice.
class Spectrum {
 public:
  // `only`: all photons of this wavelength [nm]; 0: the Cherenkov spectrum times the acceptance.
  Spectrum(const Ice& ice, double only) {
    if (only > 0) {
      add(ice, only, 1);
      return;
    }
    double nm = first_wavelength;
    for (const double area : acceptance_by_wavelength) {
      add(ice, nm, area / (nm * nm));
      nm += wavelength_step;
    }
  }
  struct Colour {
    Ice::Optics optics;
    double velocity;  // m/ns, of the group
  };
  const Colour& draw(Random& random) const {
    const double u = random() * cumulative_.back();
    std::size_t k = 0;
    while (cumulative_[k] < u) ++k;
    return colours_[k];
  }

 private:
  void add(const Ice& ice, double nm, double weight) {
    colours_.push_back({ice.at(nm), speed_of_light / group_index(nm)});
    cumulative_.push_back((cumulative_.empty() ? 0 : cumulative_.back()) + weight);
  }
  std::vector<Colour> colours_;
  std::vector<double> cumulative_;
};

// A cascade's light by the cosine of its angle to the axis, relative to the mean.
class Emission {
 public:
  Emission() {
    constexpr int steps = 20000;
    for (int i = 0; i < steps; ++i) norm_ += raw(-1 + (2 * i + 1.0) / steps) / steps;
    most_ = 1 / norm_;
  }
  double operator()(double cosine) const { return raw(cosine) / norm_; }
  double most() const { return most_; }

 private:
  static double raw(double cosine) {
    return std::exp(-2.61 * std::pow(std::fabs(cosine - cos_cherenkov), 0.39));
  }
  double norm_ = 0, most_ = 0;
};

}  // namespace photons

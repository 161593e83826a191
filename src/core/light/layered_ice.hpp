// Scattering and absorption along straight paths through horizontally layered ice.
#pragma once

#include <cstddef>
#include <vector>

namespace skyscan {

// A quantity averaged over a path between two heights, and its derivative by the first height.
struct PathMean {
  double value;
  double by_from;
};

// Both coefficients of the ice over one path.
struct PathIce {
  PathMean scattering, absorption;
};

// Effective scattering and absorption as functions of height: linear between the layers' centres,
// constant beyond the outermost ones. Integrals are tabulated, so that the mean over any path costs
// the same.
class LayeredIce {
 public:
  // Per layer: height of its centre [m, detector coordinates; ascending and evenly spaced],
  // scattering, absorption [1/m].
  LayeredIce(const double* layers, std::size_t n);

  PathIce mean(double from, double to) const;

  // Of scattering and absorption at a height.
  struct Point {
    double value[2], slope[2], integral[2];
  };
  Point point(double z) const;

  double lowest_scattering() const;
  double highest_scattering() const;
  double lowest_absorption() const;
  double highest_absorption() const;

 private:
  struct Layer {
    double value[2];     // scattering, absorption
    double step[2];      // to the next layer's
    double integral[2];  // from the first layer's height
  };

  double first_, spacing_, per_spacing_;
  std::vector<Layer> layers_;
};

}  // namespace skyscan

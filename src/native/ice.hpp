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

// One coefficient of the ice as a function of height: linear between the layers' centres, constant
// beyond the outermost ones. Integrals are tabulated, so that the mean over any path costs the
// same.
class IceProfile {
 public:
  // `heights` of the layers' centres [m, detector coordinates], ascending and evenly spaced.
  IceProfile(const double* heights, const double* values, std::size_t n);

  double at(double z) const;
  PathMean mean(double from, double to) const;
  double lowest() const;
  double highest() const;

 private:
  struct Point {
    double value, slope, integral;
  };
  Point point(double z) const;

  double first_, spacing_;
  std::vector<double> values_;
  std::vector<double> integrals_;  // from the first height up to each
};

}  // namespace skyscan

#include "light/layered_ice.hpp"

#include <cmath>

#include "base/errors.hpp"

namespace skyscan {

LayeredIce::LayeredIce(const double* layers, std::size_t n) : layers_(n) {
  if (n < 2) throw BadInput("ice: at least two layers are needed");
  first_ = layers[0];
  spacing_ = (layers[3 * (n - 1)] - layers[0]) / static_cast<double>(n - 1);
  per_spacing_ = 1 / spacing_;
  if (!(spacing_ > 0)) throw BadInput("ice: layers must be given in ascending height");
  for (std::size_t i = 0; i < n; ++i) {
    const double* given = layers + 3 * i;
    if (std::fabs(given[0] - first_ - spacing_ * static_cast<double>(i)) > 1e-6 * spacing_)
      throw BadInput("ice: layers must be evenly spaced in height");
    for (int k = 0; k < 2; ++k) {
      if (!(given[k + 1] > 0) || !std::isfinite(given[k + 1]))
        throw BadInput("ice: scattering and absorption must be positive");
      layers_[i].value[k] = given[k + 1];
      layers_[i].step[k] = i + 1 < n ? given[k + 4] - given[k + 1] : 0;
      layers_[i].integral[k] =
          i == 0 ? 0 : layers_[i - 1].integral[k] + 0.5 * spacing_ * (given[k - 2] + given[k + 1]);
    }
  }
  set_parabolas();
}

// Before the first layer nothing changes: as if there were one like it before.
void LayeredIce::set_parabolas() {
  const auto parabola = [&](const Layer& layer, int k, float* out) {
    out[0] = static_cast<float>(layer.integral[k]);
    out[1] = static_cast<float>(spacing_ * layer.value[k]);
    out[2] = static_cast<float>(0.5 * spacing_ * layer.step[k]);
    out[3] = static_cast<float>(layer.integral[k] - static_cast<double>(out[0]));
  };
  Layer before = layers_[0];
  for (int k = 0; k < 2; ++k) {
    before.step[k] = 0;
    before.integral[k] = -spacing_ * before.value[k];
  }
  const auto add = [&](const Layer& layer) {
    Parabolas& row = parabolas_.emplace_back();
    parabola(layer, 0, row.numbers);
    parabola(layer, 1, row.numbers + 4);
  };
  add(before);
  for (const Layer& layer : layers_) add(layer);
}

LayeredIce::Point LayeredIce::point(double z) const {
  const double u = (z - first_) * per_spacing_;
  const double last = static_cast<double>(layers_.size() - 1);
  // The last layer has no step: beyond it, as before the first, nothing changes.
  const double at = u > 0 ? (u < last ? u : last) : 0;
  const auto i = static_cast<std::size_t>(at);
  const bool is_between = u > 0 && u < last;
  const double f = u - static_cast<double>(i);
  const Layer& layer = layers_[i];
  Point point;
  for (int k = 0; k < 2; ++k) {
    const double step = is_between ? layer.step[k] : 0;
    point.value[k] = layer.value[k] + f * step;
    point.slope[k] = step * per_spacing_;
    point.integral[k] = layer.integral[k] + spacing_ * f * (layer.value[k] + 0.5 * f * step);
  }
  return point;
}

PathIce LayeredIce::mean(double from, double to) const {
  const Point at_from = point(from), at_to = point(to);
  const double height = to - from;
  PathMean mean[2];
  // Along (nearly) horizontal paths the quotient of differences would be all rounding.
  if (std::fabs(height) < 1e-3) {
    const Point middle = point(from + 0.5 * height);
    for (int k = 0; k < 2; ++k) mean[k] = {middle.value[k], 0.5 * middle.slope[k]};
  } else {
    const double per_height = 1 / height;
    for (int k = 0; k < 2; ++k) {
      const double value = (at_to.integral[k] - at_from.integral[k]) * per_height;
      mean[k] = {value, (value - at_from.value[k]) * per_height};
    }
  }
  return {mean[0], mean[1]};
}

double LayeredIce::lowest_scattering() const {
  double lowest = layers_[0].value[0];
  for (const Layer& layer : layers_) lowest = std::fmin(lowest, layer.value[0]);
  return lowest;
}

double LayeredIce::highest_scattering() const {
  double highest = layers_[0].value[0];
  for (const Layer& layer : layers_) highest = std::fmax(highest, layer.value[0]);
  return highest;
}

double LayeredIce::lowest_absorption() const {
  double lowest = layers_[0].value[1];
  for (const Layer& layer : layers_) lowest = std::fmin(lowest, layer.value[1]);
  return lowest;
}

double LayeredIce::highest_absorption() const {
  double highest = layers_[0].value[1];
  for (const Layer& layer : layers_) highest = std::fmax(highest, layer.value[1]);
  return highest;
}

}  // namespace skyscan

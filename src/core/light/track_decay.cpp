#include "light/track_decay.hpp"

#include <algorithm>
#include <boost/math/special_functions/bessel.hpp>
#include <cmath>
#include <functional>
#include <numbers>

#include "light/fitted_optics.hpp"

namespace skyscan {
namespace {

// x where ln K0(x) is this.
class InverseK0 {
 public:
  InverseK0() {
    for (std::size_t i = 0; i < nodes; ++i) {
      const double x = std::exp(first_log + step * static_cast<double>(i));
      log_k0_[i] = std::log(boost::math::cyl_bessel_k(0, x));
    }
  }
  double operator()(double log_k0) const {
    const auto after =
        std::lower_bound(log_k0_.begin() + 1, log_k0_.end() - 1, log_k0, std::greater<double>());
    const double share = (log_k0 - after[-1]) / (after[0] - after[-1]);
    const double at = static_cast<double>(after - log_k0_.begin() - 1) + share;
    return std::exp(first_log + step * at);
  }

 private:
  static constexpr std::size_t nodes = 2048;
  static constexpr double first_log = -12, last_log = 6,
                          step = (last_log - first_log) / (nodes - 1);
  std::array<double, nodes> log_k0_;
};

}  // namespace

TrackDecay::TrackDecay(const LayeredIce& ice, double window) : ice_(ice), window_(window) {}

const DecayTable& TrackDecay::of_direction(std::size_t i) const {
  std::call_once(is_made_[i], [&] {
    std::call_once(diffuses_, [&] { diffusion_.emplace(ice_); });
    tables_[i] = made(-1 + 2 * static_cast<double>(i) / (directions - 1));
  });
  return tables_[i];
}

DecayTable TrackDecay::made(double upwards) const {
  static const InverseK0 inverse_k0;
  const LayeredDiffusion::Tracks tracks(*diffusion_, upwards);
  const double level = std::sqrt(std::fmax(1 - upwards * upwards, 0));
  return DecayTable([&](double height, double distance, double cosine) -> DecayTable::Node {
    const double from = height - distance * cosine * level;
    const double b = fitted::mean_ice(ice_, from, height, window_ * distance).scattering;
    const double density = tracks.density(height, distance, cosine);
    return {inverse_k0(std::log(density * (2 * std::numbers::pi / 3) / b)) / distance,
            std::log(b * fitted::usual_scattering_length)};
  });
}

void TrackDecay::turn(Slice& slice, double upwards) const {
  if (upwards == slice.upwards) return;
  const double at = std::clamp((upwards + 1) / 2 * (directions - 1), 0.0, directions - 1.0);
  const std::size_t i = std::min(static_cast<std::size_t>(at), directions - 2);
  slice.decay.mix(of_direction(i), of_direction(i + 1), at - static_cast<double>(i));
  slice.upwards = upwards;
}

}  // namespace skyscan

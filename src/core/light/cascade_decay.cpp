#include "light/cascade_decay.hpp"

#include <cmath>
#include <numbers>

#include "light/fitted_optics.hpp"
#include "light/layered_diffusion.hpp"

namespace skyscan {

DecayTable cascade_decay(const LayeredIce& ice, double window) {
  const LayeredDiffusion diffusion(ice);
  return DecayTable([&](double height, double distance, double rising) -> DecayTable::Node {
    const double from = height - distance * rising;
    const double b = fitted::mean_ice(ice, from, height, window * distance).scattering;
    const double level = distance * std::sqrt(std::fmax(1 - rising * rising, 0));
    const double log_density = diffusion.log_density(height, from, level);
    return {-(log_density + std::log(4 * std::numbers::pi * distance / (3 * b))) / distance,
            std::log(b * fitted::usual_scattering_length)};
  });
}

}  // namespace skyscan

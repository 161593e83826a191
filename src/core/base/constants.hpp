// Constants of nature and of the ice: each once, with its unit and where it comes from.
#pragma once

#include <cmath>

namespace skyscan {

constexpr double speed_of_light = 0.299792458;  // m/ns, exact (SI)

// Refractive indices of South Pole ice at 400 nm, for the phase and the group of light (P. B. Price
// and K. Woschnagg, Astropart. Phys. 15 (2001) 97); the values the reference software uses.
constexpr double phase_index = 1.3195;
constexpr double group_index = 1.35634;

// The angle between a fast particle and its Cherenkov light.
constexpr double cos_cherenkov = 1 / phase_index;
inline const double sin_cherenkov = std::sqrt(1 - cos_cherenkov * cos_cherenkov);
inline const double cot_cherenkov = cos_cherenkov / sin_cherenkov;

// How much later than at the track direct Cherenkov light is, per metre of distance from it [ns/m].
inline const double direct_delay_per_metre =
    (group_index / sin_cherenkov - cot_cherenkov) / speed_of_light;

}  // namespace skyscan

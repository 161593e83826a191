// Constants of nature and of the ice: each once, with its unit and where it comes from.
#pragma once

namespace skyscan {

constexpr double speed_of_light = 0.299792458;  // m/ns, exact (SI)

// Refractive indices of South Pole ice at 400 nm, for the phase and the group of light (P. B. Price
// and K. Woschnagg, Astropart. Phys. 15 (2001) 97); the values the reference software uses.
constexpr double phase_index = 1.3195;
constexpr double group_index = 1.35634;

// Cosine of the angle between a fast particle and its Cherenkov light.
constexpr double cos_cherenkov = 1 / phase_index;

}  // namespace skyscan

// How fast the light of a cascade falls off towards a DOM, where it may go around dust.
#pragma once

#include "light/decay_table.hpp"
#include "light/layered_ice.hpp"

namespace skyscan {

// The decay k [1/m] with which exp(-k r) 3 b / (4 pi r), the diffused light of a point in even ice,
// is the light there is in layered ice; b: the scattering on the straight way. The table's cosine
// is that of the way from the cascade to the DOM to the vertical.
// window: of the distance; ice this much further up and down counts for b (fitted_optics.hpp).
DecayTable cascade_decay(const LayeredIce& ice, double window);

}  // namespace skyscan

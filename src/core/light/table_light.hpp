// Light from photon tables (Photonics; J. Lundberg et al., NIM A 581 (2007) 619).
#pragma once

#include <memory>
#include <string>

#include "light/light_model.hpp"

namespace skyscan {

std::unique_ptr<const MuonLight> table_muon_light(const std::string& amplitude,
                                                  const std::string& timing,
                                                  const std::string& stochastic);
// `single_precision`: values (not their gradients) rounded as photospline rounds them, slowly.
std::unique_ptr<const CascadeLight> table_cascade_light(const std::string& amplitude,
                                                        const std::string& timing,
                                                        bool single_precision);

}  // namespace skyscan

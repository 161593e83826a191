// The light model that needs no files ("embedded" to users): analytic, with layered ice. Its
// constants stand in analytic_optics.hpp, and nothing outside analytic_* knows them.
//
// Amplitudes: diffusive propagation, D. Chirkin, arXiv:1208.3430 eq. 1. Arrival times: Pandel
// functions with the parameters "H2" of J. Ahrens et al., NIM A 524 (2004) 169, whose scattering
// length follows the ice between source and DOM.
#pragma once

#include <memory>
#include <vector>

#include "light/layered_ice.hpp"
#include "light/light_model.hpp"

namespace skyscan {

// What the analytic models share; both kinds of light may use one.
struct AnalyticSetting {
  LayeredIce ice;  // at 400 nm
  // Relative sensitivity to photons going up with this cosine (z component of their direction):
  // polynomial, constant first, already divided by its mean over the sphere.
  std::vector<double> acceptance;
  double jitter;  // sigma of electronics and photomultiplier [ns]
};

// The model of 2026a.
std::unique_ptr<const MuonLight> analytic_muon_light(
    std::shared_ptr<const AnalyticSetting> setting);
std::unique_ptr<const CascadeLight> analytic_cascade_light(
    std::shared_ptr<const AnalyticSetting> setting);

// The model of 2026b: fitted_optics.hpp.
std::unique_ptr<const MuonLight> fitted_muon_light(std::shared_ptr<const AnalyticSetting> setting);
std::unique_ptr<const CascadeLight> fitted_cascade_light(
    std::shared_ptr<const AnalyticSetting> setting);

}  // namespace skyscan

// What the C ABI's opaque skyscan_light holds: the light of muons, of cascades, or of both.
#pragma once

#include <memory>

#include "light.hpp"
#include "skyscan.h"

// Read-only once made: any number of likelihoods in any number of threads may use one.
struct skyscan_light {
  std::unique_ptr<const skyscan::MuonLight> muon;
  std::unique_ptr<const skyscan::CascadeLight> cascade;
};

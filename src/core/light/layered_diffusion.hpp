// Light that diffuses through horizontal layers of ice, and goes around those that absorb it.
//
// The diffusion equation -div(D grad U) + a U = source with D = 1 / (3 b), where b and a, effective
// scattering and absorption, depend on the height only. By height it is a tridiagonal matrix, whose
// eigenfunctions fall off with the horizontal distance r as K0(k r).
#pragma once

#include <vector>

#include "light/layered_ice.hpp"

namespace skyscan {

class LayeredDiffusion {
 public:
  explicit LayeredDiffusion(const LayeredIce& ice);

  // ln of the density around a point that emits 1, at a height [m; a multiple of 10, from -650 to
  // 650: the nearest counts], where the source is at a height and this far across [m].
  double log_density(double height, double source_height, double across) const;

  // The density U of light around infinite tracks of one direction, a metre of which emits 1.
  class Tracks {
   public:
    // upwards: z component of the direction.
    Tracks(const LayeredDiffusion& diffusion, double upwards);
    // At a height [as above], this far from a track [m], where the outward direction makes an angle
    // of this cosine with "up across the track".
    double density(double height, double distance, double cosine) const;

   private:
    const LayeredDiffusion& diffusion_;
    double upwards_;
    // By height: how much of the track's light is scattered first there, in lengths of track.
    std::vector<float> scattered_;
  };

 private:
  // ln U at a height, by that of the source and the logarithm of the horizontal distance.
  const float* seen_from(double height) const;

  std::vector<double> scattering_, absorption_;  // by height
  // ln U of a point at one height at another, by the logarithm of the horizontal distance.
  std::vector<float> log_density_;
};

}  // namespace skyscan

// How fast the light of an infinite track falls off towards a DOM, where it may go around dust.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <optional>

#include "light/decay_table.hpp"
#include "light/layered_diffusion.hpp"
#include "light/layered_ice.hpp"

namespace skyscan {

// The decay k [1/m] with which K0(k rho) 3 b / (2 pi), the diffused light of a track in even ice,
// is the light there is in layered ice; b: the scattering between track and DOM. One table for each
// of some directions: made when first asked for, each for all threads.
class TrackDecay {
 public:
  // window: of the distance; ice this much further up and down counts for b (fitted_optics.hpp).
  TrackDecay(const LayeredIce& ice, double window);

  // What of it tracks of one direction need; its cosine is that of the angle about the track, from
  // "up across it" to the DOM. For one thread.
  struct Slice {
    double upwards = 2;  // z component of the direction; 2 is none
    DecayTable decay;
  };
  void turn(Slice& slice, double upwards) const;

 private:
  static constexpr std::size_t directions = 13;  // evenly by the z component

  const DecayTable& of_direction(std::size_t i) const;
  DecayTable made(double upwards) const;

  LayeredIce ice_;
  double window_;
  mutable std::once_flag diffuses_;
  mutable std::optional<LayeredDiffusion> diffusion_;
  mutable std::array<std::once_flag, directions> is_made_;
  mutable std::array<DecayTable, directions> tables_;
};

}  // namespace skyscan

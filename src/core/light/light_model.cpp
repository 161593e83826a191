#include "light/light_model.hpp"

#include <vector>

#include "base/constants.hpp"

namespace skyscan {

namespace {

// One cascade after the other.
class SeparateCascades final : public TrackCascades {
 public:
  SeparateCascades(const CascadeLight& light, const Track& track, const double* lengths,
                   std::size_t count)
      : light_(light), track_(track), lengths_(lengths, lengths + count) {}

  void evaluate(const DomSite& dom, std::size_t first, std::size_t last, const double* edges,
                std::size_t n, double* amplitude, double* cumulative) const override {
    for (std::size_t i = first; i < last; ++i, ++amplitude, cumulative += n) {
      const double length = lengths_[i];
      const Vec3 &p = track_.position, &d = track_.direction;
      const Vec3 position{p.x + length * d.x, p.y + length * d.y, p.z + length * d.z};
      if (!light_.evaluate(position, d, track_.zenith, track_.azimuth,
                           track_.time + length / speed_of_light, dom, edges, n, *amplitude,
                           cumulative, nullptr, nullptr))
        *amplitude = 0;
    }
  }

 private:
  const CascadeLight& light_;
  Track track_;
  std::vector<double> lengths_;
};

}  // namespace

std::unique_ptr<const TrackCascades> CascadeLight::along_track(const Track& track,
                                                               const double* lengths,
                                                               std::size_t count,
                                                               LightScratch&) const {
  return std::make_unique<SeparateCascades>(*this, track, lengths, count);
}

}  // namespace skyscan

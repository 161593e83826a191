#include "millipede/response.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>

using namespace skyscan;

namespace {

// Only how bright its cascades can be: 100 PE/GeV at the source, a factor e less every 50 m.
class FadingLight final : public CascadeLight {
 public:
  bool evaluate(const Vec3&, const Vec3&, double, double, double, const DomSite&, const double*,
                std::size_t, double&, double*, Gradient4*, Gradient4*) const override {
    return false;
  }
  double amplitude_bound(double distance) const override { return 100 * std::exp(-distance / 50); }
};

}  // namespace

TEST_CASE("a cascade reaches as far as it can put that much light into a DOM") {
  const FadingLight light;
  const ResponseOptions options;
  const DetectorResponse response(light, {}, options);
  double last = 0;
  for (const double energy : {1e-9, 1., 30., 1e3, 1e5}) {
    const double reach = response.reach(energy, 0.2);
    CHECK(energy * light.amplitude_bound(reach) <= 0.2);
    const double nearer = reach - options.shell_width;
    if (reach > 0) CHECK(energy * light.amplitude_bound(nearer) > 0.2);
    CHECK(reach >= last);
    last = reach;
  }
  CHECK(response.reach(0, 0.2) == 0);
}

#include <cmath>
#include <cstdlib>

#include "minimise.hpp"
#include "splinempe.hpp"

namespace skyscan {
namespace {

using Column = dlib::matrix<double, 3, 1>;
using Square = dlib::matrix<double, 3, 3>;

constexpr double limit = 2000;  // m: |x|, |y|, |z| of a vertex
constexpr double outside = 1e12;

// The likelihood as a function of the vertex's position, in dlib's terms. It computes value and
// derivatives together; dlib asks for them one after the other at the same place.
class Surface {
 public:
  typedef Column column_vector;
  typedef Square general_matrix;

  Surface(const SplineMpe& likelihood, const Track& seed) : likelihood_(likelihood), track_(seed) {}

  double operator()(const Column& x) const {
    at(x);
    return value_;
  }
  void get_derivative_and_hessian(const Column& x, Column& gradient, Square& hessian) const {
    at(x);
    gradient = slope_.gradient.x, slope_.gradient.y, slope_.gradient.z;
    const Symmetric3& s = slope_.scores;
    hessian = s.xx, s.xy, s.xz, s.xy, s.yy, s.yz, s.xz, s.yz, s.zz;
  }
  Column gradient(const Column& x) const {
    at(x);
    Column gradient;
    gradient = slope_.gradient.x, slope_.gradient.y, slope_.gradient.z;
    return gradient;
  }
  std::int64_t evaluations() const { return evaluations_; }

 private:
  void at(const Column& x) const {
    if (evaluations_ > 0 && x == where_) return;
    where_ = x;
    track_.position = {x(0), x(1), x(2)};
    ++evaluations_;
    if (dlib::max(dlib::abs(x)) > limit) {
      value_ = outside;
      slope_ = {};
      return;
    }
    value_ = likelihood_.evaluate(track_, &slope_);
  }

  const SplineMpe& likelihood_;
  mutable Track track_;
  mutable Column where_;
  mutable double value_ = 0;
  mutable SplineMpeSlope slope_ = {};
  mutable std::int64_t evaluations_ = 0;
};

}  // namespace

SplineMpeFit SplineMpe::fit(const Track* seeds, std::size_t count) const {
  SplineMpeFit best{outside, seeds[0].position, seeds[0].time, 0};
  std::int64_t evaluations = 0;
  for (std::size_t i = 0; i < count; ++i) {
    Track seed = seeds[i];
    seed.direction = seeds[0].direction;
    const Surface surface(*this, seed);
    Column x;
    x = seed.position.x, seed.position.y, seed.position.z;
    const double llh =
        dlib::find_min_trust_region(dlib::objective_delta_stop_strategy(1e-3, 100), surface, x, 50);
    evaluations += surface.evaluations();
    if (llh < best.llh) best = {llh, {x(0), x(1), x(2)}, seed.time, 0};
  }
  best.evaluations = evaluations;
  return best;
}

}  // namespace skyscan

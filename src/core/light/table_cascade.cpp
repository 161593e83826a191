// The light of cascades from photon tables, at one place and along a track.

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>
#include <vector>

#include "base/constants.hpp"
#include "light/cascade_slice.hpp"
#include "light/table_light.hpp"
#include "light/table_pair.hpp"
#include "math/simd4.hpp"

namespace skyscan {

namespace {

// The bit mask of the tables' coordinates (time left out) that moving a cascade changes: all but
// the zenith.
constexpr unsigned by_position = 0b10111;

class TableCascadeLight final : public CascadeLight {
 public:
  TableCascadeLight(const std::string& amplitude, const std::string& timing, bool single_precision)
      : pair_(amplitude, timing, false),
        axis_(pair_.timing(), pair_.time_axis(), 0),
        yield_(light_yield(SourceKind::electromagnetic, 1)),
        single_precision_(single_precision),
        sliced_(!single_precision && CascadeSlice::suits(pair_.amplitude(), pair_.timing())) {
    if (!sliced_) return;
    for (const int c : {0, 1, 2, depth_axis}) {
      const SplineTable &amplitude = pair_.amplitude(), &timing = pair_.timing();
      const int axis = c < pair_.time_axis() ? c : c + 1;
      same_axes_ = same_axes_ && amplitude.order(c) == timing.order(axis) &&
                   amplitude.plain_knots(c) == timing.plain_knots(axis) &&
                   amplitude.extent(c) == timing.extent(axis);
    }
  }

  std::unique_ptr<LightScratch> scratch() const override {
    return std::make_unique<Scratch>(*this);
  }

  bool evaluate(const Vec3& position, const Vec3& direction, double zenith, double azimuth,
                double time, const DomSite& dom, const double* edges, std::size_t n,
                double& amplitude, double* cumulative, Gradient4* amplitude_gradient,
                Gradient4* cumulative_gradient) const override {
    TablePair::Point point;
    pair_.locate({position, direction, zenith, azimuth}, dom.position, point);
    const int coordinates = pair_.coordinates();
    const unsigned mask = by_position & ((1u << coordinates) - 1);
    const auto gradient_of = [&](const double* slopes, double scale) {
      double by[3] = {0, 0, 0};
      for (int c = 0; c < coordinates; ++c)
        if ((mask >> c & 1) != 0)
          for (int k = 0; k < 3; ++k) by[k] += scale * slopes[c] * point.gradient[c].by[k];
      return Gradient4{by[0], by[1], by[2], 0};
    };
    double value, slopes[TablePair::most_coordinates];
    if (!pair_.log_amplitude(point, mask, &value, amplitude_gradient != nullptr ? slopes : nullptr))
      return false;
    if (single_precision_)
      value = pair_.amplitude().rounded_as_reference(point.coordinate).value_or(value);
    amplitude = std::exp(value) * yield_ * dom.efficiency;
    if (!(amplitude > 0) || !std::isfinite(amplitude)) return false;
    if (amplitude_gradient != nullptr) *amplitude_gradient = gradient_of(slopes, amplitude);
    if (n == 0) return true;

    const double arrival = time + point.geometric_time;
    int first = axis_.basis().size(), last = -1;
    for (std::size_t i = 0; i < n; ++i) {
      const Moment moment = moment_of(axis_, edges[i] - arrival);
      cumulative[i] = moment.side > 0 ? 1 : 0;
      if (cumulative_gradient != nullptr) cumulative_gradient[i] = Gradient4{0, 0, 0, 0};
      if (moment.side != 0 || moment.interval < 0) continue;
      first = std::min(first, moment.first);
      last = std::max(last, moment.first + moment.width - 1);
    }
    if (last < 0) return true;
    TablePair::Curve curve;
    if (!pair_.curve(point, cumulative_gradient != nullptr ? mask : 0, first, last, curve))
      return false;
    double weight[most_weights], slope[most_weights];
    for (std::size_t i = 0; i < n; ++i) {
      const double residual = edges[i] - arrival;
      const Moment moment = moment_of(axis_, residual);
      if (moment.side != 0 || moment.interval < 0) continue;
      axis_.basis().weights(moment.interval, residual, weight, slope);
      const double* c = curve.coefficients + (moment.first - curve.first);
      cumulative[i] = product(c, weight, moment.width);
      if (single_precision_) {
        double at[TablePair::most_coordinates + 1];
        for (int k = 0; k < coordinates; ++k)
          at[k < pair_.time_axis() ? k : k + 1] = point.coordinate[k];
        at[pair_.time_axis()] = residual;
        cumulative[i] = pair_.timing().rounded_as_reference(at).value_or(cumulative[i]);
      }
      if (cumulative_gradient == nullptr) continue;
      double along[TablePair::most_coordinates];
      const double density = product(c, slope, moment.width);
      for (int axis = 0; axis < coordinates; ++axis)
        if ((mask >> axis & 1) != 0) along[axis] = product(c += curve.count, weight, moment.width);
      Gradient4 g = gradient_of(along, 1);
      const double* dt = point.geometric_time_gradient.by;
      g.x -= density * dt[0];
      g.y -= density * dt[1];
      g.z -= density * dt[2];
      g.t = -density;
      cumulative_gradient[i] = g;
    }
    return true;
  }

  std::unique_ptr<const TrackCascades> along_track(const Track& track, const double* lengths,
                                                   std::size_t count,
                                                   LightScratch& scratch) const override {
    if (!sliced_) return CascadeLight::along_track(track, lengths, count, scratch);
    return std::make_unique<TableTrackCascades>(*this, track, lengths, count,
                                                static_cast<Scratch&>(scratch));
  }

  double amplitude_bound(double distance) const override {
    std::call_once(bounded_, [&] { bound(); });
    // Coordinates of spherical tables; in cylindrical ones rho <= distance says nothing.
    const SplineTable& table = pair_.amplitude();
    BasisValues at;
    if (!spherical_bounds_ || distance > table.extent(0).second) {
      if (!spherical_bounds_) return most_;
      return 0;
    }
    if (!table.at(0, std::max(distance, table.extent(0).first), at)) return most_;
    double sum = 0;
    for (int i = 0; i < at.count; ++i)
      sum += at.value[i] * largest_[static_cast<std::size_t>(at.first + i)];
    return std::exp(sum) * yield_;
  }

 private:
  // Fits ask for one zenith again and again.
  struct Scratch final : LightScratch {
    explicit Scratch(const TableCascadeLight& light) {
      if (light.sliced_) slice.emplace(light.pair_.amplitude(), light.pair_.timing());
    }
    std::optional<CascadeSlice> slice;
    double zenith = std::numeric_limits<double>::quiet_NaN();
    bool known = false;        // whether the zenith is in the amplitude table
    bool known_times = false;  // whether it is in the timing table
  };

  void set_zenith(Scratch& work, double zenith) const {
    if (work.zenith == zenith) return;
    BasisValues amplitude{}, timing{};
    work.known = pair_.amplitude().at(zenith_axis, zenith, amplitude) &&
                 contains(pair_.amplitude(), zenith_axis, zenith);
    work.known_times = pair_.timing().at(zenith_axis + 1, zenith, timing) &&
                       contains(pair_.timing(), zenith_axis + 1, zenith);
    work.slice->at_zenith(amplitude, timing);
    work.zenith = zenith;
  }

  static bool contains(const SplineTable& table, int axis, double x) {
    const auto [low, high] = table.extent(axis);
    return x >= low && x <= high;
  }

  static constexpr int zenith_axis = 3, depth_axis = 4;  // of the amplitude table

  class TableTrackCascades final : public TrackCascades {
   public:
    TableTrackCascades(const TableCascadeLight& light, const Track& track, const double* lengths,
                       std::size_t count, Scratch& scratch)
        : light_(light),
          scratch_(scratch),
          track_(track),
          frame_(track.direction),
          cascades_(count) {
      const double odd = light.pair_.odd() ? 1 : 0;
      zenith_ = (odd > 0 ? M_PI - track.zenith : track.zenith) / degree;
      const SplineTable &amplitude = light.pair_.amplitude(), &timing = light.pair_.timing();
      for (std::size_t i = 0; i < count; ++i) {
        Cascade& cascade = cascades_[i];
        cascade.length = lengths[i];
        const double z = track.position.z + lengths[i] * track.direction.z;
        cascade.known =
            amplitude.value_at(depth_axis, z, cascade.depth) && contains(amplitude, depth_axis, z);
        cascade.timing_depth = cascade.depth;
        cascade.known_times = light.same_axes_
                                  ? cascade.known
                                  : timing.value_at(depth_axis + 1, z, cascade.timing_depth) &&
                                        contains(timing, depth_axis + 1, z);
      }
    }

    void evaluate(const DomSite& dom, std::size_t first, std::size_t last, const double* edges,
                  std::size_t n, double* amplitude, double* cumulative) const override {
      const SplineTable &table = light_.pair_.amplitude(), &timing = light_.pair_.timing();
      Scratch& work = scratch_;
      light_.set_zenith(work, zenith_);
      // Where the DOM is, seen along the track: all but its distance stays.
      const Vec3 &p = track_.position, &at = dom.position;
      const Vec3 d{at.x - p.x, at.y - p.y, at.z - p.z};
      const double along = dot(d, track_.direction);
      const double a = dot(d, frame_.up), b = dot(d, frame_.side);
      const double rho = std::sqrt(a * a + b * b);
      const double angle =
          rho > 0 ? std::atan2(std::fabs(b), light_.pair_.odd() ? -a : a) / degree : 90;
      BasisValues here[4], there[4];
      std::fill_n(amplitude, last - first, 0.0);
      if (!work.known || !table.value_at(1, angle, here[1])) return;
      const bool is_same = light_.same_axes_;
      const bool has_times =
          n > 0 && work.known_times && (is_same || timing.value_at(1, angle, there[1]));
      const bool spherical = light_.pair_.spherical();
      for (std::size_t i = first; i < last; ++i, ++amplitude, cumulative += n) {
        const Cascade& cascade = cascades_[i];
        if (!cascade.known) continue;
        const double l = along - cascade.length, r = std::sqrt(rho * rho + l * l);
        const double distance = spherical ? r : rho;
        const double polar = !spherical ? l : r > 0 ? std::clamp(l / r, -1.0, 1.0) : 0;
        if (!contains(table, 0, distance) || !table.value_at(0, distance, here[0])) continue;
        if ((!spherical && !contains(table, 2, polar)) || !table.value_at(2, polar, here[2]))
          continue;
        here[3] = cascade.depth;
        const double light = std::exp(work.slice->amplitude(here)) * light_.yield_ * dom.efficiency;
        if (!(light > 0) || !std::isfinite(light)) continue;
        if (n > 0) {
          const double arrival = track_.time + cascade.length / speed_of_light +
                                 r * light_.pair_.group_index() / speed_of_light;
          const auto find_times = [&] {
            if (!has_times || !cascade.known_times) return false;
            if (is_same) return true;
            there[3] = cascade.timing_depth;
            return contains(timing, 0, distance) && timing.value_at(0, distance, there[0]) &&
                   (spherical || contains(timing, 2, polar)) && timing.value_at(2, polar, there[2]);
          };
          if (!accumulate(*work.slice, is_same ? here : there, find_times, arrival, edges, n,
                          cumulative))
            continue;
        }
        *amplitude = light;
      }
    }

   private:
    // Across the direction: up, and to the side.
    struct Frame {
      explicit Frame(const Vec3& n) {
        const double h = std::sqrt(n.x * n.x + n.y * n.y);
        up = h > 0 ? Vec3{-n.x * n.z / h, -n.y * n.z / h, h} : Vec3{1, 0, 0};
        side = {n.y * up.z - n.z * up.y, n.z * up.x - n.x * up.z, n.x * up.y - n.y * up.x};
      }
      Vec3 up, side;
    };
    struct Cascade {
      double length;
      bool known, known_times;  // whether the depth is in the tables
      BasisValues depth, timing_depth;
    };

    // The shares before each edge; false where the timing table knows nothing.
    template <typename FindTimes>
    bool accumulate(CascadeSlice& slice, const BasisValues* at, const FindTimes& find_times,
                    double arrival, const double* edges, std::size_t n, double* cumulative) const {
      CascadeSlice::Rows rows;
      bool found = false;
      Arrivals arrivals;
      for (std::size_t i = 0; i < n; ++i) {
        const double residual = edges[i] - arrival;
        const Moment moment = moment_of(light_.axis_, residual);
        cumulative[i] = moment.side > 0 ? 1 : 0;
        if (moment.side != 0 || moment.interval < 0) continue;
        if (!found) {
          if (!find_times()) return false;
          slice.rows(at, rows);
          found = true;
        }
        arrivals.add(light_.axis_.basis(), moment, residual, cumulative + i);
        if (arrivals.is_full()) arrivals.flush(rows);
      }
      arrivals.flush(rows);
      return true;
    }

    // Edges that light arrives around, a few at a time.
    class Arrivals {
     public:
      void add(const SplineBasis& basis, const Moment& moment, double residual, double* share) {
        basis.values(moment.interval, residual, weight_[count_]);
        lanes_ = basis.lanes();
        first_[count_] = moment.first;
        share_[count_++] = share;
      }
      bool is_full() const { return count_ == most; }
      void flush(const CascadeSlice::Rows& rows) {
        double coefficients[4 * most];
        for (int lane = 0; lane < lanes_ && count_ > 0; lane += 4) {
          CascadeSlice::curve(rows, first_, count_, coefficients);
          for (int k = 0; k < count_; ++k) {
            double share = 0;
            // Where there is no function there may be no coefficient either.
            for (int i = 0; i < 4; ++i)
              if (weight_[k][lane + i] != 0)
                share += weight_[k][lane + i] * coefficients[4 * k + i];
            *share_[k] += share;
            first_[k] += 4;
          }
        }
        count_ = 0;
      }

     private:
      static constexpr int most = 8;
      int count_ = 0, lanes_ = 0;
      int first_[most];
      double weight_[most][BasisValues::most_width];
      double* share_[most];
    };

    const TableCascadeLight& light_;
    Scratch& scratch_;
    Track track_;
    Frame frame_;
    double zenith_;  // as the tables have it [degrees]
    std::vector<Cascade> cascades_;
  };

  // Basis functions are positive and add up to one, so the spline is nowhere above the largest
  // coefficient that takes part.
  void bound() const {
    const SplineTable& table = pair_.amplitude();
    largest_ = table.largest_along_first();
    most_ = std::exp(*std::max_element(largest_.begin(), largest_.end())) * yield_;
    spherical_bounds_ = table.number("GEOMETRY", 2) == 1;
  }

  TablePair pair_;
  TimeAxis axis_;
  double yield_;
  bool single_precision_, sliced_;
  bool same_axes_ = true;  // of both tables, but for the zenith and time
  mutable std::once_flag bounded_;
  mutable std::vector<double> largest_;
  mutable double most_ = 0;
  mutable bool spherical_bounds_ = false;
};

}  // namespace

std::unique_ptr<const CascadeLight> table_cascade_light(const std::string& amplitude,
                                                        const std::string& timing,
                                                        bool single_precision) {
  return std::make_unique<TableCascadeLight>(amplitude, timing, single_precision);
}

}  // namespace skyscan

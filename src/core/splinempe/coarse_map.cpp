#include "splinempe/coarse_map.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "math/lanes.hpp"
#include "splinempe/noise_mixture.hpp"

namespace skyscan {
namespace {

constexpr std::size_t steps = CoarseMap::residual_steps, margin = CoarseMap::margin;
constexpr std::size_t set_length = CoarseMap::sides * CoarseMap::distances * CoarseMap::row_length;

// DOMs within this height [m] share their light: thinner layers follow the ice's more closely and
// take longer to draw.
constexpr double layer_height = 30;
constexpr double kernel_reach = 2.5;        // of the smearing, in sigmas
constexpr double edge_tolerance = 1e-3;     // m
constexpr double least_likelihood = 1e-30;  // a number with a logarithm, below all there are

double distance_of(std::size_t i) { return CoarseMap::first_distance * static_cast<double>(i * i); }

std::int16_t rounded(double llh) {
  constexpr double most = CoarseMap::most;
  return static_cast<std::int16_t>(std::lrint(std::clamp(llh / CoarseMap::unit, -most, most)));
}

// The brightest pulses, from the lowest DOM upwards.
std::vector<std::size_t> brightest(const std::vector<FirstPulse>& pulses) {
  std::vector<std::size_t> order(pulses.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return pulses[i].charge; });
  if (order.size() > CoarseMap::most_pulses) order.resize(CoarseMap::most_pulses);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return pulses[i].site.position.z; });
  return order;
}

// DOMs of about one height. Pulses that are alike share one set of rows.
struct Layer {
  double height = 0;
  std::vector<std::size_t> pulses;  // one of each kind
  std::size_t first_set = 0;        // of rows: the first pulse's
};

struct Layers {
  std::vector<Layer> layers;
  std::size_t sets = 0;
  std::vector<std::size_t> layer_of, set_of;  // of each DOM in order
};

Layers layers_of(const std::vector<FirstPulse>& pulses, const std::vector<std::size_t>& order,
                 const FirstPulseModel& model) {
  Layers all;
  const auto height = [&](std::size_t i) { return pulses[i].site.position.z; };
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    Layer layer{0, {}, all.sets};
    const double top = height(order[begin]) + layer_height;
    for (; end < order.size() && height(order[end]) < top; ++end) {
      layer.height += height(order[end]);
      const auto alike = std::ranges::find_if(
          layer.pulses, [&](std::size_t i) { return model.are_alike(i, order[end]); });
      all.layer_of.push_back(all.layers.size());
      all.set_of.push_back(all.sets + static_cast<std::size_t>(alike - layer.pulses.begin()));
      if (alike == layer.pulses.end()) layer.pulses.push_back(order[end]);
    }
    layer.height /= static_cast<double>(end - begin);
    all.sets += layer.pulses.size();
    all.layers.push_back(std::move(layer));
  }
  return all;
}

Vec3 weighted_middle(const std::vector<FirstPulse>& pulses, const std::vector<std::size_t>& order) {
  Vec3 sum{0, 0, 0};
  double total = 1e-9;  // pulses of no charge are no reason to divide by nothing
  for (const std::size_t i : order) {
    const double weight = std::sqrt(std::fmax(pulses[i].charge, 0));
    sum = sum + weight * pulses[i].site.position;
    total += weight;
  }
  return {sum.x / total, sum.y / total, sum.z / total};
}

// The smearing's weights, one a step; they add up to 1.
std::vector<double> gaussian_kernel(double step, double sigma) {
  const double margin = std::ceil(kernel_reach * sigma / step);
  std::vector<double> kernel;
  double norm = 0;
  for (double i = 0; i <= 2 * margin; ++i) {
    const double x = (i - margin) * step / sigma;
    kernel.push_back(std::exp(-0.5 * x * x));
    norm += kernel.back();
  }
  for (double& k : kernel) k /= norm;
  return kernel;
}

// One side of a layer's tracks: the light seen from any distance there.
class Side {
 public:
  Side(const MuonLight& light, LightScratch& scratch, double zenith, double height,
       std::size_t side)
      : light_(light), scratch_(scratch), zenith_(zenith), height_(height) {
    angle_ = std::numbers::pi * (static_cast<double>(side) + 0.5) / CoarseMap::sides;
  }

  // Whether the light model knows anything there.
  bool expect(double distance, DomExpectation& expectation) const {
    const Vec3 along{-std::sin(zenith_), 0, -std::cos(zenith_)};
    const Vec3 top{-std::cos(zenith_), 0, std::sin(zenith_)};
    const double down = -distance * std::cos(angle_);
    const Track track{
        {down * top.x, distance * std::sin(angle_), height_ + down * top.z}, along, 0, zenith_, 0};
    light_.evaluate(track, {{0, 0, height_}, 1}, scratch_, expectation);
    return expectation.inside;
  }

  // Distance beyond which it knows nothing; infinite where that is beyond the rows.
  double edge() const {
    DomExpectation expectation;
    double edge = distance_of(CoarseMap::distances), inside = 0;
    if (expect(edge, expectation)) return std::numeric_limits<double>::infinity();
    while (edge - inside > edge_tolerance) {
      const double middle = (inside + edge) / 2;
      (expect(middle, expectation) ? inside : edge) = middle;
    }
    return inside;
  }

 private:
  const MuonLight& light_;
  LightScratch& scratch_;
  double zenith_, height_, angle_;
};

// Draws rows: likelihoods at all residuals, smeared.
class RowPainter {
 public:
  RowPainter(const MuonLight& light, LightScratch& scratch, const FirstPulseModel& model,
             const CoarseMapScale& scale)
      : light_(light),
        scratch_(scratch),
        model_(model),
        step_(scale.step),
        kernel_(gaussian_kernel(scale.step, scale.smearing)),
        steps_(steps + kernel_.size() - 1),
        shift_(static_cast<std::size_t>(std::lround(after_pulse_delay / step_))),
        ends_((shift_ + steps_) / stride * stride + stride + 1),
        times_(ends_),
        likelihoods_(steps_),
        smeared_(steps),
        direct_(steps_ + 1),
        noise_(ends_),
        timing_(steps_ + 1) {
    const std::size_t reach = kernel_.size() / 2;
    for (std::size_t i = 0; i < ends_; ++i) {
      times_[i] = scale.earliest + step_ * (static_cast<double>(i) - static_cast<double>(shift_) -
                                            static_cast<double>(reach) - 0.5);
      if (i % stride == 0) few_times_.push_back(times_[i]);
    }
  }

  void set_light(const DomExpectation& expectation) {
    light_.timing(expectation, MuonTiming::direct, &times_[shift_], steps_ + 1, scratch_,
                  timing_.data());
    for (std::size_t i = 0; i <= steps_; ++i) direct_[i] = timing_[i].cumulative;
    light_.timing(expectation, MuonTiming::noise, few_times_.data(), few_times_.size(), scratch_,
                  timing_.data());
    for (std::size_t i = 0; i < ends_; ++i) {
      const double share = static_cast<double>(i % stride) / stride;
      const double now = timing_[i / stride].cumulative;
      noise_[i] = share == 0 ? now : now + share * (timing_[i / stride + 1].cumulative - now);
    }
  }

  // Of the light set last.
  void paint(std::size_t pulse, const DomExpectation& expectation, std::int16_t* row) {
    model_.likelihoods(pulse, expectation, direct_.data(), &noise_[shift_], noise_.data(), step_,
                       steps_, likelihoods_.data());
    std::int16_t* const first = row + margin;
    // Point by point of the kernel: many steps at a time.
    std::fill(smeared_.begin(), smeared_.end(), 0);
    for (std::size_t i = 0; i < kernel_.size(); ++i)
      for (std::size_t j = 0; j < steps; ++j) smeared_[j] += kernel_[i] * likelihoods_[j + i];
    constexpr std::size_t lanes = Lanes::count;
    static_assert(steps % lanes == 0);
    for (std::size_t j = 0; j < steps; j += lanes) {
      Lanes several;
      for (std::size_t k = 0; k < lanes; ++k) several.v[k] = static_cast<float>(smeared_[j + k]);
      const Lanes llh = -1.0 * logarithm_of(greater(several, least_likelihood));
      for (std::size_t k = 0; k < lanes; ++k)
        first[steps - 1 - (j + k)] = rounded(static_cast<double>(llh[k]));
    }
    std::fill_n(row, margin, first[0]);
    std::fill_n(first + steps, margin, first[steps - 1]);
  }

 private:
  // Noise is smooth: every so many of the steps' ends will do.
  static constexpr std::size_t stride = 4;

  const MuonLight& light_;
  LightScratch& scratch_;
  const FirstPulseModel& model_;
  double step_;
  std::vector<double> kernel_;
  // Steps around the residuals, one after-pulse in steps, and the steps' ends from one after-pulse
  // before on.
  std::size_t steps_, shift_, ends_;
  std::vector<double> times_, few_times_, likelihoods_, smeared_, direct_, noise_;
  std::vector<Timing> timing_;
};

}  // namespace

CoarseMap::CoarseMap(const MuonLight& light, const std::vector<FirstPulse>& pulses,
                     const FirstPulseModel& model, const CoarseMapScale& scale, double zenith)
    : scale_(scale), outside_(2 * row_length, rounded(-std::log(model.floor()))) {
  const std::vector<std::size_t> order = brightest(pulses);
  middle_ = weighted_middle(pulses, order);
  const auto [layers, sets, layer_of, set_of] = layers_of(pulses, order, model);
  values_.resize(sets * set_length);
  std::vector<double> edges(layers.size(), 0);
  const auto scratch = light.scratch();
  RowPainter painter(light, *scratch, model, scale);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto& [height, members, first] = layers[i];
    for (std::size_t side = 0; side < sides; ++side) {
      const Side seen(light, *scratch, zenith, height, side);
      const double edge = seen.edge();
      edges[i] = std::fmax(edges[i], edge);
      for (std::size_t r = 0; r < distances; ++r) {
        const std::size_t row = first * set_length + (side * distances + r) * row_length;
        DomExpectation expectation;
        const bool is_known = seen.expect(std::fmin(distance_of(r), edge), expectation);
        if (is_known) painter.set_light(expectation);
        for (std::size_t k = 0; k < members.size(); ++k) {
          std::int16_t* const values = &values_[row + k * set_length];
          if (is_known)
            painter.paint(members[k], expectation, values);
          else
            std::fill_n(values, row_length, outside_[0]);
        }
      }
    }
  }
  for (std::size_t k = 0; k < order.size(); ++k)
    doms_.push_back({pulses[order[k]].site.position, pulses[order[k]].time, edges[layer_of[k]],
                     &values_[set_of[k] * set_length]});
}

}  // namespace skyscan

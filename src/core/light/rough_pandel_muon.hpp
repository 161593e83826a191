// A muon's light for searches, of models whose arrival times are Pandel distributions.
#pragma once

#include <memory>
#include <type_traits>

#include "light/pandel_lanes.hpp"
#include "light/rough_muon.hpp"

namespace skyscan {

// DOMs as a track sees them: one, with doubles or jets as numbers and a double as the plain one; or
// eight, with Lanes or LaneJets (slopes by `rho`, `above` and `rising`) and Lanes.
template <typename Number, typename Plain>
struct SeenDom {
  Number rho;        // distance from the track [m]
  Number above;      // height above the nearest point of the track [m]
  Number rising;     // z component of the direction direct light arrives in
  Plain height;      // z [m]
  Plain efficiency;  // relative
  double upwards;    // z component of the track's direction
};

// A muon's light there.
template <typename Number>
struct MuonAtDom {
  Number bare;             // PE expected from a bare muon
  Number shape, log_rate;  // of the direct light's arrival times
};

// `Optics`, of tracks of one direction, says
//   MuonAtDom<Number> at(const SeenDom<Number, Lanes>&) const;  of eight DOMs, Lanes or LaneJets
template <typename Optics>
class RoughPandelTrack final : public RoughTrack {
 public:
  // `charge`: for each PE of a bare muon.
  RoughPandelTrack(const Optics& optics, const PandelLanes& direct, const PandelLanes& noise,
                   const TrackFrame& frame, double charge)
      : optics_(optics), direct_(direct), noise_(noise), frame_(frame), charge_(charge) {}

  ExpectedLanes look(const SeenLanes& seen, bool with_slopes) override {
    seen_ = seen;
    if (with_slopes)
      look_at<LaneJet>();
    else
      look_at<Lanes>();
    return {Integer8{} - 1, charge_ * light_.bare.value};
  }

  std::size_t parameters() const override { return 2; }
  void direct(const Lanes& residuals, bool with_slopes, TimingLanes& out) override {
    out = with_slopes ? direct_.by_each<true>(rows_, residuals)
                      : direct_.by_each<false>(rows_, residuals);
  }
  void direct_of(std::size_t i, const Lanes* residuals, std::size_t vectors, bool with_slopes,
                 TimingLanes* out) override {
    for (std::size_t k = 0; k < vectors; ++k)
      out[k] = with_slopes ? direct_.by_one<true>(rows_, i, residuals[k])
                           : direct_.by_one<false>(rows_, i, residuals[k]);
  }
  void noise(const Lanes (&residuals)[2], bool with_slopes, TimingLanes (&out)[2]) override {
    const PandelLanes::Rows rows = noise_.rows(light_.shape.value, 0);
    for (std::size_t k = 0; k < 2; ++k)
      out[k] = with_slopes ? noise_.by_each<true>(rows, residuals[k])
                           : noise_.by_each<false>(rows, residuals[k]);
  }

  ViewSlopes by_view(const Lanes& by_log_charge, const Lanes* by_parameters) const override {
    const Lanes per_bare = inverse(greater(light_.bare.value, least_charge));
    Lanes by[3];
    for (int k = 0; k < 3; ++k)
      by[k] = by_parameters[0] * light_.shape.slope[k] +
              by_parameters[1] * light_.log_rate.slope[k] +
              by_log_charge * (light_.bare.slope[k] * per_bare);
    const Lanes rising_by_angle = sin_cherenkov * (frame_.v.z * seen_.du - frame_.u.z * seen_.dv);
    return {by[0], by[1], rising_by_angle * by[2]};
  }

 private:
  // PE: less is as little in single precision.
  static constexpr double least_charge = 1e-37;

  template <typename Number>
  [[gnu::always_inline]] static Number variable(const Lanes& value, std::size_t which) {
    if constexpr (std::is_same_v<Number, LaneJet>)
      return LaneJet::variable(value, which);
    else
      return value;
  }
  static void put(const LaneJet& from, LaneJet& to) { to = from; }
  static void put(const Lanes& from, LaneJet& to) { to.value = from; }

  template <typename Number>
  void look_at() {
    const double rise = frame_.along.z;
    const Lanes outward_z = frame_.u.z * seen_.du + frame_.v.z * seen_.dv;
    const MuonAtDom<Number> light = optics_.at(SeenDom<Number, Lanes>{
        variable<Number>(seen_.rho, 0), variable<Number>(seen_.above, 1),
        variable<Number>(rise * cos_cherenkov + sin_cherenkov * outward_z, 2), seen_.height,
        seen_.efficiency, rise});
    put(light.bare, light_.bare);
    put(light.shape, light_.shape);
    put(light.log_rate, light_.log_rate);
    rows_ = direct_.rows(light_.shape.value, light_.log_rate.value);
  }

  Optics optics_;
  const PandelLanes &direct_, &noise_;
  TrackFrame frame_;
  double charge_;
  SeenLanes seen_;
  MuonAtDom<LaneJet> light_;
  PandelLanes::Rows rows_;
};

// `Optics` says
//   std::unique_ptr<LightScratch> scratch() const;
//   ... along(double upwards, LightScratch&) const;  what RoughPandelTrack needs, for this z
//                                                    component of the direction
// `Direct`: PandelFamily, or ConvolutedPandel where all ice absorbs alike.
template <typename Optics, typename Direct>
class RoughPandelMuon final : public RoughMuon {
 public:
  // `stochastic_share`: light of stochastic losses per GeV, relative to the bare muon's.
  RoughPandelMuon(const Optics& optics, const Direct& direct, const ConvolutedPandel& noise,
                  double stochastic_share)
      : optics_(optics), direct_(direct), noise_(noise), stochastic_share_(stochastic_share) {}

  std::unique_ptr<LightScratch> scratch() const override { return optics_.scratch(); }
  std::unique_ptr<RoughTrack> along(const TrackFrame& frame, double, const MuonCharge& charge,
                                    LightScratch& scratch) const override {
    const auto optics = optics_.along(frame.along.z, scratch);
    return std::make_unique<RoughPandelTrack<std::remove_const_t<decltype(optics)>>>(
        optics, direct_, noise_, frame, charge.bare + stochastic_share_ * charge.stochastic);
  }

 private:
  Optics optics_;
  PandelLanes direct_, noise_;
  double stochastic_share_;
};

}  // namespace skyscan

// A muon's light for searches, of models whose arrival times are Pandel distributions.
#pragma once

#include "light/rough_muon.hpp"

namespace skyscan {

// `Optics` says
//   MuonAtDom<Number> at(const SeenDom<Number, Lanes>&) const;  of eight DOMs, Lanes or LaneJets
// `Direct`: PandelFamily, or ConvolutedPandel where all ice absorbs alike.
template <typename Optics, typename Direct>
class RoughPandelMuon final : public RoughMuon {
 public:
  // `stochastic_share`: light of stochastic losses per GeV, relative to the bare muon's.
  RoughPandelMuon(const Optics& optics, const Direct& direct, const ConvolutedPandel& noise,
                  double stochastic_share)
      : optics_(optics), direct_(direct), noise_(noise), stochastic_share_(stochastic_share) {}

  MuonAtDom<Lanes> expect(const SeenDom<Lanes, Lanes>& seen) const override {
    return optics_.at(seen);
  }
  MuonAtDom<LaneJet> expect(const SeenDom<LaneJet, Lanes>& seen) const override {
    return optics_.at(seen);
  }
  double stochastic_share() const override { return stochastic_share_; }
  const PandelLanes& direct() const override { return direct_; }
  const PandelLanes& noise() const override { return noise_; }

 private:
  Optics optics_;
  PandelLanes direct_, noise_;
  double stochastic_share_;
};

}  // namespace skyscan

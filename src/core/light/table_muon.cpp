// The light of muons from photon tables.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "light/muon_slice.hpp"
#include "light/rough_table_muon.hpp"
#include "light/table_light.hpp"
#include "light/table_pair.hpp"
#include "math/simd4.hpp"

namespace skyscan {

namespace {

// The bit mask of the tables' coordinates (time left out) that moving a track changes: all but the
// zenith.
constexpr unsigned by_position = 0b1011;

class TableMuonLight final : public MuonLight {
 public:
  TableMuonLight(const std::string& amplitude, const std::string& timing,
                 const std::string& stochastic)
      : bare_(amplitude, timing, true),
        stochastic_(stochastic),
        direct_(bare_.timing(), bare_.time_axis(), 2),
        noise_(bare_.timing(), bare_.time_axis(), 1000) {
    const auto& own = bare_.amplitude();
    for (const char* key : {"GEOTYPE", "GEOMETRY", "PARITY", "NGROUP"}) {
      const double missing = std::string(key) == "GEOMETRY" ? 2
                             : std::string(key) == "NGROUP" ? -1
                                                            : 0;
      const double expected = own.number(key, missing), found = stochastic_.number(key, missing);
      if (found != expected)
        stochastic_.fail(std::string("key ") + key + " is " + formatted(found) +
                         ", but the bare muon's table " + own.path() + " has " +
                         formatted(expected));
    }
    if (stochastic_.dimensions() != own.dimensions())
      stochastic_.fail("key NAXIS is " + std::to_string(stochastic_.dimensions()) +
                       "; the bare muon's table has " + std::to_string(own.dimensions()));
    if (!stochastic_.contractable()) stochastic_.fail("the spline orders are too high");
    const auto& timing_table = bare_.timing();
    timing_knots_ = true;
    for (int c = 0; c < own.dimensions(); ++c) {
      const int axis = c < 2 ? c : c + 1;
      const auto a = own.extent(c), b = stochastic_.extent(c), t = timing_table.extent(axis);
      low_[c] = std::max({a.first, b.first, t.first});
      high_[c] = std::min({a.second, b.second, t.second});
      timing_knots_ = timing_knots_ && own.order(c) == timing_table.order(axis) &&
                      own.plain_knots(c) == timing_table.plain_knots(axis);
    }
    sliced_ = MuonSlice::suits(own, stochastic_, timing_table);
    // Reference: asked at 0.01 GeV, where the yield has no share of low-energy losses of its own.
    yield_ = light_yield(SourceKind::muon, 0.01);
    rough_ = rough_table_muon({bare_, stochastic_, direct_, noise_, low_, high_, yield_});
  }

  const RoughMuon* rough() const override { return rough_.get(); }
  std::unique_ptr<LightScratch> scratch() const override {
    return std::make_unique<Scratch>(*this);
  }

  void evaluate(const Track& track, const DomSite& dom, LightScratch& scratch,
                DomExpectation& out) const override {
    TablePair::Point point;
    bare_.locate_by_position({track.position, track.direction, track.zenith, track.azimuth},
                             dom.position, point);
    out.inside = false;
    out.geometric_time = point.geometric_time;
    const double* dt = point.geometric_time_gradient.by;
    out.geometric_time_gradient = {dt[0], dt[1], dt[2]};
    const int n = bare_.coordinates();
    for (int c = 0; c < n; ++c) {
      const double x = point.coordinate[c];
      if (c != 1 && !(x >= low_[c] && x <= high_[c])) return;
      out.state[c] = x;
      for (int k = 0; k < 3; ++k) out.state[4 + 3 * c + k] = point.gradient[c].by[k];
    }
    double bare, stochastic, bare_slope[4], stochastic_slope[4];
    if (sliced_) {
      Scratch& work = at_zenith(scratch, point.coordinate[zenith_axis]);
      BasisValues at[3];
      for (int i = 0; i < 3; ++i)
        if (!bare_.amplitude().at(moving_axes[i], point.coordinate[moving_axes[i]], at[i])) return;
      if (!work.known) return;
      place(work, out, timing_knots_ ? at : nullptr);
      if (!out.with_gradients) {
        work.slice->amplitudes(at, bare, stochastic);
        const double scale = yield_ * dom.efficiency;
        out.bare = std::exp(bare) * scale;
        out.stochastic = std::exp(stochastic) * scale;
        out.inside = out.bare > 0 && std::isfinite(out.bare) && out.stochastic > 0 &&
                     std::isfinite(out.stochastic);
        return;
      }
      const auto found = work.slice->amplitudes(at);
      bare = found.bare;
      stochastic = found.stochastic;
      for (int i = 0; i < 3; ++i) {
        bare_slope[moving_axes[i]] = found.bare_slope[i];
        stochastic_slope[moving_axes[i]] = found.stochastic_slope[i];
      }
    } else {
      const auto evaluate = [&](const SplineTable& table, double& value, double* slope) {
        BasisValues at[TablePair::most_coordinates] = {};
        for (int c = 0; c < n; ++c)
          if (!table.at(c, point.coordinate[c], at[c])) return false;
        table.evaluate(at, by_position & ((1u << n) - 1), &value, slope);
        return true;
      };
      if (!evaluate(bare_.amplitude(), bare, bare_slope)) return;
      if (!evaluate(stochastic_, stochastic, stochastic_slope)) return;
    }
    const auto amplitude = [&](double value, const double* slope, double& pe, Vec3& gradient) {
      pe = std::exp(value) * yield_ * dom.efficiency;
      double by[3] = {0, 0, 0};
      for (int c = 0; c < n; ++c)
        if ((by_position >> c & 1) != 0)
          for (int k = 0; k < 3; ++k) by[k] += pe * slope[c] * point.gradient[c].by[k];
      gradient = {by[0], by[1], by[2]};
      return pe > 0 && std::isfinite(pe);
    };
    out.inside = amplitude(bare, bare_slope, out.bare, out.bare_gradient) &&
                 amplitude(stochastic, stochastic_slope, out.stochastic, out.stochastic_gradient);
  }

  void timing(const DomExpectation& expectation, MuonTiming kind, const double* residuals,
              std::size_t n, LightScratch& scratch, Timing* out) const override {
    constexpr std::size_t most = 64;
    for (; n > most; n -= most, residuals += most, out += most)
      some_timing(expectation, kind, residuals, most, scratch, out);
    some_timing(expectation, kind, residuals, n, scratch, out);
  }

 private:
  // Coordinates that depend on the position, and the one that does not.
  static constexpr int moving_axes[3] = {0, 1, 3};
  static constexpr int zenith_axis = 2;

  // Fits ask for one zenith again and again, and for several timings of one DOM.
  struct Scratch final : LightScratch {
    explicit Scratch(const TableMuonLight& light) {
      if (light.sliced_)
        slice.emplace(light.bare_.amplitude(), light.stochastic_, light.bare_.timing());
    }
    std::optional<MuonSlice> slice;
    double zenith = std::numeric_limits<double>::quiet_NaN();
    bool known = false;  // whether the zenith is in the tables
    // The expectation the curve is of, and its fours from ... to - 1 that are ready.
    double state[16] = {};
    bool placed = false;
    BasisValues at[3];
    double by[3][3];
    int from = 0, to = 0;
    Double4 curve[most_times];
    // The same, values alone, for expectations without gradients.
    int plain_from = 0, plain_to = 0;
    double plain[most_times + 4] = {};
  };

  Scratch& at_zenith(LightScratch& scratch, double zenith) const {
    auto& work = static_cast<Scratch&>(scratch);
    if (work.zenith != zenith) {
      BasisValues amplitude, timing;
      work.known = bare_.amplitude().at(zenith_axis, zenith, amplitude) &&
                   bare_.timing().at(zenith_axis + 1, zenith, timing);
      if (work.known) work.slice->at_zenith(amplitude, timing);
      work.zenith = zenith;
      work.placed = false;
    }
    return work;
  }

  // Begins a curve. `at`: the timing table's axes where they are known already.
  void place(Scratch& work, const DomExpectation& expectation, const BasisValues* at) const {
    std::memcpy(work.state, expectation.state, sizeof work.state);
    work.from = work.to = work.plain_from = work.plain_to = 0;
    work.placed = work.known;
    for (int i = 0; i < 3; ++i) {
      const int c = moving_axes[i];
      if (at != nullptr)
        work.at[i] = at[i];
      else
        work.placed =
            work.placed && bare_.timing().at(c < 2 ? c : c + 1, expectation.state[c], work.at[i]);
      for (int d = 0; d < 3; ++d) work.by[i][d] = expectation.state[4 + 3 * c + d];
    }
  }

  // The time axis's coefficients `first`... with their derivatives by x, y, z; null where there are
  // none. They stay in the scratch until its next call.
  const Double4* curve(const DomExpectation& expectation, int first, int last,
                       LightScratch& scratch) const {
    const int from = first / 4, to = last / 4 + 1;
    if (sliced_) {
      Scratch& work = at_zenith(scratch, expectation.state[zenith_axis]);
      if (std::memcmp(work.state, expectation.state, sizeof work.state) != 0 || !work.placed)
        place(work, expectation, nullptr);
      if (!work.placed) return nullptr;
      const auto add = [&](int begin, int end) {
        if (end > begin)
          work.slice->curve(work.at, work.by, begin, end - begin, work.curve + 4 * begin);
      };
      if (work.to == work.from) work.from = work.to = from;
      add(from, work.from);
      add(work.to, to);
      work.from = std::min(work.from, from);
      work.to = std::max(work.to, to);
      return work.curve + first;
    }
    Double4* const out = static_cast<Scratch&>(scratch).curve;
    TablePair::Point point;
    const int coordinates = bare_.coordinates();
    for (int c = 0; c < coordinates; ++c) point.coordinate[c] = expectation.state[c];
    const unsigned mask = by_position & ((1u << coordinates) - 1);
    TablePair::Curve channels;
    if (!bare_.curve(point, mask, first, last, channels)) return nullptr;
    for (int i = first; i <= last; ++i) {
      const double* from_table = channels.coefficients + (i - channels.first);
      Double4& c = out[i];
      c = Double4{*from_table, 0, 0, 0};
      for (int k = 0; k < coordinates; ++k) {
        if ((mask >> k & 1) == 0) continue;
        from_table += channels.count;
        for (int d = 0; d < 3; ++d) c[1 + d] += expectation.state[4 + 3 * k + d] * *from_table;
      }
    }
    return out + first;
  }

  // The coefficients `first` ... `last` alone, of a light that is sliced.
  const double* plain_curve(const DomExpectation& expectation, int first, int last,
                            LightScratch& scratch) const {
    const int size = bare_.timing().size(bare_.time_axis());
    const int from = first / 4, to = std::min(last / 4 + 1, (size + 3) / 4);
    Scratch& work = at_zenith(scratch, expectation.state[zenith_axis]);
    if (std::memcmp(work.state, expectation.state, sizeof work.state) != 0 || !work.placed)
      place(work, expectation, nullptr);
    if (!work.placed) return nullptr;
    const auto add = [&](int begin, int end) {
      if (end > begin) work.slice->curve(work.at, begin, end - begin, work.plain + 4 * begin);
    };
    if (work.plain_to == work.plain_from) work.plain_from = work.plain_to = from;
    add(from, work.plain_from);
    add(work.plain_to, to);
    work.plain_from = std::min(work.plain_from, from);
    work.plain_to = std::max(work.plain_to, to);
    return work.plain + first;
  }

  void some_timing(const DomExpectation& expectation, MuonTiming kind, const double* residuals,
                   std::size_t n, LightScratch& scratch, Timing* out) const {
    const TimeAxis& axis = kind == MuonTiming::direct ? direct_ : noise_;
    Moment moments[64];
    int first = axis.basis().size(), last = -1;
    for (std::size_t i = 0; i < n; ++i) {
      const Moment moment = moments[i] = moment_of(axis, residuals[i]);
      out[i] = Timing{};
      if (moment.side > 0) out[i].cumulative = 1;
      if (moment.interval < 0) continue;
      first = std::min(first, moment.first);
      last = std::max(last, moment.first + moment.width - 1);
    }
    if (last < 0) return;
    double value[most_weights], slope[most_weights], curvature[most_weights];
    if (!expectation.with_gradients && sliced_) {
      // Weights come in fours, with zeros where there is no function.
      const int lanes = axis.basis().lanes();
      const double* coefficients = plain_curve(expectation, first, last + 4, scratch);
      if (coefficients == nullptr) return;
      for (std::size_t i = 0; i < n; ++i) {
        const Moment& moment = moments[i];
        if (moment.interval < 0) continue;
        const double* c = coefficients + (moment.first - first);
        const bool curved = kind == MuonTiming::noise;
        axis.basis().weights(moment.interval, residuals[i], value, slope,
                             curved ? curvature : nullptr);
        if (moment.side == 0) out[i].cumulative = product(c, value, lanes);
        out[i].density = product(c, slope, lanes);
        if (curved) out[i].density_slope = product(c, curvature, lanes);
      }
      return;
    }
    const Double4* coefficients = curve(expectation, first, last, scratch);
    if (coefficients == nullptr) return;
    for (std::size_t i = 0; i < n; ++i) {
      const Moment& moment = moments[i];
      if (moment.interval < 0) continue;
      axis.basis().weights(moment.interval, residuals[i], value, slope, curvature);
      const Double4* c = coefficients + (moment.first - first);
      Double4 share{}, density{}, rise{};
      for (int j = 0; j < moment.width; ++j) {
        share += value[j] * c[j];
        density += slope[j] * c[j];
        rise += curvature[j] * c[j];
      }
      Timing& t = out[i];
      // As the reference has it: the share is 0 or 1 beyond the extents, the density goes on to the
      // last knot.
      if (moment.side == 0) {
        t.cumulative = share[0];
        t.cumulative_gradient = {share[1], share[2], share[3]};
      }
      t.density = density[0];
      t.density_gradient = {density[1], density[2], density[3]};
      t.density_slope = rise[0];
    }
  }

  TablePair bare_;
  SplineTable stochastic_;
  TimeAxis direct_, noise_;
  double low_[4], high_[4];  // of each coordinate, in all tables
  bool timing_knots_;        // whether the timing table's axes have the amplitude tables' knots
  bool sliced_;
  double yield_;
  std::unique_ptr<const RoughMuon> rough_;
};

}  // namespace

std::unique_ptr<const MuonLight> table_muon_light(const std::string& amplitude,
                                                  const std::string& timing,
                                                  const std::string& stochastic) {
  return std::make_unique<TableMuonLight>(amplitude, timing, stochastic);
}

}  // namespace skyscan

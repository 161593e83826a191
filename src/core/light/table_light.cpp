#include "light/table_light.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <mutex>
#include <tuple>
#include <vector>

#include "base/constants.hpp"
#include "base/errors.hpp"
#include "light/cascade_slice.hpp"
#include "light/muon_slice.hpp"
#include "math/simd4.hpp"

namespace skyscan {

namespace {

// Refractive indices of ice at 400 nm as Photonics has them.
const double kSinCherenkov = std::sqrt(1 - cos_cherenkov * cos_cherenkov);
const double kTanCherenkov = kSinCherenkov / cos_cherenkov;

constexpr int kMostTimes = 512;  // coefficients along the time axis
constexpr double kDegree = M_PI / 180;
// Nearer to a track than this, rounding of coordinates decides from which side a DOM sees it [m]:
// within 2 km they are good to 2e-13 m, which turns the angle by less than 1e-3 rad from here on.
constexpr double kOnTrack = 1e-9;

// The bit masks of the tables' coordinates (time left out): the zenith is the one that moving a
// source does not change.
constexpr unsigned kCascadeByPosition = 0b10111;
constexpr unsigned kMuonByPosition = 0b1011;

double clamped(double value, double low, double high) {
  return value < low ? low : value > high ? high : value;
}

std::string formatted(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", number);
  return text;
}

// The angle about a track from `up`, of a DOM that lies on it as where a seed starts from that DOM:
// the one that the reference's rounding makes. It takes the vector to the DOM from the track's
// point closest to it, `along` from the source, in detector coordinates.
double angle_on_track(const LightSource& source, const Vec3& dom, double along, const Vec3& up) {
  const Vec3 closest = source.position + along * source.direction;
  const Vec3 across = dom - closest;
  const double distance = std::sqrt(dot(across, across));
  return distance > 0 ? std::acos(clamped(dot(across, up) / distance, -1, 1)) : M_PI / 2;
}

}  // namespace

double light_yield(SourceKind kind, double energy) {
  constexpr double kPhotonsPerMetre = 32582;
  const double e = std::max(energy, 0.01);
  switch (kind) {
    case SourceKind::muon:  // with the low-energy losses along the track (C. Wiebusch, 1995)
      return kPhotonsPerMetre * (1.172 + 0.0324 * std::log(e));
    case SourceKind::electromagnetic:
      return kPhotonsPerMetre * 5.21 * e;
    case SourceKind::hadronic:
      return kPhotonsPerMetre * 0.860 * 4.076 * e;
  }
  return 0;
}

TablePair::TablePair(const std::string& amplitude, const std::string& timing, bool infinite_muon)
    : amplitude_(amplitude), timing_(timing, infinite_muon ? 2 : 3), infinite_muon_(infinite_muon) {
  const int full = infinite_muon ? 4 : 5;
  coordinates_ = amplitude_.dimensions();
  const double kind = infinite_muon ? 1 : 0;
  for (const SplineTable* table : {&amplitude_, &timing_}) {
    const double geotype = table->number("GEOTYPE", 0);
    if (geotype != kind)
      table->fail("key GEOTYPE is " + formatted(geotype) + "; expected " +
                  (infinite_muon ? "1 (infinite muon)" : "0 (point source)"));
    const double geometry = table->number("GEOMETRY", 2);
    if (geometry != 1 && geometry != 2)
      table->fail("key GEOMETRY is " + formatted(geometry) +
                  "; expected 1 (spherical) or 2 (cylindrical)");
    const double parity = table->number("PARITY", infinite_muon ? 0 : 1);
    if (parity != 0 && parity != 1)
      table->fail("key PARITY is " + formatted(parity) + "; expected 0 (even) or 1 (odd)");
    if (!table->contractable())
      table->fail("the spline orders are too high for a photon table; expected up to 7");
  }
  const auto index_of = [](const SplineTable& table) {
    const double index = table.number("NGROUP", -1);
    if (index == -1) return skyscan::group_index;
    if (!(index >= 1 && index < 3))
      table.fail("key NGROUP is " + formatted(index) + "; expected a group index of about 1.36");
    return index;
  };
  const auto same = [&](const char* key, double fallback) {
    const double a = amplitude_.number(key, fallback), b = timing_.number(key, fallback);
    if (a != b)
      timing_.fail(std::string("key ") + key + " is " + formatted(b) +
                   ", but the amplitude table " + amplitude_.path() + " has " + formatted(a) +
                   "; a pair must agree");
    return a;
  };
  spherical_ = same("GEOMETRY", 2) == 1;
  odd_ = same("PARITY", infinite_muon ? 0 : 1) == 1;
  group_index_ = index_of(amplitude_);
  if (index_of(timing_) != group_index_) same("NGROUP", -1);
  if (coordinates_ < time_axis() || coordinates_ > full)
    amplitude_.fail("key NAXIS is " + std::to_string(coordinates_) + "; expected " +
                    std::to_string(time_axis()) + " to " + std::to_string(full) +
                    " axes in an amplitude table of this kind");
  if (timing_.dimensions() != coordinates_ + 1)
    timing_.fail("key NAXIS is " + std::to_string(timing_.dimensions()) +
                 "; the amplitude table's axes and time make " + std::to_string(coordinates_ + 1));
  if (timing_.size(time_axis()) > kMostTimes)
    timing_.fail(std::to_string(timing_.size(time_axis())) +
                 " coefficients along the time axis; expected up to " + std::to_string(kMostTimes));
}

void TablePair::locate(const LightSource& source, const Vec3& dom, Point& out) const {
  locate_with<5>(source, dom, out);
}

void TablePair::locate_by_position(const LightSource& source, const Vec3& dom, Point& out) const {
  locate_with<3>(source, dom, out);
}

template <int parts>
void TablePair::locate_with(const LightSource& source, const Vec3& dom, Point& out) const {
  // A frame along the source: n = direction, u perpendicular to it and upwards, v = n x u.
  const Vec3& n = source.direction;
  const double h = std::sqrt(n.x * n.x + n.y * n.y);
  const Vec3 u = h > 0 ? Vec3{-n.x * n.z / h, -n.y * n.z / h, h} : Vec3{1, 0, 0};
  const Vec3 v{n.y * u.z - n.z * u.y, n.z * u.x - n.x * u.z, n.x * u.y - n.y * u.x};
  const Vec3 d{dom.x - source.position.x, dom.y - source.position.y, dom.z - source.position.z};
  const double l = dot(d, n), a = dot(d, u), b = dot(d, v);
  const double rho = std::sqrt(a * a + b * b);
  const double sin_zenith = h, cos_zenith = -n.z;

  // Turning the zenith turns n towards u; turning the azimuth moves n by -sin(zenith) v.
  const auto by = [&](double along, double up, double side) {
    SourceGradient g{};
    g.by[0] = -(along * n.x + up * u.x + side * v.x);
    g.by[1] = -(along * n.y + up * u.y + side * v.y);
    g.by[2] = -(along * n.z + up * u.z + side * v.z);
    if constexpr (parts > 3) {
      g.by[3] = along * a - up * l;
      g.by[4] =
          -along * sin_zenith * b - up * cos_zenith * b + side * (sin_zenith * l + cos_zenith * a);
    }
    return g;
  };
  const SourceGradient dl = by(1, 0, 0);
  const SourceGradient drho = rho > 0 ? by(0, a / rho, b / rho) : SourceGradient{};
  const double r = std::sqrt(rho * rho + l * l);

  // The angle about the axis, from u (even parity) or -u (odd).
  const double up = odd_ ? -a : a;
  double angle = M_PI / 2;
  SourceGradient dangle{};
  if (infinite_muon_ && rho < kOnTrack) {
    // It has no slope: between two points of rounding it jumps.
    angle = angle_on_track(source, dom, l, odd_ ? -1 * u : u);
  } else if (rho > 0) {
    angle = std::atan2(std::fabs(b), up);
    const double side = (b < 0 ? -up : up) / (rho * rho);
    dangle = by(0, (odd_ ? 1 : -1) * std::fabs(b) / (rho * rho), side);
  }
  const double unit = infinite_muon_ ? 1 : 1 / kDegree;
  out.coordinate[1] = angle * unit;
  for (int k = 0; k < parts; ++k) out.gradient[1].by[k] = dangle.by[k] * unit;

  // The zenith axis, degrees.
  const double table_zenith = odd_ ? M_PI - source.zenith : source.zenith;
  const int zenith = infinite_muon_ ? 2 : 3;
  if (coordinates_ > zenith) {
    out.coordinate[zenith] = table_zenith / kDegree;
    out.gradient[zenith] = SourceGradient{{0, 0, 0, (odd_ ? -1 : 1) / kDegree, 0}};
  }
  const bool has_depth = coordinates_ > zenith + 1;

  if (infinite_muon_) {
    out.coordinate[0] = rho;
    out.gradient[0] = drho;
    if (has_depth) {
      // At the track's closest approach to the DOM.
      const double cosine = odd_ ? -cos_zenith : cos_zenith;
      out.coordinate[3] = source.position.z - l * cosine - source.tilt;
      SourceGradient& to = out.gradient[3];
      for (int k = 0; k < parts; ++k) to.by[k] = -dl.by[k] * cosine;
      to.by[2] += 1;
      to.by[3] += l * sin_zenith * (odd_ ? -1 : 1);
    }
    const double by_rho = (group_index_ / kSinCherenkov - 1 / kTanCherenkov) / speed_of_light;
    out.geometric_time = l / speed_of_light + rho * by_rho;
    for (int k = 0; k < parts; ++k)
      out.geometric_time_gradient.by[k] = dl.by[k] / speed_of_light + drho.by[k] * by_rho;
    return;
  }

  SourceGradient dr{};
  for (int k = 0; r > 0 && k < parts; ++k) dr.by[k] = (rho * drho.by[k] + l * dl.by[k]) / r;
  if (spherical_) {
    out.coordinate[0] = r;
    out.gradient[0] = dr;
    out.coordinate[2] = r > 0 ? clamped(l / r, -1, 1) : 0;
    for (int k = 0; k < parts; ++k)
      out.gradient[2].by[k] = r > 0 ? (dl.by[k] - out.coordinate[2] * dr.by[k]) / r : 0;
  } else {
    out.coordinate[0] = rho;
    out.gradient[0] = drho;
    out.coordinate[2] = l;
    out.gradient[2] = dl;
  }
  if (has_depth) {
    out.coordinate[4] = source.position.z - source.tilt;
    out.gradient[4] = SourceGradient{{0, 0, 1, 0, 0}};
  }
  out.geometric_time = r * group_index_ / speed_of_light;
  for (int k = 0; k < parts; ++k)
    out.geometric_time_gradient.by[k] = dr.by[k] * group_index_ / speed_of_light;
}

bool TablePair::supported(const SplineTable& table, const Point& point, bool timing) const {
  for (int c = 0; c < coordinates_; ++c) {
    // Angles about the axis and cos(polar) fill their range; round-off is clamped, not refused.
    if (c == 1 || (c == 2 && !infinite_muon_ && spherical_)) continue;
    const auto [low, high] = table.extent(timing && c >= time_axis() ? c + 1 : c);
    if (!(point.coordinate[c] >= low && point.coordinate[c] <= high)) return false;
  }
  return true;
}

bool TablePair::log_amplitude(const Point& point, unsigned axes, double* value,
                              double* slopes) const {
  if (!supported(amplitude_, point, false)) return false;
  AxisAt at[kMostCoordinates];
  for (int c = 0; c < coordinates_; ++c)
    if (!amplitude_.at(c, point.coordinate[c], at[c])) return false;
  amplitude_.evaluate(at, slopes == nullptr ? 0 : axes & ((1u << coordinates_) - 1), value, slopes);
  return std::isfinite(*value);
}

bool TablePair::curve(const Point& point, unsigned axes, int first, int last, Curve& out) const {
  if (!supported(timing_, point, true)) return false;
  AxisAt at[kMostCoordinates + 1];
  unsigned mask = 0;
  for (int c = 0; c < coordinates_; ++c) {
    const int axis = c >= time_axis() ? c + 1 : c;
    if (!timing_.at(axis, point.coordinate[c], at[axis])) return false;
    if ((axes >> c & 1) != 0) mask |= 1u << axis;
  }
  const int from = first / 4, fours = last / 4 + 1 - from;
  out.first = 4 * from;
  out.count = 4 * fours;
  timing_.contract(at, mask, from, fours, out.coefficients);
  const int channels = 1 + __builtin_popcount(mask);
  std::fill_n(out.coefficients + channels * out.count, 4, 0.0);
  return true;
}

namespace {

SplineBasis smeared(const SplineTable& table, int axis, double sigma) {
  SplineBasis plain(table.plain_knots(axis), table.order(axis));
  if (!(sigma > 0)) return plain;
  return SplineBasis(plain, {-2 * sigma, 0, 2 * sigma});
}

}  // namespace

TimeAxis::TimeAxis(const SplineTable& table, int axis, double sigma)
    : basis_(smeared(table, axis, sigma)) {
  std::tie(lower_, upper_) = table.extent(axis);
  if (!(sigma > 0)) return;
  // As photospline moves the extents when it convolves.
  const auto& knots = basis_.knots();
  lower_ = lower_ < table.plain_knots(axis)[static_cast<std::size_t>(table.order(axis))]
               ? knots.front()
               : knots[static_cast<std::size_t>(basis_.degree())];
  upper_ -= 2 * sigma;
}

namespace {

constexpr int kMostWeights = kMostTimes + 4;

// One residual on a time axis.
struct Moment {
  int side;      // -1: at or before the axis's lower extent, 1: above its upper one, 0: between
  int interval;  // of the knots, -1 outside them
  int first, width;
};

Moment moment_of(const TimeAxis& axis, double residual) {
  Moment moment{residual > axis.upper()   ? 1
                : residual > axis.lower() ? 0
                                          : -1,
                axis.basis().locate(residual), 0, 0};
  if (moment.interval < 0) return moment;
  moment.first = axis.basis().first(moment.interval);
  moment.width = axis.basis().width();
  return moment;
}

// Of coefficients with weights that are padded with zeros to a multiple of four.
double product(const double* coefficients, const double* weights, int n) {
  Double4 sum{};
  for (int i = 0; i < n; i += 4) sum += load4(coefficients + i) * load4(weights + i);
  return sum4(sum);
}

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
    static std::atomic<std::uint64_t> lights{0};
    number_ = ++lights;
    // Reference: asked at 0.01 GeV, where the yield has no share of low-energy losses of its own.
    yield_ = light_yield(SourceKind::muon, 0.01);
  }

  void evaluate(const Track& track, const DomSite& dom, DomExpectation& out) const override {
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
      Work& work = turned(point.coordinate[kZenith]);
      AxisAt at[3];
      for (int i = 0; i < 3; ++i)
        if (!bare_.amplitude().at(kMoving[i], point.coordinate[kMoving[i]], at[i])) return;
      if (!work.known) return;
      place(work, out, timing_knots_ ? at : nullptr);
      if (!out.with_gradients) {
        work.slice.amplitudes(at, bare, stochastic);
        const double scale = yield_ * dom.efficiency;
        out.bare = std::exp(bare) * scale;
        out.stochastic = std::exp(stochastic) * scale;
        out.inside = out.bare > 0 && std::isfinite(out.bare) && out.stochastic > 0 &&
                     std::isfinite(out.stochastic);
        return;
      }
      const auto found = work.slice.amplitudes(at);
      bare = found.bare;
      stochastic = found.stochastic;
      for (int i = 0; i < 3; ++i) {
        bare_slope[kMoving[i]] = found.bare_slope[i];
        stochastic_slope[kMoving[i]] = found.stochastic_slope[i];
      }
    } else {
      const auto evaluate = [&](const SplineTable& table, double& value, double* slope) {
        AxisAt at[TablePair::kMostCoordinates] = {};
        for (int c = 0; c < n; ++c)
          if (!table.at(c, point.coordinate[c], at[c])) return false;
        table.evaluate(at, kMuonByPosition & ((1u << n) - 1), &value, slope);
        return true;
      };
      if (!evaluate(bare_.amplitude(), bare, bare_slope)) return;
      if (!evaluate(stochastic_, stochastic, stochastic_slope)) return;
    }
    const auto amplitude = [&](double value, const double* slope, double& pe, Vec3& gradient) {
      pe = std::exp(value) * yield_ * dom.efficiency;
      double by[3] = {0, 0, 0};
      for (int c = 0; c < n; ++c)
        if ((kMuonByPosition >> c & 1) != 0)
          for (int k = 0; k < 3; ++k) by[k] += pe * slope[c] * point.gradient[c].by[k];
      gradient = {by[0], by[1], by[2]};
      return pe > 0 && std::isfinite(pe);
    };
    out.inside = amplitude(bare, bare_slope, out.bare, out.bare_gradient) &&
                 amplitude(stochastic, stochastic_slope, out.stochastic, out.stochastic_gradient);
  }

  void timing(const DomExpectation& expectation, MuonTiming kind, const double* residuals,
              std::size_t n, Timing* out) const override {
    constexpr std::size_t most = 64;
    for (; n > most; n -= most, residuals += most, out += most)
      some_timing(expectation, kind, residuals, most, out);
    some_timing(expectation, kind, residuals, n, out);
  }

 private:
  // Coordinates that depend on the position, and the one that does not.
  static constexpr int kMoving[3] = {0, 1, 3};
  static constexpr int kZenith = 2;

  // What a thread keeps between calls: fits ask for one zenith again and again, and for several
  // timings of one DOM.
  struct Work {
    explicit Work(const TableMuonLight& light)
        : owner(light.number_),
          slice(light.bare_.amplitude(), light.stochastic_, light.bare_.timing()) {}
    std::uint64_t owner;
    MuonSlice slice;
    double zenith = std::numeric_limits<double>::quiet_NaN();
    bool known = false;  // whether the zenith is in the tables
    // The expectation the curve is of, and its fours from ... to - 1 that are ready.
    double state[16] = {};
    bool placed = false;
    AxisAt at[3];
    double by[3][3];
    int from = 0, to = 0;
    Double4 curve[kMostTimes];
    // The same, values alone, for sights without slopes.
    int plain_from = 0, plain_to = 0;
    double plain[kMostTimes + 4] = {};
  };

  Work& turned(double zenith) const {
    thread_local std::unique_ptr<Work> work;
    if (work == nullptr || work->owner != number_) work = std::make_unique<Work>(*this);
    if (work->zenith != zenith) {
      AxisAt amplitude, timing;
      work->known = bare_.amplitude().at(kZenith, zenith, amplitude) &&
                    bare_.timing().at(kZenith + 1, zenith, timing);
      if (work->known) work->slice.turn(amplitude, timing);
      work->zenith = zenith;
      work->placed = false;
    }
    return *work;
  }

  // Begins a curve. `at`: the timing table's axes where they are known already.
  void place(Work& work, const DomExpectation& expectation, const AxisAt* at) const {
    std::memcpy(work.state, expectation.state, sizeof work.state);
    work.from = work.to = work.plain_from = work.plain_to = 0;
    work.placed = work.known;
    for (int i = 0; i < 3; ++i) {
      const int c = kMoving[i];
      if (at != nullptr)
        work.at[i] = at[i];
      else
        work.placed =
            work.placed && bare_.timing().at(c < 2 ? c : c + 1, expectation.state[c], work.at[i]);
      for (int d = 0; d < 3; ++d) work.by[i][d] = expectation.state[4 + 3 * c + d];
    }
  }

  // The time axis's coefficients `first`... with their derivatives by x, y, z; null where there are
  // none. They stay until the thread's next call.
  const Double4* curve(const DomExpectation& expectation, int first, int last) const {
    const int from = first / 4, to = last / 4 + 1;
    if (sliced_) {
      Work& work = turned(expectation.state[kZenith]);
      if (std::memcmp(work.state, expectation.state, sizeof work.state) != 0 || !work.placed)
        place(work, expectation, nullptr);
      if (!work.placed) return nullptr;
      const auto add = [&](int begin, int end) {
        if (end > begin)
          work.slice.curve(work.at, work.by, begin, end - begin, work.curve + 4 * begin);
      };
      if (work.to == work.from) work.from = work.to = from;
      add(from, work.from);
      add(work.to, to);
      work.from = std::min(work.from, from);
      work.to = std::max(work.to, to);
      return work.curve + first;
    }
    thread_local std::unique_ptr<Double4[]> out = std::make_unique<Double4[]>(kMostTimes);
    TablePair::Point point;
    const int coordinates = bare_.coordinates();
    for (int c = 0; c < coordinates; ++c) point.coordinate[c] = expectation.state[c];
    const unsigned mask = kMuonByPosition & ((1u << coordinates) - 1);
    TablePair::Curve channels;
    if (!bare_.curve(point, mask, first, last, channels)) return nullptr;
    for (int i = first; i <= last; ++i) {
      const double* from_table = channels.coefficients + (i - channels.first);
      Double4& c = out[static_cast<std::size_t>(i)];
      c = Double4{*from_table, 0, 0, 0};
      for (int k = 0; k < coordinates; ++k) {
        if ((mask >> k & 1) == 0) continue;
        from_table += channels.count;
        for (int d = 0; d < 3; ++d) c[1 + d] += expectation.state[4 + 3 * k + d] * *from_table;
      }
    }
    return out.get() + first;
  }

  // The coefficients `first` ... `last` alone, of a light that is sliced.
  const double* plain_curve(const DomExpectation& expectation, int first, int last) const {
    const int size = bare_.timing().size(bare_.time_axis());
    const int from = first / 4, to = std::min(last / 4 + 1, (size + 3) / 4);
    Work& work = turned(expectation.state[kZenith]);
    if (std::memcmp(work.state, expectation.state, sizeof work.state) != 0 || !work.placed)
      place(work, expectation, nullptr);
    if (!work.placed) return nullptr;
    const auto add = [&](int begin, int end) {
      if (end > begin) work.slice.curve(work.at, begin, end - begin, work.plain + 4 * begin);
    };
    if (work.plain_to == work.plain_from) work.plain_from = work.plain_to = from;
    add(from, work.plain_from);
    add(work.plain_to, to);
    work.plain_from = std::min(work.plain_from, from);
    work.plain_to = std::max(work.plain_to, to);
    return work.plain + first;
  }

  void some_timing(const DomExpectation& expectation, MuonTiming kind, const double* residuals,
                   std::size_t n, Timing* out) const {
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
    double value[kMostWeights], slope[kMostWeights], curvature[kMostWeights];
    if (!expectation.with_gradients && sliced_) {
      // Weights come in fours, with zeros where there is no function.
      const int lanes = axis.basis().lanes();
      const double* coefficients = plain_curve(expectation, first, last + 4);
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
    const Double4* coefficients = curve(expectation, first, last);
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
  std::uint64_t number_;  // no other light's
  double yield_;
};

class TableCascadeLight final : public CascadeLight {
 public:
  TableCascadeLight(const std::string& amplitude, const std::string& timing, bool single_precision)
      : pair_(amplitude, timing, false),
        axis_(pair_.timing(), pair_.time_axis(), 0),
        yield_(light_yield(SourceKind::electromagnetic, 1)),
        single_precision_(single_precision),
        sliced_(!single_precision && CascadeSlice::suits(pair_.amplitude(), pair_.timing())) {
    static std::atomic<std::uint64_t> lights{0};
    number_ = ++lights;
    if (!sliced_) return;
    for (const int c : {0, 1, 2, kDepth}) {
      const SplineTable &amplitude = pair_.amplitude(), &timing = pair_.timing();
      const int axis = c < pair_.time_axis() ? c : c + 1;
      same_axes_ = same_axes_ && amplitude.order(c) == timing.order(axis) &&
                   amplitude.plain_knots(c) == timing.plain_knots(axis) &&
                   amplitude.extent(c) == timing.extent(axis);
    }
  }

  bool evaluate(const Vec3& position, const Vec3& direction, double zenith, double azimuth,
                double time, const DomSite& dom, const double* edges, std::size_t n,
                double& amplitude, double* cumulative, Gradient4* amplitude_gradient,
                Gradient4* cumulative_gradient) const override {
    TablePair::Point point;
    pair_.locate({position, direction, zenith, azimuth}, dom.position, point);
    const int coordinates = pair_.coordinates();
    const unsigned mask = kCascadeByPosition & ((1u << coordinates) - 1);
    const auto by_position = [&](const double* slopes, double scale) {
      double by[3] = {0, 0, 0};
      for (int c = 0; c < coordinates; ++c)
        if ((mask >> c & 1) != 0)
          for (int k = 0; k < 3; ++k) by[k] += scale * slopes[c] * point.gradient[c].by[k];
      return Gradient4{by[0], by[1], by[2], 0};
    };
    double value, slopes[TablePair::kMostCoordinates];
    if (!pair_.log_amplitude(point, mask, &value, amplitude_gradient != nullptr ? slopes : nullptr))
      return false;
    if (single_precision_)
      value = pair_.amplitude().rounded_as_reference(point.coordinate).value_or(value);
    amplitude = std::exp(value) * yield_ * dom.efficiency;
    if (!(amplitude > 0) || !std::isfinite(amplitude)) return false;
    if (amplitude_gradient != nullptr) *amplitude_gradient = by_position(slopes, amplitude);
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
    double weight[kMostWeights], slope[kMostWeights];
    for (std::size_t i = 0; i < n; ++i) {
      const double residual = edges[i] - arrival;
      const Moment moment = moment_of(axis_, residual);
      if (moment.side != 0 || moment.interval < 0) continue;
      axis_.basis().weights(moment.interval, residual, weight, slope);
      const double* c = curve.coefficients + (moment.first - curve.first);
      cumulative[i] = product(c, weight, moment.width);
      if (single_precision_) {
        double at[TablePair::kMostCoordinates + 1];
        for (int k = 0; k < coordinates; ++k)
          at[k < pair_.time_axis() ? k : k + 1] = point.coordinate[k];
        at[pair_.time_axis()] = residual;
        cumulative[i] = pair_.timing().rounded_as_reference(at).value_or(cumulative[i]);
      }
      if (cumulative_gradient == nullptr) continue;
      double along[TablePair::kMostCoordinates];
      const double density = product(c, slope, moment.width);
      for (int axis = 0; axis < coordinates; ++axis)
        if ((mask >> axis & 1) != 0) along[axis] = product(c += curve.count, weight, moment.width);
      Gradient4 g = by_position(along, 1);
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
                                                   std::size_t count) const override {
    if (!sliced_) return CascadeLight::along_track(track, lengths, count);
    return std::make_unique<TableTrackCascades>(*this, track, lengths, count);
  }

  double amplitude_bound(double distance) const override {
    std::call_once(bounded_, [&] { bound(); });
    // Coordinates of spherical tables; in cylindrical ones rho <= distance says nothing.
    const SplineTable& table = pair_.amplitude();
    AxisAt at;
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
  // What a thread keeps between strings: fits ask for one zenith again and again.
  struct Work {
    explicit Work(const TableCascadeLight& light)
        : owner(light.number_), slice(light.pair_.amplitude(), light.pair_.timing()) {}
    std::uint64_t owner;
    CascadeSlice slice;
    double zenith = std::numeric_limits<double>::quiet_NaN();
    bool known = false;        // whether the zenith is in the amplitude table
    bool known_times = false;  // whether it is in the timing table
  };

  Work& turned(double zenith) const {
    thread_local std::unique_ptr<Work> work;
    if (work == nullptr || work->owner != number_) work = std::make_unique<Work>(*this);
    if (work->zenith != zenith) {
      AxisAt amplitude{}, timing{};
      work->known = pair_.amplitude().at(kZenith, zenith, amplitude) &&
                    contains(pair_.amplitude(), kZenith, zenith);
      work->known_times = pair_.timing().at(kZenith + 1, zenith, timing) &&
                          contains(pair_.timing(), kZenith + 1, zenith);
      work->slice.turn(amplitude, timing);
      work->zenith = zenith;
    }
    return *work;
  }

  static bool contains(const SplineTable& table, int axis, double x) {
    const auto [low, high] = table.extent(axis);
    return x >= low && x <= high;
  }

  static constexpr int kZenith = 3, kDepth = 4;  // of the amplitude table

  class TableTrackCascades final : public TrackCascades {
   public:
    TableTrackCascades(const TableCascadeLight& light, const Track& track, const double* lengths,
                       std::size_t count)
        : light_(light), track_(track), frame_(track.direction), cascades_(count) {
      const double odd = light.pair_.odd() ? 1 : 0;
      zenith_ = (odd > 0 ? M_PI - track.zenith : track.zenith) / kDegree;
      const SplineTable &amplitude = light.pair_.amplitude(), &timing = light.pair_.timing();
      for (std::size_t i = 0; i < count; ++i) {
        Cascade& cascade = cascades_[i];
        cascade.length = lengths[i];
        const double z = track.position.z + lengths[i] * track.direction.z;
        cascade.known =
            amplitude.value_at(kDepth, z, cascade.depth) && contains(amplitude, kDepth, z);
        cascade.timing_depth = cascade.depth;
        cascade.known_times = light.same_axes_
                                  ? cascade.known
                                  : timing.value_at(kDepth + 1, z, cascade.timing_depth) &&
                                        contains(timing, kDepth + 1, z);
      }
    }

    void evaluate(const DomSite& dom, std::size_t first, std::size_t last, const double* edges,
                  std::size_t n, double* amplitude, double* cumulative) const override {
      const SplineTable &table = light_.pair_.amplitude(), &timing = light_.pair_.timing();
      Work& work = light_.turned(zenith_);
      // Where the DOM is, seen along the track: all but its distance stays.
      const Vec3 &p = track_.position, &at = dom.position;
      const Vec3 d{at.x - p.x, at.y - p.y, at.z - p.z};
      const double along = dot(d, track_.direction);
      const double a = dot(d, frame_.up), b = dot(d, frame_.side);
      const double rho = std::sqrt(a * a + b * b);
      const double angle =
          rho > 0 ? std::atan2(std::fabs(b), light_.pair_.odd() ? -a : a) / kDegree : 90;
      AxisAt here[4], there[4];
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
        const double polar = !spherical ? l : r > 0 ? clamped(l / r, -1, 1) : 0;
        if (!contains(table, 0, distance) || !table.value_at(0, distance, here[0])) continue;
        if ((!spherical && !contains(table, 2, polar)) || !table.value_at(2, polar, here[2]))
          continue;
        here[3] = cascade.depth;
        const double light = std::exp(work.slice.amplitude(here)) * light_.yield_ * dom.efficiency;
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
          if (!accumulate(work.slice, is_same ? here : there, find_times, arrival, edges, n,
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
      AxisAt depth, timing_depth;
    };

    // The shares before each edge; false where the timing table knows nothing.
    template <typename FindTimes>
    bool accumulate(CascadeSlice& slice, const AxisAt* at, const FindTimes& find_times,
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
        if (arrivals.is_full()) arrivals.settle(rows);
      }
      arrivals.settle(rows);
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
      void settle(const CascadeSlice::Rows& rows) {
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
      double weight_[most][AxisAt::kMostWidth];
      double* share_[most];
    };

    const TableCascadeLight& light_;
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
  std::uint64_t number_;   // no other light's
  mutable std::once_flag bounded_;
  mutable std::vector<double> largest_;
  mutable double most_ = 0;
  mutable bool spherical_bounds_ = false;
};

}  // namespace

std::unique_ptr<const MuonLight> table_muon_light(const std::string& amplitude,
                                                  const std::string& timing,
                                                  const std::string& stochastic) {
  return std::make_unique<TableMuonLight>(amplitude, timing, stochastic);
}

std::unique_ptr<const CascadeLight> table_cascade_light(const std::string& amplitude,
                                                        const std::string& timing,
                                                        bool single_precision) {
  return std::make_unique<TableCascadeLight>(amplitude, timing, single_precision);
}

}  // namespace skyscan

#include "light/table_pair.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <tuple>

#include "base/constants.hpp"

namespace skyscan {

namespace {

const double tan_cherenkov = sin_cherenkov / cos_cherenkov;
// Nearer to a track than this, rounding of coordinates decides from which side a DOM sees it [m]:
// within 2 km they are good to 2e-13 m, which turns the angle by less than 1e-3 rad from here on.
constexpr double on_track = 1e-9;

// The angle about a track from `up`, of a DOM that lies on it as where a seed starts from that DOM:
// the one that the reference's rounding makes. It takes the vector to the DOM from the track's
// point closest to it, `along` from the source, in detector coordinates.
double angle_on_track(const LightSource& source, const Vec3& dom, double along, const Vec3& up) {
  const Vec3 closest = source.position + along * source.direction;
  const Vec3 across = dom - closest;
  const double distance = std::sqrt(dot(across, across));
  return distance > 0 ? std::acos(std::clamp(dot(across, up) / distance, -1.0, 1.0)) : M_PI / 2;
}

}  // namespace

std::string formatted(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", number);
  return text;
}

double light_yield(SourceKind kind, double energy) {
  constexpr double photons_per_metre = 32582;
  const double e = std::max(energy, 0.01);
  switch (kind) {
    case SourceKind::muon:  // with the low-energy losses along the track (C. Wiebusch, 1995)
      return photons_per_metre * (1.172 + 0.0324 * std::log(e));
    case SourceKind::electromagnetic:
      return photons_per_metre * 5.21 * e;
    case SourceKind::hadronic:
      return photons_per_metre * 0.860 * 4.076 * e;
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
  if (timing_.size(time_axis()) > most_times)
    timing_.fail(std::to_string(timing_.size(time_axis())) +
                 " coefficients along the time axis; expected up to " + std::to_string(most_times));
}

// Distance, depth and geometric time of an infinite muon.
template <int parts>
void TablePair::locate_muon(const LightSource& source, const AlongSource& seen, Point& out) const {
  out.coordinate[0] = seen.rho;
  out.gradient[0] = seen.drho;
  if (coordinates_ > 3) {
    // At the track's closest approach to the DOM.
    const double cosine = odd_ ? -seen.cos_zenith : seen.cos_zenith;
    out.coordinate[3] = source.position.z - seen.l * cosine - source.tilt;
    SourceGradient& to = out.gradient[3];
    for (int k = 0; k < parts; ++k) to.by[k] = -seen.dl.by[k] * cosine;
    to.by[2] += 1;
    to.by[3] += seen.l * seen.sin_zenith * (odd_ ? -1 : 1);
  }
  const double by_rho = (group_index_ / sin_cherenkov - 1 / tan_cherenkov) / speed_of_light;
  out.geometric_time = seen.l / speed_of_light + seen.rho * by_rho;
  for (int k = 0; k < parts; ++k)
    out.geometric_time_gradient.by[k] = seen.dl.by[k] / speed_of_light + seen.drho.by[k] * by_rho;
}

// Distance, polar angle or length, depth and geometric time of a point source.
template <int parts>
void TablePair::locate_cascade(const LightSource& source, const AlongSource& seen,
                               Point& out) const {
  const double l = seen.l, rho = seen.rho, r = seen.r;
  SourceGradient dr{};
  for (int k = 0; r > 0 && k < parts; ++k)
    dr.by[k] = (rho * seen.drho.by[k] + l * seen.dl.by[k]) / r;
  if (spherical_) {
    out.coordinate[0] = r;
    out.gradient[0] = dr;
    out.coordinate[2] = r > 0 ? std::clamp(l / r, -1.0, 1.0) : 0;
    for (int k = 0; k < parts; ++k)
      out.gradient[2].by[k] = r > 0 ? (seen.dl.by[k] - out.coordinate[2] * dr.by[k]) / r : 0;
  } else {
    out.coordinate[0] = rho;
    out.gradient[0] = seen.drho;
    out.coordinate[2] = l;
    out.gradient[2] = seen.dl;
  }
  if (coordinates_ > 4) {
    out.coordinate[4] = source.position.z - source.tilt;
    out.gradient[4] = SourceGradient{{0, 0, 1, 0, 0}};
  }
  out.geometric_time = r * group_index_ / speed_of_light;
  for (int k = 0; k < parts; ++k)
    out.geometric_time_gradient.by[k] = dr.by[k] * group_index_ / speed_of_light;
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
  if (infinite_muon_ && rho < on_track) {
    // It has no slope: between two points of rounding it jumps.
    angle = angle_on_track(source, dom, l, odd_ ? -1 * u : u);
  } else if (rho > 0) {
    angle = std::atan2(std::fabs(b), up);
    const double side = (b < 0 ? -up : up) / (rho * rho);
    dangle = by(0, (odd_ ? 1 : -1) * std::fabs(b) / (rho * rho), side);
  }
  const double unit = infinite_muon_ ? 1 : 1 / degree;
  out.coordinate[1] = angle * unit;
  for (int k = 0; k < parts; ++k) out.gradient[1].by[k] = dangle.by[k] * unit;

  // The zenith axis, degrees.
  const double table_zenith = odd_ ? M_PI - source.zenith : source.zenith;
  const int zenith = infinite_muon_ ? 2 : 3;
  if (coordinates_ > zenith) {
    out.coordinate[zenith] = table_zenith / degree;
    out.gradient[zenith] = SourceGradient{{0, 0, 0, (odd_ ? -1 : 1) / degree, 0}};
  }
  const AlongSource seen{l, rho, r, sin_zenith, cos_zenith, dl, drho};
  if (infinite_muon_)
    locate_muon<parts>(source, seen, out);
  else
    locate_cascade<parts>(source, seen, out);
}

void TablePair::locate(const LightSource& source, const Vec3& dom, Point& out) const {
  locate_with<5>(source, dom, out);
}

void TablePair::locate_by_position(const LightSource& source, const Vec3& dom, Point& out) const {
  locate_with<3>(source, dom, out);
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
  BasisValues at[most_coordinates];
  for (int c = 0; c < coordinates_; ++c)
    if (!amplitude_.at(c, point.coordinate[c], at[c])) return false;
  amplitude_.evaluate(at, slopes == nullptr ? 0 : axes & ((1u << coordinates_) - 1), value, slopes);
  return std::isfinite(*value);
}

bool TablePair::curve(const Point& point, unsigned axes, int first, int last, Curve& out) const {
  if (!supported(timing_, point, true)) return false;
  BasisValues at[most_coordinates + 1];
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

}  // namespace skyscan

#include "light/rough_table_muon.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "light/muon_slice.hpp"
#include "light/zenith_slice.hpp"
#include "splines/pieces.hpp"

namespace skyscan {
namespace {

// Axes of the tables.
constexpr int rho_axis = 0, azimuth_axis = 1;
constexpr int amplitude_zenith = 2, amplitude_depth = 3;
constexpr int timing_time = 2, timing_zenith = 3, timing_depth = 4;
// Functions of an axis of order 2 that are not zero at one place.
constexpr int width = 3;

// The noise's distribution is the direct light's, smeared by a triangle of 2000 ns on either side:
// it bends where the light begins, and as much before and after. Nodes between which it is a cubic,
// in ns from each of these times.
constexpr double noise_bends[] = {-2000, 0, 2000};
constexpr double noise_nodes[][21] = {
    {-5,  -2.5, 0,   2.5, 6,   11,  18,  28,   42,   62,  90,
     130, 190,  270, 380, 520, 700, 920, 1180, 1460, 1750},
    {-5, 5, 15, 30, 55, 90, 140, 210, 310, 450, 640, 880, 1150, 1450, 1750},
    {-5, 10, 30, 60, 110, 190, 310, 480, 720, 1000, 1300, 1550, 1750, 1950, 2150, 2400, 2700,
     3000}};
constexpr double last_bucket = 8000, per_bucket = 1 / 4.;  // of the nodes' axis [ns, 1/ns]

// Times of one DOM that are asked for at once, in vectors.
constexpr std::size_t most_vectors = 3;

int in_eights(int n) { return (n + 7) / 8 * 8; }

// What is worked out once for all directions.
struct Shape {
  explicit Shape(const MuonTables& of);

  // The number of the first node later than this.
  int node_after(float time) const {
    return static_cast<int>(std::ranges::upper_bound(nodes, time) - nodes.begin());
  }
  // Of the two nodes around this time the first.
  int node_at(float time) const {
    const float bucket = (time - nodes[0]) * static_cast<float>(per_bucket);
    const auto last = static_cast<float>(node_before.size() - 1);
    int node = node_before[static_cast<std::size_t>(std::clamp(bucket, 0.f, last))];
    while (node + 2 < static_cast<int>(nodes.size()) &&
           time >= nodes[static_cast<std::size_t>(node) + 1])
      ++node;
    return node;
  }

  ParabolicAxis amplitude[3], timing[3];  // rho, azimuth, depth
  TimeAxisPieces direct;
  float direct_low, direct_high;  // the cumulative is 0 up to here, 1 from here on
  // Times of the noise's nodes, and of each bucket of times the node before it.
  std::vector<float> nodes;
  std::vector<int> node_before;
  float noise_high;  // the cumulative is 1 from here on
  // Row after row: what one coefficient of the timing table adds to each node's cumulative and
  // density.
  std::vector<float> noise_shares;
  // In a row of a slice.
  int times, noise_at, length, depths;
};

Shape::Shape(const MuonTables& of)
    : amplitude{ParabolicAxis(of.bare.amplitude().basis(rho_axis)),
                ParabolicAxis(of.bare.amplitude().basis(azimuth_axis)),
                ParabolicAxis(of.bare.amplitude().basis(amplitude_depth))},
      timing{ParabolicAxis(of.bare.timing().basis(rho_axis)),
             ParabolicAxis(of.bare.timing().basis(azimuth_axis)),
             ParabolicAxis(of.bare.timing().basis(timing_depth))},
      direct(of.direct.basis()),
      direct_low(static_cast<float>(of.direct.lower())),
      direct_high(static_cast<float>(of.direct.upper())),
      noise_high(static_cast<float>(of.noise.upper())),
      times(of.bare.timing().size(timing_time)),
      depths(of.bare.amplitude().size(amplitude_depth)) {
  for (std::size_t bend = 0; bend < std::size(noise_bends); ++bend)
    for (const double node : noise_nodes[bend])
      if (nodes.empty() || noise_bends[bend] + node > nodes.back())
        nodes.push_back(static_cast<float>(noise_bends[bend] + node));
  for (double time = nodes[0]; time < last_bucket; time += 1 / per_bucket)
    node_before.push_back(std::max(0, node_after(static_cast<float>(time)) - 1));

  noise_at = in_eights(times) + 8;
  length = noise_at + in_eights(2 * static_cast<int>(nodes.size()));
  const SplineBasis& noise = of.noise.basis();
  const int row = length - noise_at;
  noise_shares.resize(static_cast<std::size_t>(times * row));
  std::vector<double> value(static_cast<std::size_t>(noise.lanes())), slope(value);
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    const auto time = static_cast<double>(nodes[n]);
    const int interval = noise.locate(time);
    if (interval < 0) continue;
    noise.weights(interval, time, value.data(), slope.data());
    for (std::size_t j = 0; j < static_cast<std::size_t>(noise.width()); ++j) {
      const auto at =
          (static_cast<std::size_t>(noise.first(interval)) + j) * static_cast<std::size_t>(row) +
          2 * n;
      if (at + 1 >= noise_shares.size()) break;
      noise_shares[at] = static_cast<float>(value[j]);
      noise_shares[at + 1] = static_cast<float>(slope[j]);
    }
  }
}

// The tables at one zenith, in single precision. Rows of amplitudes: depth after depth, bare and
// stochastic. Of timings, one a depth: the coefficients of direct light, then those of the noise's
// spline.
class Slices final : public LightScratch {
 public:
  Slices(const MuonTables& of, const Shape& shape)
      : of_(of),
        shape_(shape),
        amplitudes_(of.bare.amplitude().size(rho_axis) * of.bare.amplitude().size(azimuth_axis), 1,
                    2 * shape.depths + 8, width * width),
        timings_(of.bare.timing().size(rho_axis) * of.bare.timing().size(azimuth_axis),
                 of.bare.timing().size(timing_depth), shape.length, width * width),
        work_(static_cast<std::size_t>(std::max(2 * (shape.depths + 4), shape.times + 4))) {}

  // In the tables' unit. Whether it is in the tables.
  bool set_zenith(double zenith) {
    if (zenith != zenith_) {
      zenith_ = zenith;
      is_known_ = of_.bare.amplitude().at(amplitude_zenith, zenith, amplitude_at_) &&
                  of_.bare.timing().at(timing_zenith, zenith, timing_at_);
      amplitudes_.clear();
      timings_.clear();
    }
    return is_known_;
  }
  // Room for so many DOMs' rows, which stay where they are until this is called again.
  void make_room(int doms) {
    amplitudes_.make_room(doms * width * width);
    timings_.make_room(doms * width * width);
  }

  const float* amplitudes(int rho, int azimuth) {
    const auto fill = [&](int, float* row) {
      const int at[4] = {rho, azimuth, 0, 0};
      double *bare = work_.data(), *stochastic = bare + shape_.depths + 4;
      of_.bare.amplitude().combine(at, amplitude_zenith, amplitude_at_, bare);
      of_.stochastic.combine(at, amplitude_zenith, amplitude_at_, stochastic);
      for (int i = 0; i < shape_.depths; ++i) {
        row[2 * i] = static_cast<float>(bare[i]);
        row[2 * i + 1] = static_cast<float>(stochastic[i]);
      }
      std::fill_n(row + 2 * shape_.depths, 8, 0.f);
    };
    return amplitudes_.block(rho * of_.bare.amplitude().size(azimuth_axis) + azimuth, 0, 1, fill);
  }
  // Of three depths, from this one on.
  const float* timings(int rho, int azimuth, int depth) {
    const auto fill = [&](int number, float* row) {
      const int at[5] = {rho, azimuth, 0, 0, number};
      of_.bare.timing().combine(at, timing_zenith, timing_at_, work_.data());
      set_row(row);
    };
    return timings_.block(rho * of_.bare.timing().size(azimuth_axis) + azimuth, depth, width,
                          fill) +
           depth * shape_.length;
  }

 private:
  void set_row(float* row) const {
    const int times = shape_.times, noise_at = shape_.noise_at, length = shape_.length;
    std::fill_n(row, length, 0.f);
    for (int j = 0; j < times; ++j) {
      const auto coefficient = static_cast<float>(work_[static_cast<std::size_t>(j)]);
      row[j] = coefficient;
      const float* const share =
          &shape_.noise_shares[static_cast<std::size_t>(j * (length - noise_at))];
      for (int g = 0; g < length - noise_at; ++g) row[noise_at + g] += coefficient * share[g];
    }
  }

  const MuonTables& of_;
  const Shape& shape_;
  ZenithSlice<float> amplitudes_, timings_;
  std::vector<double> work_;
  double zenith_ = std::numeric_limits<double>::quiet_NaN();
  bool is_known_ = false;
  BasisValues amplitude_at_{}, timing_at_{};
};

// The rows around a place, and how they weigh.
struct Neighbourhood {
  const float* rows[width * width];
  ParabolicAxis::At at[3];  // rho, azimuth, depth
};

// A sum over rows, and its slopes along rho, azimuth and depth. `load` takes eight numbers of a
// row; rows of further depths are `length` numbers on.
struct Summed {
  Float8 value, slope[3];
};
template <bool with_slopes, typename Load>
[[gnu::always_inline]] inline Summed summed(const Neighbourhood& around, int length,
                                            const Load& load) {
  const auto& [rho, azimuth, depth] = around.at;
  Summed total{};
  for (int i = 0; i < width; ++i) {
    Float8 sum{}, sum_azimuth{}, sum_depth{};
    for (int j = 0; j < width; ++j) {
      const float* const row = around.rows[width * i + j];
      const Float8 a = load(row), b = load(row + length), c = load(row + 2 * length);
      const Float8 value = depth.value[0] * a + depth.value[1] * b + depth.value[2] * c;
      sum += azimuth.value[j] * value;
      if constexpr (with_slopes) {
        sum_azimuth += azimuth.slope[j] * value;
        sum_depth +=
            azimuth.value[j] * (depth.slope[0] * a + depth.slope[1] * b + depth.slope[2] * c);
      }
    }
    total.value += rho.value[i] * sum;
    if constexpr (with_slopes) {
      total.slope[0] += rho.slope[i] * sum;
      total.slope[1] += rho.value[i] * sum_azimuth;
      total.slope[2] += rho.value[i] * sum_depth;
    }
  }
  return total;
}

// Four numbers of each.
[[gnu::always_inline]] inline Float8 joined(const float* a, const float* b) {
  Float4 halves[2];
  std::memcpy(&halves[0], a, sizeof halves[0]);
  std::memcpy(&halves[1], b, sizeof halves[1]);
  return __builtin_shufflevector(halves[0], halves[1], 0, 1, 2, 3, 4, 5, 6, 7);
}

// The angle of (x, y) from the x axis, 0 to pi; y is not negative. Error below 1e-7: M. Abramowitz
// and I. Stegun, Handbook of Mathematical Functions, 4.4.49.
Lanes angle_of(const Lanes& x, const Lanes& y) {
  constexpr double c[] = {1,
                          -0.3333314528,
                          0.1999355085,
                          -0.1420889944,
                          0.1065626393,
                          -0.0752896400,
                          0.0429096138,
                          -0.0161657367,
                          0.0028662257};
  const Lanes size = greater(x, -1.0 * x);
  const Lanes ratio = lesser(size, y) / greater(greater(size, y), 1e-30);
  const Lanes square = ratio * ratio;
  Lanes sum = c[8];
  for (int k = 8; k-- > 0;) sum = sum * square + c[k];
  const Lanes acute = ratio * sum;
  const Lanes first = chosen(y.v > size.v, M_PI / 2 - acute, acute);
  return chosen(x.v < 0, M_PI - first, first);
}

// Polynomials of eight pieces at v, of which one unit is 1 / scale ns.
template <bool with_slopes>
void set_times(Float8 (&powers)[4][8], int degree, const Lanes& v, const Lanes& scale,
               TimingLanes& out) {
  transpose(powers[0]);
  const auto top = static_cast<std::size_t>(degree);
  Lanes value = powers[0][top], rise = 0, bend = 0;
  for (std::size_t k = top; k-- > 0;) {
    bend = bend * v + rise;
    rise = rise * v + value;
    value = value * v + powers[0][k];
  }
  out.cumulative = value;
  out.density = rise * scale;
  out.density_slope = 2 * (bend * (scale * scale));
  if constexpr (!with_slopes) return;
  for (std::size_t d = 0; d < 3; ++d) {
    transpose(powers[d + 1]);
    Lanes its_value = powers[d + 1][top], its_rise = 0;
    for (std::size_t k = top; k-- > 0;) {
      its_rise = its_rise * v + its_value;
      its_value = its_value * v + powers[d + 1][k];
    }
    out.cumulative_by[d] = its_value;
    out.density_by[d] = its_rise * scale;
  }
}

class TableTrack final : public RoughTrack {
 public:
  TableTrack(const MuonTables& of, const Shape& shape, Slices& slices, double zenith,
             const MuonCharge& charge)
      : of_(of),
        shape_(shape),
        slices_(slices),
        charge_(charge),
        sign_(of.bare.odd() ? -1 : 1),
        is_known_(slices.set_zenith((of.bare.odd() ? M_PI - zenith : zenith) / degree)),
        delay_per_metre_((of.bare.group_index() / sin_cherenkov - cot_cherenkov) / speed_of_light),
        powers_(static_cast<std::size_t>(shape.direct.count())),
        coefficients_(4 * static_cast<std::size_t>(in_eights(shape.times) + 8)) {}

  std::size_t parameters() const override { return 3; }
  double delay_per_metre() const override { return delay_per_metre_; }

  ExpectedLanes look(const SeenLanes& seen, bool with_slopes) override {
    return with_slopes ? look_with<true>(seen) : look_with<false>(seen);
  }
  void direct(const Lanes& residuals, bool with_slopes, TimingLanes& out) override {
    with_slopes ? direct_with<true>(residuals, out) : direct_with<false>(residuals, out);
  }
  void direct_of(std::size_t i, const Lanes* residuals, std::size_t vectors, bool with_slopes,
                 TimingLanes* out) override {
    with_slopes ? direct_of_with<true>(i, residuals, vectors, out)
                : direct_of_with<false>(i, residuals, vectors, out);
  }
  void noise(const Lanes (&residuals)[2], bool with_slopes, TimingLanes (&out)[2]) override {
    with_slopes ? noise_with<true>(residuals, out) : noise_with<false>(residuals, out);
  }

  ViewSlopes by_view(const Lanes& by_log_charge, const Lanes* by_parameters) const override {
    Lanes by[3];
    for (int k = 0; k < 3; ++k) by[k] = by_parameters[k] + by_log_charge * by_coordinate_[k];
    // The angle is from the upper side of the track, or the lower; depths are the track's.
    return {by[0], -1.0 * by[2], angle_by_turn_ * by[1]};
  }

 private:
  template <bool with_slopes>
  ExpectedLanes look_with(const SeenLanes& seen);
  template <bool with_slopes>
  void direct_with(const Lanes& residuals, TimingLanes& out);
  template <bool with_slopes>
  void direct_of_with(std::size_t i, const Lanes* residuals, std::size_t vectors, TimingLanes* out);
  template <bool with_slopes>
  void noise_with(const Lanes (&residuals)[2], TimingLanes (&out)[2]);
  void set_ends(const Lanes& residuals, TimingLanes& out) const;

  const MuonTables& of_;
  const Shape& shape_;
  Slices& slices_;
  MuonCharge charge_;
  double sign_;
  bool is_known_;
  double delay_per_metre_;
  // The eight DOMs.
  Neighbourhood around_[Lanes::count];
  Lanes by_coordinate_[3];  // slopes of the logarithm of the charge
  Lanes angle_by_turn_;
  // Pieces of one DOM's times: value and slopes of each power; and what they are made of.
  struct Powers {
    Float8 of[4];
  };
  std::vector<Powers> powers_;
  std::vector<float> coefficients_;
};

template <bool with_slopes>
ExpectedLanes TableTrack::look_with(const SeenLanes& seen) {
  const Lanes depth = seen.height - seen.above;
  const Lanes side = greater(seen.du, -1.0 * seen.du);
  const Lanes angle = angle_of(sign_ * seen.dv, side);
  angle_by_turn_ = chosen(seen.du.v < 0, sign_, -sign_);
  const auto is_between = [&](const Lanes& x, int c) {
    return (x.v >= static_cast<float>(of_.low[c])) & (x.v <= static_cast<float>(of_.high[c]));
  };
  ExpectedLanes expected;
  expected.is_known = is_between(seen.rho, 0) & is_between(depth, 3);
  if (!is_known_) expected.is_known = Integer8{};
  // Where nothing is known the numbers are of no account, as long as they are some.
  const auto within = [&](const Lanes& x, int c) { return clamped(x, of_.low[c], of_.high[c]); };
  const Lanes coordinates[3] = {within(seen.rho, 0), angle, within(depth, 3)};
  slices_.make_room(Lanes::count);
  Float8 sums[4][Lanes::count];
  for (std::size_t i = 0; i < Lanes::count; ++i) {
    Neighbourhood amplitude;
    for (std::size_t c = 0; c < 3; ++c) {
      amplitude.at[c] = shape_.amplitude[c].at(coordinates[c][i]);
      around_[i].at[c] = shape_.timing[c].at(coordinates[c][i]);
    }
    for (int k = 0; k < width * width; ++k) {
      const int rho = k / width, azimuth = k % width;
      amplitude.rows[k] =
          slices_.amplitudes(amplitude.at[0].first + rho, amplitude.at[1].first + azimuth) +
          2 * amplitude.at[2].first;
      around_[i].rows[k] = slices_.timings(
          around_[i].at[0].first + rho, around_[i].at[1].first + azimuth, around_[i].at[2].first);
    }
    // Two numbers a depth; the others of eight are further depths', or nothing.
    const Summed found =
        summed<with_slopes>(amplitude, 2, [](const float* row) { return load8(row); });
    sums[0][i] = found.value;
    for (int k = 0; k < 3; ++k) sums[k + 1][i] = found.slope[k];
  }
  transpose(sums[0]);
  const Lanes unit = seen.efficiency * of_.yield;
  const Lanes bare = unit * (charge_.bare * exponential_of(sums[0][0]));
  const Lanes stochastic = unit * (charge_.stochastic * exponential_of(sums[0][1]));
  expected.charge = bare + stochastic;
  if constexpr (with_slopes) {
    const Lanes per_charge = inverse(greater(expected.charge, 1e-37));
    for (int k = 0; k < 3; ++k) {
      transpose(sums[k + 1]);
      by_coordinate_[k] = (bare * sums[k + 1][0] + stochastic * sums[k + 1][1]) * per_charge;
    }
  }
  return expected;
}

// As the tables have it: the share is 0 or 1 beyond their extents.
void TableTrack::set_ends(const Lanes& residuals, TimingLanes& out) const {
  const Integer8 is_late = residuals.v > shape_.direct_high;
  const Integer8 is_outside = is_late | (residuals.v <= shape_.direct_low);
  if (!is_any(is_outside)) return;
  out.cumulative = chosen(is_outside, chosen(is_late, 1, 0), out.cumulative);
  for (Lanes& by : out.cumulative_by) by = chosen(is_outside, 0, by);
}

template <bool with_slopes>
void TableTrack::direct_with(const Lanes& residuals, TimingLanes& out) {
  const TimeAxisPieces& pieces = shape_.direct;
  Float8 powers[4][8]{};
  Lanes v = 0, scale = 1;
  for (std::size_t i = 0; i < Lanes::count; ++i) {
    const int number = pieces.locate(residuals[i]);
    if (number < 0) continue;
    const TimeAxisPieces::Piece& piece = pieces.piece(number);
    v.v[i] = (residuals[i] - piece.begin) * piece.scale;
    scale.v[i] = piece.scale;
    const Summed found = summed<with_slopes>(
        around_[i], shape_.length, [&](const float* row) { return load8(row + piece.first); });
    for (int j = 0; j < pieces.functions(); ++j) {
      const Float8& function = piece.function[static_cast<std::size_t>(j)];
      powers[0][i] += found.value[j] * function;
      if constexpr (with_slopes)
        for (int k = 0; k < 3; ++k) powers[k + 1][i] += found.slope[k][j] * function;
    }
  }
  set_times<with_slopes>(powers, pieces.degree(), v, scale, out);
  set_ends(residuals, out);
}

template <bool with_slopes>
void TableTrack::direct_of_with(std::size_t i, const Lanes* residuals, std::size_t vectors,
                                TimingLanes* out) {
  const TimeAxisPieces& pieces = shape_.direct;
  constexpr std::size_t parts = with_slopes ? 4 : 1;
  int numbers[most_vectors][Lanes::count];
  int begin = pieces.count(), end = 0;
  for (std::size_t m = 0; m < vectors; ++m)
    for (std::size_t k = 0; k < Lanes::count; ++k) {
      const int number = numbers[m][k] = pieces.locate(residuals[m][k]);
      if (number < 0) continue;
      begin = std::min(begin, number);
      end = std::max(end, number + 1);
    }
  if (end > begin) {
    const int first = pieces.piece(begin).first;
    const int count = pieces.piece(end - 1).first + 8 - first;
    const std::size_t stride = static_cast<std::size_t>(in_eights(count));
    for (int c = 0; c < count; c += 8) {
      const Summed found = summed<with_slopes>(
          around_[i], shape_.length, [&](const float* row) { return load8(row + first + c); });
      store(&coefficients_[static_cast<std::size_t>(c)], found.value);
      if constexpr (with_slopes)
        for (std::size_t k = 0; k < 3; ++k)
          store(&coefficients_[(k + 1) * stride + static_cast<std::size_t>(c)], found.slope[k]);
    }
    for (int number = begin; number < end; ++number) {
      const TimeAxisPieces::Piece& piece = pieces.piece(number);
      for (std::size_t q = 0; q < parts; ++q) {
        const float* const its =
            &coefficients_[q * stride + static_cast<std::size_t>(piece.first - first)];
        Float8 sum{};
        for (int j = 0; j < pieces.functions(); ++j)
          sum += its[j] * piece.function[static_cast<std::size_t>(j)];
        powers_[static_cast<std::size_t>(number)].of[q] = sum;
      }
    }
  }
  for (std::size_t m = 0; m < vectors; ++m) {
    Float8 powers[4][8]{};
    Lanes v = 0, scale = 1;
    for (std::size_t k = 0; k < Lanes::count; ++k) {
      if (numbers[m][k] < 0) continue;
      const TimeAxisPieces::Piece& piece = pieces.piece(numbers[m][k]);
      v.v[k] = (residuals[m][k] - piece.begin) * piece.scale;
      scale.v[k] = piece.scale;
      for (std::size_t q = 0; q < parts; ++q)
        powers[q][k] = powers_[static_cast<std::size_t>(numbers[m][k])].of[q];
    }
    set_times<with_slopes>(powers, pieces.degree(), v, scale, out[m]);
    set_ends(residuals[m], out[m]);
  }
}

template <bool with_slopes>
void TableTrack::noise_with(const Lanes (&residuals)[2], TimingLanes (&out)[2]) {
  Lanes begin[2], per_width[2];
  Float8 sums[4][Lanes::count];
  for (std::size_t i = 0; i < Lanes::count; ++i) {
    int at[2];
    for (int m = 0; m < 2; ++m) {
      const int node = shape_.node_at(residuals[m][i]);
      const float* const times = &shape_.nodes[static_cast<std::size_t>(node)];
      begin[m].v[i] = times[0];
      per_width[m].v[i] = 1 / (times[1] - times[0]);
      at[m] = shape_.noise_at + 2 * node;
    }
    const Summed found = summed<with_slopes>(around_[i], shape_.length, [at](const float* row) {
      return joined(row + at[0], row + at[1]);
    });
    sums[0][i] = found.value;
    for (int k = 0; k < 3; ++k) sums[k + 1][i] = found.slope[k];
  }
  for (int k = 0; k < (with_slopes ? 4 : 1); ++k) transpose(sums[k]);
  for (int m = 0; m < 2; ++m) {
    // Hermite's cubic.
    const Lanes f = lesser((residuals[m] - begin[m]) * per_width[m], 1), g = 1 - f;
    const Lanes width = inverse(per_width[m]);
    const Lanes v1 = f * f * (3 - 2 * f), s0 = width * (f * g * g),
                s1 = -1.0 * (width * (f * f * g));
    const Lanes dv = per_width[m] * (6 * f * g), ds0 = g * (1 - 3 * f), ds1 = f * (3 * f - 2);
    const Integer8 is_early =
        residuals[m].v<shape_.nodes[0], is_late = residuals[m].v> shape_.noise_high;
    const auto cumulative = [&](const Float8* of, int late) {
      const Lanes sum = of[0] + v1 * (Lanes(of[2]) - of[0]) + s0 * of[1] + s1 * of[3];
      return chosen(is_early, 0, chosen(is_late, late, sum));
    };
    const auto density = [&](const Float8* of) {
      const Lanes sum = dv * (Lanes(of[2]) - of[0]) + ds0 * of[1] + ds1 * of[3];
      return chosen(is_early | is_late, 0, sum);
    };
    TimingLanes& to = out[m];
    const Float8* const of = sums[0] + 4 * m;
    to.cumulative = cumulative(of, 1);
    to.density = density(of);
    const Lanes bend = per_width[m] * per_width[m] * (6 * (g - f)) * (Lanes(of[2]) - of[0]) +
                       per_width[m] * ((6 * f - 4) * of[1] + (6 * f - 2) * of[3]);
    to.density_slope = chosen(is_early | is_late, 0, bend);
    if constexpr (with_slopes)
      for (int k = 0; k < 3; ++k) {
        to.cumulative_by[k] = cumulative(sums[k + 1] + 4 * m, 0);
        to.density_by[k] = density(sums[k + 1] + 4 * m);
      }
  }
}

class RoughTableMuon final : public RoughMuon {
 public:
  explicit RoughTableMuon(const MuonTables& of) : of_(of), shape_(of_) {}
  std::unique_ptr<LightScratch> scratch() const override {
    return std::make_unique<Slices>(of_, shape_);
  }
  std::unique_ptr<RoughTrack> along(const TrackFrame&, double zenith, const MuonCharge& charge,
                                    LightScratch& scratch) const override {
    return std::make_unique<TableTrack>(of_, shape_, static_cast<Slices&>(scratch), zenith, charge);
  }

 private:
  MuonTables of_;
  Shape shape_;
};

}  // namespace

std::unique_ptr<const RoughMuon> rough_table_muon(const MuonTables& tables) {
  const SplineTable &amplitude = tables.bare.amplitude(), &timing = tables.bare.timing();
  if (!MuonSlice::suits(amplitude, tables.stochastic, timing)) return nullptr;
  for (const int axis : {rho_axis, azimuth_axis, amplitude_depth})
    if (!ParabolicAxis::suits(amplitude.basis(axis))) return nullptr;
  for (const int axis : {rho_axis, azimuth_axis, timing_depth})
    if (!ParabolicAxis::suits(timing.basis(axis))) return nullptr;
  if (!TimeAxisPieces::suits(tables.direct.basis())) return nullptr;
  return std::make_unique<RoughTableMuon>(tables);
}

}  // namespace skyscan

#include "millipede/response.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/constants.hpp"

namespace skyscan {

namespace {

// 1 below `from`, 0 above `to`, smooth between.
double fading(double r, double from, double to) {
  if (r <= from) return 1;
  if (r >= to) return 0;
  const double x = (to - r) / (to - from);
  return x * x * (3 - 2 * x);
}

double expected_share(double before, double after) { return std::max(0.0, after - before); }

bool has_one_bin(const DomBins& bins) { return bins.charges.size() == 1; }

// Edges at which a light model has to know its timing: none where all light falls into one bin.
std::size_t edges_needed(const DomBins& bins) { return has_one_bin(bins) ? 0 : bins.edges.size(); }

// Where a track comes closest to a place.
struct Approach {
  double length;  // m from the vertex along the track
  double square;  // m^2, of the distance there
};
Approach approach(const Track& track, const Vec3& place) {
  const Vec3 &n = track.direction, &v = track.position;
  const Vec3 d{place.x - v.x, place.y - v.y, place.z - v.z};
  const double length = d.x * n.x + d.y * n.y + d.z * n.z;
  return {length, std::max(0.0, d.x * d.x + d.y * d.y + d.z * d.z - length * length)};
}

// Spreads a DOM's light over its valid bins; returns what they hold together. `charged`: those with
// charge.
double spread(const DomBins& bins, double amplitude, const double* cumulative, double* charged) {
  double light = 0;
  std::size_t row = 0;
  for (std::size_t i = 0; i < bins.charges.size(); ++i) {
    if (!bins.valid[i]) continue;
    const double value = amplitude * expected_share(cumulative[i], cumulative[i + 1]);
    light += value;
    if (bins.charges[i] > 0) charged[row++] = value;
  }
  return light;
}

}  // namespace

double LitDom::share(std::size_t bin) const {
  return expected_share(cumulative[bin], cumulative[bin + 1]);
}

DetectorResponse::DetectorResponse(const CascadeLight& light, std::vector<MillipedeDom> doms,
                                   const ResponseOptions& options)
    : light_(light), scratch_(light.scratch()), doms_(std::move(doms)), options_(options) {
  for (std::size_t k = 0; k < doms_.size(); ++k) {
    const MillipedeDom& dom = doms_[k];
    const DomBins& bins = dom.bins;
    const std::size_t first_charged = charged_bins_;
    bool is_valid = false;
    double contrast = 0;
    for (std::size_t i = 0; i < bins.charges.size(); ++i) {
      if (!bins.valid[i]) continue;
      is_valid = true;
      if (!(bins.charges[i] > 0)) continue;
      ++charged_bins_;
      const double noise = dom.noise_rate * (bins.edges[i + 1] - bins.edges[i]);
      contrast = std::max(contrast, bins.charges[i] / noise);
    }
    if (!is_valid) continue;
    auto& members = charged_bins_ > first_charged ? hit_ : unhit_;
    members.push_back({k, first_charged, dom.site.efficiency, contrast});
  }
  // Shell s holds distances from s * shell_width; the bound covers it and everything beyond. Shell
  // numbers fit into a byte.
  for (int shell = 0; shell < 256; ++shell)
    bound_.push_back(light_.amplitude_bound(shell * options_.shell_width));
  for (std::size_t shell = bound_.size() - 1; shell-- > 0;)
    bound_[shell] = std::max(bound_[shell], bound_[shell + 1]);
}

double DetectorResponse::reach(double energy, double light) const {
  std::size_t shell = 0;
  while (shell + 1 < bound_.size() && energy * bound_[shell] > light) ++shell;
  return static_cast<double>(shell) * options_.shell_width;
}

// DOMs of one kind, by shells of distance from a cascade.
struct DetectorResponse::Shells {
  std::vector<std::uint8_t> shell;   // of every DOM
  std::vector<std::uint32_t> begin;  // first entry of `order` per shell, and the end
  std::vector<std::uint32_t> order;  // indices of DOMs, near ones first
  std::vector<double> beyond;        // most light in this shell and all further ones, weighted
};

DetectorResponse::Shells DetectorResponse::shells(const Vec3& position,
                                                  const std::vector<Member>& members,
                                                  double contrast) const {
  Shells shells;
  const std::size_t n = members.size(), last = bound_.size() - 1;
  shells.shell.resize(n);
  shells.begin.assign(bound_.size() + 1, 0);
  shells.beyond.assign(bound_.size() + 1, 0);
  for (std::size_t k = 0; k < n; ++k) {
    const double r = distance(position, doms_[members[k].dom].site.position);
    const auto shell = std::min(last, static_cast<std::size_t>(r / options_.shell_width));
    shells.shell[k] = static_cast<std::uint8_t>(shell);
    ++shells.begin[shell + 1];
    // Of a DOM's light that falls into one bin all counts as much as that bin does.
    const double weight = std::max(1.0, std::min(contrast, members[k].contrast));
    shells.beyond[shell] += members[k].efficiency * weight;
  }
  for (std::size_t shell = bound_.size(); shell-- > 0;)
    shells.beyond[shell] = shells.beyond[shell] * bound_[shell] + shells.beyond[shell + 1];
  for (std::size_t shell = 0; shell <= last; ++shell)
    shells.begin[shell + 1] += shells.begin[shell];
  shells.order.resize(n);
  std::vector<std::uint32_t> next(shells.begin.begin(), shells.begin.end() - 1);
  for (std::size_t k = 0; k < n; ++k)
    shells.order[next[shells.shell[k]]++] = static_cast<std::uint32_t>(k);
  return shells;
}

// One cascade's visit to the DOMs.
class DetectorResponse::Visit {
 public:
  Visit(const DetectorResponse& response, const Track& track, const Cascade& cascade,
        bool with_gradient, const See& see)
      : response_(response),
        track_(track),
        cascade_(cascade),
        with_gradient_(with_gradient),
        see_(see) {}

  void go(const FadingCutoff& cutoff) {
    for (const Member& member : response_.hit_) look_faded(member, {cutoff.from, cutoff.to});
    const Range range = response_.unhit_range(cutoff);
    for (const Member& member : response_.unhit_) look_faded(member, range);
  }

  void go(const ProvenCutoff& cutoff) {
    const auto &hit = response_.hit_, &unhit = response_.unhit_;
    const Shells hits = response_.shells(cascade_.position, hit, cutoff.most_contrast);
    const Shells unhits = response_.shells(cascade_.position, unhit, 0);
    bool goes_on_hit = !hit.empty(), goes_on_unhit = !unhit.empty();
    for (std::size_t shell = 0; shell < response_.bound_.size() && (goes_on_hit || goes_on_unhit);
         ++shell) {
      goes_on_hit = goes_on_hit && hits.beyond[shell] > cutoff.hit_share * found_;
      goes_on_unhit = goes_on_unhit && unhits.beyond[shell] > cutoff.unhit_share * found_;
      if (goes_on_hit)
        for (auto k = hits.begin[shell]; k < hits.begin[shell + 1]; ++k)
          look(hit[hits.order[k]], 1);
      if (goes_on_unhit)
        for (auto k = unhits.begin[shell]; k < unhits.begin[shell + 1]; ++k)
          look(unhit[unhits.order[k]], 1);
    }
  }

 private:
  void look_faded(const Member& member, const Range& range) {
    const Vec3& place = response_.doms_[member.dom].site.position;
    const double fade = fading(distance(cascade_.position, place), range.from, range.to);
    if (fade > 0) look(member, fade);
  }

  void look(const Member& member, double fade) {
    const MillipedeDom& dom = response_.doms_[member.dom];
    const std::size_t edges = edges_needed(dom.bins);
    if (cumulative_.size() < edges) {
      cumulative_.resize(edges);
      gradient_.resize(edges);
    }
    double amplitude = 0;
    Gradient4 gradient{};
    if (!response_.light_.evaluate(
            cascade_.position, track_.direction, track_.zenith, track_.azimuth, cascade_.time,
            dom.site, dom.bins.edges.data(), edges, amplitude, cumulative_.data(),
            with_gradient_ ? &gradient : nullptr, with_gradient_ ? gradient_.data() : nullptr) ||
        !(amplitude > 0))
      return;
    if (fade < 1) {
      amplitude *= fade;
      gradient = {fade * gradient.x, fade * gradient.y, fade * gradient.z, fade * gradient.t};
    }
    found_ += see_({dom, member.dom, member.first_charged, amplitude, gradient, cumulative_.data(),
                    gradient_.data()});
  }

  const DetectorResponse& response_;
  const Track& track_;
  const Cascade& cascade_;
  const bool with_gradient_;
  const See& see_;
  double found_ = 0;  // PE
  std::vector<double> cumulative_;
  std::vector<Gradient4> gradient_;
};

void DetectorResponse::for_each_lit_dom(const Track& track, const Cascade& cascade,
                                        const LightCutoff& cutoff, bool with_gradient,
                                        const See& see) const {
  Visit visit(*this, track, cascade, with_gradient, see);
  std::visit([&](const auto& kind) { visit.go(kind); }, cutoff);
}

void DetectorResponse::replace_column(const Track& track, const Cascade& cascade,
                                      const LightCutoff& cutoff, std::size_t j,
                                      Response& response) const {
  double& sum = response.sum[j];
  double* const column = response.column(j);
  sum = 0;
  std::fill_n(column, response.stride(), 0.0);
  for_each_lit_dom(track, cascade, cutoff, false, [&](const LitDom& lit) {
    const DomBins& bins = lit.dom.bins;
    double light = lit.amplitude;
    if (has_one_bin(bins)) {
      if (bins.charges[0] > 0) column[lit.first_charged] = light;
    } else {
      light = spread(bins, lit.amplitude, lit.cumulative, column + lit.first_charged);
    }
    sum += light;
    return light;
  });
}

Response DetectorResponse::columns(const Track& track, const std::vector<Cascade>& cascades,
                                   const LightCutoff& cutoff) const {
  if (cascades.empty()) return Response(charged_bins_, 0);
  if (const auto* const fading = std::get_if<FadingCutoff>(&cutoff))
    return faded_columns(track, cascades, *fading);
  Response response(charged_bins_, cascades.size());
  for (std::size_t j = 0; j < cascades.size(); ++j)
    replace_column(track, cascades[j], cutoff, j, response);
  return response;
}

DetectorResponse::Range DetectorResponse::unhit_range(const FadingCutoff& cutoff) const {
  if (has_many_unhit()) return {options_.many_from, options_.many_to};
  return {cutoff.from, cutoff.to};
}

// One DOM after the other, each for all of the track's cascades: what those share is worked out
// once for all of them.
Response DetectorResponse::faded_columns(const Track& track, const std::vector<Cascade>& cascades,
                                         const FadingCutoff& cutoff) const {
  const std::size_t columns = cascades.size();
  std::vector<double> lengths(columns);
  for (std::size_t j = 0; j < columns; ++j)
    lengths[j] = (cascades[j].time - track.time) * speed_of_light;
  Response response(charged_bins_, columns);
  response.sum = far_light(track, lengths, cutoff);
  const auto light_along = light_.along_track(track, lengths.data(), columns, *scratch_);
  std::vector<double> amplitude(columns), cumulative;
  const double near_from = options_.near_from, near_to = options_.near_to;
  const auto add = [&](const Member& member, const Range& range, bool only_near) {
    const MillipedeDom& dom = doms_[member.dom];
    const auto [length, square] = approach(track, dom.site.position);
    const double reach = only_near ? near_to : range.to;
    if (!(square < reach * reach)) return;
    const double wide = std::sqrt(reach * reach - square);
    const auto first = static_cast<std::size_t>(
        std::upper_bound(lengths.begin(), lengths.end(), length - wide) - lengths.begin());
    const auto last = static_cast<std::size_t>(
        std::lower_bound(lengths.begin(), lengths.end(), length + wide) - lengths.begin());
    if (first >= last) return;
    const DomBins& bins = dom.bins;
    const std::size_t edges = edges_needed(bins);
    if (cumulative.size() < edges * columns) cumulative.resize(edges * columns);
    light_along->evaluate(dom.site, first, last, bins.edges.data(), edges, amplitude.data(),
                          cumulative.data());
    for (std::size_t j = first; j < last; ++j) {
      double light = amplitude[j - first];
      if (!(light > 0)) continue;
      const double along = lengths[j] - length, r2 = square + along * along;
      if (r2 > range.from * range.from) light *= fading(std::sqrt(r2), range.from, range.to);
      if (only_near && r2 > near_from * near_from)
        light *= fading(std::sqrt(r2), near_from, near_to);
      double* const column = response.column(j) + member.first_charged;
      if (edges == 0) {
        response.sum[j] += light;
        if (bins.charges[0] > 0) column[0] = light;
      } else {
        response.sum[j] += spread(bins, light, cumulative.data() + (j - first) * edges, column);
      }
    }
  };
  for (const Member& member : hit_) add(member, {cutoff.from, cutoff.to}, false);
  const Range range = unhit_range(cutoff);
  for (const Member& member : unhit_) add(member, range, has_one_bin(doms_[member.dom].bins));
  return response;
}

// Light of one-bin DOMs without charge that are not near, PE per GeV, at `lengths` along the
// track: smooth, hence evaluated at few places and interpolated by the cubic through the four
// nearest.
std::vector<double> DetectorResponse::far_light(const Track& track,
                                                const std::vector<double>& lengths,
                                                const FadingCutoff& cutoff) const {
  const double step = options_.far_step;
  const long first = std::lround(std::floor(lengths.front() / step)) - 1;
  const long last = std::lround(std::floor(lengths.back() / step)) + 2;
  const auto count = static_cast<std::size_t>(last - first + 1);
  std::vector<bool> is_wanted(count, false);
  for (const double length : lengths) {
    const double whole = std::floor(length / step);
    const auto k = static_cast<std::size_t>(std::lround(whole) - first);
    for (std::size_t i = k - 1; i <= k + 2; ++i) is_wanted[i] = true;
  }
  std::vector<double> places;
  for (std::size_t i = 0; i < count; ++i)
    if (is_wanted[i]) places.push_back(static_cast<double>(first + static_cast<long>(i)) * step);
  const std::vector<double> wanted = far_light_at(track, places, cutoff);
  std::vector<double> found(count, 0);
  for (std::size_t i = 0, k = 0; i < count; ++i)
    if (is_wanted[i]) found[i] = wanted[k++];
  std::vector<double> light;
  light.reserve(lengths.size());
  for (const double length : lengths) {
    const double place = length / step, whole = std::floor(place), x = place - whole;
    const double* const at = &found[static_cast<std::size_t>(std::lround(whole) - first)];
    light.push_back(std::max(
        0.0, -x * (x - 1) * (x - 2) / 6 * at[-1] + (x + 1) * (x - 1) * (x - 2) / 2 * at[0] -
                 (x + 1) * x * (x - 2) / 2 * at[1] + (x + 1) * x * (x - 1) / 6 * at[2]));
  }
  return light;
}

std::vector<double> DetectorResponse::far_light_at(const Track& track,
                                                   const std::vector<double>& places,
                                                   const FadingCutoff& cutoff) const {
  std::vector<double> found(places.size(), 0), amplitude(places.size());
  const auto light_along = light_.along_track(track, places.data(), places.size(), *scratch_);
  const auto [from, to] = unhit_range(cutoff);
  const double near_from = options_.near_from, near_to = options_.near_to;
  const std::size_t stride = has_many_unhit() ? cutoff.unhit_stride : 1;
  for (std::size_t k = 0; k < unhit_.size(); k += stride) {
    const MillipedeDom& dom = doms_[unhit_[k].dom];
    if (!has_one_bin(dom.bins)) continue;
    const auto [length, square] = approach(track, dom.site.position);
    if (!(square < to * to)) continue;
    const double wide = std::sqrt(to * to - square);
    const auto begin = std::upper_bound(places.begin(), places.end(), length - wide);
    const auto end = std::lower_bound(begin, places.end(), length + wide);
    // Places too near are left out.
    const double close = std::sqrt(std::max(0.0, near_from * near_from - square));
    const auto hole = close > 0 ? std::lower_bound(begin, end, length - close) : end;
    const auto resume = close > 0 ? std::upper_bound(hole, end, length + close) : end;
    const auto add = [&, length = length, square = square, from = from, to = to](auto a, auto b) {
      if (a == b) return;
      const auto first = static_cast<std::size_t>(a - places.begin());
      const auto last = static_cast<std::size_t>(b - places.begin());
      light_along->evaluate(dom.site, first, last, nullptr, 0, amplitude.data(), nullptr);
      for (std::size_t i = first; i < last; ++i) {
        const double along = places[i] - length, r = std::sqrt(square + along * along);
        found[i] += static_cast<double>(stride) * amplitude[i - first] * fading(r, from, to) *
                    (1 - fading(r, near_from, near_to));
      }
    };
    add(begin, hole);
    add(resume, end);
  }
  return found;
}

}  // namespace skyscan

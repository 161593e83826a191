#include "millipede/starting_tracks.hpp"

#include <algorithm>
#include <cmath>

#include "base/constants.hpp"

namespace skyscan {

namespace {

// How badly first light fits direct and scattered Cherenkov light of a track displaced by (a, b)
// across, at all times of the grid.
class FirstLightCost {
 public:
  FirstLightCost(const std::vector<FirstLight>& hits, const TrackFrame& frame,
                 const StartingTrackOptions& options)
      : frame_(frame), options_(options) {
    double weight = 0;
    for (const FirstLight& hit : hits) {
      const auto [a, b, l] = frame.components(hit.position);
      hits_.push_back({a, b, hit.time - l / speed_of_light, std::sqrt(hit.charge)});
      centre_[0] += hit.charge * hits_.back().a;
      centre_[1] += hit.charge * hits_.back().b;
      centre_[2] += hit.charge * l;
      mean_time_ += hit.charge * hits_.back().time;
      weight += hit.charge;
    }
    for (double& c : centre_) c /= weight;
    mean_time_ /= weight;
  }

  int times() const { return options_.latest - options_.earliest + 1; }
  double time(int t) const { return mean_time_ + (options_.earliest + t) * options_.time_step; }
  double centre(int axis) const { return centre_[axis]; }

  void evaluate(double a, double b, std::vector<double>& costs) const {
    costs.assign(static_cast<std::size_t>(times()), 0);
    const double early_scale = 2 * options_.early_sigma * options_.early_sigma;
    const double most = options_.most_cost;
    for (const Hit& hit : hits_) {
      const double x = hit.a - a, y = hit.b - b, rho = std::sqrt(x * x + y * y);
      const double direct = rho * direct_delay_per_metre;
      const double width = options_.late_width + options_.late_per_metre * rho;
      const double spread = std::log(width / options_.late_width);
      const double per_width = 1 / width, latest_time = hit.time - direct;
      for (int t = 0; t < times(); ++t) {
        const double late = latest_time - time(t);
        const double misfit = late < 0 ? late * late / early_scale : late * per_width;
        costs[static_cast<std::size_t>(t)] += hit.weight * std::min(misfit + spread, most);
      }
    }
  }

  Track track(Track like, double a, double b, double time) const {
    const double l = centre_[2];
    like.position = frame_.vector(a, b, l);
    like.time = time + l / speed_of_light;
    return like;
  }

 private:
  struct Hit {
    double a, b, time, weight;
  };
  TrackFrame frame_;
  StartingTrackOptions options_;
  double centre_[3] = {0, 0, 0}, mean_time_ = 0;
  std::vector<Hit> hits_;
};

struct Place {
  double cost, a, b, time;
};

// The costs of a grid `side` places wide and deep, and `times` long.
struct Grid {
  int side, times;
  std::vector<Place> places;

  const Place& at(int i, int k, int t) const {
    return places[static_cast<std::size_t>((i * side + k) * times + t)];
  }
  bool is_minimum(int i, int k, int t) const {
    for (int p = std::max(0, i - 1); p <= std::min(side - 1, i + 1); ++p)
      for (int q = std::max(0, k - 1); q <= std::min(side - 1, k + 1); ++q)
        for (int r = std::max(0, t - 1); r <= std::min(times - 1, t + 1); ++r)
          if (at(p, q, r).cost < at(i, k, t).cost) return false;
    return true;
  }
};

Grid grid_of(const FirstLightCost& cost, double reach, double step) {
  const int n = static_cast<int>(std::ceil(reach / step));
  Grid grid{2 * n + 1, cost.times(), {}};
  std::vector<double> costs;
  for (int i = -n; i <= n; ++i)
    for (int k = -n; k <= n; ++k) {
      const double a = cost.centre(0) + i * step, b = cost.centre(1) + k * step;
      cost.evaluate(a, b, costs);
      for (int t = 0; t < grid.times; ++t)
        grid.places.push_back({costs[static_cast<std::size_t>(t)], a, b, cost.time(t)});
    }
  return grid;
}

}  // namespace

std::vector<Track> starting_tracks(const std::vector<FirstLight>& hits, const Track& like,
                                   const TrackFrame& frame, double reach, std::size_t most,
                                   const StartingTrackOptions& options) {
  const FirstLightCost cost(hits, frame, options);
  const Grid grid = grid_of(cost, reach, options.grid_step);
  std::vector<Place> minima;
  for (int i = 0; i < grid.side; ++i)
    for (int k = 0; k < grid.side; ++k)
      for (int t = 0; t < grid.times; ++t)
        if (grid.is_minimum(i, k, t)) minima.push_back(grid.at(i, k, t));
  std::sort(minima.begin(), minima.end(),
            [](const Place& x, const Place& y) { return x.cost < y.cost; });
  if (minima.size() > most) minima.resize(most);
  std::vector<Track> tracks;
  for (const Place& place : minima)
    tracks.push_back(cost.track(like, place.a, place.b, place.time));
  return tracks;
}

}  // namespace skyscan

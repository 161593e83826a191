#include "millipede/starting_tracks.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/constants.hpp"

namespace skyscan {

namespace {

// The grid of places where the search starts, across the track and along time.
constexpr double grid_step = 40;            // m
constexpr double time_step = 60;            // ns
constexpr int earliest = -25, latest = 12;  // time steps about the mean time of the light
constexpr int times = latest - earliest + 1;

// How badly first light fits direct and scattered Cherenkov light of the track displaced by (a, b)
// across and `delay` in time: early light is penalised like a Gaussian of 30 ns, late light like an
// exponential that widens with the distance; both level off, so that noise does not decide.
class FirstLightCost {
 public:
  FirstLightCost(const std::vector<FirstLight>& hits, const TrackFrame& frame) : frame_(frame) {
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

  // At all times.
  void look(double a, double b, std::array<double, times>& costs) const {
    costs.fill(0);
    for (const Hit& hit : hits_) {
      const double x = hit.a - a, y = hit.b - b, rho = std::sqrt(x * x + y * y);
      const double direct = rho * direct_delay_per_metre;
      const double width = 20 + 3 * rho, spread = std::log(width / 20);
      const double per_width = 1 / width, latest_time = hit.time - direct;
      for (int t = 0; t < times; ++t) {
        const double late = latest_time - time(t);
        const double misfit = late < 0 ? late * late / (2 * 30 * 30) : late * per_width;
        costs[static_cast<std::size_t>(t)] += hit.weight * std::min(misfit + spread, 8.0);
      }
    }
  }

  double time(int t) const { return mean_time_ + (earliest + t) * time_step; }  // ns
  double centre(int axis) const { return centre_[axis]; }
  // The vertex is next to the middle of the light.
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
  double centre_[3] = {0, 0, 0}, mean_time_ = 0;
  std::vector<Hit> hits_;
};

}  // namespace

std::vector<Track> first_light_starts(const std::vector<FirstLight>& hits, const Track& like,
                                      const TrackFrame& frame, double reach, std::size_t most) {
  const FirstLightCost cost(hits, frame);
  const int n = static_cast<int>(std::ceil(reach / grid_step)), side = 2 * n + 1;
  struct Point {
    double cost, a, b, time;
  };
  std::vector<Point> grid;
  std::array<double, times> costs;
  for (int i = -n; i <= n; ++i)
    for (int k = -n; k <= n; ++k) {
      const double a = cost.centre(0) + i * grid_step, b = cost.centre(1) + k * grid_step;
      cost.look(a, b, costs);
      for (int t = 0; t < times; ++t)
        grid.push_back({costs[static_cast<std::size_t>(t)], a, b, cost.time(t)});
    }
  const auto at = [&](int i, int k, int t) -> const Point& {
    return grid[static_cast<std::size_t>((i * side + k) * times + t)];
  };
  std::vector<Point> minima;
  for (int i = 0; i < side; ++i)
    for (int k = 0; k < side; ++k)
      for (int t = 0; t < times; ++t) {
        const Point& here = at(i, k, t);
        bool lowest = true;
        for (int p = std::max(0, i - 1); p <= std::min(side - 1, i + 1) && lowest; ++p)
          for (int q = std::max(0, k - 1); q <= std::min(side - 1, k + 1) && lowest; ++q)
            for (int r = std::max(0, t - 1); r <= std::min(times - 1, t + 1) && lowest; ++r)
              lowest = !(at(p, q, r).cost < here.cost);
        if (lowest) minima.push_back(here);
      }
  std::sort(minima.begin(), minima.end(),
            [](const Point& x, const Point& y) { return x.cost < y.cost; });
  if (minima.size() > most) minima.resize(most);
  std::vector<Track> tracks;
  for (const Point& point : minima)
    tracks.push_back(cost.track(like, point.a, point.b, point.time));
  return tracks;
}

}  // namespace skyscan

#include "millipede/far_light.hpp"

#include <algorithm>
#include <cmath>

namespace skyscan {

namespace {

// Lagrange's weights of the places -1, 0, 1 and 2 at x, 0 <= x < 1.
std::array<double, 4> cubic_weights(double x) {
  return {-x * (x - 1) * (x - 2) / 6, (x + 1) * (x - 1) * (x - 2) / 2, -(x + 1) * x * (x - 2) / 2,
          (x + 1) * x * (x - 1) / 6};
}

struct Cell {
  long first;  // of four places
  std::array<double, 4> weights;

  explicit Cell(double place)
      : first(std::lround(std::floor(place)) - 1),
        weights(cubic_weights(place - std::floor(place))) {}
};

// The places of the cells of ascending numbers, each once.
std::vector<long> places_of(const std::vector<Cell>& cells) {
  std::vector<long> places;
  for (const Cell& cell : cells)
    for (long place = places.empty() ? cell.first : std::max(cell.first, places.back() + 1);
         place < cell.first + 4; ++place)
      places.push_back(place);
  return places;
}

}  // namespace

std::vector<double> FarLightLattice::along(const Track& track, const std::vector<double>& lengths,
                                           const AtPlaces& at_places) {
  const Vec3 &n = track.direction, &before = direction_;
  if (n.x != before.x || n.y != before.y || n.z != before.z || lines_.size() > most_lines) {
    lines_.clear();
    direction_ = n;
  }
  const TrackFrame frame(n);
  const Vec3 vertex = frame.components(track.position);
  std::vector<Cell> cells;
  for (const double length : lengths) cells.emplace_back((vertex.z + length) / step_);
  const std::vector<long> places = places_of(cells);
  const std::vector<double> found = across(track, frame, vertex, places, at_places);
  std::vector<double> light;
  light.reserve(lengths.size());
  std::size_t k = 0;
  for (const Cell& cell : cells) {
    while (places[k] < cell.first) ++k;
    double sum = 0;
    for (std::size_t i = 0; i < 4; ++i) sum += cell.weights[i] * found[k + i];
    light.push_back(std::max(0.0, sum));
  }
  return light;
}

// At these places along the track, from the lines around it.
std::vector<double> FarLightLattice::across(const Track& track, const TrackFrame& frame,
                                            const Vec3& vertex, const std::vector<long>& places,
                                            const AtPlaces& at_places) {
  const Cell a(vertex.x / step_), b(vertex.y / step_);
  std::vector<double> sum(places.size(), 0);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t k = 0; k < 4; ++k) {
      const std::pair<long, long> at{a.first + static_cast<long>(i),
                                     b.first + static_cast<long>(k)};
      Line& line = lines_[at];
      add_places(track, frame, at, places, at_places, line);
      const double weight = a.weights[i] * b.weights[k];
      for (std::size_t p = 0; p < places.size(); ++p)
        sum[p] += weight * line.values[static_cast<std::size_t>(places[p] - line.first)];
    }
  return sum;
}

// Makes those of these places that the line does not have.
void FarLightLattice::add_places(const Track& track, const TrackFrame& frame,
                                 const std::pair<long, long>& across,
                                 const std::vector<long>& places, const AtPlaces& at_places,
                                 Line& line) const {
  const double none = std::nan("");
  std::vector<double>& values = line.values;
  if (values.empty()) line.first = places.front();
  if (places.front() < line.first) {
    values.insert(values.begin(), static_cast<std::size_t>(line.first - places.front()), none);
    line.first = places.front();
  }
  const auto index = [&](long place) { return static_cast<std::size_t>(place - line.first); };
  if (values.size() <= index(places.back())) values.resize(index(places.back()) + 1, none);
  std::vector<long> missing;
  for (const long place : places)
    if (std::isnan(values[index(place)])) missing.push_back(place);
  if (missing.empty()) return;
  Track of_line = track;
  of_line.position = frame.vector(static_cast<double>(across.first) * step_,
                                  static_cast<double>(across.second) * step_, 0);
  std::vector<double> lengths;
  for (const long place : missing) lengths.push_back(static_cast<double>(place) * step_);
  const std::vector<double> found = at_places(of_line, lengths);
  for (std::size_t i = 0; i < missing.size(); ++i) values[index(missing[i])] = found[i];
}

}  // namespace skyscan

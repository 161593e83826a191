// Pandel distributions in single precision, eight residuals at a time: for searches. The tables and
// what is interpolated between them are those of the exact ones (pandel.hpp, pandel_family.hpp).
#pragma once

#include <cstddef>
#include <vector>

#include "light/pandel_family.hpp"
#include "light/timing_lanes.hpp"
#include "math/lanes.hpp"

namespace skyscan {

class PandelLanes {
 public:
  // Of every rate, or of one: then rates are of no account.
  explicit PandelLanes(const PandelFamily& exact);
  explicit PandelLanes(const ConvolutedPandel& exact);

  // Where the distributions of eight shapes and rates are in the tables, and how they weigh.
  struct Rows {
    Integer8 node;  // the slower table's first for the lower of two shapes
    Lanes value[2], slope[2], by_shape[2], slope_by_shape[2];  // of the two shapes' nodes
    Lanes share, by_rate;  // the faster table's share, and its slope by the rate's logarithm
    Lanes decay;           // 1/ns: of what is later than the table
  };
  // Rates by their logarithm (1/ns).
  Rows rows(const Lanes& shape, const Lanes& log_rate) const;

  // At eight residuals [ns]: each by its own row, or all by one of them. Parameters: the shape, and
  // the logarithm of the rate.
  template <bool with_slopes>
  TimingLanes by_each(const Rows& rows, const Lanes& residuals) const;
  template <bool with_slopes>
  TimingLanes by_one(const Rows& rows, std::size_t which, const Lanes& residuals) const;

 private:
  struct Corners;
  template <bool with_slopes>
  struct Weights;
  void take(const ConvolutedPandel& exact);
  template <bool with_slopes, bool has_rates>
  void gather(const Weights<with_slopes>& weights, std::size_t node, std::size_t i,
              Corners& corners) const;
  template <bool with_slopes, bool has_rates, bool is_one>
  TimingLanes at(const Rows& rows, std::size_t which, const Lanes& residuals) const;
  template <bool with_slopes>
  void leave_table(const Lanes& decay, const Lanes& wanted, TimingLanes& out) const;

  float sigma_ = 1, inverse_sigma_ = 1, last_ = 0;
  std::size_t times_ = 0;      // nodes per shape
  std::size_t per_table_ = 0;  // nodes
  std::vector<float> rates_;
  // Table after table, shape after shape: as ConvolutedPandel::Node, eight numbers each.
  std::vector<float> nodes_;
};

}  // namespace skyscan

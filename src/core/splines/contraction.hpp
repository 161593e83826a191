// A contraction: a table's coefficients summed at one point along every axis but the inner one.
//
// It is planned first (which blocks of coefficients, with which weights), so that a caller can
// fetch them while another point is computed; then swept, four coefficients of the inner axis at a
// time.
#pragma once

#include "splines/basis.hpp"
#include "splines/coefficient_store.hpp"

namespace skyscan {

// What a contraction reads and with which weights.
struct ContractionPlan {
  static constexpr int most_leading = 3;   // axes before the last three
  static constexpr int most_blocks = 512;  // combinations of their functions
  struct Block {
    const float* values;
    double weight;
    double slope[most_leading];  // the weight's derivative along each leading axis
  };
  int leading = 0;
  const BasisValues *outer, *middle;
  int outer_offset[BasisValues::most_width], middle_offset[BasisValues::most_width];
  int blocks = 0;
  Block block[most_blocks];
};

// Plans at `at`, one per axis of the table (the inner one's is ignored), which the plan points to.
// Without slopes only the value can be swept for.
void plan_contraction(const Coefficients& coefficients, int dimensions, const int* sizes,
                      const BasisValues* at, bool with_slopes, ContractionPlan& plan);

// What a sweep is to give: the value, then the derivatives along the axes of a bit mask, lowest
// axis first. The inner axis's bit is ignored.
struct ContractionChannels {
  static constexpr int most = ContractionPlan::most_leading + 3;
  ContractionChannels(const Coefficients& coefficients, int dimensions, unsigned slopes);
  int count = 1;
  int result[most];  // its number among a sweep's results
};

// Coefficients of the remaining one-dimensional spline from number 4 * from on, 4 * fours of them,
// channel after channel.
void contract(const ContractionPlan& plan, const ContractionChannels& channels, int from, int fours,
              double* out);

}  // namespace skyscan

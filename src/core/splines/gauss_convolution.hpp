// A spline axis convolved with another B-spline, as a transformation of its coefficients.
//
// photospline stores convolved tables with single-precision coefficients on all sums of old and
// kernel knots; these are its numbers. (SplineBasis has the exact convolution, without new
// coefficients.)
#pragma once

#include <vector>

namespace skyscan {

class SplineConvolution {
 public:
  // Ascending, distinct `knots` of a spline of this order; `kernel`: ascending knots of the
  // unit-area B-spline to convolve with. K. Stroem, J. Comput. Appl. Math. 55 (1994) 1.
  SplineConvolution(const std::vector<double>& knots, int order, const std::vector<double>& kernel);
  static bool possible(const std::vector<double>& knots);

  const std::vector<double>& knots() const { return knots_; }
  int order() const { return order_; }

  // New coefficient `number` from `old(i)`, the old ones. Summed in single precision, in order.
  template <typename Old>
  float coefficient(int number, const Old& old) const {
    const Row& row = rows_[static_cast<std::size_t>(number)];
    float sum = 0;
    for (std::size_t i = 0; i < row.weight.size(); ++i)
      sum = static_cast<float>(static_cast<double>(sum) +
                               row.weight[i] *
                                   static_cast<double>(old(row.first + static_cast<int>(i))));
    return sum;
  }

 private:
  struct Row {
    int first = 0;
    std::vector<double> weight;
  };
  std::vector<double> knots_;
  int order_;
  std::vector<Row> rows_;
};

}  // namespace skyscan

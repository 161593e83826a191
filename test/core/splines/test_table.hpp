// A spline table in a file, made for a test and gone after it.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "splines/writer.hpp"

namespace skyscan {

struct TestAxis {
  int order;
  std::vector<double> knots;
  int size() const { return static_cast<int>(knots.size()) - order - 1; }
};

class TestTable {
 public:
  // `coefficient` of an index per axis.
  TestTable(const std::vector<TestAxis>& axes,
            const std::function<double(const std::vector<int>&)>& coefficient,
            const std::string& keys = "") {
    std::vector<std::int32_t> orders, counts;
    std::vector<double> knots, extents;
    std::size_t total = 1;
    for (const auto& axis : axes) {
      orders.push_back(axis.order);
      counts.push_back(static_cast<std::int32_t>(axis.knots.size()));
      knots.insert(knots.end(), axis.knots.begin(), axis.knots.end());
      extents.push_back(axis.knots.front());
      extents.push_back(axis.knots.back());
      total *= static_cast<std::size_t>(axis.size());
    }
    std::vector<int> index(axes.size(), 0);
    for (std::size_t i = 0; i < total; ++i) {
      coefficients_.push_back(static_cast<float>(coefficient(index)));
      for (std::size_t a = axes.size(); a-- > 0;) {
        if (++index[a] < axes[a].size()) break;
        index[a] = 0;
      }
    }
    char place[] = "/tmp/skyscan-core-test-XXXXXX";
    ::close(::mkstemp(place));
    path_ = place;
    write_spline_table(path_, static_cast<int>(axes.size()), orders.data(), counts.data(),
                       knots.data(), extents.data(), coefficients_.data(), true, keys);
  }
  ~TestTable() { std::remove(path_.c_str()); }
  TestTable(const TestTable&) = delete;
  TestTable& operator=(const TestTable&) = delete;

  const std::string& path() const { return path_; }
  // In C order.
  const std::vector<float>& coefficients() const { return coefficients_; }

 private:
  std::string path_;
  std::vector<float> coefficients_;
};

}  // namespace skyscan

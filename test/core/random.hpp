// Numbers for tests, the same in every run.
#pragma once

#include <random>

namespace skyscan {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(engine_()) / static_cast<double>(engine_.max());
  }

 private:
  std::mt19937 engine_;
};

}  // namespace skyscan

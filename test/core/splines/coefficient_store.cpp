#include "splines/coefficient_store.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "test_table.hpp"

using namespace skyscan;

namespace {

std::vector<TestAxis> axes_of(const std::vector<int>& shape) {
  std::vector<TestAxis> axes;
  for (const int size : shape) {
    axes.push_back({0, {}});
    for (int i = 0; i <= size; ++i) axes.back().knots.push_back(i);
  }
  return axes;
}

double numbered(const std::vector<int>& index) {
  double number = 0;
  for (const int i : index) number = 100 * number + i + 1;
  return number;
}

// Every coefficient is where its offsets say.
void check_all(const TestTable& written, const std::vector<int>& shape, int inner) {
  const FitsFile file(written.path());
  const Coefficients store(file, file.hdus().front(), shape, inner);
  const int n = static_cast<int>(shape.size());
  std::vector<int> index(shape.size(), 0);
  bool all_right = true;
  for (const float expected : written.coefficients()) {
    std::int64_t block = 0;
    for (int axis = 0; axis < n - 3; ++axis)
      block = block * shape[static_cast<std::size_t>(axis)] + index[static_cast<std::size_t>(axis)];
    const auto at = [&](int axis) { return index[static_cast<std::size_t>(axis)]; };
    int offset = Coefficients::inner_offset(at(inner));
    if (store.outer() >= 0) offset += store.outer_offset(at(store.outer()));
    if (store.middle() >= 0) offset += store.middle_offset(at(store.middle()));
    all_right = all_right && store.block(block)[offset] == expected;
    for (std::size_t a = shape.size(); a-- > 0;) {
      if (++index[a] < shape[a]) break;
      index[a] = 0;
    }
  }
  CHECK(all_right);
}

}  // namespace

TEST_CASE("every coefficient is where its offsets say, for any shape and inner axis") {
  for (const std::vector<int>& shape :
       {std::vector<int>{9}, {3, 6}, {4, 3, 5}, {2, 3, 4, 7}, {2, 2, 3, 5, 3}}) {
    const TestTable written(axes_of(shape), numbered);
    for (int inner = std::max<int>(0, static_cast<int>(shape.size()) - 3);
         inner < static_cast<int>(shape.size()); ++inner)
      check_all(written, shape, inner);
  }
}

TEST_CASE("big tables are converted once into a file which a second opening shares") {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("skyscan-store-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before != nullptr ? before : "";
  ::setenv("TMPDIR", folder.c_str(), 1);
  {
    const std::vector<int> shape{40, 32, 40, 44};
    const TestTable written(axes_of(shape), numbered);
    const FitsFile file(written.path());
    const Coefficients first(file, file.hdus().front(), shape, 3);
    CHECK(first.place().find(folder.string()) == 0);
    const float value = first.block(7)[first.outer_offset(5)];
    const Coefficients second(file, file.hdus().front(), shape, 3);
    CHECK(second.place() == first.place());
    CHECK(second.block(7)[second.outer_offset(5)] == value);
    check_all(written, shape, 1);
  }
  before != nullptr ? ::setenv("TMPDIR", kept.c_str(), 1) : ::unsetenv("TMPDIR");
  std::filesystem::remove_all(folder);
}

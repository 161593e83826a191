#include "splines/fits.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "base/errors.hpp"
#include "splines/table.hpp"
#include "test_table.hpp"

using namespace skyscan;

namespace {

const std::vector<TestAxis> axes{{1, {0, 1, 2, 3}}, {1, {0, 2, 4, 6, 8}}};
double numbered(const std::vector<int>& index) { return 10 * index[0] + index[1]; }

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}
std::string read(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

}  // namespace

TEST_CASE("a FITS file's headers and values are read back") {
  const TestTable written(axes, numbered, "LEVEL=2");
  const FitsFile file(written.path());
  REQUIRE(file.hdus().size() == 4);
  const FitsHdu& image = file.hdus().front();
  CHECK(image.naxis == std::vector<std::int64_t>{3, 2});  // the fastest axis first
  CHECK(file.values(image) == std::vector<double>{0, 1, 2, 10, 11, 12});
  float some[2];
  file.floats(image, 3, 2, some);
  CHECK(some[0] == 10);
  CHECK(some[1] == 11);
  CHECK(file.integer(image, "LEVEL") == 2);
  CHECK(file.integer(image, "NONE") == std::nullopt);
  const FitsHdu* knots = file.find("KNOTS1");
  REQUIRE(knots != nullptr);
  CHECK(file.values(*knots) == axes[1].knots);
}

TEST_CASE("a table cut anywhere or with a damaged card is refused by name") {
  const TestTable written(axes, numbered);
  const std::string whole = read(written.path());
  // Two blocks each for coefficients and first knots, the header of the second knots and those
  // five. What comes after, padding and extents, a table need not have.
  const std::size_t needed = 5 * 2880 + 5 * sizeof(double);
  for (std::size_t length = 0; length < needed; length += 997) {
    CAPTURE(length);
    write(written.path(), whole.substr(0, length));
    CHECK_THROWS_WITH_AS(SplineTable{written.path()}, doctest::Contains(written.path().c_str()),
                         BadInput);
  }
  std::string damaged = whole;
  damaged.replace(damaged.find("NAXIS1"), 30, "NAXIS1  =           1234567890");
  write(written.path(), damaged);
  CHECK_THROWS_WITH_AS(FitsFile{written.path()}, doctest::Contains("truncated"), BadInput);
  CHECK_THROWS_WITH_AS(FitsFile{"/tmp/no-such-file"}, doctest::Contains("/tmp/no-such-file"),
                       BadInput);
}

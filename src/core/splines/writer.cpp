#include "splines/writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>
#include <vector>

#include "base/errors.hpp"
#include "splines/basis.hpp"
#include "splines/collocation.hpp"

namespace skyscan {

namespace {

using Size = std::size_t;
constexpr Size fits_block_bytes = 2880;

// The cards of one header.
class Header {
 public:
  void add(const char* key, const std::string& value) {
    char card[96];
    std::snprintf(card, sizeof card, "%-8.8s= %20s", key, value.c_str());
    raw(card);
  }
  void number(const std::string& key, std::int64_t value) {
    add(key.c_str(), std::to_string(value));
  }
  void text(const char* key, const std::string& value) {
    char card[96];
    std::snprintf(card, sizeof card, "%-8.8s= '%-8s'", key, value.c_str());
    raw(card);
  }
  std::string finished() {
    raw("END");
    bytes_.resize((bytes_.size() + fits_block_bytes - 1) / fits_block_bytes * fits_block_bytes,
                  ' ');
    return bytes_;
  }

 private:
  void raw(std::string card) {
    card.resize(80, ' ');
    bytes_ += card;
  }
  std::string bytes_;
};

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// An image's values in FITS's byte order, filled up to whole blocks with zeros.
template <typename Number, typename Word>
void put(std::FILE* file, const Number* values, Size count, Word (*swap)(Word)) {
  std::vector<Word> words(std::min<Size>(count, 1 << 16));
  Size bytes = 0;
  for (Size start = 0; start < count; start += words.size()) {
    const Size n = std::min(words.size(), count - start);
    std::memcpy(words.data(), values + start, n * sizeof(Word));
    for (Size i = 0; i < n; ++i) words[i] = swap(words[i]);
    bytes += n * sizeof(Word);
    std::fwrite(words.data(), sizeof(Word), n, file);
  }
  const std::vector<char> padding((fits_block_bytes - bytes % fits_block_bytes) % fits_block_bytes,
                                  '\0');
  std::fwrite(padding.data(), 1, padding.size(), file);
}

std::uint32_t swap32(std::uint32_t word) { return __builtin_bswap32(word); }
std::uint64_t swap64(std::uint64_t word) { return __builtin_bswap64(word); }

// One axis of the table to be written.
struct Axis {
  int order;
  std::vector<double> knots;
  Size size() const { return knots.size() - static_cast<Size>(order) - 1; }
};

std::vector<Axis> axes_of(const std::string& path, int axes, const std::int32_t* orders,
                          const std::int32_t* knot_counts, const double* knots) {
  std::vector<Axis> list;
  for (int axis = 0; axis < axes; ++axis) {
    if (knot_counts[axis] - orders[axis] - 1 < 1)
      throw BadInput(path + ": axis " + std::to_string(axis) + " has too few knots for its order");
    list.push_back({orders[axis], std::vector<double>(knots, knots + knot_counts[axis])});
    knots += knot_counts[axis];
  }
  return list;
}

// Coefficients of the spline through the samples, axis by axis.
std::vector<float> interpolated(const std::vector<Axis>& axes, const float* samples, Size total) {
  std::vector<double> all(samples, samples + total);
  Size inner = total;
  for (const Axis& axis : axes) {
    const Size n = axis.size();
    inner /= n;
    const Collocation collocation(SplineBasis(axis.knots, axis.order));
    std::vector<double> line(n);
    for (Size outer = 0; outer < total / (n * inner); ++outer)
      for (Size k = 0; k < inner; ++k) {
        double* start = &all[outer * n * inner + k];
        for (Size i = 0; i < n; ++i) line[i] = start[i * inner];
        collocation.solve(line.data());
        for (Size i = 0; i < n; ++i) start[i * inner] = line[i];
      }
  }
  return std::vector<float>(all.begin(), all.end());
}

void write_header(std::FILE* file, Header header) {
  const std::string bytes = header.finished();
  std::fwrite(bytes.data(), 1, bytes.size(), file);
}

void write_coefficients(std::FILE* file, const std::vector<Axis>& axes, const float* coefficients,
                        Size total, const std::string& keys) {
  Header header;
  header.add("SIMPLE", "T");
  header.number("BITPIX", std::int64_t{-32});
  header.number("NAXIS", static_cast<std::int64_t>(axes.size()));
  for (Size axis = 0; axis < axes.size(); ++axis)
    header.number("NAXIS" + std::to_string(axis + 1),
                  static_cast<std::int64_t>(axes[axes.size() - 1 - axis].size()));
  header.add("EXTEND", "T");
  header.text("TYPE", "Spline Coefficient Table");
  for (Size axis = 0; axis < axes.size(); ++axis) {
    header.number("ORDER" + std::to_string(axis), axes[axis].order);
    header.number("PERIOD" + std::to_string(axis), std::int64_t{0});
  }
  std::istringstream lines(keys);
  for (std::string line; std::getline(lines, line);)
    if (const auto equals = line.find('='); equals != std::string::npos)
      header.add(line.substr(0, equals).c_str(), line.substr(equals + 1));
  write_header(file, header);
  put<float, std::uint32_t>(file, coefficients, total, swap32);
}

void write_image(std::FILE* file, const std::string& name, const double* values, Size count) {
  Header header;
  header.text("XTENSION", "IMAGE");
  header.number("BITPIX", std::int64_t{-64});
  header.number("NAXIS", std::int64_t{1});
  header.number("NAXIS1", static_cast<std::int64_t>(count));
  header.number("PCOUNT", std::int64_t{0});
  header.number("GCOUNT", std::int64_t{1});
  header.text("EXTNAME", name);
  write_header(file, header);
  put<double, std::uint64_t>(file, values, count, swap64);
}

}  // namespace

void write_spline_table(const std::string& path, int axes, const std::int32_t* orders,
                        const std::int32_t* knot_counts, const double* knots, const double* extents,
                        const float* samples, bool is_coefficients, const std::string& keys) {
  const std::vector<Axis> list = axes_of(path, axes, orders, knot_counts, knots);
  Size total = 1;
  for (const Axis& axis : list) total *= axis.size();
  std::vector<float> solved;
  if (!is_coefficients) {
    solved = interpolated(list, samples, total);
    samples = solved.data();
  }

  const std::string temporary = path + ".new";
  const std::unique_ptr<std::FILE, Closer> file(std::fopen(temporary.c_str(), "wb"));
  if (!file) throw BadInput(temporary + ": cannot be written: " + std::strerror(errno));
  write_coefficients(file.get(), list, samples, total, keys);
  for (Size axis = 0; axis < list.size(); ++axis)
    write_image(file.get(), "KNOTS" + std::to_string(axis), list[axis].knots.data(),
                list[axis].knots.size());
  write_image(file.get(), "EXTENTS", extents, 2 * list.size());
  if (std::fflush(file.get()) != 0 || std::ferror(file.get()) != 0) {
    std::remove(temporary.c_str());
    throw BadInput(temporary + ": cannot be written: " + std::strerror(errno));
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    throw BadInput(path + ": cannot be written: " + std::strerror(errno));
}

}  // namespace skyscan

#include "splines/writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>
#include <vector>

#include "base/errors.hpp"
#include "splines/basis.hpp"

namespace skyscan {

namespace {

using Size = std::size_t;
constexpr Size kBlock = 2880;

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
    bytes_.resize((bytes_.size() + kBlock - 1) / kBlock * kBlock, ' ');
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
  const std::vector<char> padding((kBlock - bytes % kBlock) % kBlock, '\0');
  std::fwrite(padding.data(), 1, padding.size(), file);
}

std::uint32_t swap32(std::uint32_t word) { return __builtin_bswap32(word); }
std::uint64_t swap64(std::uint64_t word) { return __builtin_bswap64(word); }

// Solves the banded collocation system of one axis: LU without pivoting, safe because the matrix
// is totally positive (C. de Boor, A Practical Guide to Splines, ch. XIII).
class Collocation {
 public:
  Collocation(const SplineBasis& basis) : n_(basis.size()), w_(basis.width()) {
    rows_.assign(static_cast<Size>(n_) * band(), 0.0);
    std::vector<double> values(static_cast<Size>(w_));
    const auto points = basis.sites();
    for (int i = 0; i < n_; ++i) {
      // A first abscissa on a repeated first knot is outside by photospline's rule: take its limit.
      double x = points[static_cast<Size>(i)];
      int interval = basis.locate(x);
      if (interval < 0) interval = 0;
      basis.evaluate(interval, x, 1, values.data(), w_);
      for (int j = 0; j < w_; ++j) {
        const int column = basis.first(interval) + j;
        if (column > i - w_ && column < i + w_) at(i, column) = values[static_cast<Size>(j)];
      }
    }
    for (int k = 0; k < n_; ++k)
      for (int i = k + 1; i < std::min(n_, k + w_); ++i) {
        const double factor = at(i, k) / at(k, k);
        at(i, k) = factor;
        for (int j = k + 1; j < std::min(n_, k + w_); ++j) at(i, j) -= factor * at(k, j);
      }
  }
  void solve(double* values) {
    for (int i = 0; i < n_; ++i)
      for (int k = std::max(0, i - w_ + 1); k < i; ++k) values[i] -= at(i, k) * values[k];
    for (int i = n_; i-- > 0;) {
      for (int k = i + 1; k < std::min(n_, i + w_); ++k) values[i] -= at(i, k) * values[k];
      values[i] /= at(i, i);
    }
  }

 private:
  Size band() const { return static_cast<Size>(2 * w_ - 1); }
  double& at(int i, int j) {
    return rows_[static_cast<Size>(i) * band() + static_cast<Size>(j - i + w_ - 1)];
  }
  int n_, w_;
  std::vector<double> rows_;
};

}  // namespace

void write_spline_table(const std::string& path, int axes, const std::int32_t* orders,
                        const std::int32_t* knot_counts, const double* knots, const double* extents,
                        const float* samples, bool is_coefficients, const std::string& keys) {
  std::vector<Size> sizes;
  Size total = 1;
  std::vector<const double*> knots_of;
  for (int axis = 0; axis < axes; ++axis) {
    const int size = knot_counts[axis] - orders[axis] - 1;
    if (size < 1)
      throw BadInput(path + ": axis " + std::to_string(axis) + " has too few knots for its order");
    sizes.push_back(static_cast<Size>(size));
    total *= sizes.back();
    knots_of.push_back(knots);
    knots += knot_counts[axis];
  }
  std::vector<float> solved;
  if (!is_coefficients) {
    std::vector<double> all(samples, samples + total);
    Size inner = total;
    for (int axis = 0; axis < axes; ++axis) {
      const Size n = sizes[static_cast<Size>(axis)];
      inner /= n;
      const SplineBasis basis(
          std::vector<double>(knots_of[static_cast<Size>(axis)],
                              knots_of[static_cast<Size>(axis)] + knot_counts[axis]),
          orders[axis]);
      Collocation collocation(basis);
      std::vector<double> line(n);
      for (Size outer = 0; outer < total / (n * inner); ++outer)
        for (Size k = 0; k < inner; ++k) {
          double* start = &all[outer * n * inner + k];
          for (Size i = 0; i < n; ++i) line[i] = start[i * inner];
          collocation.solve(line.data());
          for (Size i = 0; i < n; ++i) start[i * inner] = line[i];
        }
    }
    solved.assign(all.begin(), all.end());
    samples = solved.data();
  }

  const std::string temporary = path + ".new";
  const std::unique_ptr<std::FILE, Closer> file(std::fopen(temporary.c_str(), "wb"));
  if (!file) throw BadInput(temporary + ": cannot be written: " + std::strerror(errno));
  const auto write_header = [&](Header header) {
    const std::string bytes = header.finished();
    std::fwrite(bytes.data(), 1, bytes.size(), file.get());
  };
  Header primary;
  primary.add("SIMPLE", "T");
  primary.number("BITPIX", std::int64_t{-32});
  primary.number("NAXIS", axes);
  for (int axis = 0; axis < axes; ++axis)
    primary.number("NAXIS" + std::to_string(axis + 1),
                   static_cast<std::int64_t>(sizes[static_cast<Size>(axes - 1 - axis)]));
  primary.add("EXTEND", "T");
  primary.text("TYPE", "Spline Coefficient Table");
  for (int axis = 0; axis < axes; ++axis) {
    primary.number("ORDER" + std::to_string(axis), orders[axis]);
    primary.number("PERIOD" + std::to_string(axis), std::int64_t{0});
  }
  std::istringstream lines(keys);
  for (std::string line; std::getline(lines, line);)
    if (const auto equals = line.find('='); equals != std::string::npos)
      primary.add(line.substr(0, equals).c_str(), line.substr(equals + 1));
  write_header(primary);
  put<float, std::uint32_t>(file.get(), samples, total, swap32);

  const auto write_image = [&](const std::string& name, const double* values, Size count) {
    Header header;
    header.text("XTENSION", "IMAGE");
    header.number("BITPIX", std::int64_t{-64});
    header.number("NAXIS", std::int64_t{1});
    header.number("NAXIS1", static_cast<std::int64_t>(count));
    header.number("PCOUNT", std::int64_t{0});
    header.number("GCOUNT", std::int64_t{1});
    header.text("EXTNAME", name);
    write_header(header);
    put<double, std::uint64_t>(file.get(), values, count, swap64);
  };
  for (int axis = 0; axis < axes; ++axis)
    write_image("KNOTS" + std::to_string(axis), knots_of[static_cast<Size>(axis)],
                static_cast<Size>(knot_counts[axis]));
  write_image("EXTENTS", extents, static_cast<Size>(2 * axes));
  if (std::fflush(file.get()) != 0 || std::ferror(file.get()) != 0) {
    std::remove(temporary.c_str());
    throw BadInput(temporary + ": cannot be written: " + std::strerror(errno));
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    throw BadInput(path + ": cannot be written: " + std::strerror(errno));
}

}  // namespace skyscan

#include "splines/fits.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/errors.hpp"

namespace skyscan {

namespace {

constexpr std::int64_t block_bytes = 2880;
constexpr std::int64_t card_bytes = 80;

std::string trimmed(std::string text) {
  const auto last = text.find_last_not_of(' ');
  text.erase(last == std::string::npos ? 0 : last + 1);
  text.erase(0, text.find_first_not_of(' '));
  return text;
}

// The value field of a card, columns 11 to 80.
std::string value_of(const std::string& field) {
  const auto start = field.find_first_not_of(' ');
  if (start == std::string::npos) return "";
  if (field[start] != '\'') return trimmed(field.substr(start, field.find('/', start) - start));
  std::string text;
  for (std::size_t i = start + 1; i < field.size(); ++i) {
    if (field[i] == '\'') {
      if (i + 1 >= field.size() || field[i + 1] != '\'') break;
      ++i;
    }
    text += field[i];
  }
  return trimmed(text);
}

template <typename Word>
Word big_endian(const unsigned char* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (sizeof word == 8) return __builtin_bswap64(word);
  if constexpr (sizeof word == 4) return __builtin_bswap32(word);
  if constexpr (sizeof word == 2) return __builtin_bswap16(word);
  return word;
}

template <typename Number, typename Word>
Number read_as(const unsigned char* bytes) {
  static_assert(sizeof(Number) == sizeof(Word));
  const Word word = big_endian<Word>(bytes);
  Number number;
  std::memcpy(&number, &word, sizeof number);
  return number;
}

std::optional<double> to_number(const std::string& text) {
  if (text.empty()) return std::nullopt;
  std::string plain = text;
  std::replace(plain.begin(), plain.end(), 'D', 'E');  // FITS allows 1.0D3
  char* end = nullptr;
  const double number = std::strtod(plain.c_str(), &end);
  if (*end != '\0') return std::nullopt;
  return number;
}

}  // namespace

const std::string* FitsHdu::find(const std::string& key) const {
  for (const auto& card : cards)
    if (card.key == key) return &card.value;
  return nullptr;
}

FitsFile::FitsFile(const std::string& path) : path_(path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw BadInput(path + ": cannot be opened: " + std::strerror(errno));
  struct statx facts {};
  const bool known = ::statx(file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &facts) == 0;
  size_ = known ? static_cast<std::int64_t>(facts.stx_size) : ::lseek(file, 0, SEEK_END);
  if (known && !S_ISREG(facts.stx_mode)) {
    ::close(file);
    throw BadInput(path + ": is not a regular file; expected a FITS file");
  }
  if (size_ < block_bytes) {
    ::close(file);
    throw BadInput(path + ": " + std::to_string(size_) +
                   " bytes; expected a FITS file of whole 2880-byte blocks");
  }
  void* mapped = ::mmap(nullptr, static_cast<std::size_t>(size_), PROT_READ, MAP_SHARED, file, 0);
  const int error = errno;
  ::close(file);
  if (mapped == MAP_FAILED)
    throw BadInput(path + ": cannot be mapped into memory: " + std::strerror(error));
  bytes_ = static_cast<const unsigned char*>(mapped);
  identity_ = std::to_string(facts.stx_dev_major) + ":" + std::to_string(facts.stx_dev_minor) +
              ":" + std::to_string(facts.stx_ino) + ":" + std::to_string(size_) + ":" +
              std::to_string(facts.stx_mtime.tv_sec) + "." +
              std::to_string(facts.stx_mtime.tv_nsec);
  try {
    parse();
  } catch (...) {
    ::munmap(mapped, static_cast<std::size_t>(size_));
    throw;
  }
}

FitsFile::~FitsFile() {
  ::munmap(const_cast<unsigned char*>(bytes_), static_cast<std::size_t>(size_));
}

void FitsFile::fail(const FitsHdu& hdu, const std::string& what) const {
  throw BadInput(path_ + ": HDU " + hdu.name + ": " + what);
}

void FitsFile::parse() {
  if (bytes_[0] == 0x1f && bytes_[1] == 0x8b)
    throw BadInput(path_ + ": is compressed with gzip; unpack it first");
  if (std::memcmp(bytes_, "SIMPLE  =", 9) != 0)
    throw BadInput(path_ + ": is not a FITS file (expected SIMPLE at byte 0)");
  std::int64_t offset = 0;
  while (offset + block_bytes <= size_) {
    FitsHdu hdu;
    hdu.name =
        hdus_.empty() ? "primary" : std::string("#").append(std::to_string(hdus_.size() + 1));
    if (!hdus_.empty() && std::memcmp(bytes_ + offset, "XTENSION", 8) != 0) break;  // padding
    bool ended = false;
    for (; !ended; offset += card_bytes) {
      if (offset + card_bytes > size_)
        fail(hdu, "the file ends at byte " + std::to_string(size_) + " before the header's END");
      const std::string card(reinterpret_cast<const char*>(bytes_ + offset), card_bytes);
      for (const char c : card)
        if (c < 32 || c > 126)
          fail(hdu, "a header card at byte " + std::to_string(offset) + " is not ASCII text");
      const std::string key = trimmed(card.substr(0, 8));
      if (key == "END") ended = true;
      if (card.compare(8, 2, "= ") == 0) hdu.cards.push_back({key, value_of(card.substr(10))});
    }
    offset = (offset + block_bytes - 1) / block_bytes * block_bytes;
    if (const auto* name = hdu.find("EXTNAME"); name != nullptr) hdu.name = *name;
    if (const auto* kind = hdu.find("XTENSION"); kind != nullptr) hdu.is_image = *kind == "IMAGE";

    const auto required = [&](const std::string& key, std::int64_t least, std::int64_t most) {
      const auto number = integer(hdu, key);
      if (!number) fail(hdu, "key " + key + " is missing");
      if (*number < least || *number > most)
        fail(hdu, "key " + key + " is " + std::to_string(*number) + "; expected " +
                      std::to_string(least) + " to " + std::to_string(most));
      return *number;
    };
    hdu.bitpix = static_cast<int>(required("BITPIX", -64, 64));
    const int width = std::abs(hdu.bitpix) / 8;
    if (hdu.bitpix % 8 != 0 || (width != 1 && width != 2 && width != 4 && width != 8) ||
        hdu.bitpix == -8 || hdu.bitpix == -16)
      fail(hdu,
           "key BITPIX is " + std::to_string(hdu.bitpix) + "; expected 8, 16, 32, 64, -32, -64");
    const auto naxis = required("NAXIS", 0, 999);
    hdu.values = naxis > 0 ? 1 : 0;
    for (std::int64_t axis = 1; axis <= naxis; ++axis) {
      const auto length = required("NAXIS" + std::to_string(axis), 0, std::int64_t{1} << 40);
      hdu.naxis.push_back(length);
      if (length > 0 && hdu.values > (std::int64_t{1} << 46) / length)
        fail(hdu, "the image's size overflows");
      hdu.values *= length;
    }
    const std::int64_t heap = integer(hdu, "PCOUNT").value_or(0);
    const std::int64_t groups = integer(hdu, "GCOUNT").value_or(1);
    if (heap < 0 || heap > size_ || groups < 0 || groups > 1) fail(hdu, "bad PCOUNT or GCOUNT");
    hdu.data_offset = offset;
    const std::int64_t bytes = (hdu.values + heap) * width;
    if (bytes > size_ - offset)
      fail(hdu, "the file is truncated: the data needs " + std::to_string(bytes) +
                    " bytes from byte " + std::to_string(offset) + " on, the file has " +
                    std::to_string(size_));
    offset += (bytes + block_bytes - 1) / block_bytes * block_bytes;
    hdus_.push_back(std::move(hdu));
  }
}

const FitsHdu* FitsFile::find(const std::string& name) const {
  for (const auto& hdu : hdus_)
    if (hdu.name == name) return &hdu;
  return nullptr;
}

std::optional<double> FitsFile::number(const FitsHdu& hdu, const std::string& key) const {
  const auto* text = hdu.find(key);
  if (text == nullptr) return std::nullopt;
  const auto number = to_number(*text);
  if (!number) fail(hdu, "key " + key + " is '" + *text + "'; expected a number");
  return number;
}

std::optional<std::int64_t> FitsFile::integer(const FitsHdu& hdu, const std::string& key) const {
  const auto value = number(hdu, key);
  if (!value) return std::nullopt;
  if (!(std::fabs(*value) < 9e15) || std::floor(*value) != *value)
    fail(hdu, "key " + key + " is '" + *hdu.find(key) + "'; expected an integer");
  return static_cast<std::int64_t>(*value);
}

std::vector<double> FitsFile::values(const FitsHdu& hdu) const {
  if (!hdu.is_image) fail(hdu, "is not an image");
  std::vector<double> out(static_cast<std::size_t>(hdu.values));
  const unsigned char* from = bytes_ + hdu.data_offset;
  for (auto& value : out) {
    switch (hdu.bitpix) {
      case -64:
        value = read_as<double, std::uint64_t>(from);
        break;
      case -32:
        value = read_as<float, std::uint32_t>(from);
        break;
      case 64:
        value = static_cast<double>(read_as<std::int64_t, std::uint64_t>(from));
        break;
      case 32:
        value = read_as<std::int32_t, std::uint32_t>(from);
        break;
      case 16:
        value = read_as<std::int16_t, std::uint16_t>(from);
        break;
      default:
        value = *from;
    }
    from += std::abs(hdu.bitpix) / 8;
  }
  return out;
}

void FitsFile::floats(const FitsHdu& hdu, std::int64_t first, std::int64_t count,
                      float* out) const {
  const unsigned char* from = bytes_ + hdu.data_offset + first * (std::abs(hdu.bitpix) / 8);
  if (hdu.bitpix == -32)
    for (std::int64_t i = 0; i < count; ++i) out[i] = read_as<float, std::uint32_t>(from + 4 * i);
  else
    for (std::int64_t i = 0; i < count; ++i)
      out[i] = static_cast<float>(read_as<double, std::uint64_t>(from + 8 * i));
}

void FitsFile::release(const FitsHdu& hdu, std::int64_t first, std::int64_t count) const {
  static const std::uintptr_t page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::int64_t width = std::abs(hdu.bitpix) / 8;
  const auto start = reinterpret_cast<std::uintptr_t>(bytes_ + hdu.data_offset + first * width);
  // Also what the kernel maps around a page that is asked for: whoever needs it maps it again.
  constexpr std::uintptr_t around = 1 << 16;
  const auto first_page = reinterpret_cast<std::uintptr_t>(bytes_);
  const std::uintptr_t begin = std::max(first_page, (start - around) / page * page);
  const std::uintptr_t end = std::min(
      first_page + static_cast<std::uintptr_t>(size_),
      (start + static_cast<std::uintptr_t>(count * width) + around + page - 1) / page * page);
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace skyscan

// FITS files (Standard 4.0) as far as images go: headers parsed, data left where it is,
// memory-mapped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace skyscan {

struct FitsCard {
  std::string key;
  std::string value;  // text of the value: a string's inside, else the token as written
};

// One header and the bytes that belong to it.
struct FitsHdu {
  std::string name;  // EXTNAME, or "primary"
  std::vector<FitsCard> cards;
  int bitpix = 8;
  std::vector<std::int64_t> naxis;  // NAXIS1 first: the fastest axis first
  std::int64_t data_offset = 0;
  std::int64_t values = 0;  // product of naxis
  bool is_image = true;

  const std::string* find(const std::string& key) const;
};

class FitsFile {
 public:
  // Throws BadInput naming the file, the HDU and the key at fault.
  explicit FitsFile(const std::string& path);
  ~FitsFile();
  FitsFile(const FitsFile&) = delete;
  FitsFile& operator=(const FitsFile&) = delete;

  const std::string& path() const { return path_; }
  const std::vector<FitsHdu>& hdus() const { return hdus_; }
  const FitsHdu* find(const std::string& name) const;

  // A card's number; BadInput when it is there and none. Absent: nullopt.
  std::optional<double> number(const FitsHdu& hdu, const std::string& key) const;
  std::optional<std::int64_t> integer(const FitsHdu& hdu, const std::string& key) const;

  // Values of an image HDU as float64, whatever their type on disk.
  std::vector<double> values(const FitsHdu& hdu) const;
  // The image's `count` values from the `first` one on as float32 in this machine's byte order.
  void floats(const FitsHdu& hdu, std::int64_t first, std::int64_t count, float* out) const;
  // Tells the kernel that these values' pages will not be needed again soon.
  void release(const FitsHdu& hdu, std::int64_t first, std::int64_t count) const;

  // Tells this file, as it is now, from every other: inode, size, time of change.
  const std::string& identity() const { return identity_; }

  [[noreturn]] void fail(const FitsHdu& hdu, const std::string& what) const;

 private:
  void parse();

  std::string path_;
  std::string identity_;
  const unsigned char* bytes_ = nullptr;
  std::int64_t size_ = 0;
  std::vector<FitsHdu> hdus_;
};

}  // namespace skyscan

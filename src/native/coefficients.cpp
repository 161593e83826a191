#include "coefficients.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "status.hpp"

namespace skyscan {

namespace {

// Smaller tables are converted in each process's own memory: not worth a file.
constexpr std::int64_t kSharedFrom = std::int64_t{8} << 20;
constexpr std::int64_t kPage = 4096;
// To be changed with the layout of the shared file.
constexpr const char* kLayout = "blocks of 2x2x4, 1";

std::uint64_t fnv1a(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3u;
  return hash;
}

// After a power cut, flags may be on the disk without the blocks they promise: another boot,
// another file.
std::string boot_id() {
  char text[64] = "";
  if (std::FILE* file = std::fopen("/proc/sys/kernel/random/boot_id", "r"); file != nullptr) {
    if (std::fgets(text, sizeof text, file) == nullptr) text[0] = '\0';
    std::fclose(file);
  }
  return text;
}

bool write_all(int file, const void* bytes, std::size_t size, std::int64_t offset) {
  const char* from = static_cast<const char*>(bytes);
  while (size > 0) {
    const auto done = ::pwrite(file, from, size, offset);
    if (done <= 0) return false;
    from += done;
    size -= static_cast<std::size_t>(done);
    offset += done;
  }
  return true;
}

}  // namespace

Coefficients::Coefficients(const FitsFile& file, const FitsHdu& image, std::vector<int> shape,
                           int inner)
    : file_(file), image_(image), shape_(std::move(shape)), inner_(inner) {
  const int n = static_cast<int>(shape_.size());
  for (int k = 0; k < 3; ++k) {
    const int axis = n - 3 + k;
    length_[k] = axis >= 0 ? shape_[static_cast<std::size_t>(axis)] : 1;
    if (axis < 0 || axis == inner) continue;
    (middle_ < 0 ? middle_ : outer_) = axis;
  }
  // Found in ascending order: the first is the outer one, unless there is only one.
  if (outer_ >= 0) std::swap(outer_, middle_);
  const auto length = [&](int axis) {
    return axis < 0 ? 1 : shape_[static_cast<std::size_t>(axis)];
  };
  fours_ = (length(inner_) + 3) / 4;
  pairs_ = (length(middle_) + 1) / 2;
  for (int axis = 0; axis < n - 3; ++axis) block_count_ *= length(axis);
  block_values_ = std::int64_t{length_[0]} * length_[1] * length_[2];
  block_floats_ = std::int64_t{(length(outer_) + 1) / 2} * pairs_ * fours_ * 16;
  blocks_ = std::make_unique<std::atomic<const float*>[]>(static_cast<std::size_t>(block_count_));

  const std::int64_t bytes = block_count_ * block_floats_ * std::int64_t{sizeof(float)};
  if (bytes >= kSharedFrom && open_shared()) return;
  mapped_bytes_ = static_cast<std::size_t>(bytes);
  mapped_ = ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped_ == MAP_FAILED) throw std::bad_alloc();
}

Coefficients::~Coefficients() {
  ::munmap(mapped_, mapped_bytes_);
  if (shared_file_ >= 0) ::close(shared_file_);
}

bool Coefficients::open_shared() {
  const char* directory = std::getenv("TMPDIR");
  if (directory == nullptr || *directory == '\0') directory = "/tmp";
  char name[64];
  std::snprintf(name, sizeof name, "/skyscan-table-%u-%016llx", static_cast<unsigned>(::geteuid()),
                static_cast<unsigned long long>(
                    fnv1a(file_.identity() + kLayout + std::to_string(inner_) + boot_id())));
  place_ = std::string(directory) + name;
  const int file = ::open(place_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  data_start_ = (block_count_ + kPage - 1) / kPage * kPage;
  mapped_bytes_ = static_cast<std::size_t>(data_start_ + block_count_ * block_floats_ *
                                                             std::int64_t{sizeof(float)});
  const auto usable = [&] {
    struct statx facts {};
    if (file < 0 || ::statx(file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &facts) != 0) return false;
    if (!S_ISREG(facts.stx_mode) || facts.stx_uid != ::geteuid()) return false;
    if (::ftruncate(file, static_cast<off_t>(mapped_bytes_)) != 0) return false;
    mapped_ = ::mmap(nullptr, mapped_bytes_, PROT_READ, MAP_SHARED, file, 0);
    return mapped_ != MAP_FAILED;
  };
  if (usable()) {
    shared_file_ = file;
    return true;
  }
  if (file >= 0) ::close(file);
  place_ = "memory";
  return false;
}

void Coefficients::arrange(std::int64_t number, float* scratch, float* out) const {
  file_.floats(image_, number * block_values_, block_values_, scratch);
  std::memset(out, 0, static_cast<std::size_t>(block_floats_) * sizeof(float));
  const int n = static_cast<int>(shape_.size());
  const float* from = scratch;
  int index[3];
  const auto offset = [&](int k) {
    const int axis = n - 3 + k;
    if (axis < 0) return 0;
    if (axis == inner_) return inner_offset(index[k]);
    return axis == outer_ ? outer_offset(index[k]) : middle_offset(index[k]);
  };
  for (index[0] = 0; index[0] < length_[0]; ++index[0])
    for (index[1] = 0; index[1] < length_[1]; ++index[1]) {
      float* row = out + offset(0) + offset(1);
      for (index[2] = 0; index[2] < length_[2]; ++index[2]) row[offset(2)] = *from++;
    }
}

const float* Coefficients::convert(std::int64_t number) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto& slot = blocks_[static_cast<std::size_t>(number)];
  if (const float* ready = slot.load(std::memory_order_acquire); ready != nullptr) return ready;
  const auto size = static_cast<std::size_t>(block_floats_) * sizeof(float);
  const float* result = nullptr;
  std::vector<float> scratch(static_cast<std::size_t>(block_values_));
  if (shared_file_ < 0) {
    float* out = static_cast<float*>(mapped_) + number * block_floats_;
    arrange(number, scratch.data(), out);
    result = out;
  } else {
    const auto* flags = static_cast<const unsigned char*>(mapped_);
    const std::int64_t start = data_start_ + number * static_cast<std::int64_t>(size);
    const bool ready = __atomic_load_n(&flags[number], __ATOMIC_ACQUIRE) != 0;
    result = reinterpret_cast<const float*>(static_cast<const char*>(mapped_) + start);
    if (!ready) {
      // Written with pwrite, not through the mapping: a full disk is then an error, not a signal.
      // Two processes may do the same block at the same time: they write the same bytes.
      auto out = std::make_unique<float[]>(static_cast<std::size_t>(block_floats_));
      arrange(number, scratch.data(), out.get());
      const unsigned char done = 1;
      if (!write_all(shared_file_, out.get(), size, start) ||
          !write_all(shared_file_, &done, 1, number)) {
        result = out.get();
        strays_.push_back(std::move(out));
      }
    }
  }
  file_.release(image_, number * block_values_, block_values_);
  slot.store(result, std::memory_order_release);
  return result;
}

}  // namespace skyscan

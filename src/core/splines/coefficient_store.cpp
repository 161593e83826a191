#include "splines/coefficient_store.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>

#include "base/errors.hpp"

namespace skyscan {

namespace {

// Smaller tables are converted in each process's own memory: not worth a file.
constexpr std::int64_t shared_from_bytes = std::int64_t{8} << 20;
constexpr std::int64_t page_bytes = 4096;
// To be changed with the layout of the shared file.
constexpr const char* layout_name = "blocks of 2x2x4, 1";

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

bool has_room(const std::string& directory, std::int64_t bytes) {
  struct statvfs facts {};
  return ::statvfs(directory.c_str(), &facts) == 0 &&
         static_cast<std::int64_t>(facts.f_bavail) >=
             bytes / static_cast<std::int64_t>(facts.f_frsize) + 1;
}

// Removes files of this owner that nobody has open and nobody has added to for a week: of tables
// that were replaced, and from before the last boot.
void sweep(const std::string& directory, const std::string& owner) {
  constexpr std::time_t week_s = 7 * 24 * 3600;
  DIR* list = ::opendir(directory.c_str());
  if (list == nullptr) return;
  while (const dirent* entry = ::readdir(list)) {
    if (std::strncmp(entry->d_name, owner.c_str(), owner.size()) != 0) continue;
    const std::string place = directory + '/' + entry->d_name;
    const int file = ::open(place.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) continue;
    struct statx facts {};
    if (::statx(file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &facts) == 0 &&
        S_ISREG(facts.stx_mode) && facts.stx_uid == ::geteuid() &&
        facts.stx_mtime.tv_sec < std::time(nullptr) - week_s &&
        ::flock(file, LOCK_EX | LOCK_NB) == 0)
      ::unlink(place.c_str());
    ::close(file);
  }
  ::closedir(list);
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
  if (bytes >= shared_from_bytes && open_shared()) return;
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
  const char* wanted = std::getenv("TMPDIR");
  if (wanted == nullptr || *wanted == '\0') wanted = "/tmp";
  const std::string owner = "skyscan-table-" + std::to_string(::geteuid()) + "-";
  char number[20];
  std::snprintf(number, sizeof number, "%016llx",
                static_cast<unsigned long long>(
                    fnv1a(file_.identity() + layout_name + std::to_string(inner_) + boot_id())));
  data_start_ = (block_count_ + page_bytes - 1) / page_bytes * page_bytes;
  const std::int64_t size =
      data_start_ + block_count_ * block_floats_ * std::int64_t{sizeof(float)};
  const auto open_in = [&](const std::string& directory, int create) {
    const std::string place = directory + '/' + owner + number;
    const int file = ::open(place.c_str(), O_RDWR | create | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return false;
    struct statx facts {};
    // Locked as long as it is open: nobody sweeps it away then.
    if (::statx(file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &facts) == 0 &&
        S_ISREG(facts.stx_mode) && facts.stx_uid == ::geteuid() &&
        ::flock(file, LOCK_SH | LOCK_NB) == 0 && ::ftruncate(file, static_cast<off_t>(size)) == 0) {
      void* mapped =
          ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ, MAP_SHARED, file, 0);
      if (mapped != MAP_FAILED) {
        mapped_ = mapped;
        mapped_bytes_ = static_cast<std::size_t>(size);
        shared_file_ = file;
        place_ = place;
        return true;
      }
    }
    ::close(file);
    return false;
  };
  // One that is there already serves best; a new one needs room for all of it.
  const std::string directories[] = {wanted, "/var/tmp", "/dev/shm"};
  for (const auto& directory : directories)
    if (open_in(directory, 0)) return true;
  for (const auto& directory : directories) {
    sweep(directory, owner);
    if (has_room(directory, size) && open_in(directory, O_CREAT)) return true;
  }
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

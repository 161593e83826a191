// The C interface of bzip2's decompression, over libbz2 (J. Seward).

#include <bzlib.h>

#include <algorithm>
#include <new>

#include "abi/guarded.hpp"

using skyscan::BadInput;

struct skyscan_bzip2 {
  bz_stream stream{};
  bool is_inside = false;    // a stream has begun and not ended
  bool is_complete = false;  // one has ended, and nothing has come since

  void begin() {
    stream = {};
    if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) throw std::bad_alloc();
    is_inside = true;
    is_complete = false;
  }
  void end() {
    if (is_inside) BZ2_bzDecompressEnd(&stream);
    is_inside = false;
  }
  ~skyscan_bzip2() { end(); }
};

namespace {

// libbz2 counts in unsigned int.
unsigned int counted(int64_t size) {
  return static_cast<unsigned int>(std::clamp<int64_t>(size, 0, 1 << 30));
}

// Decompresses until the input or the room is used up.
void decompress(skyscan_bzip2& state, const uint8_t* input, int64_t input_size, uint8_t* output,
                int64_t output_size, skyscan_bzip2_progress& progress) {
  progress = {0, 0, 0};
  while (progress.written < output_size && (state.is_inside || progress.taken < input_size)) {
    if (!state.is_inside) state.begin();
    bz_stream& stream = state.stream;
    const unsigned int available = counted(input_size - progress.taken);
    const unsigned int room = counted(output_size - progress.written);
    stream.next_in = reinterpret_cast<char*>(const_cast<uint8_t*>(input + progress.taken));
    stream.next_out = reinterpret_cast<char*>(output + progress.written);
    stream.avail_in = available;
    stream.avail_out = room;
    const int status = BZ2_bzDecompress(&stream);
    progress.taken += available - stream.avail_in;
    progress.written += room - stream.avail_out;
    if (status == BZ_STREAM_END) {
      state.end();
      state.is_complete = true;
    } else if (status == BZ_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (status != BZ_OK) {
      throw BadInput("damaged bzip2 stream");
    } else if (stream.avail_in == available && stream.avail_out == room) {
      break;  // it needs more input
    }
  }
  progress.is_complete = state.is_complete ? 1 : 0;
}

}  // namespace

extern "C" {

int32_t skyscan_bzip2_open(skyscan_bzip2** handle, char* message, int64_t message_size) {
  return skyscan::guarded(message, message_size, [&] {
    skyscan::required({{handle, "handle"}});
    *handle = new skyscan_bzip2;
  });
}

void skyscan_bzip2_close(skyscan_bzip2* handle) { delete handle; }

int32_t skyscan_bzip2_decompress(skyscan_bzip2* handle, const uint8_t* input, int64_t input_size,
                                 uint8_t* output, int64_t output_size,
                                 skyscan_bzip2_progress* progress, char* message,
                                 int64_t message_size) {
  return skyscan::guarded(message, message_size, [&] {
    skyscan::required(
        {{handle, "handle"}, {input, "input"}, {output, "output"}, {progress, "progress"}});
    decompress(*handle, input, input_size, output, output_size, *progress);
  });
}

}  // extern "C"

#include "core/image/png.h"

#include <hwy/base.h>
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdlib>
#include <cstring>

#include "core/image/header.h"

namespace verger::image {

namespace {

constexpr png_alloc_size_t kMaxChunkBytes = 8'000'000;

enum class Outcome : uint8_t { kOk, kFailed, kSinkFailed, kCancelled, kMemory };

struct State {
  Bytes bytes;
  size_t at = 0;
  const DecodeLimits* limits = nullptr;
  RowSink* sink = nullptr;
  png_structp png = nullptr;
  png_infop info = nullptr;
  Buffer<uint8_t> pixels;
  Frame frame;
  size_t channels = 0;
  size_t stride = 0;
  size_t delivered = 0;  // rows given to the sink
  size_t filled = 0;     // rows decoded and not yet given to it
  bool interlaced = false;
  bool began = false;  // at least one row was decoded
  bool exhausted = false;
  bool out_of_memory = false;
  Outcome outcome = Outcome::kOk;
  Status sink_status;
  char message[128] = {};
};

void OnRead(png_structp png, png_bytep to, size_t count) {
  State& state = *static_cast<State*>(png_get_io_ptr(png));
  if (count > state.bytes.size() - state.at) {
    state.exhausted = true;
    png_error(png, "the file ends early");
  }
  std::memcpy(to, state.bytes.data() + state.at, count);
  state.at += count;
}

[[noreturn]] void OnError(png_structp png, png_const_charp message) {
  State& state = *static_cast<State*>(png_get_error_ptr(png));
  std::strncpy(state.message, message, sizeof(state.message) - 1);
  state.outcome = Outcome::kFailed;
  png_longjmp(png, 1);
}

void OnWarning(png_structp, png_const_charp) {}

png_voidp OnAllocate(png_structp png, png_alloc_size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) static_cast<State*>(png_get_mem_ptr(png))->out_of_memory = true;
  return memory;
}

void OnFree(png_structp, png_voidp memory) { std::free(memory); }

// Hands over `count` rows that begin at `pixels`. False: cancelled.
bool Deliver(State& state, uint8_t* pixels, size_t count) {
  const uint8_t* rows[kRowsPerCall];
  for (size_t i = 0; i < count; ++i) {
    uint8_t* row = pixels + i * state.stride;
    if (state.channels == 4) BlendOverWhite(row, state.frame.width);
    rows[i] = row;
  }
  state.delivered += count;
  return state.sink->Rows(rows, count);
}

void FillGrey(const State& state, uint8_t* pixels, size_t count) {
  std::memset(pixels, kGrey, state.stride * count);
  if (state.channels != 4) return;
  for (size_t i = 3; i < state.stride * count; i += 4) pixels[i] = 255;
}

// The decode proper. May be left by longjmp at any call: no object with a destructor may live here.
// A function of its own, never merged into the caller of setjmp, whose locals a jump would leave undefined.
HWY_NOINLINE void Protected(State& state) {
  png_structp png = state.png;
  png_set_read_fn(png, &state, OnRead);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_set_chunk_malloc_max(png, kMaxChunkBytes);
  png_read_info(png, state.info);
  const png_uint_32 width = png_get_image_width(png, state.info);
  const png_uint_32 height = png_get_image_height(png, state.info);
  state.sink_status = CheckPixelLimit(width, height, *state.limits);
  if (!state.sink_status.ok()) {
    state.outcome = Outcome::kSinkFailed;
    return;
  }
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_gray_to_rgb(png);
  state.interlaced = png_set_interlace_handling(png) > 1;
  png_read_update_info(png, state.info);
  state.channels = png_get_channels(png, state.info);
  state.stride = png_get_rowbytes(png, state.info);
  state.frame.width = width;
  state.frame.height = height;
  state.frame.extent_width = width;
  state.frame.extent_height = height;
  const size_t kept = state.interlaced ? height : kRowsPerCall;
  if (!state.pixels.Reserve(state.stride * kept + kRowPadding)) {
    state.outcome = Outcome::kMemory;
    return;
  }
  uint8_t* const pixels = state.pixels.data();
  FillGrey(state, pixels, kept);
  std::memset(pixels + state.stride * kept, 0, kRowPadding);
  state.sink_status = state.sink->Begin(state.frame);
  if (!state.sink_status.ok()) {
    state.outcome = Outcome::kSinkFailed;
    return;
  }
  if (state.interlaced) {
    for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; ++pass) {
      for (size_t y = 0; y < height; ++y) {
        png_read_row(png, pixels + y * state.stride, nullptr);
        state.began = true;
        if (y % 64 == 0 && state.sink->Cancelled()) {
          state.outcome = Outcome::kCancelled;
          return;
        }
      }
    }
    return;
  }
  for (size_t y = 0; y < height; y += kRowsPerCall) {
    const size_t count = std::min<size_t>(kRowsPerCall, height - y);
    for (state.filled = 0; state.filled < count; ++state.filled) {
      png_read_row(png, pixels + state.filled * state.stride, nullptr);
      state.began = true;
    }
    state.filled = 0;
    if (!Deliver(state, pixels, count)) {
      state.outcome = Outcome::kCancelled;
      return;
    }
  }
}

void Run(State& state) {
  if (setjmp(png_jmpbuf(state.png)) == 0) Protected(state);
}

// Hands over an interlaced picture, or the grey that stands for what a truncated file lacks.
Status Finish(State& state) {
  while (state.delivered < state.frame.height) {
    const size_t count = std::min(kRowsPerCall, state.frame.height - state.delivered);
    uint8_t* pixels = state.pixels.data();
    if (state.interlaced) {
      pixels += state.delivered * state.stride;
    } else {
      FillGrey(state, pixels + state.filled * state.stride, count - state.filled);
      state.filled = 0;
    }
    if (!Deliver(state, pixels, count)) return Status::Cancelled();
  }
  return Status::Ok();
}

Status Conclude(State& state) {
  switch (state.outcome) {
    case Outcome::kOk:
      return Finish(state);
    case Outcome::kSinkFailed:
      return std::move(state.sink_status);
    case Outcome::kCancelled:
      return Status::Cancelled();
    case Outcome::kMemory:
      return OutOfMemory();
    case Outcome::kFailed:
      break;
  }
  if (state.out_of_memory) return OutOfMemory();
  if (state.exhausted) {
    if (state.limits->tolerate_truncated && state.began) return Finish(state);
    return {"image/truncated",
            "Expected a whole PNG, but it ends early; copy or download the file again, or tolerate truncated images."};
  }
  return {"image/corrupt", std::string("Expected a valid PNG, but libpng reports \"") + state.message +
                               "\"; copy or download the file again."};
}

}  // namespace

Status DecodePng(Bytes bytes, const DecodeLimits& limits, RowSink& sink) {
  State state;
  state.bytes = bytes;
  state.limits = &limits;
  state.sink = &sink;
  state.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &state, OnError, OnWarning, &state, OnAllocate, OnFree);
  if (state.png == nullptr) return OutOfMemory();
  state.info = png_create_info_struct(state.png);
  if (state.info == nullptr) {
    png_destroy_read_struct(&state.png, nullptr, nullptr);
    return OutOfMemory();
  }
  Run(state);
  png_destroy_read_struct(&state.png, &state.info, nullptr);
  return Conclude(state);
}

std::string LibpngVersion() { return png_get_libpng_ver(nullptr); }

}  // namespace verger::image

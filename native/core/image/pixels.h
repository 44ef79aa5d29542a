// What image decoders hand over and the memory they use.
#pragma once

#include <hwy/aligned_allocator.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "core/base/cancel.h"
#include "core/base/status.h"

namespace verger::image {

using Bytes = std::span<const uint8_t>;

// Readable bytes behind every pixel row, so that SIMD code may load whole vectors.
inline constexpr size_t kRowPadding = 64;

inline constexpr size_t kRowsPerCall = 8;

// What a decoder accepts. The pixel limit is checked against the header, before anything is allocated for pixels.
struct DecodeLimits {
  uint64_t max_pixels = 268'000'000;
  // Scans of one JPEG: each costs a pass over the whole picture, and a file of a few kilobytes may ask for thousands.
  uint32_t max_scans = 500;
  // Largest file read into memory.
  uint64_t max_file_bytes = uint64_t{1} << 30;
  // Keep what was decoded of a file that ends early; the rest of the picture is grey.
  bool tolerate_truncated = false;
};

// The picture as its rows are delivered: before EXIF orientation.
struct Frame {
  size_t width = 0;
  size_t height = 0;
  // The part of the rows that the picture covers, in pixels of the rows: a JPEG of 101 pixels decoded at 2/8 has 26
  // columns that stand for 25.25.
  double extent_width = 0;
  double extent_height = 0;
};

// Receives a picture from top to bottom, so that decoders need not hold it.
class RowSink {
 public:
  virtual ~RowSink() = default;
  // Once, before the first row.
  virtual Status Begin(const Frame& frame) = 0;
  // The next `count` rows of `frame.width` RGB pixels, three bytes each, with kRowPadding readable bytes behind each
  // row. False: stop, the decoder returns Status::Cancelled(). Sinks work best on kRowsPerCall rows at a time.
  virtual bool Rows(const uint8_t* const* rgb, size_t count) = 0;
  // Polled by decoders that work for long before their first row.
  virtual bool Cancelled() const = 0;
};

// Aligned memory for plain values that is reused from image to image and reports failure instead of throwing.
template <typename T>
class Buffer {
 public:
  // Makes room for `count` values; contents are kept only when it already has the room. False when out of memory.
  [[nodiscard]] bool Reserve(size_t count) {
    if (count <= capacity_) return true;
    data_.reset();
    capacity_ = 0;
    if (count > std::numeric_limits<size_t>::max() / 2 / sizeof(T)) return false;
    data_ = hwy::AllocateAligned<T>(count);
    if (!data_) return false;
    capacity_ = count;
    return true;
  }
  // Gives back the memory if it is more than `bytes`: one huge photo must not be paid for ever after.
  void Trim(size_t bytes) {
    if (capacity_ * sizeof(T) <= bytes) return;
    data_.reset();
    capacity_ = 0;
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  size_t capacity() const { return capacity_; }

 private:
  hwy::AlignedFreeUniquePtr<T[]> data_;
  size_t capacity_ = 0;
};

// RGBA over white to RGB, in place.
inline void BlendOverWhite(uint8_t* row, size_t width) {
  for (size_t x = 0; x < width; ++x) {
    const uint32_t alpha = row[x * 4 + 3];
    for (size_t c = 0; c < 3; ++c) {
      row[x * 3 + c] = static_cast<uint8_t>((row[x * 4 + c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
  }
}

// What stands for the missing rows of a tolerated truncated picture; libjpeg's own choice.
inline constexpr uint8_t kGrey = 128;

// The failures that every decoder shares.
inline Status OutOfMemory() {
  return {"image/memory",
          "Expected enough memory to decode the image, but an allocation failed; lower the pixel limit or the number "
          "of threads."};
}

}  // namespace verger::image

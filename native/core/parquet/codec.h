// Page compression: zstd, gzip, snappy (where built with it), none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/status.h"
#include "core/parquet/metadata.h"

namespace verger::parquet {

// A byte buffer that grows without filling itself with zeros and never shrinks: page after page reuses it.
class ScratchBuffer {
 public:
  // At least `size` bytes of unspecified content.
  uint8_t* Reserve(size_t size) {
    if (size > capacity_) {
      data_.reset();  // first, so that the old and the new block never coexist
      data_ = std::make_unique_for_overwrite<uint8_t[]>(size);
      capacity_ = size;
    }
    return data_.get();
  }

 private:
  std::unique_ptr<uint8_t[]> data_;
  size_t capacity_ = 0;
};

// True when this build can decompress (and, for zstd, snappy and none, compress) the codec.
bool CodecSupported(Codec codec);
const char* CodecName(Codec codec);

// False when `size` bytes at `data` cannot expand to `out_size`: asked before room is made for a size that a file
// merely claims.
bool PlausibleSize(Codec codec, const uint8_t* data, size_t size, size_t out_size);

// Compresses whole pages; keeps its working memory between calls. Not thread-safe.
class Compressor {
 public:
  // `level`: zstd's, ignored by the others.
  Compressor(Codec codec, int level);
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // Appends the compressed form of `data` to `out`. Code "parquet/unsupported" when the codec cannot write.
  Status Compress(const uint8_t* data, size_t size, std::vector<uint8_t>& out);

 private:
  Codec codec_;
  void* zstd_ = nullptr;
};

// Decompresses whole pages; keeps its working memory between calls. Not thread-safe.
class Decompressor {
 public:
  Decompressor() = default;
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  // Expands `data` to exactly `out_size` bytes at `out`. False when the data is corrupt or of another length.
  bool Decompress(Codec codec, const uint8_t* data, size_t size, uint8_t* out, size_t out_size);

 private:
  void* zstd_ = nullptr;
};

}  // namespace verger::parquet

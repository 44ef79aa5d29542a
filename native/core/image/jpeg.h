// JPEG through libjpeg-turbo.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/image/pixels.h"

namespace verger::image {

// One libjpeg handle, reused from picture to picture. Not for two threads at once.
class JpegDecoder {
 public:
  JpegDecoder();
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  // Decodes `bytes` into `sink`, as RGB whatever the file holds (grey, YCbCr, RGB, CMYK, YCCK). With a `target` size
  // (not 0) the picture is reduced to 1, 2, 3 or 4 eighths while it is decoded, the fewest that leave both sides at
  // least twice the target: dropping high DCT coefficients saves work and the resize has enough left to filter.
  // Codes: image/truncated, image/corrupt, image/unsupported, image/too-large, image/too-many-scans, image/memory,
  // cancelled, and whatever `sink` returns.
  Status Decode(Bytes bytes, const DecodeLimits& limits, size_t target_width, size_t target_height, RowSink& sink);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

enum class Subsampling : uint8_t { k444, k420 };

// Writes a baseline JPEG of `rgb` (width * height * 3 bytes); the same input gives the same bytes. `quality` 1 to 100.
// Codes: image/too-large (a side over 65,500), image/memory.
Status EncodeJpeg(const uint8_t* rgb, size_t width, size_t height, int quality, Subsampling subsampling,
                  std::vector<uint8_t>* out);

// The libjpeg-turbo that this was compiled against, "2.1.5".
std::string LibjpegTurboVersion();

}  // namespace verger::image

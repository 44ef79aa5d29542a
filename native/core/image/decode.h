// From image files to tensors: one image, or a batch on the pool.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/cancel.h"
#include "core/base/thread_pool.h"
#include "core/image/header.h"
#include "core/image/pixels.h"
#include "core/image/resize.h"

namespace verger::image {

// An encoded image: a file, or bytes in memory that outlive the call.
struct Source {
  std::string path;  // UTF-8; used when `in_memory` is false
  Bytes bytes;
  bool in_memory = false;
};

enum class Fit : uint8_t {
  kStretch,  // the whole picture, whatever its shape
  kCover,    // the largest centred part of the target's shape
};

// The tensor of one image: 3 * height * width floats, out[c] = (v - mean[c]) / std[c] with v in [0, 255] and c counted
// in the order of the output's channels.
struct TensorTarget {
  size_t width = 0;
  size_t height = 0;
  Filter filter = Filter::kBicubic;
  std::array<float, 3> mean = {0, 0, 0};
  std::array<float, 3> std = {1, 1, 1};
  bool channels_last = false;  // NHWC instead of NCHW
  bool bgr = false;
  Fit fit = Fit::kStretch;

  size_t floats() const { return 3 * width * height; }
};

// A small upright JPEG of the picture, made from the rows that its tensor is made from. Bilinear (antialiased): half
// the cost of bicubic, which one can tell apart only side by side at this reduction.
struct ThumbnailSpec {
  size_t side = 0;  // bounds both sides, keeping the shape; 0: none is made
  int quality = 82;

  bool wanted() const { return side != 0; }
};

struct RgbImage {
  size_t width = 0;
  size_t height = 0;
  std::vector<uint8_t> pixels;  // width * height * 3
};

// Everything one thread needs to decode image after image: handles, coefficient tables and scratch memory, all reused.
// Not for two threads at once.
class ImageDecoder {
 public:
  ImageDecoder();
  ~ImageDecoder();
  ImageDecoder(const ImageDecoder&) = delete;
  ImageDecoder& operator=(const ImageDecoder&) = delete;

  // The calling thread's own.
  static ImageDecoder& OfThread();

  // Decodes, applies the EXIF orientation, resizes and normalises `source` into the target.floats() values at `out`;
  // sets `header` as soon as it is known. On failure `out` is undefined.
  // Codes: those of ReadFile, ReadHeader and the decoders, image/too-large, image/memory, cancelled.
  //
  // `thumbnail` changes nothing about the tensor: it takes the rows as they are decoded for that. `jpeg` stays empty
  // for a picture that is no larger than the thumbnail, for rows that are fewer than the thumbnail's (a JPEG reduced
  // for a small tensor), and where the thumbnail alone fails.
  Status ToTensor(const Source& source, const TensorTarget& target, const DecodeLimits& limits,
                  const CancelToken& cancel, float* out, Header* header, const ThumbnailSpec& thumbnail = {},
                  std::vector<uint8_t>* jpeg = nullptr);

  // Decodes with the EXIF orientation applied; `max_side` (not 0) bounds both sides, keeping the shape, never
  // enlarging.
  Status ToRgb(const Source& source, size_t max_side, const DecodeLimits& limits, const CancelToken& cancel,
               RgbImage* out);

  // Reads only what the header needs.
  Status Probe(const Source& source, const DecodeLimits& limits, Header* header);

 private:
  class TensorSink;
  class RgbSink;
  class TeeSink;
  struct Parts;

  Status Open(const Source& source, const DecodeLimits& limits, Bytes* bytes, Header* header);
  Status Decode(Bytes bytes, const Header& header, const DecodeLimits& limits, size_t target_width,
                size_t target_height, RowSink& sink);
  void Trim();

  std::unique_ptr<Parts> parts_;
};

struct BatchResult {
  Status status;
  // Of the upright picture; 0 when it failed.
  uint32_t width = 0;
  uint32_t height = 0;
  // Nothing when it failed, or where EXIF does not say.
  std::optional<CaptureTime> captured;
  // A JPEG, or empty: see ImageDecoder::ToTensor.
  std::vector<uint8_t> thumbnail;
};

// Decodes `sources` on at most `threads` threads of the pool (0: all). Image i fills out[i * target.floats()] onwards;
// the slot of one that fails is zero. Fails as a whole only when cancelled, with every thread done with `out`.
Status DecodeBatch(ThreadPool& pool, const std::vector<Source>& sources, const TensorTarget& target,
                   const DecodeLimits& limits, size_t threads, const CancelToken& cancel, float* out,
                   std::vector<BatchResult>* results, const ThumbnailSpec& thumbnail = {});

}  // namespace verger::image

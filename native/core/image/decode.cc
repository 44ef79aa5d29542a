#include "core/image/decode.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>

#include "core/image/file.h"
#include "core/image/jpeg.h"
#include "core/image/png.h"
#include "core/image/webp.h"

namespace verger::image {

namespace {

// What a thread keeps between images, per buffer.
constexpr size_t kKeptBytes = size_t{16} << 20;
// Headers of photos, thumbnails and colour profiles included, rarely take more.
constexpr size_t kProbeBytes = size_t{256} << 10;

// Where stored pixel (x, y) goes in the upright picture, counted in pixels: base + x * step_x + y * step_y.
struct Placement {
  std::ptrdiff_t base = 0;
  std::ptrdiff_t step_x = 0;
  std::ptrdiff_t step_y = 0;
};

// `width` and `height` are those of the stored picture.
Placement Place(uint8_t orientation, size_t stored_width, size_t stored_height) {
  const auto width = static_cast<std::ptrdiff_t>(stored_width);
  const auto height = static_cast<std::ptrdiff_t>(stored_height);
  switch (orientation) {
    case 2:
      return {width - 1, -1, width};
    case 3:
      return {width * height - 1, -1, -width};
    case 4:
      return {(height - 1) * width, 1, -width};
    case 5:
      return {0, height, 1};
    case 6:
      return {height - 1, height, -1};
    case 7:
      return {width * height - 1, -height, -1};
    case 8:
      return {(width - 1) * height, -height, 1};
    default:
      return {0, 1, width};
  }
}

// Copies a stored plane to where its pixels belong, in tiles so that neither side of a transpose misses the cache.
// Pixels of `to` are `step` values apart.
void Rearrange(const float* from, size_t width, size_t height, const Placement& place, std::ptrdiff_t step, float* to) {
  constexpr size_t kTile = 16;
  for (size_t top = 0; top < height; top += kTile) {
    const size_t bottom = std::min(top + kTile, height);
    for (size_t left = 0; left < width; left += kTile) {
      const size_t right = std::min(left + kTile, width);
      for (size_t y = top; y < bottom; ++y) {
        const std::ptrdiff_t row = place.base + static_cast<std::ptrdiff_t>(y) * place.step_y;
        for (size_t x = left; x < right; ++x) {
          to[(row + static_cast<std::ptrdiff_t>(x) * place.step_x) * step] = from[y * width + x];
        }
      }
    }
  }
}

// A sink that resizes.
class ResizeSink : public RowSink {
 public:
  ResizeSink(Resizer& resizer, const CancelToken& cancel) : resizer_(resizer), cancel_(cancel) {}

  bool Rows(const uint8_t* const* rgb, size_t count) override {
    if (Cancelled()) return false;
    resizer_.Rows(rgb, count);
    return true;
  }
  bool Cancelled() const override { return cancel_.cancelled(); }

 protected:
  // Fills in the input's side of `spec` and begins.
  Status BeginResize(const Frame& frame, Fit fit, ResizeSpec spec) {
    spec.in_width = frame.width;
    spec.in_height = frame.height;
    spec.right = frame.extent_width;
    spec.bottom = frame.extent_height;
    if (fit == Fit::kCover) {
      const double width = static_cast<double>(spec.out_width);
      const double height = static_cast<double>(spec.out_height);
      const double scale = std::min(frame.extent_width / width, frame.extent_height / height);
      spec.left = (frame.extent_width - scale * width) / 2;
      spec.top = (frame.extent_height - scale * height) / 2;
      spec.right = spec.left + scale * width;
      spec.bottom = spec.top + scale * height;
    }
    return resizer_.Begin(spec);
  }

 private:
  Resizer& resizer_;
  const CancelToken& cancel_;
};

}  // namespace

struct ImageDecoder::Parts {
  JpegDecoder jpeg;
  Resizer resizer;
  Buffer<uint8_t> file;
  Buffer<float> planes;
  // Of the thumbnail that is made beside a tensor.
  Resizer thumbnail_resizer;
  Buffer<float> thumbnail_planes;
};

// Rows to a normalised tensor. An upright NCHW picture is written straight to its place, any other by way of planes.
class ImageDecoder::TensorSink final : public ResizeSink {
 public:
  TensorSink(Parts& parts, const CancelToken& cancel, const TensorTarget& target, uint8_t orientation, float* out)
      : ResizeSink(parts.resizer, cancel), parts_(parts), target_(target), orientation_(orientation), out_(out) {
    width_ = SwapsSides(orientation) ? target.height : target.width;
    height_ = SwapsSides(orientation) ? target.width : target.height;
    direct_ = orientation == kUpright && !target.channels_last;
  }

  // The target as the stored picture sees it.
  size_t width() const { return width_; }
  size_t height() const { return height_; }

  Status Begin(const Frame& frame) override {
    if (!direct_ && !parts_.planes.Reserve(target_.floats())) return OutOfMemory();
    ResizeSpec spec;
    spec.filter = target_.filter;
    spec.out_width = width_;
    spec.out_height = height_;
    for (size_t colour = 0; colour < 3; ++colour) {
      const size_t channel = target_.bgr ? 2 - colour : colour;
      spec.scale[colour] = 1 / target_.std[channel];
      spec.bias[colour] = -target_.mean[channel] / target_.std[channel];
      spec.planes[colour] = (direct_ ? out_ : parts_.planes.data()) + channel * width_ * height_;
    }
    return BeginResize(frame, target_.fit, spec);
  }

  void Finish() {
    if (direct_) return;
    const Placement place = Place(orientation_, width_, height_);
    const size_t pixels = width_ * height_;
    for (size_t channel = 0; channel < 3; ++channel) {
      const float* plane = parts_.planes.data() + channel * pixels;
      if (target_.channels_last) {
        Rearrange(plane, width_, height_, place, 3, out_ + channel);
      } else {
        Rearrange(plane, width_, height_, place, 1, out_ + channel * pixels);
      }
    }
  }

 private:
  Parts& parts_;
  const TensorTarget& target_;
  uint8_t orientation_;
  float* out_;
  size_t width_ = 0;
  size_t height_ = 0;
  bool direct_ = false;
};

// Rows to upright packed RGB, resized when `max_side` asks for it.
class ImageDecoder::RgbSink final : public ResizeSink {
 public:
  RgbSink(Resizer& resizer, Buffer<float>& planes, const CancelToken& cancel, const Header& header, size_t max_side,
          Filter filter, RgbImage& out)
      : ResizeSink(resizer, cancel), planes_(planes), orientation_(header.orientation), filter_(filter), out_(out) {
    width_ = header.width;
    height_ = header.height;
    const size_t longest = std::max(width_, height_);
    if (max_side != 0 && longest > max_side) {
      resized_ = true;
      const auto shrink = [&](size_t side) {
        const double exact = static_cast<double>(side) * static_cast<double>(max_side) / static_cast<double>(longest);
        return std::max<size_t>(static_cast<size_t>(std::lround(exact)), 1);
      };
      width_ = shrink(width_);
      height_ = shrink(height_);
    }
  }

  size_t target_width() const { return resized_ ? width_ : 0; }
  size_t target_height() const { return resized_ ? height_ : 0; }

  Status Begin(const Frame& frame) override {
    if (!resized_ && (frame.width != width_ || frame.height != height_)) {
      return {"image/corrupt", "Expected one size in the image's header, but found two; copy or download it again."};
    }
    out_.width = SwapsSides(orientation_) ? height_ : width_;
    out_.height = SwapsSides(orientation_) ? width_ : height_;
    try {
      out_.pixels.resize(width_ * height_ * 3);
    } catch (const std::bad_alloc&) {
      return OutOfMemory();
    }
    place_ = Place(orientation_, width_, height_);
    if (!resized_) return Status::Ok();
    if (!planes_.Reserve(width_ * height_ * 3)) return OutOfMemory();
    ResizeSpec spec;
    spec.filter = filter_;
    spec.out_width = width_;
    spec.out_height = height_;
    for (size_t c = 0; c < 3; ++c) spec.planes[c] = planes_.data() + c * width_ * height_;
    return BeginResize(frame, Fit::kStretch, spec);
  }

  bool Rows(const uint8_t* const* rgb, size_t count) override {
    if (resized_) return ResizeSink::Rows(rgb, count);
    if (Cancelled()) return false;
    for (size_t i = 0; i < count; ++i, ++y_) {
      for (size_t x = 0; x < width_; ++x) std::copy_n(rgb[i] + x * 3, 3, Pixel(x, y_));
    }
    return true;
  }

  void Finish() {
    if (!resized_) return;
    const size_t pixels = width_ * height_;
    if (orientation_ == kUpright) {
      const float* red = planes_.data();
      const float* green = red + pixels;
      const float* blue = green + pixels;
      uint8_t* to = out_.pixels.data();
      for (size_t i = 0; i < pixels; ++i) {
        to[i * 3] = static_cast<uint8_t>(red[i] + 0.5f);
        to[i * 3 + 1] = static_cast<uint8_t>(green[i] + 0.5f);
        to[i * 3 + 2] = static_cast<uint8_t>(blue[i] + 0.5f);
      }
      return;
    }
    for (size_t y = 0; y < height_; ++y) {
      for (size_t x = 0; x < width_; ++x) {
        for (size_t c = 0; c < 3; ++c) {
          Pixel(x, y)[c] = static_cast<uint8_t>(planes_.data()[c * pixels + y * width_ + x] + 0.5f);
        }
      }
    }
  }

 private:
  // Where stored pixel (x, y) goes.
  uint8_t* Pixel(size_t x, size_t y) {
    const std::ptrdiff_t at =
        place_.base + static_cast<std::ptrdiff_t>(x) * place_.step_x + static_cast<std::ptrdiff_t>(y) * place_.step_y;
    return out_.pixels.data() + at * 3;
  }

  Buffer<float>& planes_;
  uint8_t orientation_;
  Filter filter_;
  RgbImage& out_;
  Placement place_;
  size_t width_ = 0;
  size_t height_ = 0;
  size_t y_ = 0;
  bool resized_ = false;
};

// Rows to a tensor and, where there are enough of them, to a thumbnail.
class ImageDecoder::TeeSink final : public RowSink {
 public:
  TeeSink(TensorSink& tensor, RgbSink& thumbnail) : tensor_(tensor), thumbnail_(thumbnail) {}

  Status Begin(const Frame& frame) override {
    VERGER_RETURN_IF_ERROR(tensor_.Begin(frame));
    const bool smaller = thumbnail_.target_width() != 0;
    const bool enough = frame.width >= thumbnail_.target_width() && frame.height >= thumbnail_.target_height();
    // Without memory for a thumbnail the tensor is still worth having.
    begun_ = smaller && enough && thumbnail_.Begin(frame).ok();
    return Status::Ok();
  }
  bool Rows(const uint8_t* const* rgb, size_t count) override {
    return tensor_.Rows(rgb, count) && (!begun_ || thumbnail_.Rows(rgb, count));
  }
  bool Cancelled() const override { return tensor_.Cancelled(); }

  // True when a thumbnail has been made.
  bool begun() const { return begun_; }

 private:
  TensorSink& tensor_;
  RgbSink& thumbnail_;
  bool begun_ = false;
};

ImageDecoder::ImageDecoder() : parts_(std::make_unique<Parts>()) {}
ImageDecoder::~ImageDecoder() = default;

ImageDecoder& ImageDecoder::OfThread() {
  thread_local ImageDecoder decoder;
  return decoder;
}

Status ImageDecoder::Open(const Source& source, const DecodeLimits& limits, Bytes* bytes, Header* header) {
  if (source.in_memory) {
    *bytes = source.bytes;
  } else {
    bool complete = false;
    VERGER_RETURN_IF_ERROR(
        ReadFile(source.path, limits, std::numeric_limits<size_t>::max(), parts_->file, bytes, &complete));
  }
  VERGER_RETURN_IF_ERROR(ReadHeader(*bytes, header));
  return CheckPixelLimit(header->width, header->height, limits);
}

Status ImageDecoder::Decode(Bytes bytes, const Header& header, const DecodeLimits& limits, size_t target_width,
                            size_t target_height, RowSink& sink) {
  switch (header.format) {
    case Format::kPng:
      return DecodePng(bytes, limits, sink);
    case Format::kWebp:
      return DecodeWebp(bytes, limits, sink);
    case Format::kJpeg:
      break;
  }
  return parts_->jpeg.Decode(bytes, limits, target_width, target_height, sink);
}

void ImageDecoder::Trim() {
  parts_->file.Trim(kKeptBytes);
  parts_->planes.Trim(kKeptBytes);
  parts_->resizer.Trim(kKeptBytes);
  parts_->thumbnail_planes.Trim(kKeptBytes);
  parts_->thumbnail_resizer.Trim(kKeptBytes);
}

Status ImageDecoder::ToTensor(const Source& source, const TensorTarget& target, const DecodeLimits& limits,
                              const CancelToken& cancel, float* out, Header* header, const ThumbnailSpec& thumbnail,
                              std::vector<uint8_t>* jpeg) {
  if (jpeg != nullptr) jpeg->clear();
  Bytes bytes;
  Status status = Open(source, limits, &bytes, header);
  if (status.ok()) {
    TensorSink sink(*parts_, cancel, target, header->orientation, out);
    if (thumbnail.wanted() && jpeg != nullptr) {
      RgbImage picture;
      RgbSink small(parts_->thumbnail_resizer, parts_->thumbnail_planes, cancel, *header, thumbnail.side,
                    Filter::kBilinear, picture);
      TeeSink tee(sink, small);
      status = Decode(bytes, *header, limits, sink.width(), sink.height(), tee);
      if (status.ok() && tee.begun()) {
        small.Finish();
        if (!EncodeJpeg(picture.pixels.data(), picture.width, picture.height, thumbnail.quality, Subsampling::k420,
                        jpeg)
                 .ok()) {
          jpeg->clear();
        }
      }
    } else {
      status = Decode(bytes, *header, limits, sink.width(), sink.height(), sink);
    }
    if (status.ok()) sink.Finish();
  }
  Trim();
  return status;
}

Status ImageDecoder::ToRgb(const Source& source, size_t max_side, const DecodeLimits& limits, const CancelToken& cancel,
                           RgbImage* out) {
  Bytes bytes;
  Header header;
  Status status = Open(source, limits, &bytes, &header);
  if (status.ok()) {
    RgbSink sink(parts_->resizer, parts_->planes, cancel, header, max_side, Filter::kBicubic, *out);
    status = Decode(bytes, header, limits, sink.target_width(), sink.target_height(), sink);
    if (status.ok()) sink.Finish();
  }
  Trim();
  return status;
}

Status ImageDecoder::Probe(const Source& source, const DecodeLimits& limits, Header* header) {
  if (source.in_memory) return ReadHeader(source.bytes, header);
  Bytes bytes;
  bool complete = false;
  VERGER_RETURN_IF_ERROR(ReadFile(source.path, limits, kProbeBytes, parts_->file, &bytes, &complete));
  Status status = ReadHeader(bytes, header);
  const bool enough = complete || (status.ok() && header->format == Format::kJpeg) ||
                      (!status.ok() && status.code() != "image/truncated");
  if (!enough) {
    VERGER_RETURN_IF_ERROR(
        ReadFile(source.path, limits, std::numeric_limits<size_t>::max(), parts_->file, &bytes, &complete));
    status = ReadHeader(bytes, header);
  }
  Trim();
  return status;
}

Status DecodeBatch(ThreadPool& pool, const std::vector<Source>& sources, const TensorTarget& target,
                   const DecodeLimits& limits, size_t threads, const CancelToken& cancel, float* out,
                   std::vector<BatchResult>* results, const ThumbnailSpec& thumbnail) {
  results->assign(sources.size(), BatchResult());
  pool.ParallelFor(sources.size(), threads, [&](size_t i, size_t) {
    if (cancel.cancelled()) return;
    BatchResult& result = (*results)[i];
    float* slot = out + i * target.floats();
    Header header;
    try {
      result.status = ImageDecoder::OfThread().ToTensor(sources[i], target, limits, cancel, slot, &header, thumbnail,
                                                        &result.thumbnail);
    } catch (const std::bad_alloc&) {
      result.status = OutOfMemory();
    }
    if (result.status.ok()) {
      result.width = header.upright_width();
      result.height = header.upright_height();
      result.captured = header.captured;
    } else {
      std::fill_n(slot, target.floats(), 0.0f);
    }
  });
  return cancel.cancelled() ? Status::Cancelled() : Status::Ok();
}

}  // namespace verger::image

// What the first bytes of an image file say, read without a decoder.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/image/exif.h"
#include "core/image/pixels.h"

namespace verger::image {

enum class Format : uint8_t { kJpeg, kPng, kWebp };

// "jpeg", "png" or "webp".
std::string_view FormatName(Format format);

struct Header {
  Format format = Format::kJpeg;
  // As stored, before orientation.
  uint32_t width = 0;
  uint32_t height = 0;
  uint8_t orientation = kUpright;
  // Nothing where EXIF does not say.
  std::optional<CaptureTime> captured;

  uint32_t upright_width() const { return SwapsSides(orientation) ? height : width; }
  uint32_t upright_height() const { return SwapsSides(orientation) ? width : height; }
};

// Reads format, size, orientation and time of capture. The format is decided by the content, never by a file's name.
// PNG and WebP may keep EXIF behind the pixels: give the whole file to be sure of what EXIF says.
// Codes: image/empty, image/unknown-format, image/truncated (`bytes` ends inside the header), image/corrupt,
// image/unsupported.
Status ReadHeader(Bytes bytes, Header* header);

// Codes: image/too-large.
Status CheckPixelLimit(uint64_t width, uint64_t height, const DecodeLimits& limits);

}  // namespace verger::image

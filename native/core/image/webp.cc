#include "core/image/webp.h"

#include <webp/decode.h>

#include <cstring>

#include "core/image/header.h"

namespace verger::image {

namespace {

Status Truncated() {
  return {"image/truncated",
          "Expected a whole WebP, but it ends early; copy or download the file again, or tolerate truncated images."};
}

Status Corrupt() {
  return {"image/corrupt",
          "Expected a valid WebP, but libwebp cannot decode its data; copy or download the file again."};
}

Status FromCode(VP8StatusCode code) {
  switch (code) {
    case VP8_STATUS_OK:
      return Status::Ok();
    case VP8_STATUS_OUT_OF_MEMORY:
      return OutOfMemory();
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return Truncated();
    default:
      return Corrupt();
  }
}

// Decodes what is there of a file that may end early; `*rows` full rows from the top are valid.
VP8StatusCode DecodePart(Bytes bytes, WebPDecoderConfig& config, int* rows) {
  WebPIDecoder* decoder = WebPIDecode(nullptr, 0, &config);
  if (decoder == nullptr) return VP8_STATUS_OUT_OF_MEMORY;
  const VP8StatusCode code = WebPIAppend(decoder, bytes.data(), bytes.size());
  *rows = 0;
  WebPIDecGetRGB(decoder, rows, nullptr, nullptr, nullptr);
  WebPIDelete(decoder);
  return code;
}

}  // namespace

Status DecodeWebp(Bytes bytes, const DecodeLimits& limits, RowSink& sink) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return Corrupt();
  VERGER_RETURN_IF_ERROR(FromCode(WebPGetFeatures(bytes.data(), bytes.size(), &config.input)));
  if (config.input.has_animation) {
    return {"image/unsupported",
            "Expected a still image, but this WebP file is an animation; save one of its frames as a file."};
  }
  const size_t width = static_cast<size_t>(config.input.width);
  const size_t height = static_cast<size_t>(config.input.height);
  VERGER_RETURN_IF_ERROR(CheckPixelLimit(width, height, limits));
  const bool alpha = config.input.has_alpha != 0;
  const size_t stride = width * (alpha ? 4 : 3);
  Buffer<uint8_t> pixels;
  if (!pixels.Reserve(stride * height + kRowPadding)) return OutOfMemory();
  std::memset(pixels.data() + stride * height, 0, kRowPadding);
  config.output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = pixels.data();
  config.output.u.RGBA.stride = static_cast<int>(stride);
  config.output.u.RGBA.size = stride * height;

  size_t valid = height;
  if (limits.tolerate_truncated) {
    int rows = 0;
    Status status = FromCode(DecodePart(bytes, config, &rows));
    if (!status.ok() && status.code() != "image/truncated") return status;
    if (!status.ok()) valid = static_cast<size_t>(rows);
    if (valid == 0) return status;
  } else {
    // A file that is cut off inside its last partition decodes without complaint; its container tells.
    const uint64_t riff =
        uint64_t{bytes[4]} | uint64_t{bytes[5]} << 8 | uint64_t{bytes[6]} << 16 | uint64_t{bytes[7]} << 24;
    if (riff + 8 > bytes.size()) return Truncated();
    VERGER_RETURN_IF_ERROR(FromCode(WebPDecode(bytes.data(), bytes.size(), &config)));
  }
  if (sink.Cancelled()) return Status::Cancelled();
  Frame frame;
  frame.width = width;
  frame.height = height;
  frame.extent_width = static_cast<double>(width);
  frame.extent_height = static_cast<double>(height);
  VERGER_RETURN_IF_ERROR(sink.Begin(frame));
  for (size_t y = 0; y < height; y += kRowsPerCall) {
    const size_t count = std::min(kRowsPerCall, height - y);
    const uint8_t* rows[kRowsPerCall];
    for (size_t i = 0; i < count; ++i) {
      uint8_t* row = pixels.data() + (y + i) * stride;
      if (y + i >= valid) {
        std::memset(row, kGrey, width * 3);
      } else if (alpha) {
        BlendOverWhite(row, width);
      }
      rows[i] = row;
    }
    if (!sink.Rows(rows, count)) return Status::Cancelled();
  }
  return Status::Ok();
}

std::string LibwebpVersion() {
  const int version = WebPGetDecoderVersion();
  return std::to_string(version >> 16) + "." + std::to_string(version >> 8 & 0xff) + "." +
         std::to_string(version & 0xff);
}

}  // namespace verger::image

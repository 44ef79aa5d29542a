#include "core/image/header.h"

#include <algorithm>
#include <array>
#include <string>

namespace verger::image {

namespace {

constexpr std::array<uint8_t, 8> kPngSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
// libpng's own limit, checked here so that the sentence is ours.
constexpr uint64_t kMaxSide = 1'000'000;

uint32_t Big16(Bytes bytes, size_t at) { return uint32_t{bytes[at]} << 8 | bytes[at + 1]; }
uint32_t Big32(Bytes bytes, size_t at) { return Big16(bytes, at) << 16 | Big16(bytes, at + 2); }
uint32_t Little16(Bytes bytes, size_t at) { return uint32_t{bytes[at + 1]} << 8 | bytes[at]; }
uint32_t Little24(Bytes bytes, size_t at) { return uint32_t{bytes[at + 2]} << 16 | Little16(bytes, at); }
uint32_t Little32(Bytes bytes, size_t at) { return Little16(bytes, at + 2) << 16 | Little16(bytes, at); }

bool HasText(Bytes bytes, size_t at, std::string_view text) {
  return bytes.size() >= at + text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char a, uint8_t b) { return static_cast<uint8_t>(a) == b; });
}

Status Truncated(std::string_view format) {
  return {"image/truncated", "Expected a whole " + std::string(format) +
                                 " file, but it ends inside its header; copy or download the file again."};
}

Status Corrupt(std::string_view format, std::string_view found) {
  return {"image/corrupt", "Expected a valid " + std::string(format) + " header, but it has " + std::string(found) +
                               "; copy or download the file again."};
}

// The name of what `bytes` look like, for the error sentence.
std::string_view Guess(Bytes bytes) {
  if (HasText(bytes, 0, "GIF8")) return "a GIF image";
  if (HasText(bytes, 0, "BM") && bytes.size() > 14) return "what looks like a BMP image";
  if (HasText(bytes, 0, std::string_view("II*\0", 4)) || HasText(bytes, 0, std::string_view("MM\0*", 4))) {
    return "a TIFF or camera raw image";
  }
  if (HasText(bytes, 4, "ftyp")) return "a HEIC, AVIF or video file";
  if (HasText(bytes, 0, "%PDF")) return "a PDF document";
  if (HasText(bytes, 0, "PK")) return "a ZIP archive";
  const Bytes start = bytes.first(std::min<size_t>(bytes.size(), 256));
  const bool text = std::all_of(start.begin(), start.end(),
                                [](uint8_t c) { return c >= 0x20 ? c != 0x7f : c == '\n' || c == '\r' || c == '\t'; });
  return text ? "text" : "other data";
}

// A file may have several EXIF blocks: what an earlier one said stands.
void TakeExif(Bytes block, Header* header) {
  if (header->orientation != kUpright && header->captured) return;
  const Exif exif = ParseExif(block);
  if (header->orientation == kUpright) header->orientation = exif.orientation;
  if (!header->captured) header->captured = exif.captured;
}

Status ReadJpegHeader(Bytes bytes, Header* header) {
  header->format = Format::kJpeg;
  bool sized = false;
  size_t at = 2;
  for (;;) {
    // As libjpeg does: anything up to the next 0xFF is skipped, and 0xFF may be repeated as fill.
    while (at < bytes.size() && bytes[at] != 0xff) ++at;
    while (at < bytes.size() && bytes[at] == 0xff) ++at;
    if (at >= bytes.size()) return Truncated("JPEG");
    const uint8_t marker = bytes[at++];
    const bool bare = marker == 0 || marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7);
    if (bare) continue;
    if (marker == 0xd9) return Corrupt("JPEG", "no image data");
    if (bytes.size() - at < 2) return Truncated("JPEG");
    const size_t length = Big16(bytes, at);
    if (length < 2) return Corrupt("JPEG", "a segment with an impossible length");
    if (marker == 0xda) return sized ? Status::Ok() : Corrupt("JPEG", "image data before its size");
    const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (bytes.size() - at < length) return Truncated("JPEG");
    const Bytes segment = bytes.subspan(at + 2, length - 2);
    if (frame) {
      if (segment.size() < 6) return Corrupt("JPEG", "a frame segment that is too short");
      header->height = Big16(segment, 1);
      header->width = Big16(segment, 3);
      if (header->width == 0 || header->height == 0) return Corrupt("JPEG", "a width or height of zero");
      sized = true;
    } else if (marker == 0xe1 && HasText(segment, 0, std::string_view("Exif\0\0", 6))) {
      TakeExif(segment, header);
    }
    at += length;
  }
}

Status ReadPngHeader(Bytes bytes, Header* header) {
  header->format = Format::kPng;
  if (bytes.size() < 33) return Truncated("PNG");
  if (!HasText(bytes, 12, "IHDR") || Big32(bytes, 8) != 13) return Corrupt("PNG", "no IHDR chunk at its start");
  header->width = Big32(bytes, 16);
  header->height = Big32(bytes, 20);
  if (header->width == 0 || header->height == 0) return Corrupt("PNG", "a width or height of zero");
  for (size_t at = 33; bytes.size() - at >= 12;) {
    const size_t length = Big32(bytes, at);
    if (length > bytes.size() - at - 12) break;  // cut off: the decoder will say so
    if (HasText(bytes, at + 4, "eXIf")) {
      TakeExif(bytes.subspan(at + 8, length), header);
      break;
    }
    at += 12 + length;
  }
  return Status::Ok();
}

Status ReadWebpHeader(Bytes bytes, Header* header) {
  header->format = Format::kWebp;
  if (bytes.size() < 30) return Truncated("WebP");
  if (HasText(bytes, 12, "VP8X")) {
    if ((bytes[20] & 0x02) != 0) {
      return {"image/unsupported",
              "Expected a still image, but this WebP file is an animation; save one of its frames as a file."};
    }
    header->width = Little24(bytes, 24) + 1;
    header->height = Little24(bytes, 27) + 1;
    for (size_t at = 12; bytes.size() - at >= 8;) {
      const size_t length = Little32(bytes, at + 4);
      if (length > bytes.size() - at - 8) break;
      if (HasText(bytes, at, "EXIF")) {
        TakeExif(bytes.subspan(at + 8, length), header);
        break;
      }
      const size_t padded = length + (length & 1);
      if (padded > bytes.size() - at - 8) break;
      at += 8 + padded;
    }
    return Status::Ok();
  }
  if (HasText(bytes, 12, "VP8L")) {
    if (bytes[20] != 0x2f) return Corrupt("WebP", "no lossless signature");
    const uint32_t bits = Little32(bytes, 21);
    header->width = (bits & 0x3fff) + 1;
    header->height = (bits >> 14 & 0x3fff) + 1;
    return Status::Ok();
  }
  if (HasText(bytes, 12, "VP8 ")) {
    if ((bytes[20] & 1) != 0 || bytes[23] != 0x9d || bytes[24] != 0x01 || bytes[25] != 0x2a) {
      return Corrupt("WebP", "no key frame at its start");
    }
    header->width = Little16(bytes, 26) & 0x3fff;
    header->height = Little16(bytes, 28) & 0x3fff;
    if (header->width == 0 || header->height == 0) return Corrupt("WebP", "a width or height of zero");
    return Status::Ok();
  }
  return Corrupt("WebP", "an unknown first chunk");
}

}  // namespace

std::string_view FormatName(Format format) {
  switch (format) {
    case Format::kPng:
      return "png";
    case Format::kWebp:
      return "webp";
    case Format::kJpeg:
      break;
  }
  return "jpeg";
}

Status ReadHeader(Bytes bytes, Header* header) {
  *header = Header();
  if (bytes.empty()) {
    return {"image/empty", "Expected an image, but the file is empty; copy or download the file again."};
  }
  if (bytes.size() >= 2 && bytes[0] == 0xff && bytes[1] == 0xd8) return ReadJpegHeader(bytes, header);
  const size_t signature = std::min(bytes.size(), kPngSignature.size());
  if (signature >= 4 &&
      std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(signature), kPngSignature.begin())) {
    return ReadPngHeader(bytes, header);
  }
  if (HasText(bytes, 0, "RIFF") && (bytes.size() < 12 || HasText(bytes, 8, "WEBP"))) {
    return ReadWebpHeader(bytes, header);
  }
  return {"image/unknown-format", "Expected a JPEG, PNG or WebP image, but the file holds " +
                                      std::string(Guess(bytes)) + "; convert it or leave it out."};
}

Status CheckPixelLimit(uint64_t width, uint64_t height, const DecodeLimits& limits) {
  if (width <= kMaxSide && height <= kMaxSide && width * height <= limits.max_pixels) return Status::Ok();
  return {"image/too-large", "Expected at most " + std::to_string(limits.max_pixels) + " pixels, but the image is " +
                                 std::to_string(width) + " x " + std::to_string(height) +
                                 "; shrink it or raise the pixel limit."};
}

}  // namespace verger::image

// Image files made in memory for tests, with the reference encoders: what they write is what decoders must read.
#pragma once

#include <gtest/gtest.h>
#include <png.h>
#include <webp/encode.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

// Needs FILE and size_t first.
#include <jpeglib.h>

namespace verger::image::fixtures {

using File = std::vector<uint8_t>;

// A picture with `channels` bytes per pixel.
struct Picture {
  size_t width = 0;
  size_t height = 0;
  size_t channels = 3;
  std::vector<uint8_t> pixels;

  uint8_t* at(size_t x, size_t y) { return pixels.data() + (y * width + x) * channels; }
  const uint8_t* at(size_t x, size_t y) const { return pixels.data() + (y * width + x) * channels; }
};

// A small generator with a fixed sequence.
class Random {
 public:
  explicit Random(uint32_t seed) : state_(seed * 2654435761U + 12345U) {}
  uint32_t Next() {
    state_ = state_ * 1664525U + 1013904223U;
    return state_ >> 8;
  }
  size_t Between(size_t low, size_t high) { return low + Next() % (high - low + 1); }

 private:
  uint32_t state_;
};

inline Picture Noise(size_t width, size_t height, size_t channels, uint32_t seed) {
  Picture picture{width, height, channels, std::vector<uint8_t>(width * height * channels)};
  Random random(seed);
  for (uint8_t& value : picture.pixels) value = static_cast<uint8_t>(random.Next());
  return picture;
}

// Slopes with an edge: every pixel of every channel depends on both coordinates, and no two orientations look alike.
inline Picture Slopes(size_t width, size_t height, size_t channels = 3) {
  Picture picture{width, height, channels, std::vector<uint8_t>(width * height * channels)};
  for (size_t y = 0; y < height; ++y) {
    for (size_t x = 0; x < width; ++x) {
      for (size_t c = 0; c < channels; ++c) {
        const size_t edge = 3 * x > 2 * width ? 60 : 0;
        picture.at(x, y)[c] = static_cast<uint8_t>(40 + 90 * x / width + (50 + 15 * c) * y / height + edge - 10 * c);
      }
    }
  }
  return picture;
}

struct JpegOptions {
  int quality = 90;
  bool progressive = false;
  bool halved_chroma = false;
  bool arithmetic = false;
  bool adobe = true;                       // of CMYK and YCCK
  J_COLOR_SPACE stored = JCS_UNKNOWN;      // default: libjpeg's choice
  std::vector<jpeg_scan_info> scans = {};  // own scan script
};

// Channels: 1 grey, 3 RGB, 4 CMYK as stored.
inline File EncodeJpegFile(const Picture& picture, const JpegOptions& options = {}) {
  jpeg_compress_struct info = {};
  jpeg_error_mgr errors = {};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = static_cast<JDIMENSION>(picture.width);
  info.image_height = static_cast<JDIMENSION>(picture.height);
  info.input_components = static_cast<int>(picture.channels);
  info.in_color_space = picture.channels == 1 ? JCS_GRAYSCALE : picture.channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  if (options.stored != JCS_UNKNOWN) jpeg_set_colorspace(&info, options.stored);
  jpeg_set_quality(&info, options.quality, TRUE);
  info.dct_method = JDCT_ISLOW;
  info.arith_code = options.arithmetic ? TRUE : FALSE;
  if (picture.channels == 3) {
    info.comp_info[0].h_samp_factor = options.halved_chroma ? 2 : 1;
    info.comp_info[0].v_samp_factor = options.halved_chroma ? 2 : 1;
  }
  if (picture.channels == 4) info.write_Adobe_marker = options.adobe ? TRUE : FALSE;
  if (options.progressive) jpeg_simple_progression(&info);
  if (!options.scans.empty()) {
    info.scan_info = options.scans.data();
    info.num_scans = static_cast<int>(options.scans.size());
  }
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<uint8_t*>(picture.at(0, info.next_scanline));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  File file(memory, memory + size);
  std::free(memory);
  return file;
}

// What libjpeg-turbo itself makes of `file`: RGB at so many eighths of its size.
inline Picture DecodePlainly(const File& file, unsigned eighths = 8) {
  jpeg_decompress_struct info = {};
  jpeg_error_mgr errors = {};
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, file.data(), file.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_RGB;
  info.scale_num = eighths;
  info.scale_denom = 8;
  jpeg_start_decompress(&info);
  Picture picture{info.output_width, info.output_height, 3, {}};
  picture.pixels.resize(picture.width * picture.height * 3);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = picture.at(0, info.output_scanline);
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return picture;
}

struct PngOptions {
  int color_type = PNG_COLOR_TYPE_RGB;
  int depth = 8;
  bool interlaced = false;
  std::vector<png_color> palette;
  std::vector<uint8_t> palette_alpha;
};

// `rows` are in PNG's own layout for the colour type and depth (16 bits big-endian).
inline File EncodePngFile(size_t width, size_t height, const std::vector<std::vector<uint8_t>>& rows,
                          const PngOptions& options = {}) {
  File file;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &file,
      [](png_structp p, png_bytep data, png_size_t size) {
        auto* to = static_cast<File*>(png_get_io_ptr(p));
        to->insert(to->end(), data, data + size);
      },
      nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), options.depth,
               options.color_type, options.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!options.palette.empty()) {
    png_set_PLTE(png, info, options.palette.data(), static_cast<int>(options.palette.size()));
  }
  if (!options.palette_alpha.empty()) {
    png_set_tRNS(png, info, options.palette_alpha.data(), static_cast<int>(options.palette_alpha.size()), nullptr);
  }
  png_write_info(png, info);
  std::vector<png_bytep> pointers;
  for (const auto& row : rows) pointers.push_back(const_cast<png_bytep>(row.data()));
  png_write_image(png, pointers.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return file;
}

inline File EncodePngFile(const Picture& picture, bool interlaced = false) {
  std::vector<std::vector<uint8_t>> rows;
  for (size_t y = 0; y < picture.height; ++y) {
    rows.emplace_back(picture.at(0, y), picture.at(0, y) + picture.width * picture.channels);
  }
  PngOptions options;
  options.interlaced = interlaced;
  constexpr int kTypes[5] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                             PNG_COLOR_TYPE_RGB_ALPHA};
  options.color_type = kTypes[picture.channels];
  return EncodePngFile(picture.width, picture.height, rows, options);
}

// Channels: 3 RGB, 4 RGBA.
inline File EncodeWebpFile(const Picture& picture, bool lossless) {
  uint8_t* memory = nullptr;
  const int width = static_cast<int>(picture.width);
  const int height = static_cast<int>(picture.height);
  const int stride = width * static_cast<int>(picture.channels);
  size_t size = 0;
  if (picture.channels == 4) {
    size = lossless ? WebPEncodeLosslessRGBA(picture.pixels.data(), width, height, stride, &memory)
                    : WebPEncodeRGBA(picture.pixels.data(), width, height, stride, 90, &memory);
  } else {
    size = lossless ? WebPEncodeLosslessRGB(picture.pixels.data(), width, height, stride, &memory)
                    : WebPEncodeRGB(picture.pixels.data(), width, height, stride, 90, &memory);
  }
  File file(memory, memory + size);
  WebPFree(memory);
  return file;
}

// Byte by byte: gcc 12 warns without cause about vector::insert of what it can see through.
template <class Range>
void AppendAll(File& file, const Range& range) {
  for (const auto byte : range) file.push_back(static_cast<uint8_t>(byte));
}

inline void Append(File& file, const std::string& text) { AppendAll(file, text); }

inline void AppendBig32(File& file, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) file.push_back(static_cast<uint8_t>(value >> shift));
}

// Writes a TIFF block up to its first directory, and numbers in its byte order behind that.
struct TiffWriter {
  explicit TiffWriter(bool is_big_endian) : big_endian(is_big_endian) {
    Append(block, big_endian ? "MM" : "II");
    Put16(42);
    Put32(8);
  }

  void Put16(size_t value) {
    block.push_back(static_cast<uint8_t>(big_endian ? value >> 8 : value));
    block.push_back(static_cast<uint8_t>(big_endian ? value : value >> 8));
  }
  void Put32(size_t value) {
    Put16(big_endian ? value >> 16 : value & 0xffff);
    Put16(big_endian ? value & 0xffff : value >> 16);
  }

  bool big_endian;
  File block;
};

// A TIFF block whose first directory holds `orientation`, behind a few other entries.
inline File ExifBlock(uint16_t orientation, bool big_endian = false, uint16_t type = 3) {
  TiffWriter tiff(big_endian);
  tiff.Put16(2);
  tiff.Put16(0x0100), tiff.Put16(4), tiff.Put32(1), tiff.Put32(1234);  // ImageWidth
  tiff.Put16(0x0112), tiff.Put16(type), tiff.Put32(1);
  if (type == 3) {
    tiff.Put16(orientation), tiff.Put16(0);
  } else {
    tiff.Put32(orientation);
  }
  tiff.Put32(0);
  return tiff.block;
}

// An ASCII entry of an EXIF directory; its bytes are stored as they are, so give the NUL that belongs to the text.
struct ExifText {
  uint16_t tag = 0;
  std::string bytes;
};

// "2026:05:01 10:20:30" and such with the NUL that the standard asks for.
inline ExifText Said(uint16_t tag, const std::string& text) { return {tag, text + '\0'}; }

// A TIFF block with texts in its first and in its EXIF directory, and an orientation of 6.
inline File ExifTextBlock(const std::vector<ExifText>& first, const std::vector<ExifText>& inner,
                          bool big_endian = false) {
  TiffWriter tiff(big_endian);
  const size_t inner_at = 8 + 2 + 12 * (first.size() + 2) + 4;
  const size_t values_at = inner_at + 2 + 12 * inner.size() + 4;
  std::string values;
  const auto put_text = [&](const ExifText& text) {
    tiff.Put16(text.tag), tiff.Put16(2), tiff.Put32(text.bytes.size());
    if (text.bytes.size() <= 4) {
      Append(tiff.block, text.bytes + std::string(4 - text.bytes.size(), '\0'));
    } else {
      tiff.Put32(values_at + values.size());
      values += text.bytes;
    }
  };
  tiff.Put16(first.size() + 2);
  tiff.Put16(0x0112), tiff.Put16(3), tiff.Put32(1), tiff.Put16(6), tiff.Put16(0);
  for (const ExifText& text : first) put_text(text);
  tiff.Put16(0x8769), tiff.Put16(4), tiff.Put32(1), tiff.Put32(inner_at);
  tiff.Put32(0);
  tiff.Put16(inner.size());
  for (const ExifText& text : inner) put_text(text);
  tiff.Put32(0);
  Append(tiff.block, values);
  return tiff.block;
}

// Inserts an APP1 segment behind SOI.
inline File WithJpegExif(const File& jpeg, const File& exif, const std::string& prefix = std::string("Exif\0\0", 6)) {
  File file;
  file.push_back(0xff);
  file.push_back(0xd8);
  const size_t length = 2 + prefix.size() + exif.size();
  AppendAll(file, File{0xff, 0xe1, static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length)});
  Append(file, prefix);
  AppendAll(file, exif);
  AppendAll(file, std::span(jpeg).subspan(2));
  return file;
}

inline uint32_t PngCrc(const uint8_t* data, size_t size) {
  uint32_t crc = 0xffffffffU;
  for (size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? 0xedb88320U ^ crc >> 1 : crc >> 1;
  }
  return ~crc;
}

// Inserts a chunk behind IHDR.
inline File WithPngChunk(const File& png, const std::string& type, const File& data) {
  constexpr size_t kAfterHeader = 33;
  File chunk;
  AppendBig32(chunk, static_cast<uint32_t>(data.size()));
  Append(chunk, type);
  AppendAll(chunk, data);
  AppendBig32(chunk, PngCrc(chunk.data() + 4, chunk.size() - 4));
  File file;
  AppendAll(file, std::span(png).first(kAfterHeader));
  AppendAll(file, chunk);
  AppendAll(file, std::span(png).subspan(kAfterHeader));
  return file;
}

// Wraps a simple WebP into the extended format with an EXIF chunk behind the picture.
inline File WithWebpExif(const File& webp, const Picture& picture, const File& exif) {
  File body;
  const auto put32 = [&](size_t value) {
    for (int shift = 0; shift < 32; shift += 8) body.push_back(static_cast<uint8_t>(value >> shift));
  };
  Append(body, "VP8X");
  put32(10);
  put32(8);
  for (const size_t side : {picture.width - 1, picture.height - 1}) {
    for (int shift = 0; shift < 24; shift += 8) body.push_back(static_cast<uint8_t>(side >> shift));
  }
  AppendAll(body, std::span(webp).subspan(12));
  Append(body, "EXIF");
  put32(exif.size());
  AppendAll(body, exif);
  if (exif.size() % 2 != 0) body.push_back(0);
  File file;
  Append(file, "RIFF");
  const size_t size = body.size() + 4;
  for (int shift = 0; shift < 32; shift += 8) file.push_back(static_cast<uint8_t>(size >> shift));
  Append(file, "WEBP");
  AppendAll(file, body);
  return file;
}

// Where marker 0xff `marker` stands; fails the test when it does not.
inline size_t FindMarker(const File& jpeg, uint8_t marker) {
  for (size_t i = 2; i + 1 < jpeg.size(); ++i) {
    if (jpeg[i] == 0xff && jpeg[i + 1] == marker) return i;
  }
  ADD_FAILURE() << "marker not found";
  return 0;
}

// Claims another size in a JPEG's frame header.
inline File WithJpegSize(File jpeg, size_t width, size_t height, uint8_t frame_marker = 0xc0) {
  const size_t at = FindMarker(jpeg, frame_marker) + 5;
  jpeg[at] = static_cast<uint8_t>(height >> 8);
  jpeg[at + 1] = static_cast<uint8_t>(height);
  jpeg[at + 2] = static_cast<uint8_t>(width >> 8);
  jpeg[at + 3] = static_cast<uint8_t>(width);
  return jpeg;
}

// Claims another size in a PNG's header, with a right checksum.
inline File WithPngSize(File png, uint32_t width, uint32_t height) {
  File header;
  Append(header, "IHDR");
  AppendBig32(header, width);
  AppendBig32(header, height);
  AppendAll(header, std::span(png).subspan(24, 5));
  File crc;
  AppendBig32(crc, PngCrc(header.data(), header.size()));
  AppendAll(header, crc);
  std::copy(header.begin(), header.end(), png.begin() + 12);
  return png;
}

}  // namespace verger::image::fixtures

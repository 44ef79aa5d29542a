#include <gtest/gtest.h>
#include <webp/decode.h>

#include "core/image/header.h"
#include "image_fixtures.h"

namespace verger::image {
namespace {

using fixtures::EncodeJpegFile;
using fixtures::EncodePngFile;
using fixtures::EncodeWebpFile;
using fixtures::ExifBlock;
using fixtures::File;
using fixtures::Picture;
using fixtures::Slopes;

File Text(const std::string& text) { return File(text.begin(), text.end()); }

std::string CodeOf(const File& file) {
  Header header;
  return ReadHeader(file, &header).code();
}

TEST(HeaderTest, ReadsFormatAndSizeOfEveryFormat) {
  const Picture picture = Slopes(37, 23);
  const std::pair<Format, File> files[] = {
      {Format::kJpeg, EncodeJpegFile(picture)},       {Format::kJpeg, EncodeJpegFile(picture, {.progressive = true})},
      {Format::kPng, EncodePngFile(picture)},         {Format::kWebp, EncodeWebpFile(picture, false)},
      {Format::kWebp, EncodeWebpFile(picture, true)}, {Format::kWebp, EncodeWebpFile(Slopes(37, 23, 4), false)},
  };
  for (const auto& [format, file] : files) {
    Header header;
    const Status status = ReadHeader(file, &header);
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(header.format, format);
    EXPECT_EQ(header.width, 37U);
    EXPECT_EQ(header.height, 23U);
    EXPECT_EQ(header.orientation, kUpright);
  }
}

TEST(HeaderTest, FindsTheOrientationOfEveryFormat) {
  const Picture picture = Slopes(37, 23);
  const File exif = ExifBlock(6, true);
  File prefixed = Text(std::string("Exif\0\0", 6));
  fixtures::AppendAll(prefixed, exif);
  const File files[] = {
      fixtures::WithJpegExif(EncodeJpegFile(picture), exif),
      fixtures::WithPngChunk(EncodePngFile(picture), "eXIf", exif),
      fixtures::WithWebpExif(EncodeWebpFile(picture, true), picture, exif),
      fixtures::WithWebpExif(EncodeWebpFile(picture, false), picture, prefixed),
  };
  for (const File& file : files) {
    Header header;
    ASSERT_TRUE(ReadHeader(file, &header).ok());
    EXPECT_EQ(header.orientation, 6);
    EXPECT_EQ(header.upright_width(), 23U);
    EXPECT_EQ(header.upright_height(), 37U);
  }
}

TEST(HeaderTest, FindsTheTimeOfCaptureOfEveryFormat) {
  const Picture picture = Slopes(37, 23);
  const File exif = fixtures::ExifTextBlock({}, {fixtures::Said(0x9003, "2026:05:01 10:20:30")});
  const CaptureTime time{1'777'630'830'000'000, {}};
  const File jpeg = EncodeJpegFile(picture);
  for (const File& file :
       {fixtures::WithJpegExif(jpeg, exif), fixtures::WithPngChunk(EncodePngFile(picture), "eXIf", exif),
        fixtures::WithWebpExif(EncodeWebpFile(picture, true), picture, exif)}) {
    Header header;
    ASSERT_TRUE(ReadHeader(file, &header).ok());
    EXPECT_EQ(header.captured, time);
    EXPECT_EQ(header.orientation, 6);
  }
  Header header;
  ASSERT_TRUE(ReadHeader(jpeg, &header).ok());
  EXPECT_FALSE(header.captured);
  // Two blocks, as some editors leave them: each says what the one before did not, and takes nothing back.
  const File later = fixtures::ExifTextBlock({}, {fixtures::Said(0x9003, "2026:06:01 10:20:30")});
  const File both =
      fixtures::WithJpegExif(fixtures::WithJpegExif(fixtures::WithJpegExif(jpeg, later), exif), ExifBlock(8));
  ASSERT_TRUE(ReadHeader(both, &header).ok());
  EXPECT_EQ(header.orientation, 8);
  EXPECT_EQ(header.captured, time);
}

TEST(HeaderTest, OtherApp1SegmentsAreNotExif) {
  const File jpeg = EncodeJpegFile(Slopes(8, 8));
  Header header;
  ASSERT_TRUE(ReadHeader(fixtures::WithJpegExif(jpeg, ExifBlock(6), "http://ns.adobe.com/xap/1.0/"), &header).ok());
  EXPECT_EQ(header.orientation, kUpright);
  // XMP first, EXIF second.
  const File both =
      fixtures::WithJpegExif(fixtures::WithJpegExif(jpeg, ExifBlock(8)), ExifBlock(6), "http://ns.adobe.com/xap/1.0/");
  ASSERT_TRUE(ReadHeader(both, &header).ok());
  EXPECT_EQ(header.orientation, 8);
}

TEST(HeaderTest, NamesWhatItCannotRead) {
  Header header;
  const std::pair<std::string, std::string> files[] = {
      {"GIF89a0123456789", "a GIF image"},
      {std::string("II*\0\x08\0\0\0", 8), "a TIFF"},
      {std::string("\0\0\0\x18"
                   "ftypheic",
                   12),
       "a HEIC"},
      {"%PDF-1.7", "a PDF document"},
      {"PK\x03\x04", "a ZIP archive"},
      {"just some text\n", "text"},
      {std::string("\x01\x02\x03\x04", 4), "other data"},
  };
  for (const auto& [bytes, name] : files) {
    const Status status = ReadHeader(Text(bytes), &header);
    EXPECT_EQ(status.code(), "image/unknown-format");
    EXPECT_NE(status.message().find("holds " + name), std::string::npos) << status.message();
  }
  EXPECT_EQ(CodeOf({}), "image/empty");
  EXPECT_EQ(CodeOf({0xff}), "image/unknown-format");
}

TEST(HeaderTest, EveryPrefixIsTruncatedOrRead) {
  const Picture picture = Slopes(20, 10);
  for (const File& file : {EncodeJpegFile(picture), EncodePngFile(picture), EncodeWebpFile(picture, false),
                           EncodeWebpFile(picture, true), EncodeWebpFile(Slopes(20, 10, 4), false)}) {
    bool whole = false;
    for (size_t size = 4; size <= file.size(); ++size) {
      // A copy of exactly that size, so that AddressSanitizer sees one byte too many.
      const File part(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      Header header;
      const Status status = ReadHeader(part, &header);
      if (status.ok()) {
        whole = true;
        EXPECT_EQ(header.width, 20U);
        EXPECT_EQ(header.height, 10U);
      } else {
        EXPECT_EQ(status.code(), "image/truncated") << size;
        EXPECT_FALSE(whole) << "a longer prefix was refused";
      }
    }
    EXPECT_TRUE(whole);
  }
}

TEST(HeaderTest, RefusesImpossibleHeaders) {
  const File jpeg = EncodeJpegFile(Slopes(8, 8));
  EXPECT_EQ(CodeOf(fixtures::WithJpegSize(jpeg, 0, 8)), "image/corrupt");
  EXPECT_EQ(CodeOf(fixtures::WithJpegSize(jpeg, 8, 0)), "image/corrupt");
  EXPECT_EQ(CodeOf({0xff, 0xd8, 0xff, 0xd9}), "image/corrupt");
  EXPECT_EQ(CodeOf({0xff, 0xd8, 0xff, 0xe0, 0x00, 0x01, 0xff, 0xd9}), "image/corrupt");
  EXPECT_EQ(CodeOf(fixtures::WithPngSize(EncodePngFile(Slopes(8, 8)), 0, 8)), "image/corrupt");
  File webp = EncodeWebpFile(Slopes(8, 8), true);
  webp[20] = 0;
  EXPECT_EQ(CodeOf(webp), "image/corrupt");
  webp[12] = 'X';
  EXPECT_EQ(CodeOf(webp), "image/corrupt");
}

TEST(HeaderTest, ChecksThePixelLimitWithoutOverflow) {
  const DecodeLimits limits;
  EXPECT_TRUE(CheckPixelLimit(1, 1, limits).ok());
  EXPECT_TRUE(CheckPixelLimit(16000, 16000, limits).ok());
  EXPECT_EQ(CheckPixelLimit(50000, 50000, limits).code(), "image/too-large");
  EXPECT_EQ(CheckPixelLimit(0xffffffff, 0xffffffff, limits).code(), "image/too-large");
  EXPECT_EQ(CheckPixelLimit(2'000'000, 1, limits).code(), "image/too-large");
}

}  // namespace
}  // namespace verger::image

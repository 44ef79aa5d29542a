#include <gtest/gtest.h>

#include "core/image/exif.h"
#include "image_fixtures.h"

namespace verger::image {
namespace {

using fixtures::ExifBlock;
using fixtures::File;

TEST(ExifTest, ReadsEveryOrientationInBothByteOrders) {
  for (const bool big_endian : {false, true}) {
    for (uint16_t orientation = 1; orientation <= 8; ++orientation) {
      EXPECT_EQ(ParseExifOrientation(ExifBlock(orientation, big_endian)), orientation);
      // LONG instead of SHORT.
      EXPECT_EQ(ParseExifOrientation(ExifBlock(orientation, big_endian, 4)), orientation);
    }
  }
}

TEST(ExifTest, AcceptsTheJpegPrefix) {
  File block;
  fixtures::Append(block, std::string("Exif\0\0", 6));
  fixtures::AppendAll(block, ExifBlock(6));
  EXPECT_EQ(ParseExifOrientation(block), 6);
}

TEST(ExifTest, ValuesOutsideTheStandardAreUpright) {
  for (const int value : {0, 9, 255, 256, 65535})
    EXPECT_EQ(ParseExifOrientation(ExifBlock(static_cast<uint16_t>(value))), kUpright);
}

TEST(ExifTest, OtherTypesAndCountsAreUpright) {
  EXPECT_EQ(ParseExifOrientation(ExifBlock(6, false, 2)), kUpright);   // ASCII
  EXPECT_EQ(ParseExifOrientation(ExifBlock(6, false, 12)), kUpright);  // DOUBLE
  File block = ExifBlock(6);
  block[8 + 2 + 12 + 4] = 2;  // two values
  EXPECT_EQ(ParseExifOrientation(block), kUpright);
}

TEST(ExifTest, EveryTruncationIsUprightOrTheValue) {
  const File block = ExifBlock(8);
  const size_t value_end = 8 + 2 + 12 + 10;
  for (size_t size = 0; size <= block.size(); ++size) {
    // A copy of exactly that size, so that AddressSanitizer sees one byte too many.
    const File part(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(ParseExifOrientation(part), size >= value_end ? 8 : kUpright) << size;
  }
}

TEST(ExifTest, MalformedBlocksAreUpright) {
  EXPECT_EQ(ParseExifOrientation({}), kUpright);
  EXPECT_EQ(ParseExifOrientation(File(64, 0)), kUpright);
  EXPECT_EQ(ParseExifOrientation(File(64, 0xff)), kUpright);
  File wrong_magic = ExifBlock(6);
  wrong_magic[2] = 43;
  EXPECT_EQ(ParseExifOrientation(wrong_magic), kUpright);
  File mixed_order = ExifBlock(6);
  mixed_order[1] = 'M';
  EXPECT_EQ(ParseExifOrientation(mixed_order), kUpright);
  for (const uint8_t high : File{0x00, 0x7f, 0xff}) {
    File far_directory = ExifBlock(6);
    far_directory[4] = 0xff;
    far_directory[5] = 0xff;
    far_directory[6] = high;
    far_directory[7] = high;
    EXPECT_EQ(ParseExifOrientation(far_directory), kUpright);
  }
  File many_entries = ExifBlock(6);
  many_entries[8] = 0xff;
  many_entries[9] = 0xff;
  EXPECT_EQ(ParseExifOrientation(many_entries), 6) << "the entry comes before the missing ones";
  many_entries[8 + 2 + 12] = 0x13;  // no orientation among them
  EXPECT_EQ(ParseExifOrientation(many_entries), kUpright);
}

}  // namespace
}  // namespace verger::image

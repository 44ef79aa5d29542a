#include <gtest/gtest.h>

#include "core/image/exif.h"
#include "image_fixtures.h"

namespace verger::image {
namespace {

using fixtures::ExifBlock;
using fixtures::ExifText;
using fixtures::ExifTextBlock;
using fixtures::File;
using fixtures::Said;

constexpr uint16_t kDateTime = 0x0132;
constexpr uint16_t kOriginal = 0x9003;
constexpr uint16_t kDigitized = 0x9004;
constexpr uint16_t kOffset = 0x9010;
constexpr uint16_t kOffsetOriginal = 0x9011;
constexpr uint16_t kOffsetDigitized = 0x9012;
constexpr uint16_t kFraction = 0x9290;
constexpr uint16_t kFractionOriginal = 0x9291;
constexpr uint16_t kFractionDigitized = 0x9292;

// 2026-05-01 10:20:30 by `date -u -d '2026-05-01 10:20:30' +%s`.
constexpr int64_t kMay = 1'777'630'830'000'000;

uint8_t OrientationOf(Bytes exif) { return ParseExif(exif).orientation; }

std::optional<CaptureTime> TimeOf(const File& exif) { return ParseExif(exif).captured; }

// Of DateTimeOriginal as it is stored.
std::optional<CaptureTime> TimeOfBytes(const std::string& bytes) {
  return TimeOf(ExifTextBlock({}, {ExifText{kOriginal, bytes}}));
}

TEST(ExifTest, ReadsEveryOrientationInBothByteOrders) {
  for (const bool big_endian : {false, true}) {
    for (uint16_t orientation = 1; orientation <= 8; ++orientation) {
      EXPECT_EQ(OrientationOf(ExifBlock(orientation, big_endian)), orientation);
      // LONG instead of SHORT.
      EXPECT_EQ(OrientationOf(ExifBlock(orientation, big_endian, 4)), orientation);
    }
  }
}

TEST(ExifTest, AcceptsTheJpegPrefix) {
  File block;
  fixtures::Append(block, std::string("Exif\0\0", 6));
  fixtures::AppendAll(block, ExifBlock(6));
  EXPECT_EQ(OrientationOf(block), 6);
}

TEST(ExifTest, ValuesOutsideTheStandardAreUpright) {
  for (const int value : {0, 9, 255, 256, 65535})
    EXPECT_EQ(OrientationOf(ExifBlock(static_cast<uint16_t>(value))), kUpright);
}

TEST(ExifTest, OtherTypesAndCountsAreUpright) {
  EXPECT_EQ(OrientationOf(ExifBlock(6, false, 2)), kUpright);   // ASCII
  EXPECT_EQ(OrientationOf(ExifBlock(6, false, 12)), kUpright);  // DOUBLE
  File block = ExifBlock(6);
  block[8 + 2 + 12 + 4] = 2;  // two values
  EXPECT_EQ(OrientationOf(block), kUpright);
}

TEST(ExifTest, EveryTruncationIsUprightOrTheValue) {
  const File block = ExifBlock(8);
  const size_t value_end = 8 + 2 + 12 + 10;
  for (size_t size = 0; size <= block.size(); ++size) {
    // A copy of exactly that size, so that AddressSanitizer sees one byte too many.
    const File part(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(OrientationOf(part), size >= value_end ? 8 : kUpright) << size;
  }
}

TEST(ExifTest, MalformedBlocksAreUpright) {
  EXPECT_EQ(OrientationOf({}), kUpright);
  EXPECT_EQ(OrientationOf(File(64, 0)), kUpright);
  EXPECT_EQ(OrientationOf(File(64, 0xff)), kUpright);
  File wrong_magic = ExifBlock(6);
  wrong_magic[2] = 43;
  EXPECT_EQ(OrientationOf(wrong_magic), kUpright);
  File mixed_order = ExifBlock(6);
  mixed_order[1] = 'M';
  EXPECT_EQ(OrientationOf(mixed_order), kUpright);
  for (const uint8_t high : File{0x00, 0x7f, 0xff}) {
    File far_directory = ExifBlock(6);
    far_directory[4] = 0xff;
    far_directory[5] = 0xff;
    far_directory[6] = high;
    far_directory[7] = high;
    EXPECT_EQ(OrientationOf(far_directory), kUpright);
  }
  File many_entries = ExifBlock(6);
  many_entries[8] = 0xff;
  many_entries[9] = 0xff;
  EXPECT_EQ(OrientationOf(many_entries), 6) << "the entry comes before the missing ones";
  many_entries[8 + 2 + 12] = 0x13;  // no orientation among them
  EXPECT_EQ(OrientationOf(many_entries), kUpright);
}

TEST(CaptureTimeTest, ReadsTheCamerasClockInBothByteOrders) {
  for (const bool big_endian : {false, true}) {
    const File block = ExifTextBlock({}, {Said(kOriginal, "2026:05:01 10:20:30")}, big_endian);
    EXPECT_EQ(TimeOf(block), (CaptureTime{kMay, std::nullopt}));
    EXPECT_EQ(OrientationOf(block), 6);
  }
  EXPECT_FALSE(TimeOf(ExifBlock(6)));
}

TEST(CaptureTimeTest, TakesTheFractionOfASecondAndTheOffset) {
  const auto with = [](const std::string& fraction, const std::string& offset) {
    return TimeOf(ExifTextBlock({}, {Said(kOriginal, "2026:05:01 10:20:30"), Said(kFractionOriginal, fraction),
                                     Said(kOffsetOriginal, offset)}));
  };
  EXPECT_EQ(with("5", "+02:00"), (CaptureTime{kMay + 500'000, 120}));
  EXPECT_EQ(with("05", "-03:30"), (CaptureTime{kMay + 50'000, -210}));
  EXPECT_EQ(with("123", "+00:00"), (CaptureTime{kMay + 123'000, 0}));
  EXPECT_EQ(with("1234567  ", "+14:00"), (CaptureTime{kMay + 123'456, 840}));
  EXPECT_EQ(with("", "-12:00"), (CaptureTime{kMay, -720}));
  // What is not valid is left out, and the time stands.
  for (const char* fraction : {"   ", "-1", "1.5", "x"}) EXPECT_EQ(with(fraction, ""), (CaptureTime{kMay, {}}));
  for (const char* offset : {"Z", "+2:00", "+0200", "02:00", "+14:01", "-12:01", "+02:60", "   :  ", "+02:00x"}) {
    EXPECT_EQ(with("", offset), (CaptureTime{kMay, {}})) << offset;
  }
}

TEST(CaptureTimeTest, FallsBackToTheOtherTimesWithTheirOwnFractionAndOffset) {
  const ExifText original = Said(kOriginal, "2026:05:01 10:20:30");
  const ExifText digitized = Said(kDigitized, "2026:05:01 10:20:31");
  const ExifText changed = Said(kDateTime, "2026:05:01 10:20:32");
  const std::vector<ExifText> details = {
      Said(kFraction, "3"),    Said(kFractionOriginal, "1"),    Said(kFractionDigitized, "2"),
      Said(kOffset, "+03:00"), Said(kOffsetOriginal, "+01:00"), Said(kOffsetDigitized, "+02:00"),
  };
  const auto with = [&](std::vector<ExifText> times) {
    times.insert(times.end(), details.begin(), details.end());
    return TimeOf(ExifTextBlock({changed}, times));
  };
  EXPECT_EQ(with({digitized, original}), (CaptureTime{kMay + 100'000, 60}));
  EXPECT_EQ(with({digitized}), (CaptureTime{kMay + 1'200'000, 120}));
  EXPECT_EQ(with({}), (CaptureTime{kMay + 2'300'000, 180}));
  EXPECT_EQ(with({Said(kOriginal, "0000:00:00 00:00:00"), digitized}), (CaptureTime{kMay + 1'200'000, 120}));
  // DateTime in the EXIF directory, or the original in the first one, is not where the standard has it.
  EXPECT_FALSE(TimeOf(ExifTextBlock({original, digitized}, {changed})));
  EXPECT_EQ(with({Said(kOriginal, "2026:05:01 10:20:33"), original}), (CaptureTime{kMay + 3'100'000, 60}));
}

TEST(CaptureTimeTest, KnowsTheCalendar) {
  constexpr int64_t kDay = 86'400'000'000;
  EXPECT_EQ(TimeOfBytes("1970:01:01 00:00:00")->local_micros, 0);
  EXPECT_EQ(TimeOfBytes("1969:12:31 23:59:59")->local_micros, -1'000'000);
  EXPECT_EQ(TimeOfBytes("2000:03:01 00:00:00")->local_micros - TimeOfBytes("2000:02:28 00:00:00")->local_micros,
            2 * kDay);
  EXPECT_EQ(TimeOfBytes("1900:03:01 00:00:00")->local_micros - TimeOfBytes("1900:02:28 00:00:00")->local_micros, kDay);
  EXPECT_EQ(TimeOfBytes("1826:01:01 00:00:00")->local_micros, -4'544'208'000'000'000);
  EXPECT_EQ(TimeOfBytes("2199:12:31 23:59:59")->local_micros, 7'258'118'399'000'000);
}

TEST(CaptureTimeTest, WhatIsNoDateIsNone) {
  for (const std::string bytes : {
           "0000:00:00 00:00:00",  "    :  :     :  :  ", "                   ", "",
           "2026:13:01 10:20:30",  "2026:00:01 10:20:30", "2026:05:00 10:20:30", "2026:05:32 10:20:30",
           "2026:04:31 10:20:30",  "2026:02:29 10:20:30", "1900:02:29 10:20:30", "2026:05:01 24:00:00",
           "2026:05:01 10:60:30",  "2026:05:01 10:20:60", "2026:05:01 10:20:3",  "2026:05:01",
           "2026:05:01 10:20",     "2026:05:01   :  :  ", "2026:05:01T10:20:30", "2026-05-01 10:20:30",
           "2026:05:01 10:20:300", "-026:05:01 10:20:30", "2026:+5:01 10:20:30", "2026:05:01 1O:20:30",
           "1825:12:31 23:59:59",  "2200:01:01 00:00:00", "9999:99:99 99:99:99", "0001:01:01 00:00:00",
       }) {
    EXPECT_FALSE(TimeOfBytes(bytes + '\0')) << bytes;
    EXPECT_FALSE(TimeOfBytes(bytes)) << bytes << " without NUL";
  }
  // Without a NUL, with blanks, or with rubbish behind the NUL it is still that date.
  const std::string good = "2026:05:01 10:20:30";
  for (const std::string& bytes : {good, good + '\0', good + "  ", good + '\0' + "rubbish beyond"}) {
    EXPECT_EQ(TimeOfBytes(bytes), (CaptureTime{kMay, {}}));
  }
}

TEST(CaptureTimeTest, OtherTypesAndPlacesAreNone) {
  const File block = ExifTextBlock({}, {Said(kOriginal, "2026:05:01 10:20:30")});
  // The entry of the time is the first of the EXIF directory, the pointer to that the second of the first directory.
  const size_t pointer = 8 + 2 + 12;
  const size_t entry = pointer + 12 + 4 + 2;
  ASSERT_EQ(block[entry], 0x03);
  const auto with = [&](size_t at, uint8_t value) {
    File changed = block;
    changed[at] = value;
    return TimeOf(changed);
  };
  ASSERT_TRUE(with(entry, 0x03));
  EXPECT_FALSE(with(entry + 2, 7)) << "UNDEFINED is no text";
  EXPECT_FALSE(with(entry + 2, 1)) << "BYTE is no text";
  EXPECT_FALSE(with(entry + 4, 21)) << "one byte beyond the block";
  EXPECT_FALSE(with(entry + 7, 0xff)) << "a count of billions";
  EXPECT_FALSE(with(entry + 11, 0xff)) << "a value far away";
  EXPECT_FALSE(with(pointer + 2, 3)) << "a pointer of two bytes";
  EXPECT_FALSE(with(pointer + 11, 0xff)) << "a directory far away";
  EXPECT_FALSE(with(pointer + 8, 8)) << "the first directory again";
}

TEST(CaptureTimeTest, EveryTruncationIsNoneOrTheTime) {
  const File block = ExifTextBlock({Said(kDateTime, "2020:01:01 00:00:00")},
                                   {Said(kOriginal, "2026:05:01 10:20:30"), Said(kFractionOriginal, "25")});
  const CaptureTime changed{1'577'836'800'000'000, {}};
  const CaptureTime original{kMay + 250'000, {}};
  std::optional<CaptureTime> last;
  for (size_t size = 0; size <= block.size(); ++size) {
    // A copy of exactly that size, so that AddressSanitizer sees one byte too many.
    const File part(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(size));
    last = TimeOf(part);
    EXPECT_TRUE(!last || *last == changed || *last == original) << size;
  }
  EXPECT_EQ(last, original);
}

}  // namespace
}  // namespace verger::image

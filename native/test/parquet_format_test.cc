// The parts below the file: compact protocol, level encoding, codecs, metadata.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/parquet/codec.h"
#include "core/parquet/metadata.h"
#include "core/parquet/rle.h"
#include "core/parquet/thrift.h"

namespace verger::parquet {
namespace {

TEST(ThriftTest, BytesAreThoseOfTheSpecification) {
  std::vector<uint8_t> out;
  ThriftWriter writer(out);
  writer.I32(1, -1);        // delta 1, type i32, zigzag 1
  writer.I64(3, 300);       // delta 2, type i64, zigzag 600 = 0xD8 0x04
  writer.Bool(4, true);     // the type is the value
  writer.Binary(20, "ab");  // delta 16 does not fit: the id follows as zigzag 40
  writer.BeginList(21, ThriftType::kI32, 2);
  writer.RawI32(0);
  writer.RawI32(1);
  writer.BeginStruct(22);
  writer.Byte(1, 7);
  writer.EndStruct();
  writer.Stop();
  const std::vector<uint8_t> expected = {0x15, 0x01, 0x26, 0xD8, 0x04, 0x11, 0x08, 0x28, 0x02, 'a',
                                         'b',  0x19, 0x25, 0x00, 0x02, 0x1C, 0x13, 0x07, 0x00, 0x00};
  EXPECT_EQ(out, expected);
}

TEST(ThriftTest, ReaderSkipsWhatItDoesNotKnowAndReadsWhatFollows) {
  std::vector<uint8_t> out;
  ThriftWriter writer(out);
  writer.BeginStruct(1);
  writer.BeginList(2, ThriftType::kStruct, 20);
  for (int i = 0; i < 20; ++i) {
    writer.BeginElement();
    writer.Binary(1, "text");
    writer.EndElement();
  }
  writer.EndStruct();
  writer.I64(9, INT64_MIN);
  writer.Stop();
  ThriftReader reader(out.data(), out.size());
  int16_t id = 0;
  ThriftType type = ThriftType::kStop;
  ASSERT_TRUE(reader.NextField(&id, &type));
  EXPECT_EQ(id, 1);
  reader.Skip(type);
  ASSERT_TRUE(reader.NextField(&id, &type));
  EXPECT_EQ(id, 9);
  EXPECT_EQ(reader.I64(type), INT64_MIN);
  EXPECT_FALSE(reader.NextField(&id, &type));
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0U);
}

TEST(ThriftTest, EveryTruncationIsNoticed) {
  std::vector<uint8_t> out;
  PageHeader header;
  header.values = 1000;
  header.compressed_size = 123456;
  SerializePageHeader(header, out);
  for (size_t size = 0; size < out.size(); ++size) {
    PageHeader parsed;
    size_t consumed = 0;
    EXPECT_EQ(ParsePageHeader(out.data(), size, &parsed, &consumed), ParseResult::kTruncated) << size;
  }
  PageHeader parsed;
  size_t consumed = 0;
  ASSERT_EQ(ParsePageHeader(out.data(), out.size(), &parsed, &consumed), ParseResult::kOk);
  EXPECT_EQ(consumed, out.size());
  EXPECT_EQ(parsed.values, 1000);
  EXPECT_EQ(parsed.compressed_size, 123456);
}

TEST(ThriftTest, CountsBeyondTheInputAndEndlessNestingFail) {
  // A list that claims 2^31 elements.
  const std::vector<uint8_t> list = {0x29, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x07};
  FileMetadata metadata;
  EXPECT_FALSE(ParseMetadata(list.data(), list.size(), &metadata));
  EXPECT_TRUE(metadata.schema.empty());
  const std::vector<uint8_t> nested(100000, 0x1C);
  EXPECT_FALSE(ParseMetadata(nested.data(), nested.size(), &metadata));
}

std::vector<uint32_t> Decode(const std::vector<uint8_t>& bytes, unsigned width, size_t count) {
  RleDecoder decoder(bytes.data(), bytes.size(), width);
  std::vector<uint32_t> values;
  uint32_t value = 0;
  uint64_t run = 0;
  while (values.size() < count && decoder.Peek(&value, &run)) {
    const uint64_t taken = std::min<uint64_t>(run, count - values.size());
    values.insert(values.end(), static_cast<size_t>(taken), value);
    decoder.Consume(taken);
  }
  return values;
}

TEST(RleTest, ExampleOfTheSpecification) {
  // 0..7 at three bits each: header 3, then 10001000 11000110 11111010.
  std::vector<uint8_t> out;
  RleEncoder encoder(3, out);
  for (uint32_t value = 0; value < 8; ++value) encoder.Put(value);
  encoder.Finish();
  EXPECT_EQ(out, (std::vector<uint8_t>{0x03, 0x88, 0xC6, 0xFA}));
}

TEST(RleTest, RandomRunsOfEveryWidthComeBack) {
  std::mt19937 random(3);
  for (unsigned width = 0; width <= 32; ++width) {
    for (int trial = 0; trial < 30; ++trial) {
      const uint32_t mask = width == 32 ? UINT32_MAX : (1U << width) - 1;
      std::vector<uint8_t> out;
      std::vector<uint32_t> expected;
      RleEncoder encoder(width, out);
      const size_t runs = random() % 40;
      for (size_t i = 0; i < runs; ++i) {
        const uint32_t value = static_cast<uint32_t>(random()) & mask;
        const size_t count = random() % 3 == 0 ? random() % 2000 : random() % 12;
        encoder.Put(value, count);
        expected.insert(expected.end(), count, value);
      }
      encoder.Finish();
      EXPECT_EQ(Decode(out, width, expected.size()), expected) << width;
      // One byte less must never read past the end, and yields no more than what was there.
      if (!out.empty()) {
        out.pop_back();
        out.shrink_to_fit();
        const std::vector<uint32_t> rest = Decode(out, width, expected.size());
        EXPECT_TRUE(rest.size() <= expected.size() && std::equal(rest.begin(), rest.end(), expected.begin()));
      }
    }
  }
}

TEST(RleTest, LevelsOfAFixedWidthListTakeFiveBytesARow) {
  std::vector<uint8_t> out;
  RleEncoder encoder(1, out);
  for (int row = 0; row < 1000; ++row) {
    encoder.Put(0);
    encoder.Put(1, 1279);
  }
  encoder.Finish();
  EXPECT_LE(out.size(), 5000U);
}

TEST(RleTest, MalformedInputEndsForGood) {
  // A bit-packed run that claims 2^27 groups, and a value wider than its bits.
  for (const std::vector<uint8_t>& bytes : {std::vector<uint8_t>{0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3},
                                            std::vector<uint8_t>{0x10, 0x07}, std::vector<uint8_t>{0x80, 0x80}}) {
    RleDecoder decoder(bytes.data(), bytes.size(), 2);
    uint32_t value = 0;
    uint64_t run = 0;
    EXPECT_FALSE(decoder.Peek(&value, &run));
    EXPECT_FALSE(decoder.Peek(&value, &run));
  }
}

TEST(CodecTest, RoundTripsAndWrongSizes) {
  std::vector<uint8_t> data(100000);
  std::mt19937 random(5);
  for (uint8_t& byte : data) byte = static_cast<uint8_t>(random() % 7);
  for (const Codec codec : {Codec::kNone, Codec::kZstd, Codec::kSnappy}) {
    if (!CodecSupported(codec)) continue;
    Compressor compressor(codec, 1);
    std::vector<uint8_t> packed = {42};
    ASSERT_TRUE(compressor.Compress(data.data(), data.size(), packed).ok());
    EXPECT_EQ(packed[0], 42) << "appends";
    packed.erase(packed.begin());
    Decompressor decompressor;
    std::vector<uint8_t> out(data.size() + 1);
    EXPECT_TRUE(PlausibleSize(codec, packed.data(), packed.size(), data.size()));
    ASSERT_TRUE(decompressor.Decompress(codec, packed.data(), packed.size(), out.data(), data.size()));
    EXPECT_TRUE(std::equal(data.begin(), data.end(), out.begin()));
    EXPECT_FALSE(decompressor.Decompress(codec, packed.data(), packed.size(), out.data(), data.size() - 1));
    EXPECT_FALSE(decompressor.Decompress(codec, packed.data(), packed.size(), out.data(), data.size() + 1));
    EXPECT_FALSE(decompressor.Decompress(codec, packed.data(), packed.size() - 1, out.data(), data.size()));
    EXPECT_FALSE(PlausibleSize(codec, packed.data(), 10, size_t{1} << 28));
  }
}

TEST(CodecTest, ZstdNoticesAFlippedBit) {
  std::vector<uint8_t> data(1000, 0);
  std::mt19937 random(6);
  for (uint8_t& byte : data) byte = static_cast<uint8_t>(random());
  Compressor compressor(Codec::kZstd, 1);
  std::vector<uint8_t> packed;
  ASSERT_TRUE(compressor.Compress(data.data(), data.size(), packed).ok());
  packed[500] ^= 1;
  Decompressor decompressor;
  std::vector<uint8_t> out(data.size());
  EXPECT_FALSE(decompressor.Decompress(Codec::kZstd, packed.data(), packed.size(), out.data(), out.size()));
}

}  // namespace
}  // namespace verger::parquet

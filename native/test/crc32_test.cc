// CRC-32 for every instruction set that this machine and this build have, against its definition bit by bit and zlib's.
#include "core/base/crc32.h"

#include <gtest/gtest.h>
// As crc32.cc: the same targets.
#define HWY_WANT_AVX3_DL
#include <hwy/highway.h>
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace verger {
namespace {

using Bytes = std::span<const uint8_t>;

std::vector<uint8_t> Noise(size_t size) {
  std::mt19937 random(static_cast<uint32_t>(size));
  std::vector<uint8_t> bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

// The definition.
uint32_t BitByBit(Bytes bytes, uint32_t value = 0) {
  uint32_t state = ~value;
  for (const uint8_t byte : bytes) {
    state ^= byte;
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) != 0 ? 0xEDB88320 : 0);
  }
  return ~state;
}

uint32_t Zlib(Bytes bytes, uint32_t value = 0) {
  // zlib takes a null pointer as a question for the initial value.
  if (bytes.empty()) return value;
  return static_cast<uint32_t>(crc32_z(value, bytes.data(), bytes.size()));
}

class Crc32Test : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { Choose(GetParam()); }
  void TearDown() override { Choose(0); }

 private:
  static void Choose(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

TEST_P(Crc32Test, GivesThePublishedValues) {
  const auto of = [](const std::string& text) {
    return Crc32(Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  };
  EXPECT_EQ(of("123456789"), 0xCBF43926);
  EXPECT_EQ(of(""), 0u);
  EXPECT_EQ(of("a"), 0xE8B7BE43);
  EXPECT_EQ(of("The quick brown fox jumps over the lazy dog"), 0x414FA339);
  EXPECT_EQ(of(std::string(32, '\0')), 0x190A55AD);
  EXPECT_EQ(of(std::string(32, '\xFF')), 0xFF6CAB0B);
}

#if HWY_ARCH_X86
TEST_P(Crc32Test, FoldsWhereTheProcessorMultipliesWithoutCarries) {
  EXPECT_EQ(Crc32IsAccelerated(), GetParam() <= HWY_SSE4);  // lower is better
}
#endif

TEST_P(Crc32Test, NoBytesLeaveTheValueAsItIs) {
  EXPECT_EQ(Crc32({}, 0xDEADBEEF), 0xDEADBEEF);
  EXPECT_EQ(Crc32({}), 0u);
}

TEST_P(Crc32Test, TakesEveryLength) {
  const std::vector<uint8_t> noise = Noise(4096);
  uint32_t slow = 0;
  for (size_t size = 0; size <= noise.size(); ++size) {
    // Exactly as large as the bytes, so that AddressSanitizer sees the first one too many.
    const std::vector<uint8_t> bytes(noise.begin(), noise.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_EQ(Crc32(bytes), slow) << size;
    ASSERT_EQ(Zlib(bytes), slow) << size;
    if (size < noise.size()) slow = BitByBit(Bytes(&noise[size], 1), slow);
  }
}

TEST_P(Crc32Test, TakesEveryAlignment) {
  const std::vector<uint8_t> noise = Noise(4096);
  for (size_t start = 0; start < 64; ++start) {
    for (const size_t size : {1u, 15u, 16u, 17u, 100u, 127u, 128u, 129u, 255u, 511u, 512u, 513u, 1024u, 2047u, 4000u}) {
      const Bytes bytes(noise.data() + start, size);
      ASSERT_EQ(Crc32(bytes, 0x12345678), BitByBit(bytes, 0x12345678)) << start << " " << size;
    }
  }
}

TEST_P(Crc32Test, ContinuesAnyValue) {
  const std::vector<uint8_t> noise = Noise(20000);
  const Bytes bytes(noise);
  std::mt19937 random(1);
  const uint32_t whole = BitByBit(bytes);
  for (int round = 0; round < 200; ++round) {
    uint32_t value = 0;
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = std::min<size_t>(random() % (round % 2 == 0 ? 3000 : 100), bytes.size() - at);
      value = Crc32(bytes.subspan(at, size), value);
      at += size;
    }
    ASSERT_EQ(value, whole) << round;
  }
}

TEST_P(Crc32Test, SeesEveryBit) {
  // One bit anywhere in zeros: every multiplier of every fold decides about some of these.
  std::vector<uint8_t> bytes(3000);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<uint8_t>(1 << bit % 8);
    ASSERT_EQ(Crc32(bytes, 0xFFFFFFFF), Zlib(bytes, 0xFFFFFFFF)) << bit;
    bytes[bit / 8] = 0;
  }
}

TEST_P(Crc32Test, TakesManyBytes) {
  const std::vector<uint8_t> bytes = Noise(10 * 1024 * 1024 + 123);
  EXPECT_EQ(Crc32(bytes), Zlib(bytes));
  EXPECT_EQ(Crc32(Bytes(bytes).subspan(7), 0x9ABCDEF0), Zlib(Bytes(bytes).subspan(7), 0x9ABCDEF0));
}

INSTANTIATE_TEST_SUITE_P(Targets, Crc32Test, testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& info) { return std::string(hwy::TargetName(info.param)); });

}  // namespace
}  // namespace verger

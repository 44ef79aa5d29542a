#include "core/base/crc32.h"

// AVX-512 with wide carry-less multiplication (Ice Lake, Zen 4): some releases of Highway leave it out unless asked.
#define HWY_WANT_AVX3_DL
// Scalable vectors (SVE, RISC-V) are left to the fixed-size targets that every such machine has as well.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/base/crc32.cc"
#include <hwy/foreach_target.h>
// After foreach_target, as Highway asks.
#include <hwy/highway.h>

#include <array>
#include <cstddef>

// Shared by every target; this file is read once per target.
#ifndef VERGER_CRC32_SHARED
#define VERGER_CRC32_SHARED

namespace verger::crc32 {

namespace {

// Here a "state" is the register of the CRC: the remainder so far, without the inversions at its beginning and end.

constexpr uint32_t kPolynomial = 0xEDB88320;

constexpr uint32_t TimesX(uint32_t power) { return (power >> 1) ^ ((power & 1) != 0 ? kPolynomial : 0); }

// x^n modulo the polynomial; bit 31 is x^0.
constexpr uint32_t PowerOfX(size_t n) {
  uint32_t power = 0x80000000;
  for (; n > 0; --n) power = TimesX(power);
  return power;
}

constexpr size_t kSlices = 8;

// kTables[s][b]: what byte b does to the state when s bytes follow it (Kounavis and Berry, "A Systematic Approach to
// Building High Performance Software-Based CRC Generators", 2005: slicing by 8).
constexpr std::array<std::array<uint32_t, 256>, kSlices> kTables = [] {
  std::array<std::array<uint32_t, 256>, kSlices> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t state = byte;
    for (int bit = 0; bit < 8; ++bit) state = TimesX(state);
    tables[0][byte] = state;
  }
  for (size_t slice = 1; slice < kSlices; ++slice) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}();

// Little-endian on every machine; compilers make one load of it.
uint32_t Word(const uint8_t* data) {
  return uint32_t{data[0]} | uint32_t{data[1]} << 8 | uint32_t{data[2]} << 16 | uint32_t{data[3]} << 24;
}

uint32_t UpdateByTables(uint32_t state, const uint8_t* data, size_t size) {
  for (; size >= kSlices; data += kSlices, size -= kSlices) {
    const uint32_t low = state ^ Word(data);
    const uint32_t high = Word(data + 4);
    state = kTables[7][low & 0xFF] ^ kTables[6][low >> 8 & 0xFF] ^ kTables[5][low >> 16 & 0xFF] ^
            kTables[4][low >> 24] ^ kTables[3][high & 0xFF] ^ kTables[2][high >> 8 & 0xFF] ^
            kTables[1][high >> 16 & 0xFF] ^ kTables[0][high >> 24];
  }
  for (; size > 0; ++data, --size) state = (state >> 8) ^ kTables[0][(state ^ *data) & 0xFF];
  return state;
}

// What the two halves of a 128-bit block are multiplied with to stand kBytes further back in the message: the first
// half x^(8 kBytes + 64), the second x^(8 kBytes), both modulo the polynomial. The product of two reflected 64-bit
// halves lies in 128 bits as if multiplied with x once more, and the 33 bits of a constant stand for x^31 times its
// remainder: hence 32 less in each exponent (Gopal et al., "Fast CRC Computation for Generic Polynomials Using
// PCLMULQDQ Instruction", Intel 2009).
template <size_t kBytes>
struct Distance {
  alignas(16) static constexpr uint64_t kHalves[2] = {uint64_t{PowerOfX(8 * kBytes + 32)} << 1,
                                                      uint64_t{PowerOfX(8 * kBytes - 32)} << 1};
};

// R1 to R4 of that paper.
static_assert(Distance<64>::kHalves[0] == 0x154442bd4 && Distance<64>::kHalves[1] == 0x1c6e41596);
static_assert(Distance<16>::kHalves[0] == 0x1751997d0 && Distance<16>::kHalves[1] == 0x0ccaa009e);

}  // namespace

}  // namespace verger::crc32

#endif  // VERGER_CRC32_SHARED

// Where Highway's carry-less multiplication is an instruction: elsewhere it is emulated, slower than the tables.
#undef VERGER_CRC32_FOLDS
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSE4 && !defined(HWY_DISABLE_PCLMUL_AES)  // lower is better
#define VERGER_CRC32_FOLDS 1
#elif HWY_ARCH_ARM_A64 && (defined(__ARM_FEATURE_AES) || HWY_HAVE_RUNTIME_DISPATCH)
// Later releases of Highway have a NEON target without AES and PMULL, of a higher bit.
#define VERGER_CRC32_FOLDS (HWY_TARGET <= HWY_NEON)
#else
#define VERGER_CRC32_FOLDS 0
#endif

HWY_BEFORE_NAMESPACE();
namespace verger::crc32 {
namespace HWY_NAMESPACE {

#if VERGER_CRC32_FOLDS

namespace hn = hwy::HWY_NAMESPACE;

using D128 = hn::CappedTag<uint64_t, 2>;
// The widest vector of which one instruction multiplies every block.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
using DWide = hn::CappedTag<uint64_t, 8>;
#else
using DWide = D128;
#endif

constexpr size_t kBlockBytes = 16;
constexpr size_t kWideBytes = hn::MaxLanes(DWide()) * sizeof(uint64_t);
// Vectors folded side by side, so that the multiplier never waits for a result.
constexpr size_t kStreams = 8;
constexpr size_t kStepBytes = kStreams * kWideBytes;

template <class D>
HWY_INLINE hn::Vec<D> LoadBytes(D d, const uint8_t* data) {
  const hn::Repartition<uint8_t, D> bytes;
  return hn::BitCast(d, hn::LoadU(bytes, data));
}

// As LoadBytes, for the first bytes of the message: the state enters with their first four.
template <class D>
HWY_INLINE hn::Vec<D> LoadFirst(D d, const uint8_t* data, uint32_t state) {
  alignas(64) static constexpr uint64_t kFirstLane[hn::MaxLanes(D())] = {0xFFFFFFFF};
  return hn::Xor(LoadBytes(d, data), hn::And(hn::Set(d, state), hn::Load(d, kFirstLane)));
}

// The blocks of `later` and those of `earlier`, which stand kBytes before them: blocks of the same remainder.
template <size_t kBytes, class V>
HWY_INLINE V Fold(V earlier, V later) {
  const V by = hn::LoadDup128(hn::DFromV<V>(), Distance<kBytes>::kHalves);
  return hn::Xor(hn::Xor(hn::CLMulLower(earlier, by), hn::CLMulUpper(earlier, by)), later);
}

// The blocks of one vector as one block.
template <class D>
HWY_INLINE hn::Vec<D128> FoldBlocks(D /*d*/, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) == 2) {
    return v;
  } else {
    const hn::Half<D> half;
    constexpr size_t kHalfBytes = hn::MaxLanes(half) * sizeof(uint64_t);
    return FoldBlocks(half, Fold<kHalfBytes>(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}

// The first size / kWideBytes * kWideBytes bytes as one block; at least kStepBytes.
HWY_INLINE hn::Vec<D128> FoldWide(uint32_t state, const uint8_t* HWY_RESTRICT data, size_t size) {
  const DWide d;
  hn::Vec<DWide> streams[kStreams];
  streams[0] = LoadFirst(d, data, state);
  for (size_t i = 1; i < kStreams; ++i) streams[i] = LoadBytes(d, data + i * kWideBytes);
  for (data += kStepBytes, size -= kStepBytes; size >= kStepBytes; data += kStepBytes, size -= kStepBytes) {
    for (size_t i = 0; i < kStreams; ++i) {
      streams[i] = Fold<kStepBytes>(streams[i], LoadBytes(d, data + i * kWideBytes));
    }
  }
  hn::Vec<DWide> one = streams[0];
  for (size_t i = 1; i < kStreams; ++i) one = Fold<kWideBytes>(one, streams[i]);
  for (; size >= kWideBytes; data += kWideBytes, size -= kWideBytes) one = Fold<kWideBytes>(one, LoadBytes(d, data));
  return FoldBlocks(d, one);
}

uint32_t UpdateImpl(uint32_t state, const uint8_t* HWY_RESTRICT data, size_t size) {
  if (size < kBlockBytes) return UpdateByTables(state, data, size);
  const D128 d;
  hn::Vec<D128> block;
  size_t done;
  if (size >= kStepBytes) {
    block = FoldWide(state, data, size);
    done = size / kWideBytes * kWideBytes;
  } else {
    block = LoadFirst(d, data, state);
    done = kBlockBytes;
  }
  for (; size - done >= kBlockBytes; done += kBlockBytes) block = Fold<kBlockBytes>(block, LoadBytes(d, data + done));
  // The block stands for everything before: its remainder is the state.
  alignas(16) uint8_t rest[kBlockBytes];
  hn::Store(hn::BitCast(hn::Repartition<uint8_t, D128>(), block), hn::Repartition<uint8_t, D128>(), rest);
  return UpdateByTables(UpdateByTables(0, rest, kBlockBytes), data + done, size - done);
}

bool FoldsImpl() { return true; }

#else

bool FoldsImpl() { return false; }

uint32_t UpdateImpl(uint32_t state, const uint8_t* data, size_t size) { return UpdateByTables(state, data, size); }

#endif  // VERGER_CRC32_FOLDS

}  // namespace HWY_NAMESPACE
}  // namespace verger::crc32
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace verger {

namespace crc32 {

namespace {

HWY_EXPORT(UpdateImpl);
HWY_EXPORT(FoldsImpl);

// False on a processor below what this build takes for granted: ARM64 without the optional AES and PMULL instructions,
// which Highway expects of NEON.
bool HasTarget() {
  static const bool has = (hwy::SupportedTargets() & HWY_TARGETS) != 0;
  return has;
}

bool Folds() { return HasTarget() && HWY_DYNAMIC_DISPATCH(FoldsImpl)(); }

uint32_t Update(uint32_t state, const uint8_t* data, size_t size) {
  return HasTarget() ? HWY_DYNAMIC_DISPATCH(UpdateImpl)(state, data, size) : UpdateByTables(state, data, size);
}

}  // namespace

}  // namespace crc32

uint32_t Crc32(std::span<const uint8_t> bytes, uint32_t value) {
  return ~crc32::Update(~value, bytes.data(), bytes.size());
}

bool Crc32IsAccelerated() { return crc32::Folds(); }

}  // namespace verger

#endif  // HWY_ONCE

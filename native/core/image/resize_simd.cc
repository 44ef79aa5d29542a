#include "core/image/resize_simd.h"

// Scalable vectors (SVE, RISC-V) are left to the fixed-size targets that every such machine has as well.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/image/resize_simd.cc"
#include <hwy/foreach_target.h>
// After foreach_target, as Highway asks.
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace verger::image::simd {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using VF = hn::Vec<DF>;

size_t LanesImpl() { return hn::Lanes(DF()); }

HWY_INLINE VF Clamp255(DF d, VF v) { return hn::Min(hn::Max(v, hn::Zero(d)), hn::Set(d, 255.0f)); }

#if HWY_TARGET == HWY_SCALAR

void PermuteRowImpl(const uint8_t*, size_t, const PermuteTable&, float*, float*, size_t) {}

void DotRowImpl(const uint8_t* rgb, size_t width, const DotTable& table, float*, float* out, size_t out_stride) {
  for (size_t x = 0; x < table.out_width; ++x) {
    const size_t start = static_cast<size_t>(table.start[x]);
    const float* weight = table.weight + x * table.groups * 4;
    float sum[3] = {0, 0, 0};
    for (size_t t = 0; t < std::min(table.groups * 4, width - start); ++t) {
      for (size_t c = 0; c < 3; ++c) sum[c] += weight[t] * static_cast<float>(rgb[(start + t) * 3 + c]);
    }
    for (size_t c = 0; c < 3; ++c) out[c * out_stride + x] = std::clamp(sum[c], 0.0f, 255.0f);
  }
}

#else

// Splits packed RGB into three planes of floats, whole vectors at a time. Reads up to kRowPadding bytes behind `rgb`.
HWY_INLINE void UnpackPlanes(const uint8_t* HWY_RESTRICT rgb, size_t width, float* HWY_RESTRICT planes, size_t stride) {
  const DF d;
  const hn::RebindToSigned<DF> di;
  const hn::Repartition<uint8_t, DF> d8;
  const hn::Repartition<uint32_t, DF> d32;
  constexpr size_t kLanes = hn::MaxLanes(d);
  // Four pixels are three 32-bit words: give each 16-byte block its own four pixels ...
  alignas(64) int32_t words[kLanes];
  for (size_t i = 0; i < kLanes; ++i) words[i] = static_cast<int32_t>(std::min(i / 4 * 3 + i % 4, kLanes - 1));
  // ... and spread one colour of them over 32-bit lanes.
  alignas(64) uint8_t bytes[3][kLanes * 4];
  for (size_t c = 0; c < 3; ++c) {
    for (size_t i = 0; i < kLanes * 4; ++i) {
      bytes[c][i] = i % 4 == 0 ? static_cast<uint8_t>(i % 16 / 4 * 3 + c) : uint8_t{0x80};
    }
  }
  const auto select = hn::SetTableIndices(d32, words);
  const auto red = hn::Load(d8, bytes[0]);
  const auto green = hn::Load(d8, bytes[1]);
  const auto blue = hn::Load(d8, bytes[2]);
  for (size_t x = 0; x < width; x += kLanes) {
    auto packed = hn::BitCast(d32, hn::LoadU(d8, rgb + x * 3));
    if constexpr (kLanes > 4) packed = hn::TableLookupLanes(packed, select);
    const auto blocks = hn::BitCast(d8, packed);
    hn::Store(hn::ConvertTo(d, hn::BitCast(di, hn::TableLookupBytesOr0(blocks, red))), d, planes + x);
    hn::Store(hn::ConvertTo(d, hn::BitCast(di, hn::TableLookupBytesOr0(blocks, green))), d, planes + stride + x);
    hn::Store(hn::ConvertTo(d, hn::BitCast(di, hn::TableLookupBytesOr0(blocks, blue))), d, planes + 2 * stride + x);
  }
}

void PermuteRowImpl(const uint8_t* HWY_RESTRICT rgb, size_t width, const PermuteTable& table,
                    float* HWY_RESTRICT scratch, float* HWY_RESTRICT out, size_t out_stride) {
  const DF d;
  constexpr size_t kLanes = hn::MaxLanes(d);
  const size_t stride = PermuteScratch(width) / 3;
  UnpackPlanes(rgb, width, scratch, stride);
  for (size_t b = 0; b < table.blocks; ++b) {
    const int32_t* index = table.index + b * 4 * kLanes;
    const float* weight = table.weight + b * 4 * kLanes;
    const auto i0 = hn::SetTableIndices(d, index);
    const auto i1 = hn::SetTableIndices(d, index + kLanes);
    const auto i2 = hn::SetTableIndices(d, index + 2 * kLanes);
    const auto i3 = hn::SetTableIndices(d, index + 3 * kLanes);
    const VF w0 = hn::Load(d, weight);
    const VF w1 = hn::Load(d, weight + kLanes);
    const VF w2 = hn::Load(d, weight + 2 * kLanes);
    const VF w3 = hn::Load(d, weight + 3 * kLanes);
    for (size_t c = 0; c < 3; ++c) {
      const VF in = hn::LoadU(d, scratch + c * stride + table.base[b]);
      VF sum = hn::Mul(w0, hn::TableLookupLanes(in, i0));
      sum = hn::MulAdd(w1, hn::TableLookupLanes(in, i1), sum);
      sum = hn::MulAdd(w2, hn::TableLookupLanes(in, i2), sum);
      sum = hn::MulAdd(w3, hn::TableLookupLanes(in, i3), sum);
      hn::Store(Clamp255(d, sum), d, out + c * out_stride + b * kLanes);
    }
  }
}

// Expands packed RGB to four floats a pixel (the fourth is 0).
HWY_INLINE void UnpackQuads(const uint8_t* HWY_RESTRICT rgb, size_t width, float* HWY_RESTRICT quads) {
  const DF d;
  const hn::RebindToSigned<DF> di;
  const hn::Rebind<uint8_t, DF> d8;
  constexpr size_t kLanes = hn::MaxLanes(d);
  constexpr size_t kPixels = kLanes / 4;
  alignas(64) uint8_t bytes[std::max<size_t>(kLanes, 16)];
  for (size_t i = 0; i < kLanes; ++i) bytes[i] = i % 4 == 3 ? uint8_t{0x80} : static_cast<uint8_t>(i / 4 * 3 + i % 4);
  const auto spread = hn::Load(d8, bytes);
  for (size_t x = 0; x < width; x += kPixels) {
    const auto pixels = hn::TableLookupBytesOr0(hn::LoadU(d8, rgb + x * 3), spread);
    hn::Store(hn::ConvertTo(d, hn::PromoteTo(di, pixels)), d, quads + x * 4);
  }
}

// Adds the 128-bit blocks of a vector: one pixel from the partial sums of several.
template <class D>
HWY_INLINE hn::Vec<hn::CappedTag<float, 4> > SumOfBlocks(D /*d*/, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) <= 4) {
    return v;
  } else {
    const hn::Half<D> half;
    return SumOfBlocks(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}

void DotRowImpl(const uint8_t* HWY_RESTRICT rgb, size_t width, const DotTable& table, float* HWY_RESTRICT scratch,
                float* HWY_RESTRICT out, size_t out_stride) {
  const DF d;
  const hn::CappedTag<float, 4> d4;
  constexpr size_t kLanes = hn::MaxLanes(d);
  constexpr size_t kPixels = kLanes / 4;
  float* quads = scratch;
  float* sums = scratch + DotScratch(width, table.groups, 0);
  UnpackQuads(rgb, width, quads);
  // Lane l of step s weighs tap s * kPixels + l / 4 of a group of four taps.
  alignas(64) int32_t lanes[4 / kPixels][kLanes];
  for (size_t s = 0; s < 4 / kPixels; ++s) {
    for (size_t l = 0; l < kLanes; ++l) lanes[s][l] = static_cast<int32_t>(s * kPixels + l / 4);
  }
  for (size_t x = 0; x < table.out_width; ++x) {
    const float* in = quads + static_cast<size_t>(table.start[x]) * 4;
    const float* weight = table.weight + x * table.groups * 4;
    VF sum = hn::Zero(d);
    for (size_t g = 0; g < table.groups; ++g) {
      const VF four = hn::LoadDup128(d, weight + g * 4);
      for (size_t s = 0; s < 4 / kPixels; ++s) {
        const VF w = hn::TableLookupLanes(four, hn::SetTableIndices(d, lanes[s]));
        sum = hn::MulAdd(w, hn::LoadU(d, in + (g * 4 + s * kPixels) * 4), sum);
      }
    }
    hn::Store(SumOfBlocks(d, sum), d4, sums + x * 4);
  }
  for (size_t x = 0; x < table.out_width; x += kLanes) {
    VF r, g, b, unused;
    hn::LoadInterleaved4(d, sums + x * 4, r, g, b, unused);
    hn::Store(Clamp255(d, r), d, out + x);
    hn::Store(Clamp255(d, g), d, out + out_stride + x);
    hn::Store(Clamp255(d, b), d, out + 2 * out_stride + x);
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

// kTaps 0: any number of taps.
template <size_t kTaps>
HWY_INLINE void CombineOne(const float* const* HWY_RESTRICT rows, const float* HWY_RESTRICT weights, size_t taps,
                           size_t width, size_t stride, const float* HWY_RESTRICT scale, const float* HWY_RESTRICT bias,
                           float* const* out) {
  const DF d;
  const size_t lanes = hn::Lanes(d);
  const size_t count = kTaps == 0 ? taps : kTaps;
  for (size_t c = 0; c < 3; ++c) {
    const VF s = hn::Set(d, scale[c]);
    const VF b = hn::Set(d, bias[c]);
    const size_t plane = c * stride;
    const auto at = [&](size_t x) HWY_ATTR {
      VF sum = hn::Mul(hn::Set(d, weights[0]), hn::LoadU(d, rows[0] + plane + x));
      for (size_t t = 1; t < count; ++t) {
        sum = hn::MulAdd(hn::Set(d, weights[t]), hn::LoadU(d, rows[t] + plane + x), sum);
      }
      return hn::MulAdd(Clamp255(d, sum), s, b);
    };
    float* HWY_RESTRICT to = out[c];
    size_t x = 0;
    for (; x + lanes <= width; x += lanes) hn::StoreU(at(x), d, to + x);
    if (x == width) continue;
    if (width >= lanes) {
      // The last vector overlaps the one before: never a byte outside this row, which may be another thread's.
      hn::StoreU(at(width - lanes), d, to + width - lanes);
    } else {
      alignas(64) float last[hn::MaxLanes(d)];
      hn::Store(at(0), d, last);
      std::memcpy(to, last, width * sizeof(float));
    }
  }
}

void CombineRowsImpl(const float* const* rows, const float* weights, size_t taps, size_t width, size_t stride,
                     const float* scale, const float* bias, float* const* out) {
  switch (taps) {
    case 2:
      return CombineOne<2>(rows, weights, taps, width, stride, scale, bias, out);
    case 4:
      return CombineOne<4>(rows, weights, taps, width, stride, scale, bias, out);
    default:
      return CombineOne<0>(rows, weights, taps, width, stride, scale, bias, out);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace verger::image::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace verger::image::simd {

HWY_EXPORT(LanesImpl);
HWY_EXPORT(PermuteRowImpl);
HWY_EXPORT(DotRowImpl);
HWY_EXPORT(CombineRowsImpl);

namespace {

// The widest vector of any target, in floats.
constexpr size_t kMaxLanes = 16;

constexpr size_t RoundUp(size_t value) { return (value + kMaxLanes - 1) / kMaxLanes * kMaxLanes; }

}  // namespace

size_t FloatLanes() { return HWY_DYNAMIC_DISPATCH(LanesImpl)(); }

size_t PermuteScratch(size_t width) { return 3 * (RoundUp(width) + kMaxLanes); }

size_t DotScratch(size_t width, size_t groups, size_t out_width) {
  return 4 * (RoundUp(width) + groups * 4 + kMaxLanes + RoundUp(out_width));
}

void PermuteRow(const uint8_t* rgb, size_t width, const PermuteTable& table, float* scratch, float* out,
                size_t out_stride) {
  HWY_DYNAMIC_DISPATCH(PermuteRowImpl)(rgb, width, table, scratch, out, out_stride);
}

void DotRow(const uint8_t* rgb, size_t width, const DotTable& table, float* scratch, float* out, size_t out_stride) {
  HWY_DYNAMIC_DISPATCH(DotRowImpl)(rgb, width, table, scratch, out, out_stride);
}

void CombineRows(const float* const* rows, const float* weights, size_t taps, size_t width, size_t stride,
                 const float* scale, const float* bias, float* const* out) {
  HWY_DYNAMIC_DISPATCH(CombineRowsImpl)(rows, weights, taps, width, stride, scale, bias, out);
}

}  // namespace verger::image::simd

#endif  // HWY_ONCE

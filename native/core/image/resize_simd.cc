#include "core/image/resize_simd.h"

// Scalable vectors (SVE, RISC-V) are left to the fixed-size targets that every such machine has as well.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/image/resize_simd.cc"
#include <hwy/foreach_target.h>
// After foreach_target, as Highway asks.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

// Shared by every target; this file is read once per target.
#ifndef VERGER_RESIZE_SIMD_SHARED
#define VERGER_RESIZE_SIMD_SHARED

namespace verger::image::simd {

namespace {

// The widest vector of any target, in floats.
constexpr size_t kMaxLanes = 16;
// Outputs and rows of one step of the dot kernel: its unpacked pixels stay in the nearest cache.
constexpr size_t kTile = 32;
constexpr size_t kDotRows = 4;

constexpr size_t RoundUp(size_t value) { return (value + kMaxLanes - 1) / kMaxLanes * kMaxLanes; }

// Floats from plane to plane of an unpacked row: whole vectors, and one more for loads that begin inside the last.
constexpr size_t PlaneStride(size_t width) { return RoundUp(width) + kMaxLanes; }

}  // namespace

}  // namespace verger::image::simd

#endif  // VERGER_RESIZE_SIMD_SHARED

HWY_BEFORE_NAMESPACE();
namespace verger::image::simd {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using VF = hn::Vec<DF>;

size_t LanesImpl() { return hn::Lanes(DF()); }

HWY_INLINE VF Clamp255(DF d, VF v) { return hn::Min(hn::Max(v, hn::Zero(d)), hn::Set(d, 255.0f)); }

#if HWY_TARGET == HWY_SCALAR

void PermuteRowsImpl(const uint8_t* const*, size_t, size_t, const PermuteTable&, float*, float* const*, size_t) {
  // Never called: tables for it are only made for vectors of more than four lanes.
}

void DotRowsImpl(const uint8_t* const* rgb, size_t rows, size_t width, const DotTable& table, float*, float* const* out,
                 size_t out_stride) {
  for (size_t row = 0; row < rows; ++row) {
    for (size_t x = 0; x < table.out_width; ++x) {
      const size_t start = static_cast<size_t>(table.start[x]);
      const float* weight = table.weight + x * table.groups * 4;
      float sum[3] = {0, 0, 0};
      for (size_t t = 0; t < std::min(table.groups * 4, width - start); ++t) {
        for (size_t c = 0; c < 3; ++c) sum[c] += weight[t] * static_cast<float>(rgb[row][(start + t) * 3 + c]);
      }
      for (size_t c = 0; c < 3; ++c) out[row][c * out_stride + x] = std::clamp(sum[c], 0.0f, 255.0f);
    }
  }
}

#else

// Splits packed RGB into three planes of floats, whole vectors at a time. Reads up to kRowPadding bytes behind `rgb`.
class PlaneUnpacker {
 public:
  HWY_INLINE PlaneUnpacker() {
    // Four pixels are three 32-bit words: give each 16-byte block its own four pixels ...
    for (size_t i = 0; i < kLanes; ++i) words_[i] = static_cast<int32_t>(std::min(i / 4 * 3 + i % 4, kLanes - 1));
    // ... and spread one colour of them over 32-bit lanes.
    for (size_t c = 0; c < 3; ++c) {
      for (size_t i = 0; i < kLanes * 4; ++i) {
        bytes_[c][i] = i % 4 == 0 ? static_cast<uint8_t>(i % 16 / 4 * 3 + c) : uint8_t{0x80};
      }
    }
  }

  HWY_INLINE void Unpack(const uint8_t* HWY_RESTRICT rgb, size_t width, float* HWY_RESTRICT planes,
                         size_t stride) const {
    const DF d;
    const hn::RebindToSigned<DF> di;
    const hn::Repartition<uint8_t, DF> d8;
    const hn::Repartition<uint32_t, DF> d32;
    const auto select = hn::SetTableIndices(d32, words_);
    const auto red = hn::Load(d8, bytes_[0]);
    const auto green = hn::Load(d8, bytes_[1]);
    const auto blue = hn::Load(d8, bytes_[2]);
    for (size_t x = 0; x < width; x += kLanes) {
      auto packed = hn::BitCast(d32, hn::LoadU(d8, rgb + x * 3));
      if constexpr (kLanes > 4) packed = hn::TableLookupLanes(packed, select);
      const auto blocks = hn::BitCast(d8, packed);
      hn::Store(hn::ConvertTo(d, hn::BitCast(di, hn::TableLookupBytesOr0(blocks, red))), d, planes + x);
      hn::Store(hn::ConvertTo(d, hn::BitCast(di, hn::TableLookupBytesOr0(blocks, green))), d, planes + stride + x);
      hn::Store(hn::ConvertTo(d, hn::BitCast(di, hn::TableLookupBytesOr0(blocks, blue))), d, planes + 2 * stride + x);
    }
  }

 private:
  static constexpr size_t kLanes = hn::MaxLanes(DF());
  alignas(64) int32_t words_[kLanes];
  alignas(64) uint8_t bytes_[3][kLanes * 4];
};

void PermuteRowsImpl(const uint8_t* const* rgb, size_t rows, size_t width, const PermuteTable& table,
                     float* HWY_RESTRICT scratch, float* const* out, size_t out_stride) {
  const DF d;
  constexpr size_t kLanes = hn::MaxLanes(d);
  const size_t plane = PlaneStride(width);
  const PlaneUnpacker unpacker;
  for (size_t row = 0; row < rows; ++row) unpacker.Unpack(rgb[row], width, scratch + row * 3 * plane, plane);
  for (size_t b = 0; b < table.blocks; ++b) {
    const int32_t* index = table.index + b * 4 * kLanes;
    const float* weight = table.weight + b * 4 * kLanes;
    const float* HWY_RESTRICT in = scratch + table.base[b];
    const auto i0 = hn::SetTableIndices(d, index);
    const auto i1 = hn::SetTableIndices(d, index + kLanes);
    const auto i2 = hn::SetTableIndices(d, index + 2 * kLanes);
    const auto i3 = hn::SetTableIndices(d, index + 3 * kLanes);
    const VF w0 = hn::Load(d, weight);
    const VF w1 = hn::Load(d, weight + kLanes);
    const VF w2 = hn::Load(d, weight + 2 * kLanes);
    const VF w3 = hn::Load(d, weight + 3 * kLanes);
    for (size_t row = 0; row < rows; ++row) {
      float* HWY_RESTRICT to = out[row] + b * kLanes;
      for (size_t c = 0; c < 3; ++c) {
        const VF v = hn::LoadU(d, in);
        VF sum = hn::Mul(w0, hn::TableLookupLanes(v, i0));
        sum = hn::MulAdd(w1, hn::TableLookupLanes(v, i1), sum);
        sum = hn::MulAdd(w2, hn::TableLookupLanes(v, i2), sum);
        sum = hn::MulAdd(w3, hn::TableLookupLanes(v, i3), sum);
        hn::StoreU(Clamp255(d, sum), d, to);
        in += plane;
        to += out_stride;
      }
    }
  }
}

// Expands packed RGB to four floats a pixel (the fourth is 0). Reads up to kRowPadding bytes behind `rgb`.
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

// Outputs [begin, end) of kRows rows, whose quads from pixel `first` on lie `quad_stride` floats apart; the four
// colours of a result go to sums + row * kTile * 4.
template <size_t kRows>
HWY_INLINE void DotTile(const DotTable& table, size_t begin, size_t end, size_t first, const float* HWY_RESTRICT quads,
                        size_t quad_stride, float* HWY_RESTRICT sums) {
  const DF d;
  const hn::CappedTag<float, 4> d4;
  constexpr size_t kLanes = hn::MaxLanes(d);
  constexpr size_t kPixels = kLanes / 4;
  constexpr size_t kSteps = 4 / kPixels;
  // Lane l of step s weighs tap s * kPixels + l / 4 of a group of four taps.
  alignas(64) int32_t lanes[kSteps][kLanes];
  for (size_t s = 0; s < kSteps; ++s) {
    for (size_t l = 0; l < kLanes; ++l) lanes[s][l] = static_cast<int32_t>(s * kPixels + l / 4);
  }
  for (size_t x = begin; x < end; ++x) {
    const float* HWY_RESTRICT in = quads + (static_cast<size_t>(table.start[x]) - first) * 4;
    const float* HWY_RESTRICT weight = table.weight + x * table.groups * 4;
    VF sum[kRows];
    for (size_t row = 0; row < kRows; ++row) sum[row] = hn::Zero(d);
    for (size_t g = 0; g < table.groups; ++g) {
      const VF four = hn::LoadDup128(d, weight + g * 4);
      for (size_t s = 0; s < kSteps; ++s) {
        const VF w = hn::TableLookupLanes(four, hn::SetTableIndices(d, lanes[s]));
        for (size_t row = 0; row < kRows; ++row) {
          sum[row] = hn::MulAdd(w, hn::LoadU(d, in + row * quad_stride), sum[row]);
        }
        in += kLanes;
      }
    }
    for (size_t row = 0; row < kRows; ++row) {
      hn::Store(SumOfBlocks(d, sum[row]), d4, sums + (row * kTile + x - begin) * 4);
    }
  }
}

void DotRowsImpl(const uint8_t* const* rgb, size_t rows, size_t width, const DotTable& table,
                 float* HWY_RESTRICT scratch, float* const* out, size_t out_stride) {
  const DF d;
  constexpr size_t kLanes = hn::MaxLanes(d);
  float* const sums = scratch;
  float* const quads = scratch + kDotRows * kTile * 4;
  const size_t quad_stride = table.tile_pixels * 4;
  for (size_t top = 0; top < rows; top += kDotRows) {
    const size_t count = std::min(kDotRows, rows - top);
    for (size_t begin = 0; begin < table.out_width; begin += kTile) {
      const size_t end = std::min(begin + kTile, table.out_width);
      const size_t first = static_cast<size_t>(table.start[begin]);
      // Behind the row's end are pixels of weight 0; only those up to its padding may be read.
      const size_t last = std::min(static_cast<size_t>(table.start[end - 1]) + table.groups * 4, width);
      for (size_t row = 0; row < count; ++row) {
        UnpackQuads(rgb[top + row] + first * 3, last - first, quads + row * quad_stride);
      }
      if (count == kDotRows) {
        DotTile<kDotRows>(table, begin, end, first, quads, quad_stride, sums);
      } else {
        for (size_t row = 0; row < count; ++row) {
          DotTile<1>(table, begin, end, first, quads + row * quad_stride, quad_stride, sums + row * kTile * 4);
        }
      }
      for (size_t row = 0; row < count; ++row) {
        for (size_t x = begin; x < end; x += kLanes) {
          VF r, g, b, unused;
          hn::LoadInterleaved4(d, sums + (row * kTile + x - begin) * 4, r, g, b, unused);
          float* HWY_RESTRICT to = out[top + row] + x;
          hn::StoreU(Clamp255(d, r), d, to);
          hn::StoreU(Clamp255(d, g), d, to + out_stride);
          hn::StoreU(Clamp255(d, b), d, to + 2 * out_stride);
        }
      }
    }
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

// Calls at(x) for vectors that together cover [0, width) of a row that begins at `to`, width >= lanes. The first and
// the last may overlap their neighbours, so that those between are aligned and no byte outside the row, which may be
// another thread's, is ever written.
template <class At>
HWY_INLINE void ForEachVector(const float* to, size_t width, const At& at) {
  const size_t lanes = hn::Lanes(DF());
  at(0);
  size_t x = lanes - reinterpret_cast<uintptr_t>(to) / sizeof(float) % lanes;
  for (; x + lanes <= width; x += lanes) at(x);
  if (x < width) at(width - lanes);
}

HWY_INLINE void CombineNarrow(const VerticalTaps& taps, size_t width, size_t plane, VF scale, VF bias, float* to) {
  const DF d;
  VF sum = hn::Zero(d);
  for (size_t t = 0; t < taps.count; ++t) {
    sum = hn::MulAdd(hn::Set(d, taps.weights[t]), hn::LoadU(d, taps.rows[t] + plane), sum);
  }
  alignas(64) float last[hn::MaxLanes(d)];
  hn::Store(hn::MulAdd(Clamp255(d, sum), scale, bias), d, last);
  std::memcpy(to, last, width * sizeof(float));
}

HWY_INLINE void CombineMany(const VerticalTaps& taps, size_t width, size_t plane, VF scale, VF bias,
                            float* HWY_RESTRICT to) {
  const DF d;
  ForEachVector(to, width, [&](size_t x) HWY_ATTR {
    VF sum = hn::Zero(d);
    for (size_t t = 0; t < taps.count; ++t) {
      sum = hn::MulAdd(hn::Set(d, taps.weights[t]), hn::LoadU(d, taps.rows[t] + plane + x), sum);
    }
    hn::StoreU(hn::MulAdd(Clamp255(d, sum), scale, bias), d, to + x);
  });
}

// Four taps: kOut consecutive output rows of the same inputs. Scale and bias are folded into the weights and the first
// addend, and clamping the result to what 0 and 255 become is the same as clamping before, because scale is positive.
template <size_t kOut>
HWY_INLINE void CombineFour(const VerticalTaps& taps, size_t width, size_t plane, VF scale, VF bias,
                            float* HWY_RESTRICT to) {
  const DF d;
  const float* HWY_RESTRICT r0 = taps.rows[0] + plane;
  const float* HWY_RESTRICT r1 = taps.rows[1] + plane;
  const float* HWY_RESTRICT r2 = taps.rows[2] + plane;
  const float* HWY_RESTRICT r3 = taps.rows[3] + plane;
  const auto weight = [&](size_t i) HWY_ATTR { return hn::Mul(hn::Set(d, taps.weights[i]), scale); };
  const VF a0 = weight(0);
  const VF a1 = weight(1);
  const VF a2 = weight(2);
  const VF a3 = weight(3);
  // The second row's weights; the first's again when there is none.
  constexpr size_t kSecond = kOut == 2 ? 4 : 0;
  const VF b0 = weight(kSecond);
  const VF b1 = weight(kSecond + 1);
  const VF b2 = weight(kSecond + 2);
  const VF b3 = weight(kSecond + 3);
  const VF least = bias;
  const VF most = hn::MulAdd(hn::Set(d, 255.0f), scale, bias);
  float* HWY_RESTRICT next = to + width;
  ForEachVector(to, width, [&](size_t x) HWY_ATTR {
    const VF v0 = hn::LoadU(d, r0 + x);
    const VF v1 = hn::LoadU(d, r1 + x);
    const VF v2 = hn::LoadU(d, r2 + x);
    const VF v3 = hn::LoadU(d, r3 + x);
    // Rows that will be written soon: their lines have long left the cache, and storing to them would wait.
    hwy::Prefetch(to + 4 * width + x);
    const VF a = hn::MulAdd(a3, v3, hn::MulAdd(a2, v2, hn::MulAdd(a1, v1, hn::MulAdd(a0, v0, bias))));
    hn::StoreU(hn::Min(hn::Max(a, least), most), d, to + x);
    if constexpr (kOut == 2) {
      hwy::Prefetch(to + 5 * width + x);
      const VF b = hn::MulAdd(b3, v3, hn::MulAdd(b2, v2, hn::MulAdd(b1, v1, hn::MulAdd(b0, v0, bias))));
      hn::StoreU(hn::Min(hn::Max(b, least), most), d, next + x);
    }
  });
}

void CombineRowsImpl(const VerticalTaps& taps, size_t outputs, size_t width, size_t stride, const float* scale,
                     const float* bias, float* const* out) {
  const DF d;
  for (size_t c = 0; c < 3; ++c) {
    const VF s = hn::Set(d, scale[c]);
    const VF b = hn::Set(d, bias[c]);
    const size_t plane = c * stride;
    for (size_t done = 0; done < outputs;) {
      const VerticalTaps now = {taps.rows, taps.weights + done * taps.count, taps.count};
      float* const to = out[c] + done * width;
      if (width < hn::Lanes(d)) {
        CombineNarrow(now, width, plane, s, b, to);
      } else if (taps.count != 4) {
        CombineMany(now, width, plane, s, b, to);
      } else if (outputs - done >= 2) {
        CombineFour<2>(now, width, plane, s, b, to);
        ++done;
      } else {
        CombineFour<1>(now, width, plane, s, b, to);
      }
      ++done;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace verger::image::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace verger::image::simd {

HWY_EXPORT(LanesImpl);
HWY_EXPORT(PermuteRowsImpl);
HWY_EXPORT(DotRowsImpl);
HWY_EXPORT(CombineRowsImpl);

size_t FloatLanes() { return HWY_DYNAMIC_DISPATCH(LanesImpl)(); }

size_t PermuteScratch(size_t width) { return kMaxRows * 3 * PlaneStride(width); }

size_t DotScratch(const DotTable& table) { return kDotRows * (kTile + table.tile_pixels) * 4; }

size_t DotTilePixels(const int32_t* start, size_t out_width, size_t groups) {
  size_t most = 0;
  for (size_t begin = 0; begin < out_width; begin += kTile) {
    const size_t end = std::min(begin + kTile, out_width);
    most = std::max(most, static_cast<size_t>(start[end - 1] - start[begin]) + groups * 4);
  }
  // Rows of whole, aligned vectors.
  return RoundUp(most) + kMaxLanes;
}

void PermuteRows(const uint8_t* const* rgb, size_t rows, size_t width, const PermuteTable& table, float* scratch,
                 float* const* out, size_t out_stride) {
  HWY_DYNAMIC_DISPATCH(PermuteRowsImpl)(rgb, rows, width, table, scratch, out, out_stride);
}

void DotRows(const uint8_t* const* rgb, size_t rows, size_t width, const DotTable& table, float* scratch,
             float* const* out, size_t out_stride) {
  HWY_DYNAMIC_DISPATCH(DotRowsImpl)(rgb, rows, width, table, scratch, out, out_stride);
}

void CombineRows(const VerticalTaps& taps, size_t outputs, size_t width, size_t stride, const float* scale,
                 const float* bias, float* const* out) {
  HWY_DYNAMIC_DISPATCH(CombineRowsImpl)(taps, outputs, width, stride, scale, bias, out);
}

}  // namespace verger::image::simd

#endif  // HWY_ONCE

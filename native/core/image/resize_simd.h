// The inner loops of the resize, one build of each per instruction set (resize_simd.cc). Internal to resize.cc.
#pragma once

#include <cstddef>
#include <cstdint>

namespace verger::image::simd {

// Values per vector of the active instruction set: tables for PermuteRow are laid out for it.
size_t FloatLanes();

// The horizontal pass for at most four taps whose inputs lie so close together that each vector of outputs reads one
// vector of inputs: enlarging, which is the hot case. Block b makes outputs [b * lanes, (b + 1) * lanes).
struct PermuteTable {
  size_t blocks = 0;
  const int32_t* base = nullptr;   // [blocks] first input pixel
  const int32_t* index = nullptr;  // [blocks][4][lanes] input of each tap, relative to base
  const float* weight = nullptr;   // [blocks][4][lanes]
};

// The horizontal pass for any number of taps.
struct DotTable {
  size_t out_width = 0;
  size_t groups = 0;               // of four taps each; taps that do not exist weigh 0
  size_t tile_pixels = 0;          // DotTilePixels of the above
  const int32_t* start = nullptr;  // [out_width] first input pixel
  const float* weight = nullptr;   // [out_width][groups * 4]
};

// Rows that the horizontal passes take at most at once: tables are loaded once for all of them, and a row's floats have
// left the store buffer by the time they are read again.
inline constexpr size_t kMaxRows = 8;

// Both: `rgb` points to `rows` rows of `width` pixels with kRowPadding bytes behind each. `scratch` holds
// PermuteScratch / DotScratch floats, all finite. Results, clamped to [0, 255], go to out[row] + colour * out_stride,
// where there is room for whole vectors.
size_t PermuteScratch(size_t width);
size_t DotScratch(const DotTable& table);
// Input pixels that the kernel unpacks at once, at most.
size_t DotTilePixels(const int32_t* start, size_t out_width, size_t groups);
void PermuteRows(const uint8_t* const* rgb, size_t rows, size_t width, const PermuteTable& table, float* scratch,
                 float* const* out, size_t out_stride);
void DotRows(const uint8_t* const* rgb, size_t rows, size_t width, const DotTable& table, float* scratch,
             float* const* out, size_t out_stride);

// The inputs of some output rows.
struct VerticalTaps {
  const float* const* rows = nullptr;  // [count]
  const float* weights = nullptr;      // [outputs][count]
  size_t count = 0;
};

// The vertical pass for `outputs` rows that follow each other at out[c] and share their inputs: row o of colour c is
// clamp(sum over t of weights[o][t] * rows[t][c * stride + x]) * scale[c] + bias[c] for x in [0, width), written to
// exactly those places; scale[c] > 0. Fastest with four taps and where rows[t] and out[c] lie alike on cache lines.
void CombineRows(const VerticalTaps& taps, size_t outputs, size_t width, size_t stride, const float* scale,
                 const float* bias, float* const* out);

}  // namespace verger::image::simd

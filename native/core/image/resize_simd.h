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
  const int32_t* start = nullptr;  // [out_width] first input pixel
  const float* weight = nullptr;   // [out_width][groups * 4]
};

// Both: `rgb` is one row of `width` pixels with kRowPadding bytes behind. `scratch` holds PermuteScratch/DotScratch
// floats that are finite. Results, clamped to [0, 255], go to three planes of `out` that are `out_stride` apart and
// have room for whole vectors.
size_t PermuteScratch(size_t width);
size_t DotScratch(size_t width, size_t groups, size_t out_width);
void PermuteRow(const uint8_t* rgb, size_t width, const PermuteTable& table, float* scratch, float* out,
                size_t out_stride);
void DotRow(const uint8_t* rgb, size_t width, const DotTable& table, float* scratch, float* out, size_t out_stride);

// The vertical pass for one output row: out[c][x] = clamp(sum over t of weights[t] * rows[t][c * stride + x]) *
// scale[c] + bias[c] for x in [0, width), written to exactly those places.
void CombineRows(const float* const* rows, const float* weights, size_t taps, size_t width, size_t stride,
                 const float* scale, const float* bias, float* const* out);

}  // namespace verger::image::simd

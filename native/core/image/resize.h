// Antialiased resize of a stream of rows straight into a normalised float tensor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/image/pixels.h"

namespace verger::image {

enum class Filter : uint8_t { kBilinear, kBicubic };

// The weights along one axis: output o is the sum over t < count[o] of weights[o * taps + t] * input[start[o] + t];
// weights beyond count[o] are 0. `start` never decreases. `taps` is at least 4.
struct AxisWeights {
  size_t in = 0;
  size_t out = 0;
  size_t taps = 0;
  std::vector<int32_t> start;
  std::vector<int32_t> count;
  std::vector<float> weights;
};

// Maps the part [low, high) of `in` inputs to `out` outputs. The filter is widened when shrinking, so that every input
// counts (antialiasing); bicubic has a = -0.5. Same coefficients as Pillow's `Image.resize(box=...)`
// (src/libImaging/Resample.c, precompute_coeffs), kept as float32 where Pillow rounds to fixed point.
AxisWeights ComputeAxisWeights(Filter filter, size_t in, double low, double high, size_t out);

// What to make of a picture's rows.
struct ResizeSpec {
  Filter filter = Filter::kBicubic;
  size_t in_width = 0;
  size_t in_height = 0;
  // The part of the input that fills the output.
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
  size_t out_width = 0;
  size_t out_height = 0;
  // Output value of colour c (RGB): v * scale[c] + bias[c], v in [0, 255]; scale[c] > 0.
  std::array<float, 3> scale = {1, 1, 1};
  std::array<float, 3> bias = {0, 0, 0};
  // Where the plane of each colour begins; rows of a plane follow each other without a gap.
  std::array<float*, 3> planes = {nullptr, nullptr, nullptr};
};

// Resizes one picture at a time; keeps only the rows that the vertical filter still needs. Reuse it: coefficients are
// cached by (size, part, filter) and scratch memory is kept. Not for two threads at once.
//
// As in Pillow (which since version 13 turns them round where that is cheaper) the horizontal pass comes first, and
// both passes clamp to [0, 255]; unlike in Pillow nothing is rounded.
class Resizer {
 public:
  Resizer();
  ~Resizer();
  Resizer(const Resizer&) = delete;
  Resizer& operator=(const Resizer&) = delete;

  // Codes: image/memory.
  Status Begin(const ResizeSpec& spec);
  // The next `count` rows from the top: in_width RGB pixels, three bytes each, with kRowPadding readable bytes behind
  // each row. After in_height rows every output row has been written.
  void Rows(const uint8_t* const* rgb, size_t count);
  // Releases scratch memory beyond `bytes`.
  void Trim(size_t bytes);

 private:
  struct HorizontalTable;
  struct CachedAxis;

  const CachedAxis* Find(const ResizeSpec& spec, bool horizontal);
  float* RingRow(size_t slot) { return ring_start_ + slot * stride_ * 3; }
  void Combine();

  ResizeSpec spec_;
  std::vector<std::unique_ptr<CachedAxis>> cache_;
  uint64_t clock_ = 0;
  const HorizontalTable* columns_ = nullptr;
  const AxisWeights* rows_ = nullptr;
  size_t row_ = 0;     // input rows seen
  size_t next_ = 0;    // next output row
  size_t ring_ = 0;    // input rows that the ring holds
  size_t stride_ = 0;  // floats from plane to plane of one row in the ring
  Buffer<float> scratch_;
  Buffer<float> ring_rows_;
  float* ring_start_ = nullptr;
  std::vector<const float*> taps_;
};

// The instruction set in use and all that this build can use, as Highway names them ("AVX2", "NEON").
std::string ActiveSimdTarget();
std::vector<std::string> CompiledSimdTargets();

}  // namespace verger::image

// One streaming pass over feature rows: count, mean and the Gram matrix about a pilot shift.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/status.h"
#include "core/linalg/exec.h"

namespace verger::linalg {

// What PCA needs to know of the data.
struct Moments {
  size_t dimension = 0;
  uint64_t rows = 0;
  bool standardized = false;
  std::vector<double> mean;  // d
  std::vector<double>
      scale;  // d: sample standard deviation (n - 1), 1 for a constant column; all 1 if not standardised
  AlignedArray<double> matrix;  // d x d, symmetric, full: covariance (n - 1), or correlation when standardised
  double total_variance = 0;    // its trace
};

// Error "pca/not-finite"; row and column are counted from 0.
Status NotFiniteFeature(float value, uint64_t row, size_t column);

// Accumulates rows of `dimension` float32 features.
//
// Rows are taken in blocks of kBlockRows whatever the slicing of the calls, so the state is a function of the sequence
// of rows alone: bitwise the same for any thread count and any slicing. The mean of the first block, rounded to
// float32, is the pilot: subtracting it while packing is exact for data far from zero (x - pilot is exact when they are
// within a factor of two, Sterbenz) and keeps the products small. Products are float32 inside a block and float64
// across blocks. Memory: 8 d^2 bytes for the Gram matrix plus about 8 * kBlockRows * d for blocks.
//
// Not thread-safe: one call at a time. After a failed Add the rows are only partly in, so every later call fails.
class GramAccumulator {
 public:
  static constexpr size_t kBlockRows = 512;
  static constexpr size_t kMaxDimension = 32'768;

  // 1 <= dimension <= kMaxDimension.
  explicit GramAccumulator(size_t dimension);
  ~GramAccumulator();

  size_t dimension() const { return dimension_; }
  uint64_t count() const { return blocked_rows_ + pending_rows_; }

  // Adds n rows (row-major, n x dimension). Codes: "pca/not-finite" (names the 0-based row, counted from the
  // accumulator's first row, and column), "pca/incomplete" (an earlier call failed), "cancelled".
  Status Add(const float* rows, size_t n, const Exec& exec);

  // Adds the rows of `other`, which may have another pilot: both are re-centred on their own means and combined in
  // float64 (Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances",
  // 1979). Code: "pca/dimension", "pca/incomplete".
  Status Merge(const GramAccumulator& other);

  // Mean and covariance or correlation of the rows so far; the accumulator stays as it is. Codes: "pca/too-few-rows"
  // (fewer than 2), "pca/overflow" (values too large to be squared in float32), "pca/incomplete", "cancelled".
  Status Finish(bool standardize, const Exec& exec, Moments* moments) const;

  // Little-endian bytes, rows still waiting for their block included: a deserialised accumulator goes on exactly as
  // this one would. Code: "pca/incomplete".
  Status Serialize(std::vector<uint8_t>* bytes) const;
  // Code: "pca/state" (not such bytes, another version, cut short or altered).
  static Status Deserialize(const uint8_t* bytes, size_t size, std::unique_ptr<GramAccumulator>* accumulator);

 private:
  struct Workspace;

  Status Usable() const;
  // Adds one block about `pilot` to gram (stride_ x stride_) and sum.
  Status AddBlock(const float* rows, size_t n, uint64_t first_row, const float* pilot, const Exec& exec, double* gram,
                  double* sum) const;
  void SetPilot(const float* rows, size_t n, AlignedArray<float>* pilot) const;
  double* Row(size_t i) { return gram_.data() + i * stride_; }

  size_t dimension_;
  size_t stride_;  // dimension padded to whole panels
  uint64_t blocked_rows_ = 0;
  AlignedArray<float> pilot_;    // stride_, zero past dimension; set with the first block
  AlignedArray<double> sum_;     // sum of x - pilot
  AlignedArray<double> gram_;    // upper triangle of sum (x - pilot)(x - pilot)^T; empty before the first block
  AlignedArray<float> pending_;  // kBlockRows x dimension, allocated when first needed
  size_t pending_rows_ = 0;
  bool failed_ = false;
  std::unique_ptr<Workspace> workspace_;
};

}  // namespace verger::linalg

// PCA of wide data in streaming passes over the rows, without a d x d matrix.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/status.h"
#include "core/linalg/exec.h"
#include "core/linalg/pca.h"

namespace verger::linalg {

// Randomized block Krylov SVD (Musco and Musco, "Randomized block Krylov methods for stronger and faster approximate
// singular value decomposition", 2015), which builds on Halko, Martinsson and Tropp's range finder (2011) and needs
// fewer passes than its power iteration. The first pass takes means and variances. Each further pass multiplies one
// block of b directions V by the covariance (or correlation) matrix C, as X^T (X V); the part of C V outside the
// directions so far becomes the next block, and Rayleigh-Ritz on all of them gives the eigenpairs with their residuals.
// Centring and scaling are folded in. The caller streams the same rows again until done():
//
//   do { for (block : rows) solver.Add(block); solver.EndPass(); } while (!solver.done());
//
// Products are float32 inside a block of rows and float64 across blocks and in everything else. The result is a
// function of the sequence of rows and the seed: bitwise the same for any thread count and any slicing over Add calls.
// Memory: 8 d bytes per direction, at most kBasisBytes, plus blocks of rows.
class SketchSolver {
 public:
  static constexpr size_t kBlockRows = 256;
  static constexpr size_t kBasisBytes = size_t{512} << 20;
  static constexpr size_t kMaxPasses = 24;
  static constexpr size_t kMaxDimension = 1 << 20;

  // 1 <= dimension <= kMaxDimension. options.solver is ignored.
  SketchSolver(size_t dimension, const PcaOptions& options);

  // Lowers the number of directions that may be kept. Before the first EndPass.
  void LimitDirections(size_t limit) { limit_ = limit; }

  size_t dimension() const { return dimension_; }
  // Passes ended so far, the one for the moments included.
  size_t passes() const { return passes_; }
  bool done() const { return done_; }
  // Valid once done.
  const PcaModel& model() const { return model_; }

  // The next n rows of the current pass. Codes: "pca/not-finite", "pca/incomplete", "cancelled".
  Status Add(const float* rows, size_t n, const Exec& exec);
  // Ends the pass. Codes: as FitPca, and "pca/rank" (the variance asked for needs more components than the memory for
  // directions holds), "pca/source-changed" (another number of rows than in the first pass), "pca/incomplete".
  Status EndPass(const Exec& exec);

 private:
  Status Block(const float* rows, size_t n, const Exec& exec);
  void AddMoments(const float* rows, size_t n, const Exec& exec);
  void AddProduct(const float* rows, size_t n, const Exec& exec);
  Status EndMoments();
  Status EndProduct(const Exec& exec);
  void BeginProduct();
  double* Direction(size_t i) { return basis_.data() + i * dimension_; }

  size_t dimension_;
  PcaOptions options_;
  size_t width_ = 0;  // directions per block
  size_t most_ = 0;   // directions in all
  size_t limit_ = static_cast<size_t>(-1);
  size_t passes_ = 0;
  bool done_ = false;
  bool failed_ = false;
  PcaModel model_;

  uint64_t rows_ = 0;  // of the first pass
  uint64_t seen_ = 0;  // of this pass
  AlignedArray<float> pending_;
  size_t pending_rows_ = 0;

  std::vector<float> shift_;     // float32 of the first block's mean, then of the mean
  std::vector<double> sum_;      // of x - shift
  std::vector<double> squares_;  // of (x - shift)^2
  std::vector<double> offset_;   // mean - shift

  AlignedArray<double> basis_;  // orthonormal rows, most_ x d, filled up to directions_
  size_t directions_ = 0;
  AlignedArray<double> projected_;               // directions_ x directions_: basis C basis^T, stride most_
  AlignedArray<double> image_;                   // width_ x d: sum of x (x . v) for the last block of directions
  AlignedArray<float> folded_;                   // d x width_: the last block of directions over the scales
  AlignedArray<float> shifted_, scores_, part_;  // per block of rows
};

}  // namespace verger::linalg

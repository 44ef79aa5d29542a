// Principal components from accumulated moments, and the projection onto them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/linalg/exec.h"
#include "core/linalg/gram.h"

namespace verger::linalg {

// kRandomized falls back on the exact solver where it would need a subspace of more than half the dimension.
enum class Solver { kAuto, kExact, kRandomized };

struct PcaOptions {
  size_t components = 0;  // 0: as many as `variance` asks for
  double variance = 0.8;  // (0, 1]: the fewest components whose ratios sum to more than this
  bool standardize = true;
  Solver solver = Solver::kAuto;
  uint64_t seed = 1;  // of the randomized solvers
};

struct PcaModel {
  size_t dimension = 0;
  size_t components = 0;
  uint64_t rows = 0;
  bool standardized = false;
  std::vector<double> mean;                // d
  std::vector<double> scale;               // d
  std::vector<float> loadings;             // components x d, row-major, unit rows
  std::vector<double> explained_variance;  // components, descending, divisor n - 1
  double total_variance = 0;
  std::string solver;     // "exact", "randomized" or "sketch"
  size_t iterations = 0;  // filter cycles or passes; 0 for exact
  double residual = 0;    // largest |A v - lambda v| / lambda over the components kept; 0 for exact
};

// Checks `options` against the size of the data. Codes: "pca/components" (more than min(rows, dimension)),
// "pca/variance" (outside (0, 1]), "pca/too-few-rows".
Status CheckOptions(const PcaOptions& options, uint64_t rows, size_t dimension);

// The number of components that `options` keep of eigenvalues `values` (descending, the leading ones), or 0 if
// `values` do not reach the target yet. As scikit-learn: the fewest whose cumulative ratio exceeds the target; where
// rounding leaves none (target 1), all that are not numerically zero.
size_t ChooseComponents(const PcaOptions& options, const std::vector<double>& values, double total, uint64_t rows,
                        size_t dimension);

// Fits a model from moments, whose matrix is consumed. moments.standardized must equal options.standardize. Signs: the
// largest |loading| of a component is positive (of loadings equal to 1e-6, the first). Codes: as CheckOptions, and
// "pca/no-variance" (all rows equal), "pca/no-convergence", "cancelled".
Status FitPca(Moments&& moments, const PcaOptions& options, const Exec& exec, PcaModel* model);

// Error "pca/no-variance".
Status NoVariance(uint64_t rows);

// Flips `vector` (n) so that its largest |value| is positive.
void FixSign(double* vector, size_t n);

// y = ((x - mean) / scale) * loadings^T for many rows.
//
// The scale is folded into the matrix; the float32 part of the mean is subtracted from the features themselves, so data
// far from zero loses nothing, and its remainder is folded into a bias.
class PcaProjector {
 public:
  // mean, scale: d; loadings: components x d, row-major.
  PcaProjector(size_t dimension, size_t components, const double* mean, const double* scale, const float* loadings);

  size_t dimension() const { return dimension_; }
  size_t components() const { return components_; }

  // out (n x components) from rows (n x dimension), both row-major. Each row's result depends on that row alone:
  // bitwise the same for any thread count and slicing. Codes: "pca/not-finite" (row counted from 0 within this call),
  // "cancelled".
  Status Transform(const float* rows, size_t n, float* out, const Exec& exec) const;

 private:
  size_t dimension_;
  size_t components_;
  AlignedArray<float> shift_;   // padded
  AlignedArray<float> panels_;  // folded matrix, packed for the tiles: one block of panels per kDepth features
  AlignedArray<float> bias_;
};

}  // namespace verger::linalg

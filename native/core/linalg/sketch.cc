#include "core/linalg/sketch.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "core/linalg/eigen.h"
#include "core/linalg/gemm.h"
#include "core/linalg/householder.h"
#include "core/linalg/kernels.h"
#include "core/linalg/random.h"

namespace verger::linalg {

namespace {

constexpr double kTolerance = 5e-5;  // of |C v - lambda v| / lambda: eigenvalues are then good to about its square
constexpr size_t kColumns = 1024;    // columns per task of column-wise sums

// Directions per block: about half of what is wanted, since the blocks of all passes add up.
size_t BlockWidth(const PcaOptions& options, uint64_t rows, size_t dimension) {
  const size_t wanted = options.components > 0 ? options.components / 2 + 8 : 96;
  return std::clamp<size_t>(wanted, 1, std::min<size_t>({static_cast<size_t>(rows), dimension, 256}));
}

// rows (k x n) <- rows minus their parts along the orthonormal `basis` (m x n).
void ProjectOut(size_t m, const double* basis, size_t k, size_t n, double* rows, const Exec& exec) {
  if (m == 0) return;
  AlignedArray<double> parts(k * m);
  Gemm<double>(exec, k, m, n, 1.0, {rows, n, 1}, {basis, 1, n}, 0.0, parts.data(), m);
  Gemm<double>(exec, k, n, m, -1.0, {parts.data(), m, 1}, {basis, n, 1}, 1.0, rows, n);
}

}  // namespace

SketchSolver::SketchSolver(size_t dimension, const PcaOptions& options)
    : dimension_(dimension),
      options_(options),
      shift_(dimension, 0.0f),
      sum_(dimension, 0.0),
      squares_(dimension, 0.0) {}

Status SketchSolver::Add(const float* rows, size_t n, const Exec& exec) {
  if (failed_ || done_) {
    return {"pca/incomplete",
            "Expected a PCA that still takes rows, but it has ended or an earlier call on it failed; "
            "start again with a new one."};
  }
  VERGER_RETURN_IF_ERROR(exec.Check());
  failed_ = true;  // until every row is in
  while (n > 0) {
    const float* block = rows;
    size_t taken = kBlockRows;
    if (pending_rows_ > 0 || n < kBlockRows) {
      if (pending_.empty()) pending_ = AlignedArray<float>(kBlockRows * dimension_);
      taken = std::min(n, kBlockRows - pending_rows_);
      std::memcpy(pending_.data() + pending_rows_ * dimension_, rows, taken * dimension_ * sizeof(float));
      pending_rows_ += taken;
      block = pending_.data();
    }
    rows += taken * dimension_;
    n -= taken;
    if (block == pending_.data()) {
      if (pending_rows_ < kBlockRows) break;
      pending_rows_ = 0;
    }
    VERGER_RETURN_IF_ERROR(Block(block, kBlockRows, exec));
  }
  failed_ = false;
  return Status::Ok();
}

Status SketchSolver::Block(const float* rows, size_t n, const Exec& exec) {
  if (passes_ == 0) {
    if (seen_ == 0) {
      for (size_t j = 0; j < dimension_; ++j) {
        double sum = 0;
        for (size_t i = 0; i < n; ++i) sum += static_cast<double>(rows[i * dimension_ + j]);
        shift_[j] = static_cast<float>(sum / static_cast<double>(n));
      }
    }
    AddMoments(rows, n, exec);
    VERGER_RETURN_IF_ERROR(exec.Check());
    bool finite = true;
    for (size_t j = 0; j < dimension_; ++j) finite = finite && std::isfinite(squares_[j]);
    for (size_t i = 0; !finite && i < n * dimension_; ++i) {
      if (!std::isfinite(rows[i])) return NotFiniteFeature(rows[i], seen_ + i / dimension_, i % dimension_);
    }
  } else {
    AddProduct(rows, n, exec);
  }
  seen_ += n;
  return exec.Check();
}

void SketchSolver::AddMoments(const float* rows, size_t n, const Exec& exec) {
  exec.For((dimension_ + kColumns - 1) / kColumns, [&](size_t task, size_t) {
    const size_t j0 = task * kColumns;
    const size_t j1 = std::min(dimension_, j0 + kColumns);
    for (size_t i = 0; i < n; ++i) {
      const float* row = rows + i * dimension_;
      for (size_t j = j0; j < j1; ++j) {
        const double value = static_cast<double>(row[j] - shift_[j]);
        sum_[j] += value;
        squares_[j] += value * value;
      }
    }
  });
}

void SketchSolver::AddProduct(const float* rows, size_t n, const Exec& exec) {
  const size_t d = dimension_;
  exec.For(n, [&](size_t i, size_t) {
    float* to = shifted_.data() + i * d;
    for (size_t j = 0; j < d; ++j) to[j] = rows[i * d + j] - shift_[j];
  });
  Gemm<float>(exec, n, width_, d, 1.0f, {shifted_.data(), d, 1}, {folded_.data(), width_, 1}, 0.0f, scores_.data(),
              width_);
  Gemm<float>(exec, width_, d, n, 1.0f, {scores_.data(), 1, width_}, {shifted_.data(), d, 1}, 0.0f, part_.data(), d);
  exec.For(width_, [&](size_t i, size_t) {
    for (size_t j = 0; j < d; ++j) image_[i * d + j] += static_cast<double>(part_[i * d + j]);
  });
}

Status SketchSolver::EndPass(const Exec& exec) {
  VERGER_RETURN_IF_ERROR(Add(nullptr, 0, exec));
  failed_ = true;
  if (pending_rows_ > 0) {
    VERGER_RETURN_IF_ERROR(Block(pending_.data(), pending_rows_, exec));
    pending_rows_ = 0;
  }
  if (passes_ == 0) {
    rows_ = seen_;
    VERGER_RETURN_IF_ERROR(EndMoments());
  } else {
    if (seen_ != rows_) {
      return {"pca/source-changed", "Expected the same " + std::to_string(rows_) +
                                        " rows in every pass over the features, but pass " +
                                        std::to_string(passes_ + 1) + " had " + std::to_string(seen_) +
                                        "; leave the files alone while the PCA runs."};
    }
    VERGER_RETURN_IF_ERROR(EndProduct(exec));
  }
  ++passes_;
  seen_ = 0;
  failed_ = false;
  return Status::Ok();
}

Status SketchSolver::EndMoments() {
  VERGER_RETURN_IF_ERROR(CheckOptions(options_, rows_, dimension_));
  const size_t d = dimension_;
  const double n = static_cast<double>(rows_);
  model_.dimension = d;
  model_.rows = rows_;
  model_.standardized = options_.standardize;
  model_.solver = "sketch";
  model_.mean.resize(d);
  model_.scale.assign(d, 1.0);
  offset_.resize(d);
  for (size_t j = 0; j < d; ++j) {
    const double offset = sum_[j] / n;
    const double variance = std::max(0.0, (squares_[j] - sum_[j] * offset) / (n - 1));
    model_.mean[j] = static_cast<double>(shift_[j]) + offset;
    if (options_.standardize && variance > 0) model_.scale[j] = std::sqrt(variance);
    model_.total_variance += variance / (model_.scale[j] * model_.scale[j]);
    shift_[j] = static_cast<float>(model_.mean[j]);
    offset_[j] = model_.mean[j] - static_cast<double>(shift_[j]);
  }
  if (!(model_.total_variance > 0)) return NoVariance(rows_);

  width_ = BlockWidth(options_, rows_, d);
  // The rank bounds the directions too: more would all be noise. At least one block is always allowed.
  most_ = std::max(std::min({kBasisBytes / sizeof(double) / d, d, kMaxPasses * width_, limit_}), width_);
  basis_ = AlignedArray<double>(most_ * d);
  projected_ = AlignedArray<double>(most_ * most_);
  image_ = AlignedArray<double>(width_ * d);
  folded_ = AlignedArray<float>(d * width_);
  shifted_ = AlignedArray<float>(kBlockRows * d);
  scores_ = AlignedArray<float>(kBlockRows * width_);
  part_ = AlignedArray<float>(width_ * d);
  Random random(options_.seed);
  for (size_t i = 0; i < width_ * d; ++i) basis_[i] = random.Gaussian();
  Orthonormalise(width_, d, basis_.data(), Exec{});
  BeginProduct();
  return Status::Ok();
}

void SketchSolver::BeginProduct() {
  const size_t d = dimension_;
  for (size_t i = 0; i < width_; ++i) {
    const double* v = Direction(directions_ + i);
    for (size_t j = 0; j < d; ++j) folded_[j * width_ + i] = static_cast<float>(v[j] / model_.scale[j]);
  }
  std::fill(image_.data(), image_.data() + width_ * d, 0.0);
}

Status SketchSolver::EndProduct(const Exec& exec) {
  const Kernels& kernels = GetKernels();
  const size_t d = dimension_;
  const double n = static_cast<double>(rows_);
  // image = C v: the rows were centred on the float32 mean, what is left of the mean comes off here.
  exec.For(width_, [&](size_t i, size_t) {
    double* row = image_.data() + i * d;
    const double* v = Direction(directions_ + i);
    double along = 0;
    for (size_t j = 0; j < d; ++j) along += offset_[j] * v[j] / model_.scale[j];
    for (size_t j = 0; j < d; ++j) row[j] = (row[j] - n * along * offset_[j]) / (model_.scale[j] * (n - 1));
  });
  // The new rows and columns of the projected matrix.
  const size_t before = directions_;
  directions_ += width_;
  const size_t m = directions_;
  Gemm<double>(exec, width_, m, d, 1.0, {image_.data(), d, 1}, {basis_.data(), 1, d}, 0.0,
               projected_.data() + before * most_, most_);
  VERGER_RETURN_IF_ERROR(exec.Check());
  AlignedArray<double> small(m * m);
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = i; j < m; ++j) small[i * m + j] = projected_[j * most_ + i];
  }
  SymmetricEigen eigen;
  VERGER_RETURN_IF_ERROR(SolveSymmetric(
      m, small.data(),
      [&](const std::vector<double>& values) {
        return ChooseComponents(options_, values, model_.total_variance, rows_, d);
      },
      exec, &eigen));

  // What C v has outside the directions so far: the residual of every Ritz pair is a combination of it.
  ProjectOut(m, basis_.data(), width_, d, image_.data(), exec);
  ProjectOut(m, basis_.data(), width_, d, image_.data(), exec);
  VERGER_RETURN_IF_ERROR(exec.Check());
  const size_t kept = eigen.count;
  double residual = 0;
  bool converged = kept > 0;
  std::vector<double> rest(d);
  for (size_t c = 0; c < kept; ++c) {
    std::fill(rest.begin(), rest.end(), 0.0);
    for (size_t i = 0; i < width_; ++i) {
      kernels.axpy(eigen.vectors[c * m + before + i], image_.data() + i * d, rest.data(), d);
    }
    const double norm = std::sqrt(kernels.dot(rest.data(), rest.data(), d));
    residual = std::max(residual, norm / std::max(eigen.values[c], 1e-300));
    // Float32 products leave noise of this size in pairs that are next to nothing.
    converged = converged && (norm <= kTolerance * eigen.values[c] || norm <= 1e-7 * eigen.values[0]);
  }

  const bool exhausted = m + width_ > most_ || passes_ == kMaxPasses;
  if (!converged && !exhausted) {
    double* next = Direction(m);
    std::memcpy(next, image_.data(), width_ * d * sizeof(double));
    // Directions that were all but dependent come out of the first round anything but orthogonal to the basis.
    for (int round = 0; round < 2; ++round) {
      Orthonormalise(width_, d, next, exec);
      ProjectOut(m, basis_.data(), width_, d, next, exec);
    }
    Orthonormalise(width_, d, next, exec);
    VERGER_RETURN_IF_ERROR(exec.Check());
    BeginProduct();
    return Status::Ok();
  }
  if (kept == 0) {
    double found = 0;
    for (const double value : eigen.values) found += std::max(value, 0.0);
    return {"pca/rank", "Expected the variance to keep to be within reach of " + std::to_string(m) +
                            " components, the most for " + std::to_string(d) + " features, but they hold " +
                            std::to_string(found / model_.total_variance) + " of it and " +
                            std::to_string(options_.variance) +
                            " was asked for; ask for less or for a number of components."};
  }
  model_.components = kept;
  model_.iterations = passes_;
  model_.residual = residual;
  model_.explained_variance.resize(kept);
  model_.loadings.resize(kept * d);
  AlignedArray<double> vectors(kept * d);
  Gemm<double>(exec, kept, d, m, 1.0, {eigen.vectors.data(), m, 1}, {basis_.data(), d, 1}, 0.0, vectors.data(), d);
  VERGER_RETURN_IF_ERROR(exec.Check());
  for (size_t c = 0; c < kept; ++c) {
    model_.explained_variance[c] = std::max(eigen.values[c], 0.0);
    FixSign(vectors.data() + c * d, d);
    for (size_t j = 0; j < d; ++j) model_.loadings[c * d + j] = static_cast<float>(vectors[c * d + j]);
  }
  done_ = true;
  basis_ = {};
  projected_ = {};
  return Status::Ok();
}

}  // namespace verger::linalg

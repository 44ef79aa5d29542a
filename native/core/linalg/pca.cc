#include "core/linalg/pca.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/linalg/eigen.h"
#include "core/linalg/kernels.h"
#include "core/linalg/subspace.h"

namespace verger::linalg {

Status CheckOptions(const PcaOptions& options, uint64_t rows, size_t dimension) {
  if (rows < 2) {
    return {"pca/too-few-rows",
            "Expected at least 2 rows for a PCA, but received " + std::to_string(rows) + "; add more images."};
  }
  const uint64_t limit = std::min<uint64_t>(rows, dimension);
  if (options.components > limit) {
    return {"pca/components", "Expected at most " + std::to_string(limit) + " components, the smaller of " +
                                  std::to_string(rows) + " rows and " + std::to_string(dimension) +
                                  " features, but received " + std::to_string(options.components) +
                                  "; ask for fewer or add images."};
  }
  if (options.components == 0 && !(options.variance > 0 && options.variance <= 1)) {
    return {"pca/variance", "Expected the share of variance to keep to be above 0 and at most 1, but received " +
                                std::to_string(options.variance) + "; 0.8 keeps 80 %."};
  }
  return Status::Ok();
}

size_t ChooseComponents(const PcaOptions& options, const std::vector<double>& values, double total, uint64_t rows,
                        size_t dimension) {
  const size_t limit = static_cast<size_t>(std::min<uint64_t>(rows, dimension));
  if (options.components > 0) return options.components <= values.size() ? options.components : 0;
  double sum = 0;
  size_t rank = 0;
  for (size_t i = 0; i < std::min(values.size(), limit); ++i) {
    const double ratio = std::max(values[i], 0.0) / total;
    sum += ratio;
    if (sum > options.variance) return i + 1;
    if (values[i] > values[0] * static_cast<double>(dimension) * std::numeric_limits<double>::epsilon()) rank = i + 1;
  }
  return values.size() >= limit ? std::max<size_t>(rank, 1) : 0;
}

Status NoVariance(uint64_t rows) {
  return {"pca/no-variance", "Expected features that vary between images, but all " + std::to_string(rows) +
                                 " rows are equal, or differ by less than their squares can tell (about "
                                 "1e-19); add different images."};
}

void FixSign(double* vector, size_t n) {
  double largest = 0;
  for (size_t j = 0; j < n; ++j) largest = std::max(largest, std::abs(vector[j]));
  // Equal loadings (duplicated columns) differ by rounding only; the first of them decides.
  size_t at = 0;
  while (at < n && std::abs(vector[at]) < largest * (1 - 1e-6)) ++at;
  if (at == n || vector[at] >= 0) return;
  for (size_t j = 0; j < n; ++j) vector[j] = -vector[j];
}

namespace {

// Wider subspaces take longer than the exact solver (measured at 1,280 and 2,560 features: even at d / 11). A target
// of variance costs rounds of growth too.
size_t AutoLargestBlock(const PcaOptions& options, size_t d) {
  if (d < 256) return 0;
  return options.components > 0 ? d / 12 : d / 16;
}

}  // namespace

Status FitPca(Moments&& moments, const PcaOptions& options, const Exec& exec, PcaModel* model) {
  VERGER_RETURN_IF_ERROR(CheckOptions(options, moments.rows, moments.dimension));
  const size_t d = moments.dimension;
  if (!(moments.total_variance > 0)) {
    return NoVariance(moments.rows);
  }
  const auto choose = [&](const std::vector<double>& values) {
    return ChooseComponents(options, values, moments.total_variance, moments.rows, d);
  };

  SymmetricEigen eigen;
  bool exact = options.solver == Solver::kExact;
  if (!exact) {
    SubspaceReport report;
    SubspaceOptions subspace;
    subspace.seed = options.seed;
    subspace.expected = options.components;
    subspace.trace = moments.total_variance;
    subspace.target = options.variance * moments.total_variance;
    subspace.largest_block = options.solver == Solver::kAuto ? AutoLargestBlock(options, d) : d / 2;
    VERGER_RETURN_IF_ERROR(SolveSubspace(d, moments.matrix.data(), choose, subspace, exec, &eigen, &report));
    exact = report.declined;
    model->iterations = report.iterations;
    model->residual = report.residual;
  }
  if (exact) {
    VERGER_RETURN_IF_ERROR(SolveSymmetric(d, moments.matrix.data(), choose, exec, &eigen));
    model->iterations = 0;
    model->residual = 0;
  }

  model->solver = exact ? "exact" : "randomized";
  model->dimension = d;
  model->components = eigen.count;
  model->rows = moments.rows;
  model->standardized = moments.standardized;
  model->mean = std::move(moments.mean);
  model->scale = std::move(moments.scale);
  model->total_variance = moments.total_variance;
  model->explained_variance.resize(eigen.count);
  model->loadings.resize(eigen.count * d);
  for (size_t i = 0; i < eigen.count; ++i) {
    model->explained_variance[i] = std::max(eigen.values[i], 0.0);
    double* row = eigen.vectors.data() + i * d;
    FixSign(row, d);
    for (size_t j = 0; j < d; ++j) model->loadings[i * d + j] = static_cast<float>(row[j]);
  }
  return Status::Ok();
}

namespace {

constexpr size_t kDepth = 256;  // features per pass over a tile
constexpr size_t kRows = 96;    // rows per task

}  // namespace

PcaProjector::PcaProjector(size_t dimension, size_t components, const double* mean, const double* scale,
                           const float* loadings)
    : dimension_(dimension), components_(components) {
  const size_t width = GetKernels().nr_f32;
  const size_t columns = RoundUp(components, width);
  shift_ = AlignedArray<float>(dimension);
  panels_ = AlignedArray<float>::Zeros(columns * dimension);
  bias_ = AlignedArray<float>(components);
  for (size_t j = 0; j < dimension; ++j) shift_[j] = static_cast<float>(mean[j]);
  for (size_t c = 0; c < components; ++c) {
    double bias = 0;
    for (size_t j = 0; j < dimension; ++j) {
      const double weight = static_cast<double>(loadings[c * dimension + j]) / scale[j];
      bias -= (mean[j] - static_cast<double>(shift_[j])) * weight;
      const size_t block = j / kDepth * kDepth;
      const size_t depth = std::min(kDepth, dimension - block);
      panels_[block * columns + c / width * width * depth + (j - block) * width + c % width] =
          static_cast<float>(weight);
    }
    bias_[c] = static_cast<float>(bias);
  }
}

Status PcaProjector::Transform(const float* rows, size_t n, float* out, const Exec& exec) const {
  const Kernels& kernels = GetKernels();
  const size_t width = kernels.nr_f32;
  const size_t mr = kernels.mr_f32;
  const size_t columns = RoundUp(components_, width);
  const Exec run = exec.If(n * dimension_ * components_ > 500'000);
  const size_t task_rows = RoundUp(std::clamp(n / (4 * run.width()), mr, kRows), mr);
  const size_t tasks = (n + task_rows - 1) / task_rows;
  AlignedArray<float> packed(run.width() * task_rows * kDepth);
  run.For(tasks, [&](size_t task, size_t slot) {
    const size_t i0 = task * task_rows;
    const size_t i1 = std::min(n, i0 + task_rows);
    float* pack = packed.data() + slot * task_rows * kDepth;
    for (size_t i = i0; i < i1; ++i) std::copy(bias_.data(), bias_.data() + components_, out + i * components_);
    for (size_t block = 0; block < dimension_; block += kDepth) {
      const size_t depth = std::min(kDepth, dimension_ - block);
      const float* shift = shift_.data() + block;
      for (size_t i = i0; i < i1; i += mr) {
        float* to = pack + (i - i0) * depth;
        for (size_t r = 0; r < mr; ++r) {
          const float* from = rows + std::min(i + r, i1 - 1) * dimension_ + block;
          for (size_t j = 0; j < depth; ++j) to[j * mr + r] = from[j] - shift[j];
        }
      }
      for (size_t c = 0; c < columns; c += width) {
        const float* b = panels_.data() + block * columns + c * depth;
        for (size_t i = i0; i < i1; i += mr) {
          kernels.tile_f32(depth, pack + (i - i0) * depth, mr, b, 1.0f, 1.0f, out + i * components_ + c, components_,
                           std::min(mr, i1 - i), std::min(width, components_ - c));
        }
      }
    }
  });
  VERGER_RETURN_IF_ERROR(exec.Check());
  // A feature that is not finite leaves its mark on every score of its row, save where its weight is zero.
  for (size_t i = 0; i < n; ++i) {
    bool finite = true;
    for (size_t c = 0; c < components_; ++c) finite = finite && std::isfinite(out[i * components_ + c]);
    if (finite) continue;
    for (size_t j = 0; j < dimension_; ++j) {
      if (std::isfinite(rows[i * dimension_ + j])) continue;
      return NotFiniteFeature(rows[i * dimension_ + j], i, j);
    }
  }
  return Status::Ok();
}

}  // namespace verger::linalg

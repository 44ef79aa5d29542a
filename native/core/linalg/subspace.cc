#include "core/linalg/subspace.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "core/linalg/eigen.h"
#include "core/linalg/gemm.h"
#include "core/linalg/householder.h"
#include "core/linalg/kernels.h"
#include "core/linalg/random.h"

namespace verger::linalg {

namespace {

constexpr double kTolerance = 2e-5;  // of |A v - lambda v| / lambda: eigenvalues are then good to about its square
// Largest ratio by which one filter may favour the top of the spectrum over the rest: float64 keeps the rest.
constexpr double kFilterRange = 1e11;
constexpr size_t kMaxCycles = 60;
constexpr size_t kMaxDegree = 16;

// A block of row vectors and the operations on it; w = v A.
class Subspace {
 public:
  Subspace(size_t n, const double* a, const Exec& exec, uint64_t seed) : n_(n), a_(a), exec_(exec), random_(seed) {}

  size_t width() const { return width_; }
  const std::vector<double>& values() const { return values_; }
  const AlignedArray<double>& vectors() const { return v_; }

  // Adds random directions, sharpened by one product, up to `width`.
  void Grow(size_t width) {
    AlignedArray<double> wider(width * n_);
    if (width_ > 0) std::memcpy(wider.data(), v_.data(), width_ * n_ * sizeof(double));
    AlignedArray<double> fresh((width - width_) * n_);
    for (size_t i = 0; i < fresh.size(); ++i) fresh[i] = random_.Gaussian();
    Multiply(fresh.data(), width - width_, wider.data() + width_ * n_);
    v_ = std::move(wider);
    width_ = width;
    Orthonormalise(width_, n_, v_.data(), exec_);
  }

  // v <- orthonormal basis of v T_m(A), T_m the Chebyshev polynomial that is small on [0, cut].
  void Filter(double cut, size_t degree) {
    const size_t size = width_ * n_;
    AlignedArray<double> before = v_;
    AlignedArray<double> now(size);
    AlignedArray<double> after(size);
    const double half = cut / 2;
    Combine(before.data(), 1 / half, nullptr, now.data());
    for (size_t step = 1; step < degree && !exec_.cancelled(); ++step) {
      Combine(now.data(), 2 / half, before.data(), after.data());
      std::swap(before, now);
      std::swap(now, after);
    }
    v_ = std::move(now);
    Orthonormalise(width_, n_, v_.data(), exec_);
  }

  // Turns v to Ritz vectors, descending, and returns each one's relative residual.
  Status RayleighRitz(std::vector<double>* residuals) {
    AlignedArray<double> w(width_ * n_);
    Multiply(v_.data(), width_, w.data());
    AlignedArray<double> small(width_ * width_);
    Gemm<double>(exec_, width_, width_, n_, 1.0, {v_.data(), n_, 1}, {w.data(), 1, n_}, 0.0, small.data(), width_,
                 Part::kUpper);
    VERGER_RETURN_IF_ERROR(exec_.Check());
    SymmetricEigen eigen;
    const size_t width = width_;
    VERGER_RETURN_IF_ERROR(SolveSymmetric(
        width_, small.data(), [width](const std::vector<double>&) { return width; }, exec_, &eigen));
    AlignedArray<double> turned(width_ * n_);
    const Strided<double> turn{eigen.vectors.data(), width_, 1};
    Gemm<double>(exec_, width_, n_, width_, 1.0, turn, {v_.data(), n_, 1}, 0.0, turned.data(), n_);
    std::swap(v_, turned);
    Gemm<double>(exec_, width_, n_, width_, 1.0, turn, {w.data(), n_, 1}, 0.0, turned.data(), n_);
    VERGER_RETURN_IF_ERROR(exec_.Check());
    values_ = std::move(eigen.values);
    residuals->resize(width_);
    const Kernels& kernels = GetKernels();
    exec_.For(width_, [&](size_t i, size_t) {
      double* row = turned.data() + i * n_;
      kernels.axpy(-values_[i], v_.data() + i * n_, row, n_);
      (*residuals)[i] = std::sqrt(kernels.dot(row, row, n_)) / std::max(std::abs(values_[i]), 1e-300);
    });
    return exec_.Check();
  }

 private:
  void Multiply(const double* rows, size_t k, double* out) const {
    Gemm<double>(exec_, k, n_, n_, 1.0, {rows, n_, 1}, {a_, n_, 1}, 0.0, out, n_);
  }

  // out = factor * (x A - cut/2 x) - y, with factor's cut/2 = factor_half: see Filter.
  void Combine(const double* x, double factor, const double* y, double* out) const {
    Gemm<double>(exec_, width_, n_, n_, factor, {x, n_, 1}, {a_, n_, 1}, 0.0, out, n_);
    // factor * cut / 2 is 1 for the first step and 2 for the others.
    const double shift = y == nullptr ? 1.0 : 2.0;
    exec_.For(width_, [&](size_t i, size_t) {
      double* row = out + i * n_;
      const double* xi = x + i * n_;
      if (y == nullptr) {
        for (size_t j = 0; j < n_; ++j) row[j] -= shift * xi[j];
      } else {
        const double* yi = y + i * n_;
        for (size_t j = 0; j < n_; ++j) row[j] -= shift * xi[j] + yi[j];
      }
    });
  }

  size_t n_;
  const double* a_;
  const Exec& exec_;
  Random random_;
  size_t width_ = 0;
  AlignedArray<double> v_;
  std::vector<double> values_;
};

}  // namespace

size_t BlockFor(size_t count) { return count + std::max<size_t>(12, count / 4); }

size_t ExtrapolateCount(const std::vector<double>& values, double trace, double target, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    sum += std::max(values[i], 0.0);
    if (sum > target) return i + 1;
  }
  const size_t b = values.size();
  if (b < 4 || !(values[b / 2 - 1] > 0)) return n;
  // The last of the known values are the least settled: the law is read off before them.
  const size_t near = b / 4;
  const size_t far = b * 3 / 4;
  const double slope = std::log(std::max(values[far], 1e-300) / values[near]) /
                       std::log(static_cast<double>(far + 1) / static_cast<double>(near + 1));
  sum = 0;
  for (size_t i = 0; i < far; ++i) sum += std::max(values[i], 0.0);
  const double anchor = values[far];
  for (size_t i = far; i < n; ++i) {
    const double ratio = static_cast<double>(i + 1) / static_cast<double>(far + 1);
    sum += std::min(anchor * std::pow(ratio, slope), trace);
    if (sum > target) return i + 1;
  }
  return n;
}

Status SolveSubspace(size_t n, const double* a, const ChooseCount& choose, const SubspaceOptions& options,
                     const Exec& exec, SymmetricEigen* result, SubspaceReport* report) {
  *report = {};
  const size_t cap = std::min(n, options.largest_block);
  Subspace space(n, a, exec, options.seed);
  size_t width = BlockFor(options.expected > 0 ? options.expected : std::max<size_t>(32, n / 32));
  std::vector<double> residuals;
  double cut = 0;
  for (;;) {
    if (width > cap) {
      report->declined = true;
      return exec.Check();
    }
    if (width > space.width()) {
      space.Grow(width);
      // Until the new directions have settled, plain power iteration.
      if (cut == 0) space.Filter(options.trace / static_cast<double>(n), 1);
    }
    if (cut > 0) {
      const double top = std::acosh(std::max(2 * space.values()[0] / cut - 1, 1.0));
      const size_t degree = top > 0 ? static_cast<size_t>(std::log(2 * kFilterRange) / top) : kMaxDegree;
      space.Filter(cut, std::clamp<size_t>(degree, 1, kMaxDegree));
      ++report->iterations;
    }
    VERGER_RETURN_IF_ERROR(exec.Check());
    VERGER_RETURN_IF_ERROR(space.RayleighRitz(&residuals));
    const std::vector<double>& values = space.values();
    const size_t kept = choose(values);
    if (kept == 0 || BlockFor(kept) > width + width / 8) {
      const size_t needed = BlockFor(kept > 0 ? kept : ExtrapolateCount(values, options.trace, options.target, n));
      width = std::max(needed, width + width / 8);
      if (needed <= cap) width = std::min(width, cap);
    }
    report->block = space.width();
    if (kept > 0) {
      report->residual = *std::max_element(residuals.begin(), residuals.begin() + static_cast<std::ptrdiff_t>(kept));
      // A pair whose eigenvalue is rounding noise has no residual to speak of.
      bool converged = true;
      for (size_t i = 0; i < kept; ++i) {
        converged = converged && (residuals[i] <= kTolerance || residuals[i] * values[i] <= 1e-13 * values[0]);
      }
      if (converged) {
        result->count = kept;
        result->values.assign(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(kept));
        result->vectors = AlignedArray<double>(kept * n);
        std::memcpy(result->vectors.data(), space.vectors().data(), kept * n * sizeof(double));
        return Status::Ok();
      }
    }
    if (report->iterations == kMaxCycles) {
      return {"pca/no-convergence", "Expected the randomized solver to converge within " + std::to_string(kMaxCycles) +
                                        " cycles, but it did not; use the exact solver."};
    }
    // The unwanted end of the spectrum: up to the smallest Ritz value, or the mean of what is left if that is more.
    double rest = options.trace;
    for (const double value : values) rest -= value;
    cut = std::max(values.back(), rest / static_cast<double>(n - std::min(n - 1, values.size())));
    cut = std::max(cut, 1e-12 * values[0]);
  }
}

}  // namespace verger::linalg

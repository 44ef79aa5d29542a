#include "core/linalg/eigen.h"

#include <cmath>

#include "core/linalg/gemm.h"
#include "core/linalg/householder.h"
#include "core/linalg/kernels.h"

namespace verger::linalg {

namespace {

constexpr size_t kPanel = 32;      // reflections per block
constexpr size_t kSymvRanges = 8;  // fixed, so that sums do not depend on the thread count

// A = Q T Q^T with T tridiagonal and Q the product of reflections H_j, j = 0..n-2.
struct Tridiagonal {
  std::vector<double> diagonal;      // n
  std::vector<double> off_diagonal;  // n - 1
  std::vector<double> tau;           // n
};

// y (from column `begin` on) = A v over the trailing upper triangle, in kSymvRanges shares of about equal area.
void TrailingProduct(const Exec& exec, const Kernels& kernels, const double* a, size_t n, size_t begin, const double* v,
                     double* y, AlignedArray<double>* shares) {
  const size_t m = n - begin;
  const double* corner = a + begin * n + begin;
  if (m < 128) {
    kernels.symv_upper(corner, n, m, 0, m, v + begin, y + begin);
    return;
  }
  const auto bound = [m](size_t range) {
    const double share = static_cast<double>(range) / static_cast<double>(kSymvRanges);
    return std::min(m, RoundUp(static_cast<size_t>(static_cast<double>(m) * (1 - std::sqrt(1 - share))), 4));
  };
  exec.If(m > 400).For(kSymvRanges, [&](size_t range, size_t) {
    const size_t from = bound(range);
    const size_t to = range + 1 == kSymvRanges ? m : bound(range + 1);
    kernels.symv_upper(corner + from * n + from, n, m - from, 0, to - from, v + begin + from,
                       shares->data() + range * n + from);
  });
  std::fill(y + begin, y + n, 0.0);
  for (size_t range = 0; range < kSymvRanges; ++range) {
    const size_t from = bound(range);
    kernels.axpy(1.0, shares->data() + range * n + from, y + begin + from, m - from);
  }
}

// Row j of `a` becomes the vector of H_j: zero up to column j, one at j + 1.
Status Tridiagonalise(size_t n, double* a, const Exec& exec, Tridiagonal* t) {
  const Kernels& kernels = GetKernels();
  t->diagonal.assign(n, 0.0);
  t->off_diagonal.assign(n > 0 ? n - 1 : 0, 0.0);
  t->tau.assign(n, 0.0);
  AlignedArray<double> shares(kSymvRanges * n);
  // Rows 0..kPanel-1: v of this panel; the next kPanel: w. And the same with the halves swapped.
  AlignedArray<double> vw(2 * kPanel * n);
  AlignedArray<double> wv(2 * kPanel * n);

  for (size_t start = 0; start + 1 < n; start += kPanel) {
    VERGER_RETURN_IF_ERROR(exec.Check());
    const size_t count = std::min(kPanel, n - 1 - start);
    double* w_rows = vw.data() + count * n;
    for (size_t jj = 0; jj < count; ++jj) {
      const size_t j = start + jj;
      double* row = a + j * n;  // column j of the lower triangle
      // The panel's earlier reflections, not yet in the trailing matrix.
      for (size_t p = 0; p < jj; ++p) {
        const double* vp = a + (start + p) * n;
        const double* wp = w_rows + p * n;
        kernels.axpy(-wp[j], vp + j, row + j, n - j);
        kernels.axpy(-vp[j], wp + j, row + j, n - j);
      }
      t->diagonal[j] = row[j];
      double* v = row;
      const size_t m = n - j - 1;
      const auto [beta, tau] = MakeReflection(row + j + 1, m, v + j + 1);
      std::fill(v, v + j + 1, 0.0);
      t->off_diagonal[j] = beta;
      t->tau[j] = tau;

      double* w = w_rows + jj * n;
      std::fill(w, w + n, 0.0);
      if (tau != 0) {
        TrailingProduct(exec, kernels, a, n, j + 1, v, w, &shares);
        for (size_t p = 0; p < jj; ++p) {
          const double* vp = a + (start + p) * n + j + 1;
          const double* wp = w_rows + p * n + j + 1;
          const double wv_dot = kernels.dot(wp, v + j + 1, m);
          const double vv_dot = kernels.dot(vp, v + j + 1, m);
          kernels.axpy(-wv_dot, vp, w + j + 1, m);
          kernels.axpy(-vv_dot, wp, w + j + 1, m);
        }
        for (size_t i = j + 1; i < n; ++i) w[i] *= tau;
        kernels.axpy(-0.5 * tau * kernels.dot(w + j + 1, v + j + 1, m), v + j + 1, w + j + 1, m);
      }
    }
    // Trailing matrix -= V W^T + W V^T.
    const size_t rest = start + count;
    const size_t m = n - rest;
    std::memcpy(vw.data(), a + start * n, count * n * sizeof(double));
    std::memcpy(wv.data(), w_rows, count * n * sizeof(double));
    std::memcpy(wv.data() + count * n, vw.data(), count * n * sizeof(double));
    Gemm<double>(exec, m, m, 2 * count, -1.0, {vw.data() + rest, 1, n}, {wv.data() + rest, n, 1}, 1.0,
                 a + rest * n + rest, n, Part::kUpper);
  }
  if (n > 0) t->diagonal[n - 1] = a[n * n - 1];
  return exec.Check();
}

}  // namespace

Status SolveSymmetric(size_t n, double* a, const ChooseCount& choose, const Exec& exec, SymmetricEigen* result) {
  Tridiagonal t;
  VERGER_RETURN_IF_ERROR(Tridiagonalise(n, a, exec, &t));
  VERGER_RETURN_IF_ERROR(SolveTridiagonal(t.diagonal, t.off_diagonal, choose, exec, result));
  ApplyReflections({n, n > 0 ? n - 1 : 0, 1, a, t.tau.data()}, Order::kLastToFirst, result->count,
                   result->vectors.data(), exec);
  return exec.Check();
}

}  // namespace verger::linalg

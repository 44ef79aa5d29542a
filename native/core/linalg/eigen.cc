#include "core/linalg/eigen.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "core/linalg/gemm.h"
#include "core/linalg/kernels.h"

namespace verger::linalg {

namespace {

constexpr size_t kPanel = 32;        // reflections per block
constexpr size_t kSymvRanges = 8;    // fixed, so that sums do not depend on the thread count
constexpr size_t kStrip = 32;        // columns of the eigenvector matrix that one thread rotates at a time
constexpr size_t kQueued = 1 << 16;  // rotations queued before they are applied

// Reflections H_j = I - tau_j v_j v_j^T, j = 0..n-2, with v_j zero up to column j, one at j + 1. Row j of `v` is v_j.
struct Tridiagonal {
  std::vector<double> diagonal;      // n
  std::vector<double> off_diagonal;  // n - 1
  AlignedArray<double> v;            // n x n
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

Status Tridiagonalise(size_t n, double* a, const Exec& exec, Tridiagonal* t) {
  const Kernels& kernels = GetKernels();
  t->diagonal.assign(n, 0.0);
  t->off_diagonal.assign(n > 0 ? n - 1 : 0, 0.0);
  t->tau.assign(n, 0.0);
  t->v = AlignedArray<double>::Zeros(n * n);
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
        const double* vp = t->v.data() + (start + p) * n;
        const double* wp = w_rows + p * n;
        kernels.axpy(-wp[j], vp + j, row + j, n - j);
        kernels.axpy(-vp[j], wp + j, row + j, n - j);
      }
      t->diagonal[j] = row[j];
      // Householder vector of row[j+1..n).
      double* v = t->v.data() + j * n;
      const size_t m = n - j - 1;
      double largest = 0;
      for (size_t i = j + 2; i < n; ++i) largest = std::max(largest, std::abs(row[i]));
      const double alpha = row[j + 1];
      double tau = 0;
      double beta = alpha;
      if (largest > 0) {
        const double unit = std::max(largest, std::abs(alpha));
        double sum = 0;
        for (size_t i = j + 1; i < n; ++i) sum += (row[i] / unit) * (row[i] / unit);
        beta = -std::copysign(unit * std::sqrt(sum), alpha);
        tau = (beta - alpha) / beta;
        const double inverse = 1 / (alpha - beta);
        for (size_t i = j + 2; i < n; ++i) v[i] = row[i] * inverse;
      }
      v[j + 1] = 1;
      t->off_diagonal[j] = beta;
      t->tau[j] = tau;

      double* w = w_rows + jj * n;
      std::fill(w, w + n, 0.0);
      if (tau != 0) {
        TrailingProduct(exec, kernels, a, n, j + 1, v, w, &shares);
        for (size_t p = 0; p < jj; ++p) {
          const double* vp = t->v.data() + (start + p) * n + j + 1;
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
    std::memcpy(vw.data(), t->v.data() + start * n, count * n * sizeof(double));
    std::memcpy(wv.data(), w_rows, count * n * sizeof(double));
    std::memcpy(wv.data() + count * n, vw.data(), count * n * sizeof(double));
    Gemm<double>(exec, m, m, 2 * count, -1.0, {vw.data() + rest, 1, n}, {wv.data() + rest, n, 1}, 1.0,
                 a + rest * n + rest, n, Part::kUpper);
  }
  if (n > 0) t->diagonal[n - 1] = a[n * n - 1];
  return exec.Check();
}

// Rotations of several sweeps, applied together: each strip of columns is then read once from memory.
class RotationQueue {
 public:
  RotationQueue(size_t n, double* z, size_t stride, const Exec& exec) : n_(n), z_(z), stride_(stride), exec_(exec) {}

  // Room for the c and s, interleaved, of a sweep over rows first..last (last - first rotations).
  double* Begin(size_t first, size_t last) {
    if (used_ + (last - first) > kQueued) Apply();
    if (values_.size() == 0) values_ = AlignedArray<double>(2 * std::max(kQueued, n_));
    sweeps_.push_back({first, last, used_});
    used_ += last - first;
    return values_.data() + 2 * sweeps_.back().at;
  }

  // A sweep that ended early used only rows first..last.
  void Shorten(size_t first) {
    Sweep& sweep = sweeps_.back();
    sweep.at += first - sweep.first;
    sweep.first = first;
  }

  void Apply() {
    const Kernels& kernels = GetKernels();
    exec_.For(stride_ / kStrip, [&](size_t strip, size_t) {
      for (const Sweep& sweep : sweeps_) {
        kernels.rotate_down(z_ + strip * kStrip, stride_, sweep.first, sweep.last, values_.data() + 2 * sweep.at,
                            kStrip);
      }
    });
    sweeps_.clear();
    used_ = 0;
  }

 private:
  struct Sweep {
    size_t first, last, at;
  };
  size_t n_;
  double* z_;
  size_t stride_;
  const Exec& exec_;
  AlignedArray<double> values_;
  std::vector<Sweep> sweeps_;
  size_t used_ = 0;
};

// Diagonalises (d, e) by implicit QL; queue receives the rotations of the rows of Z^T.
Status ImplicitQl(std::vector<double>* diagonal, std::vector<double>* off_diagonal, const Exec& exec,
                  RotationQueue* queue) {
  std::vector<double>& d = *diagonal;
  std::vector<double>& e = *off_diagonal;
  const size_t n = d.size();
  e.push_back(0);
  constexpr double kEps = std::numeric_limits<double>::epsilon() / 2;
  double norm = 0;
  for (size_t i = 0; i < n; ++i) norm = std::max({norm, std::abs(d[i]), std::abs(e[i])});
  // Below this an off-diagonal cannot move an eigenvalue by more than a rounding of the largest: it saves the sweeps
  // that would otherwise polish the noise of a rank-deficient matrix.
  const double negligible = 1e-3 * kEps * norm;
  for (size_t l = 0; l < n; ++l) {
    if (l % 16 == 0) VERGER_RETURN_IF_ERROR(exec.Check());
    for (int iteration = 0;; ++iteration) {
      size_t m = l;
      while (m + 1 < n) {
        // LAPACK's criterion (dsteqr): relative to the geometric mean of the neighbours.
        const double size = std::sqrt(std::abs(d[m])) * std::sqrt(std::abs(d[m + 1]));
        if (std::abs(e[m]) <= kEps * size + negligible) {
          e[m] = 0;
          break;
        }
        ++m;
      }
      if (m == l) break;
      if (iteration == 60) {
        return {"pca/no-convergence",
                "Expected the eigenvalue iteration to converge, but it did not within 60 sweeps; this is a defect of "
                "Verger, please report it with the features file."};
      }
      double g = (d[l + 1] - d[l]) / (2 * e[l]);
      double r = std::hypot(g, 1.0);
      g = d[m] - d[l] + e[l] / (g + std::copysign(r, g));
      double s = 1;
      double c = 1;
      double p = 0;
      double* cs = queue->Begin(l, m);
      size_t i = m;
      bool underflow = false;
      while (i-- > l) {
        const double f = s * e[i];
        const double b = c * e[i];
        r = std::sqrt(f * f + g * g);
        if (!(r > 1e-140 && r < 1e140)) r = std::hypot(f, g);
        e[i + 1] = r;
        if (r == 0) {
          // The matrix splits here: undo the shift and start again on the smaller block.
          d[i + 1] -= p;
          e[m] = 0;
          underflow = true;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        cs[2 * (i - l)] = c;
        cs[2 * (i - l) + 1] = s;
      }
      if (underflow) {
        queue->Shorten(i + 1);
        continue;
      }
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
  queue->Apply();
  return exec.Check();
}

// rows (k x n) <- rows * (H_0 H_1 ... H_{n-2})^T, so that eigenvectors of T become eigenvectors of A.
Status ApplyReflections(const Tridiagonal& t, size_t n, size_t k, double* rows, const Exec& exec) {
  if (n < 2 || k == 0) return exec.Check();
  const Kernels& kernels = GetKernels();
  constexpr size_t kBlock = 64;
  AlignedArray<double> products(k * kBlock);
  AlignedArray<double> scaled(k * kBlock);
  std::vector<double> upper(kBlock * kBlock);
  for (size_t block = (n - 2) / kBlock + 1; block-- > 0;) {
    VERGER_RETURN_IF_ERROR(exec.Check());
    const size_t j0 = block * kBlock;
    const size_t count = std::min(kBlock, n - 1 - j0);
    const size_t m = n - j0 - 1;  // columns j0 + 1..n
    const double* v = t.v.data() + j0 * n + j0 + 1;
    // H = I - V^T T V with upper triangular T (Schreiber and Van Loan, 1989).
    std::fill(upper.begin(), upper.end(), 0.0);
    for (size_t j = 0; j < count; ++j) {
      const double tau = t.tau[j0 + j];
      upper[j * kBlock + j] = tau;
      double column[kBlock];
      for (size_t i = 0; i < j; ++i) column[i] = -tau * kernels.dot(v + i * n, v + j * n, m);
      for (size_t i = 0; i < j; ++i) {
        double sum = 0;
        for (size_t p = i; p < j; ++p) sum += upper[i * kBlock + p] * column[p];
        upper[i * kBlock + j] = sum;
      }
    }
    Gemm<double>(exec, k, count, m, 1.0, {rows + j0 + 1, n, 1}, {v, 1, n}, 0.0, products.data(), kBlock);
    Gemm<double>(exec, k, count, count, 1.0, {products.data(), kBlock, 1}, {upper.data(), 1, kBlock}, 0.0,
                 scaled.data(), kBlock);
    Gemm<double>(exec, k, m, count, -1.0, {scaled.data(), kBlock, 1}, {v, n, 1}, 1.0, rows + j0 + 1, n);
  }
  return exec.Check();
}

}  // namespace

Status SolveSymmetric(size_t n, double* a, const std::function<size_t(const std::vector<double>&)>& choose,
                      const Exec& exec, SymmetricEigen* result) {
  Tridiagonal t;
  VERGER_RETURN_IF_ERROR(Tridiagonalise(n, a, exec, &t));

  const size_t stride = RoundUp(n, kStrip);
  AlignedArray<double> z = AlignedArray<double>::Zeros(n * stride);
  for (size_t i = 0; i < n; ++i) z[i * stride + i] = 1;
  RotationQueue queue(n, z.data(), stride, exec);
  VERGER_RETURN_IF_ERROR(ImplicitQl(&t.diagonal, &t.off_diagonal, exec, &queue));

  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t x, size_t y) { return t.diagonal[x] > t.diagonal[y]; });
  result->values.resize(n);
  for (size_t i = 0; i < n; ++i) result->values[i] = t.diagonal[order[i]];
  result->count = std::min(n, choose(result->values));
  result->vectors = AlignedArray<double>(result->count * n);
  for (size_t i = 0; i < result->count; ++i) {
    std::memcpy(result->vectors.data() + i * n, z.data() + order[i] * stride, n * sizeof(double));
  }
  return ApplyReflections(t, n, result->count, result->vectors.data(), exec);
}

}  // namespace verger::linalg

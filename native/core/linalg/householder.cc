#include "core/linalg/householder.h"

#include <algorithm>
#include <cmath>

#include "core/linalg/gemm.h"
#include "core/linalg/kernels.h"

namespace verger::linalg {

namespace {

constexpr size_t kBlock = 32;

}  // namespace

Reflection MakeReflection(const double* row, size_t n, double* v) {
  const double alpha = row[0];
  double largest = 0;
  for (size_t i = 1; i < n; ++i) largest = std::max(largest, std::abs(row[i]));
  v[0] = 1;
  if (!(largest > 0)) {
    std::fill(v + 1, v + n, 0.0);
    return {alpha, 0};
  }
  // Scaled, so that squares neither overflow nor vanish.
  const double unit = std::max(largest, std::abs(alpha));
  double sum = (alpha / unit) * (alpha / unit);
  for (size_t i = 1; i < n; ++i) sum += (row[i] / unit) * (row[i] / unit);
  const double beta = -std::copysign(unit * std::sqrt(sum), alpha);
  const double inverse = 1 / (alpha - beta);
  for (size_t i = 1; i < n; ++i) v[i] = row[i] * inverse;
  return {beta, (beta - alpha) / beta};
}

void ApplyReflections(const Reflections& reflections, Order order, size_t k, double* rows, const Exec& exec) {
  const auto [n, total, offset, all_v, all_tau] = reflections;
  if (k == 0 || total == 0) return;
  const Kernels& kernels = GetKernels();
  AlignedArray<double> products(k * kBlock);
  AlignedArray<double> scaled(k * kBlock);
  double upper[kBlock * kBlock];
  const size_t blocks = (total + kBlock - 1) / kBlock;
  for (size_t step = 0; step < blocks && !exec.cancelled(); ++step) {
    const size_t block = order == Order::kFirstToLast ? step : blocks - 1 - step;
    const size_t j0 = block * kBlock;
    const size_t count = std::min(kBlock, total - j0);
    const size_t column0 = j0 + offset;
    const size_t m = n - column0;
    const double* v = all_v + j0 * n + column0;
    // H_j0 H_j0+1 ... = I - V^T T V with upper triangular T.
    std::fill(upper, upper + kBlock * kBlock, 0.0);
    for (size_t j = 0; j < count; ++j) {
      const double tau = all_tau[j0 + j];
      double column[kBlock];
      for (size_t i = 0; i < j; ++i) column[i] = -tau * kernels.dot(v + i * n, v + j * n, m);
      for (size_t i = 0; i < j; ++i) {
        double sum = 0;
        for (size_t p = i; p < j; ++p) sum += upper[i * kBlock + p] * column[p];
        upper[i * kBlock + j] = sum;
      }
      upper[j * kBlock + j] = tau;
    }
    // rows -= ((rows V^T) T) V; the product in the other order has T transposed.
    const Strided<double> t{upper, kBlock, 1};
    Gemm<double>(exec, k, count, m, 1.0, {rows + column0, n, 1}, {v, 1, n}, 0.0, products.data(), kBlock);
    Gemm<double>(exec, k, count, count, 1.0, {products.data(), kBlock, 1},
                 order == Order::kFirstToLast ? t : t.Transposed(), 0.0, scaled.data(), kBlock);
    Gemm<double>(exec, k, m, count, -1.0, {scaled.data(), kBlock, 1}, {v, n, 1}, 1.0, rows + column0, n);
  }
}

void Orthonormalise(size_t k, size_t n, double* rows, const Exec& exec) {
  const Kernels& kernels = GetKernels();
  AlignedArray<double> v = AlignedArray<double>::Zeros(k * n);
  std::vector<double> tau(k);
  for (size_t j0 = 0; j0 < k && !exec.cancelled(); j0 += kBlock) {
    const size_t j1 = std::min(k, j0 + kBlock);
    for (size_t j = j0; j < j1; ++j) {
      double* vj = v.data() + j * n;
      tau[j] = MakeReflection(rows + j * n + j, n - j, vj + j).tau;
      for (size_t i = j + 1; i < j1; ++i) {
        double* row = rows + i * n + j;
        kernels.axpy(-tau[j] * kernels.dot(row, vj + j, n - j), vj + j, row, n - j);
      }
    }
    ApplyReflections({n, j1 - j0, j0, v.data() + j0 * n, tau.data() + j0}, Order::kFirstToLast, k - j1, rows + j1 * n,
                     exec);
  }
  std::fill(rows, rows + k * n, 0.0);
  for (size_t i = 0; i < k; ++i) rows[i * n + i] = 1;
  ApplyReflections({n, k, 0, v.data(), tau.data()}, Order::kLastToFirst, k, rows, exec);
}

}  // namespace verger::linalg

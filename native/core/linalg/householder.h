// Householder reflections of row vectors, one at a time and in blocks.
#pragma once

#include <cstddef>
#include <vector>

#include "core/base/status.h"
#include "core/linalg/exec.h"

namespace verger::linalg {

// H = I - tau v v^T with v[0] = 1 such that row * H = (beta, 0, ..., 0).
struct Reflection {
  double beta;
  double tau;  // 0: H is the identity
};

// From row[0, n), n >= 1, writes v[0, n); they may be the same.
Reflection MakeReflection(const double* row, size_t n, double* v);

// Reflections H_0 ... H_{count-1}; v_j is row j of `v` (stride n), zero before column j + offset, one there.
struct Reflections {
  size_t n = 0;
  size_t count = 0;
  size_t offset = 0;
  const double* v = nullptr;
  const double* tau = nullptr;
};

enum class Order { kFirstToLast, kLastToFirst };

// rows (k x n, stride n) <- rows * H_0 * H_1 ... (first to last) or rows * H_{count-1} ... * H_0, in compact WY blocks
// (Schreiber and Van Loan, "A storage-efficient WY representation for products of Householder transformations", 1989).
void ApplyReflections(const Reflections& reflections, Order order, size_t k, double* rows, const Exec& exec);

// Makes the k <= n rows of `rows` (k x n) orthonormal with the same leading spans, by blocked Householder LQ: to
// rounding, whatever the condition of the rows.
void Orthonormalise(size_t k, size_t n, double* rows, const Exec& exec);

}  // namespace verger::linalg

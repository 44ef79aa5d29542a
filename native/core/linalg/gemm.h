// Dense matrix product, blocked for the caches, on the register tiles of kernels.h.
#pragma once

#include <cstddef>

#include "core/linalg/exec.h"

namespace verger::linalg {

// A matrix read through two strides: element (i, j) is data[i * row + j * col]. Swapping them transposes.
template <typename T>
struct Strided {
  const T* data;
  size_t row;
  size_t col;

  Strided Transposed() const { return {data, col, row}; }
};

enum class Part { kAll, kUpper };  // kUpper: elements below the diagonal may or may not be written

// c (m x n, row-major, stride ldc) = alpha * a (m x k) * b (k x n) + beta * c, c not read when beta is 0. Each element
// is summed in one fixed order: bitwise the same for any thread count and any split of the rows over calls. After a
// cancel c is unspecified.
template <typename T>
void Gemm(const Exec& exec, size_t m, size_t n, size_t k, T alpha, Strided<T> a, Strided<T> b, T beta, T* c, size_t ldc,
          Part part = Part::kAll);

}  // namespace verger::linalg

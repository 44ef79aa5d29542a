// Eigenvalues and eigenvectors of a dense symmetric matrix, exactly.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "core/base/status.h"
#include "core/linalg/exec.h"

namespace verger::linalg {

struct SymmetricEigen {
  std::vector<double> values;    // all n, descending
  AlignedArray<double> vectors;  // count x n, row-major: row i is the unit eigenvector of values[i]; sign arbitrary
  size_t count = 0;
};

// All eigenvalues of the n x n symmetric matrix `a` (row-major, stride n; only its upper triangle is read; destroyed)
// and as many leading eigenvectors as `choose(values)` returns (at most n).
//
// Blocked Householder tridiagonalisation (Dongarra, Hammarling and Sorensen, "Block reduction of matrices to condensed
// forms for eigenvalue computations", 1989), implicit QL with Wilkinson's shift on the tridiagonal matrix (Dubrulle,
// Martin and Wilkinson, "The implicit QL algorithm", 1968), whose rotations are queued and applied to strips of
// columns in parallel, then the reflections in compact WY form. Backward stable: absolute errors of a few
// eps * ||a||. Codes: "cancelled", "pca/no-convergence".
Status SolveSymmetric(size_t n, double* a, const std::function<size_t(const std::vector<double>&)>& choose,
                      const Exec& exec, SymmetricEigen* result);

}  // namespace verger::linalg

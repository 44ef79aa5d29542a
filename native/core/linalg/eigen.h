// Eigenvalues and eigenvectors of a dense symmetric matrix, exactly.
#pragma once

#include <cstddef>

#include "core/base/status.h"
#include "core/linalg/exec.h"
#include "core/linalg/tridiagonal.h"

namespace verger::linalg {

// All eigenvalues of the n x n symmetric matrix `a` (row-major, stride n; only its upper triangle is read; destroyed)
// and as many leading eigenvectors as `choose(values)` returns (at most n).
//
// Blocked Householder tridiagonalisation (Dongarra, Hammarling and Sorensen, "Block reduction of matrices to condensed
// forms for eigenvalue computations", 1989), divide and conquer on the tridiagonal matrix, then the reflections in
// compact WY form (Schreiber and Van Loan, 1989). Backward stable: absolute errors of a few eps * ||a||. Codes:
// "cancelled", "pca/no-convergence".
Status SolveSymmetric(size_t n, double* a, const ChooseCount& choose, const Exec& exec, SymmetricEigen* result);

}  // namespace verger::linalg

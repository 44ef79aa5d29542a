// Eigenvalues and eigenvectors of a symmetric tridiagonal matrix.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "core/base/status.h"
#include "core/linalg/exec.h"

namespace verger::linalg {

// How many of the eigenvalues (all of them, descending) to compute eigenvectors for.
using ChooseCount = std::function<size_t(const std::vector<double>& values)>;

struct SymmetricEigen {
  std::vector<double> values;    // all n, descending
  AlignedArray<double> vectors;  // count x n, row-major: row i is the unit eigenvector of values[i]; sign arbitrary
  size_t count = 0;
};

// Eigenvalues of the n x n matrix with `diagonal` (n) and `off_diagonal` (n - 1), and the leading eigenvectors that
// `choose` asks for.
//
// Cuppen's divide and conquer (1981) with Gu and Eisenstat's stable eigenvectors ("A divide-and-conquer algorithm for
// the symmetric tridiagonal eigenproblem", 1995): halves are solved apart and joined by a rank-one update, whose
// eigenvalues are the roots of a secular equation; vectors are computed for the nearby update of which those roots are
// exact, hence orthogonal to rounding whatever the clusters. Nearly all work is matrix products. Leaves: implicit QL.
// Codes: "cancelled", "pca/no-convergence".
Status SolveTridiagonal(const std::vector<double>& diagonal, const std::vector<double>& off_diagonal,
                        const ChooseCount& choose, const Exec& exec, SymmetricEigen* result);

}  // namespace verger::linalg

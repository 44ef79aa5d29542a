// Leading eigenpairs of a dense symmetric positive semidefinite matrix by randomized subspace iteration.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/status.h"
#include "core/linalg/exec.h"
#include "core/linalg/tridiagonal.h"

namespace verger::linalg {

struct SubspaceOptions {
  uint64_t seed = 1;
  size_t expected = 0;       // how many pairs will be kept, 0 if not known
  double trace = 0;          // of the matrix
  double target = 0;         // sum of eigenvalues to exceed where `expected` is 0
  size_t largest_block = 0;  // decline when the subspace would need more vectors than this
};

struct SubspaceReport {
  bool declined = false;  // the subspace would be too wide: nothing was computed
  size_t iterations = 0;  // filter cycles
  size_t block = 0;       // width of the subspace at the end
  double residual = 0;    // largest |A v - lambda v| / lambda of the pairs kept
};

// The leading eigenpairs of the n x n matrix `a` (row-major, full, unchanged). `choose(values)` returns how many of the
// leading eigenvalues found so far are kept, or 0 while more are needed; result->values holds those kept only. Kept
// eigenvalues are within about 1e-8 of their size.
//
// Halko, Martinsson and Tropp's randomized range finder ("Finding structure with randomness", 2011, algorithm 4.4)
// starts the block, which grows until the eigenvalues wanted lie well inside it; Chebyshev-filtered subspace iteration
// (Zhou, Saad, Tiago and Chelikowsky, "Self-consistent-field calculations using Chebyshev-filtered subspace iteration",
// 2006) sharpens it; Rayleigh-Ritz reads off the pairs. Deterministic for a seed, bitwise for any thread count. Codes:
// "cancelled", "pca/no-convergence".
Status SolveSubspace(size_t n, const double* a, const ChooseCount& choose, const SubspaceOptions& options,
                     const Exec& exec, SymmetricEigen* result, SubspaceReport* report);

// The width that a subspace should have to find `count` eigenpairs quickly: room for the filter's transition.
size_t BlockFor(size_t count);

// How many of eigenvalues that go on as the tail of `values` (descending, as far as known) must be summed to exceed
// `target`: a power law through the last known ones.
size_t ExtrapolateCount(const std::vector<double>& values, double trace, double target, size_t n);

}  // namespace verger::linalg

// Leading eigenpairs of a dense symmetric positive semidefinite matrix by randomized subspace iteration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/status.h"
#include "core/linalg/eigen.h"
#include "core/linalg/exec.h"

namespace verger::linalg {

struct SubspaceOptions {
  uint64_t seed = 1;
  size_t limit = 0;          // eigenpairs beyond this are never asked for
  size_t expected = 0;       // how many will be kept, 0 if `variance` decides
  double variance = 0;       // share of `total` to reach when `expected` is 0
  double total = 0;          // the matrix's trace
  bool may_decline = false;  // give up early, leaving the matrix untouched, where SolveSymmetric would be faster
};

struct SubspaceReport {
  bool declined = false;
  size_t iterations = 0;
  size_t block = 0;     // width of the subspace at the end
  double residual = 0;  // largest |A v - lambda v| / lambda of the pairs kept
};

// The leading eigenpairs of the n x n matrix `a` (row-major, full, unchanged). `choose(values)` returns how many of the
// leading eigenvalues found so far are kept, or 0 when more are needed; result->values holds those kept only.
//
// Halko, Martinsson and Tropp's randomized range finder ("Finding structure with randomness", 2011, algorithm 4.4)
// starts the block; Chebyshev-filtered subspace iteration (Zhou, Saad, Tiago and Chelikowsky, "Self-consistent-field
// calculations using Chebyshev-filtered subspace iteration", 2006) sharpens it; converged pairs are locked. The filter
// runs in float32, orthogonalisation and Rayleigh-Ritz in float64. Deterministic for a seed, for any thread count.
// Codes: "cancelled", "pca/no-convergence".
Status SolveSubspace(size_t n, const double* a, const std::function<size_t(const std::vector<double>&)>& choose,
                     const SubspaceOptions& options, const Exec& exec, SymmetricEigen* result, SubspaceReport* report);

}  // namespace verger::linalg

#include "core/linalg/subspace.h"

namespace verger::linalg {

Status SolveSubspace(size_t, const double*, const std::function<size_t(const std::vector<double>&)>&,
                     const SubspaceOptions&, const Exec&, SymmetricEigen*, SubspaceReport* report) {
  report->declined = true;
  return Status::Ok();
}

}  // namespace verger::linalg

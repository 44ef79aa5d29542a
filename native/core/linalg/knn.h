// Exact nearest neighbours: how alike one vector is to many.
#pragma once

#include <cstddef>

#include "core/base/status.h"
#include "core/linalg/exec.h"

namespace verger::linalg {

// out[i] = cosine of the angle between `query` and row i, in [-1, 1]; 0 where either of them is all zeros, NaN where
// either holds a value that is not finite. rows: n x dimension, row-major; query: dimension values. One pass: the time
// is that of reading the rows. Sums are float32 in runs of 512 values, then float64; a row's result depends on that
// row, the query and the instruction set alone. Code: "cancelled".
Status CosineSimilarities(const float* rows, size_t n, size_t dimension, const float* query, float* out,
                          const Exec& exec);

}  // namespace verger::linalg

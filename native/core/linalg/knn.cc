#include "core/linalg/knn.h"

#include <algorithm>
#include <cmath>

// As in kernels.cc.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/linalg/knn.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
// Then the rest of Highway.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace verger::linalg {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Values whose products are summed in float32: a multiple of every register width taken four times.
constexpr size_t kRun = 512;

// sums[0] += row . query, sums[1] += row . row. Four pairs of sums hide the latency of the fused multiply-add.
void DotAndNorm(const float* HWY_RESTRICT row, const float* HWY_RESTRICT query, size_t dimension, double* sums) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t j = 0;
  while (j + 4 * lanes <= dimension) {
    const size_t end = std::min(dimension, j + kRun);
    auto dot0 = hn::Zero(d), dot1 = dot0, dot2 = dot0, dot3 = dot0;
    auto norm0 = dot0, norm1 = dot0, norm2 = dot0, norm3 = dot0;
    for (; j + 4 * lanes <= end; j += 4 * lanes) {
      const auto a0 = hn::LoadU(d, row + j);
      const auto a1 = hn::LoadU(d, row + j + lanes);
      const auto a2 = hn::LoadU(d, row + j + 2 * lanes);
      const auto a3 = hn::LoadU(d, row + j + 3 * lanes);
      dot0 = hn::MulAdd(a0, hn::LoadU(d, query + j), dot0);
      dot1 = hn::MulAdd(a1, hn::LoadU(d, query + j + lanes), dot1);
      dot2 = hn::MulAdd(a2, hn::LoadU(d, query + j + 2 * lanes), dot2);
      dot3 = hn::MulAdd(a3, hn::LoadU(d, query + j + 3 * lanes), dot3);
      norm0 = hn::MulAdd(a0, a0, norm0);
      norm1 = hn::MulAdd(a1, a1, norm1);
      norm2 = hn::MulAdd(a2, a2, norm2);
      norm3 = hn::MulAdd(a3, a3, norm3);
    }
    sums[0] += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(dot0, dot1), hn::Add(dot2, dot3)))));
    sums[1] +=
        static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(norm0, norm1), hn::Add(norm2, norm3)))));
  }
  for (; j < dimension; ++j) {
    sums[0] += static_cast<double>(row[j]) * static_cast<double>(query[j]);
    sums[1] += static_cast<double>(row[j]) * static_cast<double>(row[j]);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace verger::linalg
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace verger::linalg {

HWY_EXPORT(DotAndNorm);

namespace {
constexpr size_t kRowsPerTask = 256;  // about a megabyte: enough work for a thread, soon over when cancelled
}  // namespace

Status CosineSimilarities(const float* rows, size_t n, size_t dimension, const float* query, float* out,
                          const Exec& exec) {
  double own[2] = {0, 0};
  HWY_DYNAMIC_DISPATCH(DotAndNorm)(query, query, dimension, own);
  const double query_norm = std::sqrt(own[1]);
  const size_t tasks = (n + kRowsPerTask - 1) / kRowsPerTask;
  exec.For(tasks, [&](size_t task, size_t) {
    const size_t end = std::min(n, (task + 1) * kRowsPerTask);
    for (size_t i = task * kRowsPerTask; i < end; ++i) {
      double sums[2] = {0, 0};
      HWY_DYNAMIC_DISPATCH(DotAndNorm)(rows + i * dimension, query, dimension, sums);
      const double norms = std::sqrt(sums[1]) * query_norm;
      // Rounding may lead a little out of the range of a cosine. A comparison with NaN is false: it stays NaN.
      out[i] = norms == 0 ? 0.0F : static_cast<float>(std::clamp(sums[0] / norms, -1.0, 1.0));
    }
  });
  return exec.Check();
}

}  // namespace verger::linalg
#endif  // HWY_ONCE

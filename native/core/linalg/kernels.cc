#include "core/linalg/kernels.h"

#include <algorithm>
#include <cstring>

// Sizeless vectors cannot live in arrays, which the register tiles are made of; NEON serves those machines. The DL
// variant of AVX-512 adds nothing to floating point.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/linalg/kernels.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
// Then the rest of Highway.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#if defined(__clang__)
#define VERGER_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define VERGER_UNROLL _Pragma("GCC unroll 32")
#else
#define VERGER_UNROLL
#endif

HWY_BEFORE_NAMESPACE();
namespace verger::linalg {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Register tiles: rows of broadcast values x vectors of columns. 32 registers hold 24 sums, 3 columns and the
// broadcasts; 16 registers hold 12. mr divides nr = vectors * lanes so that Gram reads both operands from one packing.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3  // lower is better
constexpr size_t kMr = 8;
constexpr size_t kVectors = 3;
#elif HWY_TARGET == HWY_NEON
constexpr size_t kMr = 8;
constexpr size_t kVectors = 2;
#elif HWY_TARGET == HWY_SCALAR
constexpr size_t kMr = 3;
constexpr size_t kVectors = 3;
#else
constexpr size_t kMr = 4;
constexpr size_t kVectors = 3;
#endif

constexpr size_t kGramRun = 64;

template <typename T>
using Tag = hn::ScalableTag<T>;

template <typename T>
HWY_INLINE size_t PanelWidth() {
  return kVectors * hn::Lanes(Tag<T>());
}

// sums = a . b over k; see TileFn.
template <typename T>
HWY_INLINE void Product(size_t k, const T* HWY_RESTRICT a, size_t a_stride, const T* HWY_RESTRICT b,
                        hn::Vec<Tag<T>> (&sums)[kMr][kVectors]) {
  const Tag<T> d;
  const size_t lanes = hn::Lanes(d);
  VERGER_UNROLL
  for (size_t r = 0; r < kMr; ++r) {
    VERGER_UNROLL
    for (size_t v = 0; v < kVectors; ++v) sums[r][v] = hn::Zero(d);
  }
  for (size_t i = 0; i < k; ++i) {
    hn::Vec<Tag<T>> columns[kVectors];
    VERGER_UNROLL
    for (size_t v = 0; v < kVectors; ++v) columns[v] = hn::Load(d, b + v * lanes);
    VERGER_UNROLL
    for (size_t r = 0; r < kMr; ++r) {
      const auto value = hn::Set(d, a[r]);
      VERGER_UNROLL
      for (size_t v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(value, columns[v], sums[r][v]);
    }
    a += a_stride;
    b += kVectors * lanes;
  }
}

template <typename T>
void Tile(size_t k, const T* a, size_t a_stride, const T* b, T alpha, T beta, T* c, size_t ldc, size_t rows,
          size_t cols) {
  const Tag<T> d;
  const size_t lanes = hn::Lanes(d);
  const size_t width = kVectors * lanes;
  hn::Vec<Tag<T>> sums[kMr][kVectors];
  Product<T>(k, a, a_stride, b, sums);

  // A tile over the matrix's edge goes through a whole one beside it: same operations, same bits.
  alignas(64) T edge[kMr * kVectors * HWY_MAX_BYTES / sizeof(T)];
  const bool whole = rows == kMr && cols == width;
  T* to = whole ? c : edge;
  const size_t stride = whole ? ldc : width;
  if (!whole && beta != T(0)) {
    for (size_t r = 0; r < rows; ++r) std::memcpy(edge + r * width, c + r * ldc, cols * sizeof(T));
  }
  const auto scale = hn::Set(d, alpha);
  const auto keep = hn::Set(d, beta);
  if (beta == T(0)) {
    VERGER_UNROLL
    for (size_t r = 0; r < kMr; ++r) {
      VERGER_UNROLL
      for (size_t v = 0; v < kVectors; ++v) hn::StoreU(hn::Mul(scale, sums[r][v]), d, to + r * stride + v * lanes);
    }
  } else {
    VERGER_UNROLL
    for (size_t r = 0; r < kMr; ++r) {
      VERGER_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        T* place = to + r * stride + v * lanes;
        hn::StoreU(hn::MulAdd(scale, sums[r][v], hn::Mul(keep, hn::LoadU(d, place))), d, place);
      }
    }
  }
  if (!whole) {
    for (size_t r = 0; r < rows; ++r) std::memcpy(c + r * ldc, edge + r * width, cols * sizeof(T));
  }
}

void GramTile(size_t k, const float* a, size_t a_stride, const float* b, double* c, size_t ldc) {
  const Tag<float> d;
  const size_t lanes = hn::Lanes(d);
  // The tile of c waits in the outer cache: ask for it now, use it k steps later.
  for (size_t r = 0; r < kMr; ++r) {
    for (size_t j = 0; j < kVectors * lanes; j += 8) hwy::Prefetch(c + r * ldc + j);
  }
  hn::Vec<Tag<float>> sums[kMr][kVectors];
  // Runs of kGramRun products, then a sum of runs: repeated values (a rectified feature is mostly one value) round the
  // same way again and again, so that one long float32 sum would drift by its length.
  alignas(64) float runs[kMr * kVectors * HWY_MAX_BYTES / sizeof(float)];
  Product<float>(k < kGramRun ? k : kGramRun, a, a_stride, b, sums);
  for (size_t done = kGramRun; done < k; done += kGramRun) {
    VERGER_UNROLL
    for (size_t r = 0; r < kMr; ++r) {
      VERGER_UNROLL
      for (size_t v = 0; v < kVectors; ++v) hn::Store(sums[r][v], d, runs + (r * kVectors + v) * lanes);
    }
    const size_t run = k - done < kGramRun ? k - done : kGramRun;
    Product<float>(run, a + done * a_stride, a_stride, b + done * kVectors * lanes, sums);
    VERGER_UNROLL
    for (size_t r = 0; r < kMr; ++r) {
      VERGER_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        sums[r][v] = hn::Add(sums[r][v], hn::Load(d, runs + (r * kVectors + v) * lanes));
      }
    }
  }
#if HWY_TARGET == HWY_SCALAR
  for (size_t r = 0; r < kMr; ++r) {
    for (size_t v = 0; v < kVectors; ++v) c[r * ldc + v] += static_cast<double>(hn::GetLane(sums[r][v]));
  }
#else
  const Tag<double> dd;
  const hn::Rebind<float, Tag<double>> half;
  const size_t half_lanes = hn::Lanes(dd);
  VERGER_UNROLL
  for (size_t r = 0; r < kMr; ++r) {
    VERGER_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      double* low = c + r * ldc + v * lanes;
      double* high = low + half_lanes;
      const auto sum_low = hn::PromoteTo(dd, hn::LowerHalf(half, sums[r][v]));
      const auto sum_high = hn::PromoteTo(dd, hn::UpperHalf(half, sums[r][v]));
      hn::StoreU(hn::Add(hn::LoadU(dd, low), sum_low), dd, low);
      hn::StoreU(hn::Add(hn::LoadU(dd, high), sum_high), dd, high);
    }
  }
#endif
}

// Columns [0, nr) of `rows` rows, all readable.
HWY_INLINE void PackPanel(const float* HWY_RESTRICT data, size_t stride, size_t rows, const float* HWY_RESTRICT shift,
                          float* HWY_RESTRICT panel, float* HWY_RESTRICT sums) {
  const Tag<float> d;
  const size_t lanes = hn::Lanes(d);
  hn::Vec<Tag<float>> shifts[kVectors];
  hn::Vec<Tag<float>> totals[kVectors];
  VERGER_UNROLL
  for (size_t v = 0; v < kVectors; ++v) {
    shifts[v] = hn::LoadU(d, shift + v * lanes);
    totals[v] = hn::Zero(d);
  }
  for (size_t row = 0; row < rows; ++row) {
    VERGER_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      const auto value = hn::Sub(hn::LoadU(d, data + v * lanes), shifts[v]);
      totals[v] = hn::Add(totals[v], value);
      hn::Store(value, d, panel + v * lanes);
    }
    data += stride;
    panel += kVectors * lanes;
  }
  VERGER_UNROLL
  for (size_t v = 0; v < kVectors; ++v) hn::StoreU(totals[v], d, sums + v * lanes);
}

void PackShifted(const float* data, size_t stride, size_t rows, size_t dimension, const float* shift, float* panels,
                 size_t panel_stride, float* sums) {
  const size_t width = PanelWidth<float>();
  const size_t whole = dimension / width;
  for (size_t p = 0; p < whole; ++p) {
    PackPanel(data + p * width, stride, rows, shift + p * width, panels + p * panel_stride, sums + p * width);
  }
  const size_t rest = dimension - whole * width;
  if (rest == 0) return;
  // Row by row through a padded copy: a vector load must not read past the caller's last row.
  alignas(64) float padded[kVectors * HWY_MAX_BYTES / sizeof(float)] = {};
  alignas(64) float sum[kVectors * HWY_MAX_BYTES / sizeof(float)];
  float* totals = sums + whole * width;
  std::fill(totals, totals + width, 0.0f);
  for (size_t row = 0; row < rows; ++row) {
    std::memcpy(padded, data + row * stride + whole * width, rest * sizeof(float));
    PackPanel(padded, 0, 1, shift + whole * width, panels + whole * panel_stride + row * width, sum);
    for (size_t j = 0; j < width; ++j) totals[j] += sum[j];
  }
}

double Dot(const double* HWY_RESTRICT a, const double* HWY_RESTRICT b, size_t n) {
  const Tag<double> d;
  const size_t lanes = hn::Lanes(d);
  auto s0 = hn::Zero(d);
  auto s1 = hn::Zero(d);
  auto s2 = hn::Zero(d);
  auto s3 = hn::Zero(d);
  size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
    s1 = hn::MulAdd(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes), s1);
    s2 = hn::MulAdd(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes), s2);
    s3 = hn::MulAdd(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes), s3);
  }
  for (; i + lanes <= n; i += lanes) s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
  double sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

void Axpy(double alpha, const double* HWY_RESTRICT x, double* HWY_RESTRICT y, size_t n) {
  const Tag<double> d;
  const size_t lanes = hn::Lanes(d);
  const auto factor = hn::Set(d, alpha);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, y + i);
  for (; i < n; ++i) y[i] += alpha * x[i];
}

void SymvUpper(const double* HWY_RESTRICT a, size_t lda, size_t n, size_t begin, size_t end,
               const double* HWY_RESTRICT v, double* HWY_RESTRICT partial) {
  const Tag<double> d;
  const size_t lanes = hn::Lanes(d);
  std::fill(partial, partial + n, 0.0);
  size_t i = begin;
  // Four rows at a time: each pass over `partial` and `v` serves four rows of the matrix, read once.
  for (; i + 4 <= end; i += 4) {
    const double* HWY_RESTRICT r0 = a + i * lda;
    const double* HWY_RESTRICT r1 = r0 + lda;
    const double* HWY_RESTRICT r2 = r1 + lda;
    const double* HWY_RESTRICT r3 = r2 + lda;
    const double* rows[4] = {r0, r1, r2, r3};
    double sums[4] = {0, 0, 0, 0};
    for (size_t p = 0; p < 4; ++p) {  // the 4 x 4 corner
      sums[p] += rows[p][i + p] * v[i + p];
      for (size_t q = p + 1; q < 4; ++q) {
        sums[p] += rows[p][i + q] * v[i + q];
        sums[q] += rows[p][i + q] * v[i + p];
      }
    }
    size_t j = i + 4;
    auto s0 = hn::Zero(d);
    auto s1 = hn::Zero(d);
    auto s2 = hn::Zero(d);
    auto s3 = hn::Zero(d);
    const auto v0 = hn::Set(d, v[i]);
    const auto v1 = hn::Set(d, v[i + 1]);
    const auto v2 = hn::Set(d, v[i + 2]);
    const auto v3 = hn::Set(d, v[i + 3]);
    for (; j + lanes <= n; j += lanes) {
      const auto x = hn::LoadU(d, v + j);
      const auto a0 = hn::LoadU(d, r0 + j);
      const auto a1 = hn::LoadU(d, r1 + j);
      const auto a2 = hn::LoadU(d, r2 + j);
      const auto a3 = hn::LoadU(d, r3 + j);
      auto y = hn::LoadU(d, partial + j);
      s0 = hn::MulAdd(a0, x, s0);
      s1 = hn::MulAdd(a1, x, s1);
      s2 = hn::MulAdd(a2, x, s2);
      s3 = hn::MulAdd(a3, x, s3);
      y = hn::MulAdd(a0, v0, y);
      y = hn::MulAdd(a1, v1, y);
      y = hn::MulAdd(a2, v2, y);
      y = hn::MulAdd(a3, v3, y);
      hn::StoreU(y, d, partial + j);
    }
    sums[0] += hn::GetLane(hn::SumOfLanes(d, s0));
    sums[1] += hn::GetLane(hn::SumOfLanes(d, s1));
    sums[2] += hn::GetLane(hn::SumOfLanes(d, s2));
    sums[3] += hn::GetLane(hn::SumOfLanes(d, s3));
    for (; j < n; ++j) {
      for (size_t p = 0; p < 4; ++p) {
        sums[p] += rows[p][j] * v[j];
        partial[j] += rows[p][j] * v[i + p];
      }
    }
    for (size_t p = 0; p < 4; ++p) partial[i + p] += sums[p];
  }
  for (; i < end; ++i) {
    const double* row = a + i * lda;
    partial[i] += row[i] * v[i] + Dot(row + i + 1, v + i + 1, n - i - 1);
    Axpy(v[i], row + i + 1, partial + i + 1, n - i - 1);
  }
}

void Secular(const double* HWY_RESTRICT delta, const double* HWY_RESTRICT w2, double x, size_t n, double* sums) {
  const Tag<double> d;
  const size_t lanes = hn::Lanes(d);
  const auto at = hn::Set(d, x);
  const auto one = hn::Set(d, 1.0);
  auto value = hn::Zero(d);
  auto slope = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto inverse = hn::Div(one, hn::Sub(hn::LoadU(d, delta + i), at));
    const auto term = hn::Mul(hn::LoadU(d, w2 + i), inverse);
    value = hn::Add(value, term);
    slope = hn::MulAdd(term, inverse, slope);
  }
  sums[0] = hn::GetLane(hn::SumOfLanes(d, value));
  sums[1] = hn::GetLane(hn::SumOfLanes(d, slope));
  for (; i < n; ++i) {
    const double term = w2[i] / (delta[i] - x);
    sums[0] += term;
    sums[1] += term / (delta[i] - x);
  }
}

const Kernels* Table() {
  static const Kernels table = {
      hwy::TargetName(HWY_TARGET),
      kMr,
      PanelWidth<float>(),
      kMr,
      PanelWidth<double>(),
      &Tile<float>,
      &Tile<double>,
      &GramTile,
      &PackShifted,
      &SymvUpper,
      &Dot,
      &Axpy,
      &Secular,
  };
  return &table;
}

}  // namespace HWY_NAMESPACE
}  // namespace verger::linalg
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace verger::linalg {

HWY_EXPORT(Table);

const Kernels& GetKernels() { return *HWY_DYNAMIC_DISPATCH(Table)(); }

}  // namespace verger::linalg
#endif

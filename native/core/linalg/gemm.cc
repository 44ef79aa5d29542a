#include "core/linalg/gemm.h"

#include <algorithm>
#include <cstring>

#include "core/linalg/kernels.h"

namespace verger::linalg {

namespace {

constexpr size_t kDepth = 256;  // k per pass: one panel of b stays in the first cache
constexpr size_t kRows = 96;    // rows of a per task: its packed panels stay in the second cache

template <typename T>
struct TileShape;
template <>
struct TileShape<float> {
  explicit TileShape(const Kernels& k) : mr(k.mr_f32), nr(k.nr_f32), tile(k.tile_f32) {}
  size_t mr, nr;
  TileFn<float> tile;
};
template <>
struct TileShape<double> {
  explicit TileShape(const Kernels& k) : mr(k.mr_f64), nr(k.nr_f64), tile(k.tile_f64) {}
  size_t mr, nr;
  TileFn<double> tile;
};

// out[k * width + j] = m(k0 + k, j0 + j) for a panel of `columns` <= width, zero beyond.
template <typename T>
void PackPanel(Strided<T> m, size_t k0, size_t depth, size_t j0, size_t columns, size_t width, T* out) {
  const T* from = m.data + k0 * m.row + j0 * m.col;
  if (m.col == 1) {
    for (size_t k = 0; k < depth; ++k) {
      std::memcpy(out + k * width, from + k * m.row, columns * sizeof(T));
      for (size_t j = columns; j < width; ++j) out[k * width + j] = T(0);
    }
    return;
  }
  // Four columns at a time: each is a contiguous run when m.row is 1.
  size_t j = 0;
  for (; j + 4 <= columns; j += 4) {
    const T* c0 = from + j * m.col;
    const T* c1 = c0 + m.col;
    const T* c2 = c1 + m.col;
    const T* c3 = c2 + m.col;
    T* to = out + j;
    for (size_t k = 0; k < depth; ++k) {
      to[0] = c0[k * m.row];
      to[1] = c1[k * m.row];
      to[2] = c2[k * m.row];
      to[3] = c3[k * m.row];
      to += width;
    }
  }
  for (; j < width; ++j) {
    for (size_t k = 0; k < depth; ++k) out[k * width + j] = j < columns ? from[j * m.col + k * m.row] : T(0);
  }
}

}  // namespace

template <typename T>
void Gemm(const Exec& exec, size_t m, size_t n, size_t k, T alpha, Strided<T> a, Strided<T> b, T beta, T* c, size_t ldc,
          Part part) {
  if (m == 0 || n == 0) return;
  if (k == 0) {
    for (size_t i = 0; i < m; ++i) {
      for (size_t j = 0; j < n; ++j) c[i * ldc + j] = beta == T(0) ? T(0) : beta * c[i * ldc + j];
    }
    return;
  }
  const TileShape<T> shape(GetKernels());
  const size_t mr = shape.mr;
  const size_t nr = shape.nr;
  const Exec run = exec.If(m * n * k > 100'000);
  const size_t panels = (n + nr - 1) / nr;
  const size_t depth_max = std::min(k, kDepth);
  // Enough tasks for every thread even when m is small.
  const size_t rows = RoundUp(std::clamp(m / (4 * run.width()), mr, kRows), mr);
  const size_t chunks = (m + rows - 1) / rows;
  AlignedArray<T> packed_b(panels * nr * depth_max);
  AlignedArray<T> packed_a(run.width() * rows * depth_max);

  for (size_t k0 = 0; k0 < k; k0 += kDepth) {
    const size_t depth = std::min(kDepth, k - k0);
    const T keep = k0 == 0 ? beta : T(1);
    run.If(n * depth > 20'000).For(panels, [&](size_t p, size_t) {
      PackPanel(b, k0, depth, p * nr, std::min(nr, n - p * nr), nr, packed_b.data() + p * nr * depth);
    });
    run.For(chunks, [&](size_t chunk, size_t slot) {
      const size_t i0 = chunk * rows;
      const size_t i1 = std::min(m, i0 + rows);
      T* pa = packed_a.data() + slot * rows * depth_max;
      for (size_t i = i0; i < i1; i += mr) {
        PackPanel(a.Transposed(), k0, depth, i, std::min(mr, i1 - i), mr, pa + (i - i0) * depth);
      }
      for (size_t p = part == Part::kUpper ? i0 / nr : 0; p < panels; ++p) {
        const size_t j = p * nr;
        const size_t end = part == Part::kUpper ? std::min(i1, j + nr) : i1;
        for (size_t i = i0; i < end; i += mr) {
          shape.tile(depth, pa + (i - i0) * depth, mr, packed_b.data() + p * nr * depth, alpha, keep, c + i * ldc + j,
                     ldc, std::min(mr, i1 - i), std::min(nr, n - j));
        }
      }
    });
    if (exec.cancelled()) return;
  }
}

template void Gemm<float>(const Exec&, size_t, size_t, size_t, float, Strided<float>, Strided<float>, float, float*,
                          size_t, Part);
template void Gemm<double>(const Exec&, size_t, size_t, size_t, double, Strided<double>, Strided<double>, double,
                           double*, size_t, Part);

}  // namespace verger::linalg

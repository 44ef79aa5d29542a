// The inner loops of linear algebra, compiled once per instruction set (Highway) and chosen at run time.
#pragma once

#include <cstddef>

namespace verger::linalg {

// Every panel width divides this, so matrices padded to a multiple of it hold whole tiles on any instruction set.
inline constexpr size_t kPanelMultiple = 48;

// A tile product: an (mr x nr) tile = sum over k of a[k*a_stride + r] * b[k*nr + c], each element summed in ascending
// k with fused multiply-add (where the instruction set has it), so an element's bits do not depend on the tile's
// place or on the register width. Then
//   c[r*ldc + j] = alpha * tile + beta * c[r*ldc + j]  for r < rows, j < cols (beta 0: c is not read).
template <typename T>
using TileFn = void (*)(size_t k, const T* a, size_t a_stride, const T* b, T alpha, T beta, T* c, size_t ldc,
                        size_t rows, size_t cols);

struct Kernels {
  const char* target;

  size_t mr_f32, nr_f32;  // mr divides nr
  size_t mr_f64, nr_f64;
  TileFn<float> tile_f32;
  TileFn<double> tile_f64;

  // The same product of one whole float32 tile, in runs of 64 k whose sums are then added up, added in float64:
  // c += tile.
  void (*gram_tile)(size_t k, const float* a, size_t a_stride, const float* b, double* c, size_t ldc);

  // Packs `rows` rows (row stride `stride` floats) of `dimension` columns, minus `shift`, into panels of nr_f32
  // columns: panels[p * panel_stride + row * nr + c]. Columns up to the next multiple of nr read as zero. sums[j] is
  // the float32 sum of shifted column j over these rows, ascending: not finite if any value is not. `shift` holds
  // RoundUp(dimension, nr) values, zero past `dimension`; `sums` has room for as many.
  void (*pack_shifted)(const float* data, size_t stride, size_t rows, size_t dimension, const float* shift,
                       float* panels, size_t panel_stride, float* sums);

  // y[i] += a[i] . v and z += v[i] * a[i] for the upper triangle of a symmetric matrix: rows [begin, end) of the n x n
  // row-major `a` (stride lda), diagonal counted once. `partial` (n) receives this range's share of a * v.
  void (*symv_upper)(const double* a, size_t lda, size_t n, size_t begin, size_t end, const double* v, double* partial);

  double (*dot)(const double* a, const double* b, size_t n);
  void (*axpy)(double alpha, const double* x, double* y, size_t n);  // y += alpha * x

  // sums[0] = sum of w2[i] / (delta[i] - x), sums[1] = sum of w2[i] / (delta[i] - x)^2.
  void (*secular)(const double* delta, const double* w2, double x, size_t n, double* sums);
};

// The table of the best instruction set of this machine (or of the one that hwy::SetSupportedTargetsForTest left).
const Kernels& GetKernels();

}  // namespace verger::linalg

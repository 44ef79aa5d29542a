#include "core/linalg/tridiagonal.h"

#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/linalg/gemm.h"
#include "core/linalg/kernels.h"

namespace verger::linalg {

namespace {

constexpr double kEps = std::numeric_limits<double>::epsilon() / 2;  // unit roundoff
constexpr size_t kLeaf = 32;

Status NoConvergence() {
  return {"pca/no-convergence",
          "Expected the eigenvalue iteration to converge, but it did not; this is a defect of Verger, please report it "
          "with the features file."};
}

// Implicit QL with Wilkinson's shift (Dubrulle, Martin and Wilkinson, 1968) of a small block: d (n), e (n, last
// unused). Rows of z (stride ldz, n x n) start as the identity and become the eigenvectors.
bool ImplicitQl(size_t n, double* d, double* e, double* z, size_t ldz) {
  for (size_t l = 0; l < n; ++l) {
    for (int iteration = 0;; ++iteration) {
      size_t m = l;
      while (m + 1 < n && std::abs(e[m]) > kEps * std::sqrt(std::abs(d[m])) * std::sqrt(std::abs(d[m + 1])) + 1e-19)
        ++m;
      if (m == l) break;
      if (iteration == 80) return false;
      double g = (d[l + 1] - d[l]) / (2 * e[l]);
      g = d[m] - d[l] + e[l] / (g + std::copysign(std::hypot(g, 1.0), g));
      double s = 1;
      double c = 1;
      double p = 0;
      bool split = false;
      for (size_t i = m; i-- > l;) {
        const double f = s * e[i];
        const double b = c * e[i];
        double r = std::hypot(f, g);
        e[i + 1] = r;
        if (r == 0) {
          // The block splits here: undo the shift and start again on the smaller part.
          d[i + 1] -= p;
          e[m] = 0;
          split = true;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        double* upper = z + i * ldz;
        double* lower = upper + ldz;
        for (size_t j = 0; j < n; ++j) {
          const double kept = lower[j];
          lower[j] = s * upper[j] + c * kept;
          upper[j] = c * upper[j] - s * kept;
        }
      }
      if (split) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
  return true;
}

// A root of 1/rho + sum_i w2[i] / (poles[i] - x) = 0 in the interval right of poles[j]. delta[i] becomes
// poles[i] - root, each with a small relative error, which is what the eigenvectors are made of.
//
// The origin moves to the nearer pole; each step fits a simple pole to the sums left and right of the root (Bunch,
// Nielsen and Sorensen, "Rank-one modification of the symmetric eigenproblem", 1978), kept inside a bracket.
double SecularRoot(size_t n, size_t j, const double* poles, const double* w2, double rho, double* delta) {
  const Kernels& kernels = GetKernels();
  const double inverse_rho = 1 / rho;
  const bool last = j + 1 == n;
  // Poles [0, split) are summed apart from the rest; p and q are the poles nearest to the root in each group.
  const size_t split = last ? j : j + 1;
  double low = 0;
  double high = 0;
  size_t origin = j;
  if (last) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += w2[i];
    high = rho * sum;
    high += high * 4 * kEps;
    for (size_t i = 0; i < n; ++i) delta[i] = poles[i] - poles[origin];
  } else {
    const double half = (poles[j + 1] - poles[j]) / 2;
    for (size_t i = 0; i < n; ++i) delta[i] = poles[i] - poles[j];
    double left[2], right[2];
    kernels.secular(delta, w2, half, split, left);
    kernels.secular(delta + split, w2 + split, half, n - split, right);
    if (inverse_rho + left[0] + right[0] >= 0) {
      high = half;
    } else {
      origin = j + 1;
      low = -half;
      for (size_t i = 0; i < n; ++i) delta[i] = poles[i] - poles[origin];
    }
  }
  const double p = split > 0 ? delta[split - 1] : 0;
  const double q = delta[split];
  double x = last ? high / 2 : (low + high) / 2;
  for (int iteration = 0; iteration < 200; ++iteration) {
    double left[2] = {0, 0};
    double right[2];
    kernels.secular(delta, w2, x, split, left);
    kernels.secular(delta + split, w2 + split, x, n - split, right);
    const double f = inverse_rho + left[0] + right[0];
    if (std::abs(f) <= kEps * static_cast<double>(n) * (inverse_rho + std::abs(left[0]) + std::abs(right[0]))) break;
    (f < 0 ? low : high) = x;
    // c + s / (p - y) + t / (q - y) = 0
    const double s = left[1] * (p - x) * (p - x);
    const double t = right[1] * (q - x) * (q - x);
    const double c = inverse_rho + (left[0] - left[1] * (p - x)) + (right[0] - right[1] * (q - x));
    const double b = c * (p + q) + s + t;
    const double a0 = c * p * q + s * q + t * p;
    const double root = (b + std::copysign(std::sqrt(std::max(b * b - 4 * c * a0, 0.0)), b)) / 2;
    double next = root / c;
    if (!(next > low && next < high)) next = a0 / root;
    if (!(next > low && next < high)) next = low + (high - low) / 2;
    if (next == x || !(next > low && next < high)) break;
    x = next;
  }
  for (size_t i = 0; i < n; ++i) delta[i] -= x;
  return poles[origin] + x;
}

// The state of one divide-and-conquer run. Rows of `q` are eigenvectors: rows [lo, hi) of a solved range are zero
// outside columns [lo, hi), and their eigenvalues in `d` ascend.
class DivideAndConquer {
 public:
  DivideAndConquer(std::vector<double> diagonal, std::vector<double> off_diagonal, const Exec& exec)
      : n_(diagonal.size()),
        stride_(RoundUp(n_, 8)),
        d_(std::move(diagonal)),
        e_(std::move(off_diagonal)),
        q_(AlignedArray<double>::Zeros(n_ * stride_)),
        spare_(n_ * stride_),
        exec_(exec) {}

  Status Run(const ChooseCount& choose, SymmetricEigen* result) {
    // Ranges of every level, leaves last; a range and its halves never share an off-diagonal.
    std::vector<std::vector<Range>> levels = {{{0, n_, 0}}};
    for (bool split = true; split;) {
      split = false;
      std::vector<Range> below;
      for (Range& range : levels.back()) {
        if (range.hi - range.lo <= kLeaf) continue;
        range.mid = range.lo + RoundUp((range.hi - range.lo) / 2, 8);
        below.push_back({range.lo, range.mid, 0});
        below.push_back({range.mid, range.hi, 0});
        // The rank-one coupling goes out of both halves before either is solved.
        const double coupling = std::abs(e_[range.mid - 1]);
        d_[range.mid - 1] -= coupling;
        d_[range.mid] -= coupling;
        split = true;
      }
      if (split) levels.push_back(std::move(below));
    }

    std::atomic<bool> converged{true};
    std::vector<Range> leaves;
    for (const auto& level : levels) {
      for (const Range& range : level) {
        if (range.mid == 0) leaves.push_back(range);
      }
    }
    exec_.If(n_ > 200).For(leaves.size(), [&](size_t i, size_t) {
      if (!SolveLeaf(leaves[i])) converged = false;
    });
    VERGER_RETURN_IF_ERROR(exec_.Check());
    if (!converged) return NoConvergence();

    for (size_t level = levels.size(); level-- > 1;) {
      std::vector<Range> joins;
      for (const Range& range : levels[level]) {
        if (range.mid != 0) joins.push_back(range);
      }
      // Many small joins run side by side, few large ones each on all threads.
      if (joins.size() >= 2 * exec_.width()) {
        exec_.For(joins.size(), [&](size_t i, size_t) { Join(joins[i], nullptr, Exec{nullptr, 1, exec_.cancel}); });
      } else {
        for (const Range& range : joins) Join(range, nullptr, exec_);
      }
      VERGER_RETURN_IF_ERROR(exec_.Check());
    }
    size_t count = 0;
    if (levels[0][0].mid != 0) {
      count = Join(levels[0][0], &choose, exec_);
      VERGER_RETURN_IF_ERROR(exec_.Check());
    } else {
      count = Choose(choose);
    }
    result->values.assign(d_.rbegin(), d_.rend());
    result->count = count;
    result->vectors = AlignedArray<double>(count * n_);
    for (size_t i = 0; i < count; ++i) {
      std::memcpy(result->vectors.data() + i * n_, Row(n_ - 1 - i), n_ * sizeof(double));
    }
    return Status::Ok();
  }

 private:
  struct Range {
    size_t lo, hi;
    size_t mid;  // 0 for a leaf
  };

  double* Row(size_t i) { return q_.data() + i * stride_; }
  double* Spare(size_t i) { return spare_.data() + i * stride_; }

  size_t Choose(const ChooseCount& choose) const {
    return std::min(n_, choose(std::vector<double>(d_.rbegin(), d_.rend())));
  }

  bool SolveLeaf(const Range& range) {
    const size_t m = range.hi - range.lo;
    double* d = d_.data() + range.lo;
    double e[kLeaf] = {};
    for (size_t i = 0; i + 1 < m; ++i) e[i] = e_[range.lo + i];
    for (size_t i = 0; i < m; ++i) Row(range.lo + i)[range.lo + i] = 1;
    if (!ImplicitQl(m, d, e, Row(range.lo) + range.lo, stride_)) return false;
    for (size_t i = 0; i + 1 < m; ++i) {  // selection sort: at most kLeaf rows
      const size_t least = static_cast<size_t>(std::min_element(d + i, d + m) - d);
      if (least == i) continue;
      std::swap(d[i], d[least]);
      std::swap_ranges(Row(range.lo + i) + range.lo, Row(range.lo + i) + range.hi, Row(range.lo + least) + range.lo);
    }
    return true;
  }

  // Joins the solved halves of a range. At the root (`choose` given) only the chosen rows of q are made; returns their
  // number.
  size_t Join(const Range& range, const ChooseCount* choose, const Exec& exec) {
    const Kernels& kernels = GetKernels();
    const size_t lo = range.lo;  // not a structured binding: clang 14 cannot capture one
    const size_t hi = range.hi;
    const size_t mid = range.mid;
    const size_t m = hi - lo;
    const double coupling = e_[mid - 1];
    double rho = std::abs(coupling);

    // z = Q (e_mid-1 + sign e_mid), scaled to unit length.
    std::vector<double> z(m);
    double largest_z = 0;
    double largest_d = 0;
    for (size_t i = 0; i < m; ++i) {
      const double entry = lo + i < mid ? Row(lo + i)[mid - 1] : std::copysign(1.0, coupling) * Row(lo + i)[mid];
      z[i] = entry / std::sqrt(2.0);
      largest_z = std::max(largest_z, std::abs(z[i]));
      largest_d = std::max(largest_d, std::abs(d_[lo + i]));
    }
    rho *= 2;

    std::vector<size_t> order(m);
    std::iota(order.begin(), order.end(), size_t{0});
    std::inplace_merge(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(mid - lo), order.end(),
                       [&](size_t x, size_t y) { return d_[lo + x] < d_[lo + y]; });

    // Deflation: an entry that the update cannot move beyond rounding keeps its eigenpair. Two nearly equal
    // eigenvalues are first rotated so that one of them has no share in z.
    const double tolerance = 8 * kEps * std::max(largest_d, largest_z);
    enum Side : uint8_t { kLeft = 0, kBoth = 1, kRight = 2 };
    std::vector<uint8_t> side(m);
    for (size_t i = 0; i < m; ++i) side[i] = lo + i < mid ? kLeft : kRight;
    std::vector<size_t> active;
    std::vector<size_t> deflated;
    active.reserve(m);
    for (const size_t next : order) {
      if (rho * std::abs(z[next]) <= tolerance) {
        deflated.push_back(next);
        continue;
      }
      if (!active.empty()) {
        const size_t previous = active.back();
        const double length = std::hypot(z[next], z[previous]);
        const double c = z[next] / length;
        const double s = -z[previous] / length;
        double& dp = d_[lo + previous];
        double& dn = d_[lo + next];
        if (std::abs((dn - dp) * c * s) <= tolerance) {
          z[next] = length;
          z[previous] = 0;
          if (side[previous] != side[next]) side[previous] = side[next] = kBoth;
          double* a = Row(lo + previous);
          double* b = Row(lo + next);
          for (size_t i = lo; i < hi; ++i) {
            const double kept = a[i];
            a[i] = c * kept + s * b[i];
            b[i] = c * b[i] - s * kept;
          }
          const double lower = dp * c * c + dn * s * s;
          dn = dp * s * s + dn * c * c;
          dp = lower;
          active.back() = next;
          deflated.push_back(previous);
          continue;
        }
      }
      active.push_back(next);
    }

    const size_t k = active.size();
    std::vector<double> poles(k);
    std::vector<double> w(k);
    std::vector<double> w2(k);
    for (size_t i = 0; i < k; ++i) {
      poles[i] = d_[lo + active[i]];
      w[i] = z[active[i]];
      w2[i] = w[i] * w[i];
    }
    std::vector<double> roots(k);
    AlignedArray<double> delta(k * k);  // row j: poles - root j
    const Exec run = exec.If(k > 100);
    constexpr size_t kGrain = 16;
    run.For((k + kGrain - 1) / kGrain, [&](size_t task, size_t) {
      for (size_t j = task * kGrain; j < std::min(k, (task + 1) * kGrain); ++j) {
        roots[j] = SecularRoot(k, j, poles.data(), w2.data(), rho, delta.data() + j * k);
      }
    });
    if (exec.cancelled()) return 0;
    // Loewner's formula: the z of which `roots` are the exact eigenvalues.
    std::vector<double> product(k, 1.0);
    for (size_t j = 0; j < k; ++j) {
      const double* row = delta.data() + j * k;
      for (size_t i = 0; i < j; ++i) product[i] *= row[i] / (poles[i] - poles[j]);
      product[j] *= row[j];
      for (size_t i = j + 1; i < k; ++i) product[i] *= row[i] / (poles[i] - poles[j]);
    }
    for (size_t i = 0; i < k; ++i) w[i] = std::copysign(std::sqrt(std::abs(product[i])), w[i]);

    // All eigenvalues, ascending: index < k a root, else deflated[index - k].
    std::vector<double> values(m);
    for (size_t i = 0; i < m; ++i) values[i] = i < k ? roots[i] : d_[lo + deflated[i - k]];
    std::vector<size_t> rank(m);
    std::iota(rank.begin(), rank.end(), size_t{0});
    std::stable_sort(rank.begin(), rank.end(), [&](size_t x, size_t y) { return values[x] < values[y]; });
    // Deflated rows of q still sit at their old places: keep them by, in `spare_`, before the rows are written anew.
    for (size_t i = 0; i < m; ++i) d_[lo + i] = values[rank[i]];
    const size_t count = choose == nullptr ? m : Choose(*choose);
    const size_t first = m - count;  // rows below are not wanted

    // The active old rows, grouped by the columns they are not zero in.
    std::vector<size_t> place(k);
    size_t group[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < k; ++i) ++group[side[active[i]] + 1];
    group[2] += group[1];
    group[3] += group[2];
    size_t filled[3] = {group[0], group[1], group[2]};
    for (size_t i = 0; i < k; ++i) place[i] = filled[side[active[i]]]++;
    for (size_t i = 0; i < k; ++i) {
      std::memcpy(Spare(lo + place[i]) + lo, Row(lo + active[i]) + lo, m * sizeof(double));
    }
    for (size_t i = 0; i < deflated.size(); ++i) {
      std::memcpy(Spare(lo + k + i) + lo, Row(lo + deflated[i]) + lo, m * sizeof(double));
    }

    // Eigenvectors of the update, one row per wanted root, in the order of the result.
    std::vector<size_t> wanted;
    std::vector<size_t> wanted_row;
    for (size_t i = first; i < m; ++i) {
      if (rank[i] < k) {
        wanted.push_back(rank[i]);
        wanted_row.push_back(i);
      } else {
        std::memcpy(Row(lo + i) + lo, Spare(lo + rank[i]) + lo, m * sizeof(double));
      }
    }
    // The wanted roots are the largest, hence consecutive: their vectors take the place of their distances.
    double* vectors = wanted.empty() ? nullptr : delta.data() + wanted.front() * k;
    run.For((wanted.size() + kGrain - 1) / kGrain, [&](size_t task, size_t) {
      std::vector<double> vector(k);
      for (size_t r = task * kGrain; r < std::min(wanted.size(), (task + 1) * kGrain); ++r) {
        double* row = vectors + r * k;
        for (size_t i = 0; i < k; ++i) vector[i] = w[i] / row[i];
        const double scale = 1 / std::sqrt(kernels.dot(vector.data(), vector.data(), k));
        for (size_t i = 0; i < k; ++i) row[place[i]] = vector[i] * scale;
      }
    });
    if (wanted.empty()) return count;
    // Rows of the result that are roots need not be consecutive, so the product lands in a buffer of its own.
    AlignedArray<double> rows(wanted.size() * m);
    const size_t left = mid - lo;
    Gemm<double>(exec, wanted.size(), left, group[2], 1.0, {vectors, k, 1}, {Spare(lo) + lo, stride_, 1}, 0.0,
                 rows.data(), m);
    Gemm<double>(exec, wanted.size(), m - left, k - group[1], 1.0, {vectors + group[1], k, 1},
                 {Spare(lo + group[1]) + mid, stride_, 1}, 0.0, rows.data() + left, m);
    for (size_t r = 0; r < wanted.size(); ++r) {
      std::memcpy(Row(lo + wanted_row[r]) + lo, rows.data() + r * m, m * sizeof(double));
    }
    return count;
  }

  size_t n_;
  size_t stride_;
  std::vector<double> d_;
  std::vector<double> e_;
  AlignedArray<double> q_;
  AlignedArray<double> spare_;
  const Exec& exec_;
};

}  // namespace

Status SolveTridiagonal(const std::vector<double>& diagonal, const std::vector<double>& off_diagonal,
                        const ChooseCount& choose, const Exec& exec, SymmetricEigen* result) {
  // Scaled to unit size, so that absolute tolerances mean the same for any matrix.
  double norm = 0;
  for (const double value : diagonal) norm = std::max(norm, std::abs(value));
  for (const double value : off_diagonal) norm = std::max(norm, std::abs(value));
  if (norm == 0) norm = 1;
  std::vector<double> d(diagonal);
  std::vector<double> e(off_diagonal);
  for (double& value : d) value /= norm;
  for (double& value : e) value /= norm;
  const ChooseCount choose_unscaled = [&](const std::vector<double>& values) {
    std::vector<double> scaled(values);
    for (double& value : scaled) value *= norm;
    return choose(scaled);
  };
  VERGER_RETURN_IF_ERROR(DivideAndConquer(std::move(d), std::move(e), exec).Run(choose_unscaled, result));
  for (double& value : result->values) value *= norm;
  return Status::Ok();
}

}  // namespace verger::linalg

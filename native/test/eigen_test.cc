#include "core/linalg/eigen.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "core/linalg/gemm.h"
#include "core/linalg/householder.h"
#include "core/linalg/subspace.h"
#include "linalg_support.h"

namespace verger::linalg {
namespace {

using test::ForEachTarget;
using test::Sizes;

size_t All(const std::vector<double>& values) { return values.size(); }

// Q diag(values) Q^T for a random orthogonal Q.
std::vector<double> WithSpectrum(const std::vector<double>& values, uint64_t seed) {
  const size_t n = values.size();
  Random random(seed);
  std::vector<double> q(n * n);
  for (double& value : q) value = random.Gaussian();
  Orthonormalise(n, n, q.data(), {});
  std::vector<double> scaled(n * n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) scaled[i * n + j] = values[i] * q[i * n + j];
  }
  std::vector<double> a(n * n);
  Gemm<double>({}, n, n, n, 1.0, {q.data(), 1, n}, {scaled.data(), n, 1}, 0.0, a.data(), n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < i; ++j) a[i * n + j] = a[j * n + i];
  }
  return a;
}

// |A v - lambda v| and |V V^T - I|, both against `tolerance`.
void ExpectEigenpairs(const std::vector<double>& a, size_t n, const SymmetricEigen& eigen, double residual,
                      double orthogonality) {
  double worst = 0;
  double skew = 0;
  for (size_t i = 0; i < eigen.count; ++i) {
    const double* v = eigen.vectors.data() + i * n;
    for (size_t r = 0; r < n; ++r) {
      double sum = -eigen.values[i] * v[r];
      for (size_t c = 0; c < n; ++c) sum += a[r * n + c] * v[c];
      worst = std::max(worst, std::abs(sum));
    }
    for (size_t j = 0; j <= i; ++j) {
      double dot = i == j ? -1 : 0;
      for (size_t c = 0; c < n; ++c) dot += v[c] * eigen.vectors[j * n + c];
      skew = std::max(skew, std::abs(dot));
    }
  }
  EXPECT_LT(worst, residual);
  EXPECT_LT(skew, orthogonality);
}

std::vector<std::pair<std::string, std::vector<double>>> Spectra(size_t n) {
  std::vector<double> graded(n), equal(n, 3.0), clusters(n), rank_two(n, 0.0), linear(n), near(n);
  for (size_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(i);
    graded[i] = std::pow(10.0, -12 * x / static_cast<double>(n));
    clusters[i] = 1 + static_cast<double>(i % 4) + 1e-13 * x;
    linear[i] = static_cast<double>(n) - x;
    near[i] = 1 + 1e-9 * x;
  }
  rank_two[0] = 5;
  if (n > 1) rank_two[1] = 2;
  std::sort(clusters.rbegin(), clusters.rend());
  std::sort(near.rbegin(), near.rend());
  return {{"graded", graded},     {"equal", equal},   {"clusters", clusters},
          {"rank two", rank_two}, {"linear", linear}, {"zero", std::vector<double>(n, 0.0)},
          {"near", near}};
}

TEST(SolveSymmetric, KnownSpectraOfManySizes) {
  for (const size_t n : Sizes{1, 2, 3, 31, 32, 33, 65, 100, 200, 333}) {
    for (const auto& [name, values] : Spectra(n)) {
      SCOPED_TRACE(name + " " + std::to_string(n));
      const std::vector<double> a = WithSpectrum(values, n);
      std::vector<double> work = a;
      SymmetricEigen eigen;
      ASSERT_TRUE(SolveSymmetric(n, work.data(), All, {}, &eigen).ok());
      const double norm = std::max(values[0], 1e-300);
      const double eps = 1e-14 * std::sqrt(static_cast<double>(n));
      for (size_t i = 0; i < n; ++i) EXPECT_NEAR(eigen.values[i], values[i], 4 * eps * norm);
      ExpectEigenpairs(a, n, eigen, 4 * eps * norm + 1e-290, 4 * eps);
    }
  }
}

TEST(SolveSymmetric, AgreesWithJacobiOnEveryTarget) {
  const size_t n = 90;
  Random random(9);
  std::vector<double> a(n * n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = i; j < n; ++j) a[i * n + j] = a[j * n + i] = random.Gaussian();
  }
  const std::vector<double> expected = test::JacobiEigenvalues(a, n);
  ForEachTarget([&](const std::string&) {
    std::vector<double> work = a;
    SymmetricEigen eigen;
    ASSERT_TRUE(SolveSymmetric(n, work.data(), All, {}, &eigen).ok());
    for (size_t i = 0; i < n; ++i) EXPECT_NEAR(eigen.values[i], expected[i], 1e-12);
    ExpectEigenpairs(a, n, eigen, 1e-12, 1e-13);
  });
}

// Glued Wilkinson matrices: eigenvalue pairs that agree to working precision, the classical trap for vectors.
TEST(SolveTridiagonal, GluedWilkinson) {
  constexpr size_t kSize = 21;
  constexpr size_t kCopies = 12;
  const size_t n = kSize * kCopies;
  std::vector<double> d(n), e(n - 1);
  for (size_t i = 0; i < n; ++i) d[i] = std::abs(static_cast<double>(i % kSize) - 10);
  for (size_t i = 0; i + 1 < n; ++i) e[i] = i % kSize == kSize - 1 ? 1e-8 : 1;
  std::vector<double> a(n * n, 0.0);
  for (size_t i = 0; i < n; ++i) a[i * n + i] = d[i];
  for (size_t i = 0; i + 1 < n; ++i) a[i * n + i + 1] = a[(i + 1) * n + i] = e[i];
  SymmetricEigen eigen;
  ASSERT_TRUE(SolveTridiagonal(d, e, All, {}, &eigen).ok());
  ExpectEigenpairs(a, n, eigen, 1e-13, 1e-13);
}

TEST(SolveTridiagonal, ExtremeScalesAndSplits) {
  for (const double scale : {1e-150, 1.0, 1e150}) {
    const size_t n = 150;
    std::vector<double> d(n), e(n - 1);
    Random random(77);
    for (double& value : d) value = scale * random.Gaussian();
    for (size_t i = 0; i + 1 < n; ++i) e[i] = i % 40 == 39 ? 0 : scale * random.Gaussian();
    SymmetricEigen eigen;
    ASSERT_TRUE(SolveTridiagonal(d, e, All, {}, &eigen).ok());
    std::vector<double> a(n * n, 0.0);
    for (size_t i = 0; i < n; ++i) a[i * n + i] = d[i];
    for (size_t i = 0; i + 1 < n; ++i) a[i * n + i + 1] = a[(i + 1) * n + i] = e[i];
    ExpectEigenpairs(a, n, eigen, 1e-13 * scale, 1e-13);
  }
}

TEST(SolveSymmetric, SameBitsForAnyThreads) {
  const size_t n = 450;
  Random random(5);
  std::vector<double> a(n * n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = i; j < n; ++j) a[i * n + j] = a[j * n + i] = random.Gaussian();
  }
  const auto ten = [](const std::vector<double>&) { return size_t{10}; };
  std::vector<double> work = a;
  SymmetricEigen expected;
  ASSERT_TRUE(SolveSymmetric(n, work.data(), ten, {}, &expected).ok());
  EXPECT_EQ(expected.count, 10u);
  ThreadPool pool(4);
  for (const size_t threads : Sizes{1, 2, 3, 5}) {
    work = a;
    SymmetricEigen eigen;
    ASSERT_TRUE(SolveSymmetric(n, work.data(), ten, Exec{&pool, threads, nullptr}, &eigen).ok());
    EXPECT_EQ(eigen.values, expected.values);
    EXPECT_EQ(std::memcmp(eigen.vectors.data(), expected.vectors.data(), 10 * n * sizeof(double)), 0);
  }
}

TEST(SolveSymmetric, Cancels) {
  std::vector<double> a(100 * 100, 0.5);
  CancelToken cancel;
  cancel.Cancel();
  SymmetricEigen eigen;
  EXPECT_EQ(SolveSymmetric(100, a.data(), All, Exec{nullptr, 1, &cancel}, &eigen).code(), "cancelled");
}

TEST(SolveSubspace, MatchesTheSpectrum) {
  const size_t n = 400;
  std::vector<double> slow(n), steps(n), low_rank(n, 0.0);
  for (size_t i = 0; i < n; ++i) {
    slow[i] = 50.0 / static_cast<double>(i + 1);
    steps[i] = i < 30 ? 10 - 0.01 * static_cast<double>(i) : 1e-3;
    if (i < 20) low_rank[i] = 20 - static_cast<double>(i);
  }
  for (const auto& values : {slow, steps, low_rank}) {
    const std::vector<double> a = WithSpectrum(values, 3);
    double trace = 0;
    for (const double value : values) trace += value;
    for (const size_t k : Sizes{1, 12, 30}) {
      SubspaceOptions options;
      options.expected = k;
      options.trace = trace;
      options.largest_block = n;
      SymmetricEigen eigen;
      SubspaceReport report;
      ASSERT_TRUE(SolveSubspace(
                      n, a.data(), [k](const std::vector<double>& found) { return found.size() >= k ? k : 0; }, options,
                      {}, &eigen, &report)
                      .ok());
      ASSERT_FALSE(report.declined);
      ASSERT_EQ(eigen.count, k);
      for (size_t i = 0; i < k; ++i) EXPECT_NEAR(eigen.values[i], values[i], 1e-7 * values[i] + 1e-12 * values[0]);
      ExpectEigenpairs(a, n, eigen, 3e-5 * values[0], 1e-13);
    }
  }
}

TEST(SolveSubspace, GrowsToAVarianceTargetOrDeclines) {
  const size_t n = 600;
  std::vector<double> values(n);
  double trace = 0;
  for (size_t i = 0; i < n; ++i) trace += values[i] = std::pow(static_cast<double>(i + 1), -0.8);
  const std::vector<double> a = WithSpectrum(values, 5);
  size_t expected = 0;
  for (double sum = 0; sum <= 0.6 * trace; ++expected) sum += values[expected];
  const auto choose = [&](const std::vector<double>& found) {
    double sum = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      sum += found[i];
      if (sum > 0.6 * trace) return i + 1;
    }
    return size_t{0};
  };
  SubspaceOptions options;
  options.trace = trace;
  options.target = 0.6 * trace;
  options.largest_block = n;
  SymmetricEigen eigen;
  SubspaceReport report;
  ASSERT_TRUE(SolveSubspace(n, a.data(), choose, options, {}, &eigen, &report).ok());
  EXPECT_EQ(eigen.count, expected);
  EXPECT_GT(expected, BlockFor(32));  // it had to grow
  for (size_t i = 0; i < eigen.count; ++i) EXPECT_NEAR(eigen.values[i], values[i], 1e-7 * values[i]);
  EXPECT_LT(report.residual, 2e-5);

  options.largest_block = 60;
  ASSERT_TRUE(SolveSubspace(n, a.data(), choose, options, {}, &eigen, &report).ok());
  EXPECT_TRUE(report.declined);
}

TEST(SolveSubspace, DeterministicForSeedAndThreads) {
  const size_t n = 300;
  std::vector<double> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = 10.0 / static_cast<double>(i + 1);
  const std::vector<double> a = WithSpectrum(values, 5);
  SubspaceOptions options;
  options.expected = 8;
  options.trace = 60;
  options.largest_block = n;
  const auto eight = [](const std::vector<double>& found) { return found.size() >= 8 ? size_t{8} : size_t{0}; };
  ThreadPool pool(3);
  std::vector<double> first;
  for (const size_t threads : Sizes{1, 2, 3, 5}) {
    SymmetricEigen eigen;
    SubspaceReport report;
    ASSERT_TRUE(SolveSubspace(n, a.data(), eight, options, Exec{&pool, threads, nullptr}, &eigen, &report).ok());
    const std::vector<double> vectors(eigen.vectors.data(), eigen.vectors.data() + 8 * n);
    if (first.empty()) first = vectors;
    EXPECT_EQ(vectors, first);
  }
}

TEST(Orthonormalise, DependentAndTinyRows) {
  const size_t n = 120;
  const size_t k = 70;
  Random random(1);
  std::vector<double> rows(k * n);
  for (double& value : rows) value = random.Gaussian();
  for (size_t j = 0; j < n; ++j) {
    rows[5 * n + j] = rows[4 * n + j];
    rows[9 * n + j] = 0;
    rows[11 * n + j] *= 1e-200;
    rows[40 * n + j] = rows[0 * n + j] + 1e-14 * rows[40 * n + j];
  }
  Orthonormalise(k, n, rows.data(), {});
  for (size_t a = 0; a < k; ++a) {
    for (size_t b = 0; b <= a; ++b) {
      double dot = 0;
      for (size_t j = 0; j < n; ++j) dot += rows[a * n + j] * rows[b * n + j];
      EXPECT_NEAR(dot, a == b ? 1.0 : 0.0, 1e-14);
    }
  }
}

}  // namespace
}  // namespace verger::linalg

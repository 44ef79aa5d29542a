#include "core/linalg/gram.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "core/linalg/gemm.h"
#include "core/linalg/kernels.h"
#include "linalg_support.h"

namespace verger::linalg {
namespace {

using test::FeatureRows;
using test::ForEachTarget;
using test::Reference;
using test::ReferenceMoments;
using test::Sizes;

void AddAll(GramAccumulator* accumulator, const std::vector<float>& rows, const std::vector<size_t>& slices = {},
            const Exec& exec = {}) {
  const size_t d = accumulator->dimension();
  size_t at = 0;
  for (const size_t n : slices) {
    ASSERT_TRUE(accumulator->Add(rows.data() + at * d, n, exec).ok());
    at += n;
  }
  ASSERT_TRUE(accumulator->Add(rows.data() + at * d, rows.size() / d - at, exec).ok());
}

std::vector<uint8_t> Bytes(const GramAccumulator& accumulator) {
  std::vector<uint8_t> bytes;
  EXPECT_TRUE(accumulator.Serialize(&bytes).ok());
  return bytes;
}

// Largest difference from the reference, in units of sqrt(variance_i variance_j).
double WorstError(const Moments& moments, const Reference& reference) {
  const size_t d = moments.dimension;
  double worst = 0;
  for (size_t i = 0; i < d; ++i) {
    for (size_t j = 0; j < d; ++j) {
      const double size = std::sqrt(reference.matrix[i * d + i] * reference.matrix[j * d + j]);
      const double error = std::abs(moments.matrix[i * d + j] - reference.matrix[i * d + j]);
      worst = std::max(worst, size > 0 ? error / size : error);
    }
  }
  return worst;
}

TEST(Gram, MatchesFloat64OnEveryTarget) {
  for (const size_t d : Sizes{1, 3, 47, 48, 49, 130, 257}) {
    for (const size_t n : Sizes{2, 5, 511, 512, 513, 1'700}) {
      const std::vector<float> rows = FeatureRows(n, d, d * 10'000 + n);
      const Reference covariance = ReferenceMoments(rows, d, false);
      const Reference correlation = ReferenceMoments(rows, d, true);
      ForEachTarget([&](const std::string&) {
        SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(d));
        GramAccumulator accumulator(d);
        AddAll(&accumulator, rows);
        Moments moments;
        ASSERT_TRUE(accumulator.Finish(false, {}, &moments).ok());
        // 512 float32 products per block, each sum rounded at its own size.
        EXPECT_LT(WorstError(moments, covariance), 2e-6);
        ASSERT_TRUE(accumulator.Finish(true, {}, &moments).ok());
        EXPECT_LT(WorstError(moments, correlation), 2e-6);
        EXPECT_NEAR(moments.total_variance, correlation.total, 1e-9 * static_cast<double>(d));
        for (size_t j = 0; j < d; ++j) {
          EXPECT_NEAR(moments.mean[j], correlation.mean[j], 1e-6);
          EXPECT_NEAR(moments.scale[j], correlation.scale[j], 1e-6 * correlation.scale[j]);
        }
      });
    }
  }
}

TEST(Gram, FusedTargetsAgreeBitwise) {
  const size_t d = 101;
  const std::vector<float> rows = FeatureRows(1'234, d, 5);
  std::vector<uint8_t> first;
  ForEachTarget([&](const std::string& name) {
    if (name.rfind("AVX", 0) != 0) return;  // SSE and scalar have no fused multiply-add
    GramAccumulator accumulator(d);
    AddAll(&accumulator, rows);
    if (first.empty()) first = Bytes(accumulator);
    EXPECT_EQ(Bytes(accumulator), first);
  });
}

TEST(Gram, SameBitsForAnyThreadsAndSlices) {
  const size_t d = 130;
  const size_t n = 2'100;
  const std::vector<float> rows = FeatureRows(n, d, 7);
  GramAccumulator whole(d);
  AddAll(&whole, rows);
  const std::vector<uint8_t> expected = Bytes(whole);
  ThreadPool pool(4);
  const std::vector<std::vector<size_t>> slicings = {
      {1}, {511, 1, 512}, {513, 511}, std::vector<size_t>(210, 10), {2'099}, {600, 0, 600, 600}};
  for (const size_t threads : Sizes{1, 2, 3, 5}) {
    for (const auto& slices : slicings) {
      GramAccumulator accumulator(d);
      AddAll(&accumulator, rows, slices, Exec{&pool, threads, nullptr});
      EXPECT_EQ(Bytes(accumulator), expected);
      Moments a, b;
      ASSERT_TRUE(whole.Finish(true, {}, &a).ok());
      ASSERT_TRUE(accumulator.Finish(true, Exec{&pool, threads, nullptr}, &b).ok());
      EXPECT_EQ(std::memcmp(a.matrix.data(), b.matrix.data(), d * d * sizeof(double)), 0);
    }
  }
}

TEST(Gram, OffsetOfAThousandLosesNothing) {
  const size_t d = 60;
  const std::vector<float> rows = FeatureRows(3'000, d, 11, 1'000);
  GramAccumulator accumulator(d);
  AddAll(&accumulator, rows);
  Moments moments;
  ASSERT_TRUE(accumulator.Finish(true, {}, &moments).ok());
  EXPECT_LT(WorstError(moments, ReferenceMoments(rows, d, true)), 2e-6);
}

TEST(Gram, ConstantColumnsHaveScaleOneAndNoVariance) {
  const size_t d = 10;
  std::vector<float> rows = FeatureRows(1'500, d, 13);
  for (size_t i = 0; i < 1'500; ++i) {
    rows[i * d + 3] = 0.1f;
    rows[i * d + 7] = -12345.678f;
  }
  GramAccumulator first(d), second(d);
  ASSERT_TRUE(first.Add(rows.data(), 700, {}).ok());
  ASSERT_TRUE(second.Add(rows.data() + 700 * d, 800, {}).ok());
  ASSERT_TRUE(first.Merge(second).ok());
  Moments moments;
  ASSERT_TRUE(first.Finish(true, {}, &moments).ok());
  for (const size_t j : Sizes{3, 7}) {
    EXPECT_EQ(moments.scale[j], 1.0);
    EXPECT_EQ(moments.mean[j], static_cast<double>(rows[j]));
    for (size_t i = 0; i < d; ++i) EXPECT_EQ(moments.matrix[i * d + j], 0.0);
  }
  EXPECT_NEAR(moments.total_variance, 8.0, 1e-12);
}

TEST(Gram, MergeOfDistantPartsMatchesOnePass) {
  const size_t d = 40;
  std::vector<float> near = FeatureRows(1'536, d, 17);
  const std::vector<float> far = FeatureRows(1'024, d, 19, 300);
  GramAccumulator a(d), b(d), c(d);
  AddAll(&a, near);
  AddAll(&b, far);
  AddAll(&c, far);
  ASSERT_TRUE(a.Merge(b).ok());
  ASSERT_TRUE(a.Merge(c).ok());
  EXPECT_EQ(a.count(), 1'536u + 2 * 1'024u);
  near.insert(near.end(), far.begin(), far.end());
  near.insert(near.end(), far.begin(), far.end());
  Moments moments;
  ASSERT_TRUE(a.Finish(false, {}, &moments).ok());
  // Each part about its own pilot: closer to the truth than one pilot for all could be.
  EXPECT_LT(WorstError(moments, ReferenceMoments(near, d, false)), 1e-8);
}

TEST(Gram, MergeItselfIsExact) {
  // Integer data: every float32 product and sum is exact, so only the merge's own rounding is left.
  const size_t d = 30;
  Random random(23);
  std::vector<float> rows(2'048 * d);
  for (float& value : rows) value = static_cast<float>(static_cast<int>(random.Next() % 17) - 8);
  GramAccumulator a(d), b(d);
  ASSERT_TRUE(a.Add(rows.data(), 512, {}).ok());
  ASSERT_TRUE(b.Add(rows.data() + 512 * d, 1'536, {}).ok());
  ASSERT_TRUE(a.Merge(b).ok());
  Moments merged;
  ASSERT_TRUE(a.Finish(false, {}, &merged).ok());
  const Reference reference = ReferenceMoments(rows, d, false);
  EXPECT_LT(WorstError(merged, reference), 1e-6);
  GramAccumulator twice(d);
  ASSERT_TRUE(twice.Add(rows.data(), 512, {}).ok());
  Moments once;
  ASSERT_TRUE(twice.Finish(false, {}, &once).ok());
  ASSERT_TRUE(twice.Merge(twice).ok());
  Moments doubled;
  ASSERT_TRUE(twice.Finish(false, {}, &doubled).ok());
  EXPECT_EQ(doubled.rows, 1'024u);
  for (size_t i = 0; i < d * d; ++i) {
    EXPECT_NEAR(doubled.matrix[i] * 1'023 / 1'024, once.matrix[i] * 511 / 512, 1e-12 * once.matrix[0]);
  }
}

TEST(Gram, MergeOfFewRowsKeepsThemPending) {
  const size_t d = 12;
  const std::vector<float> rows = FeatureRows(900, d, 29);
  GramAccumulator a(d), b(d), empty(d), whole(d);
  ASSERT_TRUE(a.Add(rows.data(), 300, {}).ok());
  ASSERT_TRUE(b.Add(rows.data() + 300 * d, 600 - 100, {}).ok());
  ASSERT_TRUE(empty.Merge(a).ok());
  ASSERT_TRUE(empty.Merge(b).ok());
  ASSERT_TRUE(whole.Add(rows.data(), 800, {}).ok());
  EXPECT_EQ(Bytes(empty), Bytes(whole));
  GramAccumulator other(d + 1);
  EXPECT_EQ(empty.Merge(other).code(), "pca/dimension");
}

TEST(Gram, SerialisedStateGoesOnAsTheOriginal) {
  const size_t d = 77;
  const std::vector<float> rows = FeatureRows(2'000, d, 31);
  for (const size_t cut : Sizes{0, 1, 100, 512, 700, 1'536}) {
    GramAccumulator original(d);
    ASSERT_TRUE(original.Add(rows.data(), cut, {}).ok());
    const std::vector<uint8_t> bytes = Bytes(original);
    std::unique_ptr<GramAccumulator> restored;
    ASSERT_TRUE(GramAccumulator::Deserialize(bytes.data(), bytes.size(), &restored).ok());
    EXPECT_EQ(restored->count(), cut);
    ASSERT_TRUE(original.Add(rows.data() + cut * d, 2'000 - cut, {}).ok());
    ASSERT_TRUE(restored->Add(rows.data() + cut * d, 2'000 - cut, {}).ok());
    EXPECT_EQ(Bytes(*restored), Bytes(original));
  }
}

TEST(Gram, DamagedStateIsRefused) {
  const size_t d = 9;
  const std::vector<float> rows = FeatureRows(600, d, 37);
  GramAccumulator accumulator(d);
  AddAll(&accumulator, rows);
  const std::vector<uint8_t> good = Bytes(accumulator);
  std::unique_ptr<GramAccumulator> restored;
  for (size_t size = 0; size < good.size(); ++size) {
    ASSERT_EQ(GramAccumulator::Deserialize(good.data(), size, &restored).code(), "pca/state");
  }
  for (size_t at = 0; at < good.size(); at += 3) {
    std::vector<uint8_t> bad = good;
    bad[at] ^= 0x40;
    ASSERT_EQ(GramAccumulator::Deserialize(bad.data(), bad.size(), &restored).code(), "pca/state");
  }
  EXPECT_EQ(restored, nullptr);
}

TEST(Gram, NotFiniteNamesRowAndColumn) {
  const size_t d = 50;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    for (const size_t row : Sizes{0, 5, 511, 512, 1'300, 1'999}) {
      for (const std::vector<size_t>& slices : {std::vector<size_t>{}, {100}, {512}, {1'000}}) {
        std::vector<float> rows = FeatureRows(2'000, d, 41);
        rows[row * d + 49] = bad;
        GramAccumulator accumulator(d);
        Status status;
        size_t at = 0;
        std::vector<size_t> all = slices;
        all.push_back(2'000);
        for (const size_t n : all) {
          if (!status.ok()) break;
          status = accumulator.Add(rows.data() + at * d, std::min(n, 2'000 - at), {});
          at += n;
        }
        EXPECT_EQ(status.code(), "pca/not-finite");
        EXPECT_NE(status.message().find("row " + std::to_string(row) + ", column 49 "), std::string::npos)
            << status.message();
        EXPECT_EQ(accumulator.Add(rows.data(), 1, {}).code(), "pca/incomplete");
        Moments moments;
        EXPECT_EQ(accumulator.Finish(true, {}, &moments).code(), "pca/incomplete");
      }
    }
  }
}

TEST(Gram, HugeValuesAreNamedNotSilentlyInfinite) {
  std::vector<float> rows = FeatureRows(20, 4, 43);
  rows[4 * 3 + 2] = 3e38f;
  GramAccumulator accumulator(4);
  ASSERT_TRUE(accumulator.Add(rows.data(), 20, {}).ok());
  Moments moments;
  const Status status = accumulator.Finish(true, {}, &moments);
  EXPECT_EQ(status.code(), "pca/overflow");
  EXPECT_NE(status.message().find("column 2 "), std::string::npos);
}

TEST(Gram, TooFewRows) {
  const std::vector<float> rows = FeatureRows(1, 4, 47);
  GramAccumulator accumulator(4);
  Moments moments;
  EXPECT_EQ(accumulator.Finish(true, {}, &moments).code(), "pca/too-few-rows");
  ASSERT_TRUE(accumulator.Add(rows.data(), 1, {}).ok());
  EXPECT_EQ(accumulator.Finish(true, {}, &moments).code(), "pca/too-few-rows");
}

TEST(Gram, CancelBeforeTheFirstRowChangesNothing) {
  const std::vector<float> rows = FeatureRows(600, 8, 53);
  CancelToken cancel;
  GramAccumulator accumulator(8);
  cancel.Cancel();
  EXPECT_EQ(accumulator.Add(rows.data(), 600, Exec{nullptr, 1, &cancel}).code(), "cancelled");
  EXPECT_TRUE(accumulator.Add(rows.data(), 600, {}).ok());
  EXPECT_EQ(accumulator.count(), 600u);
}

TEST(Gemm, MatchesFloat64ForAnyShapeStrideAndTarget) {
  Random random(3);
  for (const auto& [m, n, k] : std::vector<std::array<size_t, 3>>{
           {1, 1, 1}, {3, 5, 7}, {8, 48, 256}, {9, 49, 257}, {100, 97, 300}, {130, 1, 513}, {1, 130, 20}}) {
    std::vector<double> a(m * k), b(k * n), c(m * n), expected(m * n);
    for (auto* matrix : {&a, &b, &c}) {
      for (double& value : *matrix) value = random.Gaussian();
    }
    for (size_t i = 0; i < m; ++i) {
      for (size_t j = 0; j < n; ++j) {
        double sum = 0;
        for (size_t p = 0; p < k; ++p) sum += a[i * k + p] * b[p * n + j];
        expected[i * n + j] = 2 * sum - 0.5 * c[i * n + j];
      }
    }
    std::vector<double> a_t(m * k), b_t(k * n);
    for (size_t i = 0; i < m; ++i) {
      for (size_t p = 0; p < k; ++p) a_t[p * m + i] = a[i * k + p];
    }
    for (size_t p = 0; p < k; ++p) {
      for (size_t j = 0; j < n; ++j) b_t[j * k + p] = b[p * n + j];
    }
    ThreadPool pool(3);
    ForEachTarget([&, m = m, n = n, k = k](const std::string&) {
      for (const bool transposed : {false, true}) {
        for (const size_t threads : Sizes{1, 3}) {
          std::vector<double> out = c;
          Gemm<double>(Exec{&pool, threads, nullptr}, m, n, k, 2.0,
                       transposed ? Strided<double>{a_t.data(), 1, m} : Strided<double>{a.data(), k, 1},
                       transposed ? Strided<double>{b_t.data(), 1, k} : Strided<double>{b.data(), n, 1}, -0.5,
                       out.data(), n);
          for (size_t i = 0; i < m * n; ++i) ASSERT_NEAR(out[i], expected[i], 1e-12 * static_cast<double>(k + 10));
          std::vector<float> af(a.begin(), a.end()), bf(b.begin(), b.end()), cf(m * n, -1e30f);
          Gemm<float>({}, m, n, k, 1.0f, {af.data(), k, 1}, {bf.data(), n, 1}, 0.0f, cf.data(), n);
          for (size_t i = 0; i < m * n; ++i) {
            ASSERT_NEAR(static_cast<double>(cf[i]), (expected[i] + 0.5 * c[i]) / 2,
                        1e-5 * std::sqrt(static_cast<double>(k) + 10));
          }
        }
      }
    });
  }
}

}  // namespace
}  // namespace verger::linalg

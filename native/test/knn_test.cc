#include "core/linalg/knn.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "linalg_support.h"

namespace verger::linalg {
namespace {

using test::FeatureRows;
using test::ForEachTarget;

double NaiveCosine(const float* a, const float* b, size_t d) {
  double dot = 0;
  double aa = 0;
  double bb = 0;
  for (size_t j = 0; j < d; ++j) {
    dot += static_cast<double>(a[j]) * static_cast<double>(b[j]);
    aa += static_cast<double>(a[j]) * static_cast<double>(a[j]);
    bb += static_cast<double>(b[j]) * static_cast<double>(b[j]);
  }
  return aa == 0 || bb == 0 ? 0 : dot / std::sqrt(aa * bb);
}

std::vector<float> Similarities(const std::vector<float>& rows, size_t d, const float* query, const Exec& exec = {}) {
  std::vector<float> out(rows.size() / d, -7);
  EXPECT_TRUE(CosineSimilarities(rows.data(), out.size(), d, query, out.data(), exec).ok());
  return out;
}

TEST(Knn, AgreesWithANaiveReferenceAtEveryLength) {
  ForEachTarget([](const std::string&) {
    for (const size_t d : {1, 3, 15, 16, 63, 64, 65, 511, 512, 513, 1280, 2049}) {
      const size_t n = 300;
      const std::vector<float> rows = FeatureRows(n, d, 11 + d);
      const float* query = rows.data() + 7 * d;
      const std::vector<float> out = Similarities(rows, d, query);
      for (size_t i = 0; i < n; ++i) {
        ASSERT_NEAR(out[i], NaiveCosine(rows.data() + i * d, query, d), 2e-6) << "d " << d << " row " << i;
      }
    }
  });
}

TEST(Knn, ZerosAreLikeNothingAndARowIsLikeItself) {
  ForEachTarget([](const std::string&) {
    const size_t d = 130;
    std::vector<float> rows = FeatureRows(4, d, 3, 0.1);
    std::fill_n(rows.begin() + 2 * d, d, 0.0F);
    for (size_t j = 0; j < d; ++j) rows[3 * d + j] = -2 * rows[d + j];
    const std::vector<float> out = Similarities(rows, d, rows.data() + d);
    EXPECT_NEAR(out[1], 1, 1e-6);
    EXPECT_LE(out[1], 1);
    EXPECT_EQ(out[2], 0);
    EXPECT_NEAR(out[3], -1, 1e-6);
    EXPECT_GE(out[3], -1);
    for (const float value : Similarities(rows, d, rows.data() + 2 * d)) EXPECT_EQ(value, 0);
  });
}

TEST(Knn, ValuesThatAreNotFiniteStayInTheirRow) {
  const size_t d = 70;
  std::vector<float> rows = FeatureRows(3, d, 5, 0.1);
  rows[d + 69] = std::numeric_limits<float>::quiet_NaN();
  rows[2 * d] = std::numeric_limits<float>::infinity();
  const std::vector<float> out = Similarities(rows, d, rows.data());
  EXPECT_NEAR(out[0], 1, 1e-6);
  EXPECT_TRUE(std::isnan(out[1]));
  EXPECT_TRUE(std::isnan(out[2]));
}

TEST(Knn, IsBitwiseTheSameForAnyThreadsAndSlicing) {
  const size_t d = 200;
  const size_t n = 3'000;
  const std::vector<float> rows = FeatureRows(n, d, 9);
  const std::vector<float> whole = Similarities(rows, d, rows.data());
  for (const size_t threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(0, std::memcmp(whole.data(), Similarities(rows, d, rows.data(), Exec{&pool, 0, nullptr}).data(),
                             n * sizeof(float)));
  }
  std::vector<float> sliced(n);
  for (size_t at = 0; at < n; at += 777) {
    const size_t count = std::min<size_t>(777, n - at);
    ASSERT_TRUE(CosineSimilarities(rows.data() + at * d, count, d, rows.data(), sliced.data() + at, {}).ok());
  }
  EXPECT_EQ(whole, sliced);
}

TEST(Knn, StopsWhenCancelled) {
  const size_t d = 8;
  const std::vector<float> rows = FeatureRows(1'000, d, 2);
  std::vector<float> out(1'000);
  CancelToken cancel;
  cancel.Cancel();
  EXPECT_EQ(CosineSimilarities(rows.data(), 1'000, d, rows.data(), out.data(), Exec{nullptr, 1, &cancel}).code(),
            "cancelled");
}

}  // namespace
}  // namespace verger::linalg

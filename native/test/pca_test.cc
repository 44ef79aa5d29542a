#include "core/linalg/pca.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "linalg_support.h"

namespace verger::linalg {
namespace {

using test::FeatureRows;
using test::ForEachTarget;
using test::JacobiEigenvalues;
using test::Reference;
using test::ReferenceMoments;
using test::Sizes;

Status Fit(const std::vector<float>& rows, size_t d, const PcaOptions& options, PcaModel* model,
           const Exec& exec = {}) {
  GramAccumulator accumulator(d);
  VERGER_RETURN_IF_ERROR(accumulator.Add(rows.data(), rows.size() / d, exec));
  Moments moments;
  VERGER_RETURN_IF_ERROR(accumulator.Finish(options.standardize, exec, &moments));
  return FitPca(std::move(moments), options, exec, model);
}

PcaOptions Keep(size_t components, bool standardize = true, Solver solver = Solver::kAuto) {
  PcaOptions options;
  options.components = components;
  options.standardize = standardize;
  options.solver = solver;
  return options;
}

TEST(Pca, ExplainedVarianceMatchesFloat64) {
  for (const double offset : {0.0, 1'000.0}) {
    for (const auto& [n, d] : std::vector<std::pair<size_t, size_t>>{{2, 5}, {40, 90}, {300, 60}, {2'000, 80}}) {
      const std::vector<float> rows = FeatureRows(n, d, n + d, offset);
      for (const bool standardize : {true, false}) {
        const Reference reference = ReferenceMoments(rows, d, standardize);
        const std::vector<double> expected = JacobiEigenvalues(reference.matrix, d);
        for (const Solver solver : {Solver::kExact, Solver::kRandomized}) {
          const size_t k = std::min({n - 1, d, size_t{10}});
          PcaModel model;
          ASSERT_TRUE(Fit(rows, d, Keep(k, standardize, solver), &model).ok());
          EXPECT_NEAR(model.total_variance, reference.total, 1e-6 * reference.total);
          for (size_t i = 0; i < k; ++i) {
            EXPECT_NEAR(model.explained_variance[i], expected[i], 1e-6 * expected[i])
                << n << " x " << d << " " << model.solver << " component " << i;
          }
        }
      }
    }
  }
}

TEST(Pca, SolversAgreeOnAWiderProblem) {
  const size_t d = 320;
  const std::vector<float> rows = FeatureRows(2'500, d, 3);
  for (const double variance : {0.3, 0.5}) {
    PcaOptions options;
    options.variance = variance;
    PcaModel models[3];
    for (const Solver solver : {Solver::kAuto, Solver::kExact, Solver::kRandomized}) {
      options.solver = solver;
      ASSERT_TRUE(Fit(rows, d, options, &models[static_cast<int>(solver)]).ok());
    }
    EXPECT_EQ(models[1].solver, "exact");
    EXPECT_EQ(models[2].solver, "randomized");
    EXPECT_LT(models[2].residual, 2e-5);
    for (const PcaModel& model : models) {
      ASSERT_EQ(model.components, models[1].components);
      for (size_t i = 0; i < model.components; ++i) {
        EXPECT_NEAR(model.explained_variance[i], models[1].explained_variance[i],
                    1e-8 * models[1].explained_variance[i]);
      }
    }
  }
}

TEST(Pca, ComponentsForATargetAsScikitLearnCounts) {
  PcaOptions options;
  const std::vector<double> values = {5, 3, 1, 1};
  const auto choose = [&](double variance) {
    options.variance = variance;
    return ChooseComponents(options, values, 10, 100, 4);
  };
  EXPECT_EQ(choose(0.4), 1u);
  EXPECT_EQ(choose(0.5), 2u);  // 0.5 is reached, not exceeded: searchsorted(side="right")
  EXPECT_EQ(choose(0.79), 2u);
  EXPECT_EQ(choose(0.85), 3u);
  EXPECT_EQ(choose(1), 4u);
  // With only some of the values known, a target beyond them asks for more.
  EXPECT_EQ(ChooseComponents(options, {5, 3}, 10, 100, 4), 0u);
  // Target 1 leaves out what is numerically zero.
  EXPECT_EQ(ChooseComponents(options, {6, 4, 1e-17, 0}, 10, 100, 4), 2u);
}

TEST(Pca, FewerRowsThanFeaturesAndAllTheVariance) {
  const size_t d = 200;
  const std::vector<float> rows = FeatureRows(30, d, 5);
  PcaOptions options;
  options.variance = 1;
  PcaModel model;
  ASSERT_TRUE(Fit(rows, d, options, &model).ok());
  EXPECT_EQ(model.components, 29u);
  double sum = 0;
  for (const double value : model.explained_variance) sum += value;
  EXPECT_NEAR(sum, model.total_variance, 1e-6 * model.total_variance);
  // As scikit-learn, min(n, d) components may be asked for though the last has no variance.
  ASSERT_TRUE(Fit(rows, d, Keep(30), &model).ok());
  EXPECT_NEAR(model.explained_variance[29], 0, 1e-4);
  EXPECT_EQ(Fit(rows, d, Keep(31), &model).code(), "pca/components");
}

TEST(Pca, DuplicatedColumnsShareTheirLoadings) {
  const size_t d = 40;
  std::vector<float> rows = FeatureRows(1'000, d, 7);
  for (size_t i = 0; i < 1'000; ++i) {
    rows[i * d + 11] = rows[i * d + 2];
    rows[i * d + 30] = rows[i * d + 2];
  }
  PcaModel model;
  ASSERT_TRUE(Fit(rows, d, Keep(38), &model).ok());
  for (size_t c = 0; c < 38; ++c) {
    EXPECT_NEAR(model.loadings[c * d + 2], model.loadings[c * d + 11], 1e-6);
    EXPECT_NEAR(model.loadings[c * d + 2], model.loadings[c * d + 30], 1e-6);
  }
}

TEST(Pca, LargestLoadingIsPositive) {
  const size_t d = 70;
  PcaModel model;
  ASSERT_TRUE(Fit(FeatureRows(900, d, 9), d, Keep(20), &model).ok());
  for (size_t c = 0; c < 20; ++c) {
    const float* row = model.loadings.data() + c * d;
    float largest = 0;
    double square = 0;
    for (size_t j = 0; j < d; ++j) {
      if (std::abs(row[j]) > std::abs(largest)) largest = row[j];
      square += static_cast<double>(row[j]) * static_cast<double>(row[j]);
    }
    EXPECT_GT(largest, 0);
    EXPECT_NEAR(square, 1, 1e-6);
  }
  std::vector<double> tie = {0.1, -0.5, 0.5 + 1e-12, 0};
  FixSign(tie.data(), 4);
  EXPECT_EQ(tie[1], 0.5);  // of equals the first decides
}

TEST(Pca, RefusesWhatMakesNoSense) {
  const std::vector<float> rows = FeatureRows(50, 6, 11);
  PcaModel model;
  EXPECT_EQ(Fit(rows, 6, Keep(7), &model).code(), "pca/components");
  PcaOptions options;
  for (const double variance : {0.0, -0.1, 1.0001, std::nan("")}) {
    options.variance = variance;
    EXPECT_EQ(Fit(rows, 6, options, &model).code(), "pca/variance");
  }
  EXPECT_EQ(Fit(std::vector<float>(600, 4.2f), 6, {}, &model).code(), "pca/no-variance");
  EXPECT_EQ(CheckOptions({}, 1, 6).code(), "pca/too-few-rows");
}

TEST(Pca, SameBitsForAnyThreads) {
  const size_t d = 300;
  const std::vector<float> rows = FeatureRows(1'500, d, 13);
  ThreadPool pool(4);
  for (const Solver solver : {Solver::kExact, Solver::kRandomized}) {
    PcaModel expected;
    ASSERT_TRUE(Fit(rows, d, Keep(12, true, solver), &expected).ok());
    for (const size_t threads : Sizes{1, 2, 3, 5}) {
      PcaModel model;
      ASSERT_TRUE(Fit(rows, d, Keep(12, true, solver), &model, Exec{&pool, threads, nullptr}).ok());
      EXPECT_EQ(model.loadings, expected.loadings);
      EXPECT_EQ(model.explained_variance, expected.explained_variance);
    }
  }
}

TEST(PcaProjector, MatchesFloat64OnEveryTarget) {
  for (const auto& [n, d, k] :
       std::vector<std::array<size_t, 3>>{{1, 1, 1}, {7, 50, 3}, {100, 300, 49}, {203, 257, 100}, {64, 600, 33}}) {
    for (const double offset : {0.0, 1'000.0}) {
      const std::vector<float> rows = FeatureRows(std::max<size_t>(n, 150), d, d, offset);
      const Reference reference = ReferenceMoments(rows, d, true);
      Random random(15);
      std::vector<float> loadings(k * d);
      for (float& value : loadings) value = static_cast<float>(random.Gaussian() / std::sqrt(static_cast<double>(d)));
      ForEachTarget([&, n = n, d = d, k = k](const std::string&) {
        const PcaProjector projector(d, k, reference.mean.data(), reference.scale.data(), loadings.data());
        std::vector<float> out(n * k);
        ASSERT_TRUE(projector.Transform(rows.data(), n, out.data(), {}).ok());
        for (size_t i = 0; i < n; ++i) {
          for (size_t c = 0; c < k; ++c) {
            double sum = 0;
            for (size_t j = 0; j < d; ++j) {
              sum += (static_cast<double>(rows[i * d + j]) - reference.mean[j]) / reference.scale[j] *
                     static_cast<double>(loadings[c * d + j]);
            }
            ASSERT_NEAR(static_cast<double>(out[i * k + c]), sum, 1e-5) << n << " x " << d << " to " << k;
          }
        }
      });
    }
  }
}

TEST(PcaProjector, ARowsScoresDependOnThatRowAlone) {
  const size_t n = 500;
  const size_t d = 260;
  const size_t k = 50;
  const std::vector<float> rows = FeatureRows(n, d, 17);
  PcaModel model;
  ASSERT_TRUE(Fit(rows, d, Keep(k), &model).ok());
  const PcaProjector projector(d, k, model.mean.data(), model.scale.data(), model.loadings.data());
  std::vector<float> expected(n * k);
  ASSERT_TRUE(projector.Transform(rows.data(), n, expected.data(), {}).ok());
  ThreadPool pool(4);
  for (const size_t threads : Sizes{1, 2, 3, 5}) {
    for (const size_t slice : Sizes{1, 7, 96, 499, 500}) {
      std::vector<float> out(n * k);
      for (size_t at = 0; at < n; at += slice) {
        ASSERT_TRUE(projector
                        .Transform(rows.data() + at * d, std::min(slice, n - at), out.data() + at * k,
                                   Exec{&pool, threads, nullptr})
                        .ok());
      }
      EXPECT_EQ(out, expected);
    }
  }
}

TEST(PcaProjector, NotFiniteNamesRowAndColumn) {
  const size_t d = 30;
  std::vector<float> rows = FeatureRows(100, d, 19);
  PcaModel model;
  ASSERT_TRUE(Fit(rows, d, Keep(4), &model).ok());
  const PcaProjector projector(d, 4, model.mean.data(), model.scale.data(), model.loadings.data());
  rows[60 * d + 12] = std::nanf("");
  std::vector<float> out(400);
  const Status status = projector.Transform(rows.data(), 100, out.data(), {});
  EXPECT_EQ(status.code(), "pca/not-finite");
  EXPECT_NE(status.message().find("row 60, column 12 "), std::string::npos);
}

}  // namespace
}  // namespace verger::linalg

#include "core/linalg/sketch.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "linalg_support.h"

namespace verger::linalg {
namespace {

using test::FeatureRows;
using test::Sizes;

Status Solve(SketchSolver* solver, const std::vector<float>& rows, size_t slice = 1'000'000, const Exec& exec = {}) {
  const size_t d = solver->dimension();
  const size_t n = rows.size() / d;
  while (!solver->done()) {
    for (size_t at = 0; at < n; at += slice) {
      VERGER_RETURN_IF_ERROR(solver->Add(rows.data() + at * d, std::min(slice, n - at), exec));
    }
    VERGER_RETURN_IF_ERROR(solver->EndPass(exec));
  }
  return Status::Ok();
}

// The same data through the Gram matrix and the exact solver.
PcaModel ThroughGram(const std::vector<float>& rows, size_t d, PcaOptions options) {
  GramAccumulator accumulator(d);
  EXPECT_TRUE(accumulator.Add(rows.data(), rows.size() / d, {}).ok());
  Moments moments;
  EXPECT_TRUE(accumulator.Finish(options.standardize, {}, &moments).ok());
  options.solver = Solver::kExact;
  PcaModel model;
  EXPECT_TRUE(FitPca(std::move(moments), options, {}, &model).ok());
  return model;
}

TEST(Sketch, MatchesTheGramSolver) {
  const size_t d = 700;
  for (const double offset : {0.0, 1'000.0}) {
    std::vector<float> rows = FeatureRows(1'100, d, 3, offset);
    for (size_t i = 0; i < 1'100; ++i) rows[i * d + 5] = 2.5f;  // a constant column
    for (const bool standardize : {true, false}) {
      for (const size_t components : Sizes{0, 1, 10, 25}) {
        PcaOptions options;
        options.standardize = standardize;
        options.components = components;
        options.variance = 0.55;
        const PcaModel expected = ThroughGram(rows, d, options);
        SketchSolver solver(d, options);
        ASSERT_TRUE(Solve(&solver, rows).ok());
        const PcaModel& model = solver.model();
        EXPECT_EQ(model.solver, "sketch");
        EXPECT_EQ(model.rows, 1'100u);
        ASSERT_EQ(model.components, expected.components);
        EXPECT_NEAR(model.total_variance, expected.total_variance, 2e-6 * expected.total_variance);
        EXPECT_LT(model.residual, 1e-4);
        for (size_t j = 0; j < d; ++j) {
          EXPECT_NEAR(model.mean[j], expected.mean[j], 1e-6);
          EXPECT_NEAR(model.scale[j], expected.scale[j], 1e-6 * expected.scale[j]);
        }
        for (size_t c = 0; c < model.components; ++c) {
          EXPECT_NEAR(model.explained_variance[c], expected.explained_variance[c],
                      2e-6 * expected.explained_variance[c]);
        }
        // The leading ten are well apart in this data, so their loadings are comparable one by one.
        for (size_t c = 0; c < std::min<size_t>(model.components, 10); ++c) {
          double dot = 0;
          for (size_t j = 0; j < d; ++j) {
            dot += static_cast<double>(model.loadings[c * d + j]) * static_cast<double>(expected.loadings[c * d + j]);
          }
          EXPECT_NEAR(dot, 1, 1e-5);
        }
      }
    }
  }
}

TEST(Sketch, SameBitsForAnyThreadsAndSlices) {
  const size_t d = 300;
  const std::vector<float> rows = FeatureRows(900, d, 5);
  PcaOptions options;
  options.components = 6;
  SketchSolver whole(d, options);
  ASSERT_TRUE(Solve(&whole, rows).ok());
  ThreadPool pool(4);
  for (const size_t threads : Sizes{1, 2, 3, 5}) {
    for (const size_t slice : Sizes{1, 255, 256, 600}) {
      SketchSolver solver(d, options);
      ASSERT_TRUE(Solve(&solver, rows, slice, Exec{&pool, threads, nullptr}).ok());
      EXPECT_EQ(solver.model().loadings, whole.model().loadings);
      EXPECT_EQ(solver.model().explained_variance, whole.model().explained_variance);
      EXPECT_EQ(solver.model().mean, whole.model().mean);
    }
  }
}

TEST(Sketch, FewerRowsThanDirections) {
  const size_t d = 500;
  const std::vector<float> rows = FeatureRows(20, d, 7);
  PcaOptions options;
  options.variance = 0.9;
  const PcaModel expected = ThroughGram(rows, d, options);
  SketchSolver solver(d, options);
  ASSERT_TRUE(Solve(&solver, rows).ok());
  ASSERT_EQ(solver.model().components, expected.components);
  for (size_t c = 0; c < expected.components; ++c) {
    EXPECT_NEAR(solver.model().explained_variance[c], expected.explained_variance[c],
                2e-6 * expected.explained_variance[c]);
  }
}

TEST(Sketch, RefusesWhatMakesNoSense) {
  const size_t d = 40;
  std::vector<float> rows = FeatureRows(60, d, 9);
  PcaOptions options;
  options.components = 41;
  SketchSolver many(d, options);
  EXPECT_EQ(Solve(&many, rows).code(), "pca/components");
  EXPECT_EQ(many.Add(rows.data(), 1, {}).code(), "pca/incomplete");

  SketchSolver one(d, {});
  EXPECT_EQ(Solve(&one, std::vector<float>(rows.begin(), rows.begin() + d)).code(), "pca/too-few-rows");
  SketchSolver constant(d, {});
  EXPECT_EQ(Solve(&constant, std::vector<float>(10 * d, 1.5f)).code(), "pca/no-variance");

  SketchSolver changed(d, {});
  ASSERT_TRUE(changed.Add(rows.data(), 60, {}).ok());
  ASSERT_TRUE(changed.EndPass({}).ok());
  ASSERT_TRUE(changed.Add(rows.data(), 59, {}).ok());
  EXPECT_EQ(changed.EndPass({}).code(), "pca/source-changed");

  rows[33 * d + 39] = std::numeric_limits<float>::infinity();
  SketchSolver bad(d, {});
  const Status status = Solve(&bad, rows, 10);
  EXPECT_EQ(status.code(), "pca/not-finite");
  EXPECT_NE(status.message().find("row 33, column 39 "), std::string::npos) << status.message();
}

// White noise has no low-rank part: a large share of it needs more directions than a few blocks hold.
TEST(Sketch, SaysWhenTheTargetIsOutOfReach) {
  const size_t d = 3'000;
  Random random(11);
  std::vector<float> rows(3'200 * d);
  for (float& value : rows) value = static_cast<float>(random.Gaussian());
  PcaOptions options;
  options.variance = 0.999;
  SketchSolver solver(d, options);
  solver.LimitDirections(300);
  ThreadPool pool(2);
  const Status status = Solve(&solver, rows, 1'000'000, Exec{&pool, 0, nullptr});
  EXPECT_EQ(status.code(), "pca/rank");
  EXPECT_NE(status.message().find("0.999"), std::string::npos);
}

}  // namespace
}  // namespace verger::linalg

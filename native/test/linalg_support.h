// Data and references for the linear-algebra tests.
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/linalg/random.h"

namespace verger::linalg::test {

using Sizes = std::vector<size_t>;

// n x d rows: ten latent factors of falling weight, plus noise, rectified like a network's features.
inline std::vector<float> FeatureRows(size_t n, size_t d, uint64_t seed, double offset = 0) {
  Random random(seed);
  constexpr size_t kFactors = 10;
  std::vector<double> weights(kFactors * d);
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = random.Gaussian() / std::sqrt(1.0 + static_cast<double>(i / d));
  }
  std::vector<float> rows(n * d);
  for (size_t i = 0; i < n; ++i) {
    double latent[kFactors];
    for (double& value : latent) value = random.Gaussian();
    for (size_t j = 0; j < d; ++j) {
      double value = 0.3 * random.Gaussian();
      for (size_t f = 0; f < kFactors; ++f) value += latent[f] * weights[f * d + j];
      rows[i * d + j] = static_cast<float>(std::max(0.0, value) + offset);
    }
  }
  return rows;
}

struct Reference {
  std::vector<double> mean;
  std::vector<double> scale;
  std::vector<double> matrix;  // d x d
  double total = 0;
};

// Two passes in float64.
inline Reference ReferenceMoments(const std::vector<float>& rows, size_t d, bool standardize) {
  const size_t n = rows.size() / d;
  Reference r{std::vector<double>(d, 0.0), std::vector<double>(d, 1.0), std::vector<double>(d * d, 0.0)};
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < d; ++j) r.mean[j] += static_cast<double>(rows[i * d + j]);
  }
  for (double& value : r.mean) value /= static_cast<double>(n);
  std::vector<double> x(d);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < d; ++j) x[j] = static_cast<double>(rows[i * d + j]) - r.mean[j];
    for (size_t j = 0; j < d; ++j) {
      for (size_t k = 0; k < d; ++k) r.matrix[j * d + k] += x[j] * x[k];
    }
  }
  for (double& value : r.matrix) value /= static_cast<double>(n - 1);
  if (standardize) {
    for (size_t j = 0; j < d; ++j) {
      if (r.matrix[j * d + j] > 0) r.scale[j] = std::sqrt(r.matrix[j * d + j]);
    }
    for (size_t j = 0; j < d; ++j) {
      for (size_t k = 0; k < d; ++k) r.matrix[j * d + k] /= r.scale[j] * r.scale[k];
    }
  }
  for (size_t j = 0; j < d; ++j) r.total += r.matrix[j * d + j];
  return r;
}

// Eigenvalues (descending) and eigenvectors (columns) by cyclic Jacobi rotations: slow, simple and accurate.
inline std::vector<double> JacobiEigenvalues(std::vector<double> a, size_t n) {
  for (int sweep = 0; sweep < 60; ++sweep) {
    double off = 0;
    double all = 0;
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) (i == j ? all : off) += a[i * n + j] * a[i * n + j];
    }
    if (off <= 1e-30 * all) break;
    for (size_t p = 0; p < n; ++p) {
      for (size_t q = p + 1; q < n; ++q) {
        if (a[p * n + q] == 0) continue;
        const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
        const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::hypot(theta, 1.0));
        const double c = 1 / std::hypot(t, 1.0);
        const double s = t * c;
        for (size_t k = 0; k < n; ++k) {
          const double x = a[k * n + p];
          const double y = a[k * n + q];
          a[k * n + p] = c * x - s * y;
          a[k * n + q] = s * x + c * y;
        }
        for (size_t k = 0; k < n; ++k) {
          const double x = a[p * n + k];
          const double y = a[q * n + k];
          a[p * n + k] = c * x - s * y;
          a[q * n + k] = s * x + c * y;
        }
      }
    }
  }
  std::vector<double> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = a[i * n + i];
  std::sort(values.begin(), values.end(), std::greater<double>());
  return values;
}

// Runs `body` once per instruction set that this machine and this build have.
inline void ForEachTarget(const std::function<void(const std::string& name)>& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(target));
    body(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace verger::linalg::test

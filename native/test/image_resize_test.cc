// The streaming SIMD resize against a plain one in double precision, for every instruction set that this machine has.
#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/image/resize.h"
#include "image_fixtures.h"

namespace verger::image {
namespace {

using fixtures::Noise;
using fixtures::Picture;
using fixtures::Random;

// Levels, of 255: float32 against double, with and without fused multiply-add.
constexpr double kTolerance = 1e-3;

double FilterAt(Filter filter, double x) {
  x = std::abs(x);
  if (filter == Filter::kBilinear) return std::max(0.0, 1.0 - x);
  if (x < 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
  if (x < 2) return -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2;
  return 0;
}

struct Plain {
  Filter filter = Filter::kBicubic;
  double left = 0, top = 0, right = 0, bottom = 0;
  size_t width = 0, height = 0;
};

// One axis of one line: `get(i)` is input i.
template <class Get>
double Sample(Filter filter, size_t in, double low, double high, size_t out, size_t index, const Get& get) {
  const double scale = (high - low) / static_cast<double>(out);
  const double widen = std::max(1.0, scale);
  const double reach = (filter == Filter::kBilinear ? 1 : 2) * widen;
  const double center = low + (static_cast<double>(index) + 0.5) * scale;
  const auto first = static_cast<size_t>(std::max(0.0, std::trunc(center - reach + 0.5)));
  const auto last = static_cast<size_t>(std::min(static_cast<double>(in), std::trunc(center + reach + 0.5)));
  double sum = 0;
  double total = 0;
  for (size_t i = first; i < last; ++i) {
    const double weight = FilterAt(filter, (static_cast<double>(i) + 0.5 - center) / widen);
    sum += weight * get(i);
    total += weight;
  }
  return std::clamp(sum / total, 0.0, 255.0);
}

// Three planes.
std::vector<double> ResizePlainly(const Picture& picture, const Plain& plain) {
  std::vector<double> narrow(3 * picture.height * plain.width);
  std::vector<double> out(3 * plain.height * plain.width);
  for (size_t c = 0; c < 3; ++c) {
    for (size_t y = 0; y < picture.height; ++y) {
      for (size_t x = 0; x < plain.width; ++x) {
        narrow[(c * picture.height + y) * plain.width + x] =
            Sample(plain.filter, picture.width, plain.left, plain.right, plain.width, x,
                   [&](size_t i) { return static_cast<double>(picture.at(i, y)[c]); });
      }
    }
    for (size_t y = 0; y < plain.height; ++y) {
      for (size_t x = 0; x < plain.width; ++x) {
        out[(c * plain.height + y) * plain.width + x] =
            Sample(plain.filter, picture.height, plain.top, plain.bottom, plain.height, y,
                   [&](size_t i) { return narrow[(c * picture.height + i) * plain.width + x]; });
      }
    }
  }
  return out;
}

// Rows of `picture`, each with its own padding of garbage.
std::vector<std::vector<uint8_t>> PaddedRows(const Picture& picture) {
  std::vector<std::vector<uint8_t>> rows;
  for (size_t y = 0; y < picture.height; ++y) {
    rows.emplace_back(picture.at(0, y), picture.at(0, y) + picture.width * 3);
    rows.back().resize(picture.width * 3 + kRowPadding, 0xab);
  }
  return rows;
}

// Runs `resizer` into memory that begins `misalign` floats behind a cache line, `band` rows at a time, and checks that
// nothing around it is touched.
std::vector<float> ResizeOurs(Resizer& resizer, const Picture& picture, const Plain& plain, size_t misalign,
                              size_t band, float scale = 1, float bias = 0) {
  constexpr float kCanary = -12345.0f;
  constexpr size_t kMargin = 64;
  const size_t plane = plain.width * plain.height;
  Buffer<float> memory;
  const size_t size = kMargin + misalign + 3 * plane + kMargin;
  EXPECT_TRUE(memory.Reserve(size));
  std::fill_n(memory.data(), size, kCanary);
  float* const out = memory.data() + kMargin + misalign;
  ResizeSpec spec;
  spec.filter = plain.filter;
  spec.in_width = picture.width;
  spec.in_height = picture.height;
  spec.left = plain.left;
  spec.top = plain.top;
  spec.right = plain.right;
  spec.bottom = plain.bottom;
  spec.out_width = plain.width;
  spec.out_height = plain.height;
  spec.scale = {scale, scale, scale};
  spec.bias = {bias, bias, bias};
  for (size_t c = 0; c < 3; ++c) spec.planes[c] = out + c * plane;
  EXPECT_TRUE(resizer.Begin(spec).ok());
  const auto rows = PaddedRows(picture);
  for (size_t y = 0; y < picture.height; y += band) {
    std::vector<const uint8_t*> pointers;
    for (size_t i = y; i < std::min(y + band, picture.height); ++i) pointers.push_back(rows[i].data());
    resizer.Rows(pointers.data(), pointers.size());
  }
  for (size_t i = 0; i < kMargin + misalign; ++i) EXPECT_EQ(memory.data()[i], kCanary) << "written before the tensor";
  for (size_t i = 0; i < kMargin; ++i) EXPECT_EQ(out[3 * plane + i], kCanary) << "written behind the tensor";
  return std::vector<float>(out, out + 3 * plane);
}

double Worst(const std::vector<float>& ours, const std::vector<double>& plain) {
  double worst = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    const double error = std::abs(static_cast<double>(ours[i]) - plain[i]);
    // A NaN compares false with everything: it must count as an error.
    if (!(error <= worst)) worst = std::isnan(error) ? 1e9 : error;
  }
  return worst;
}

Plain Whole(const Picture& picture, Filter filter, size_t width, size_t height) {
  return {filter, 0, 0, static_cast<double>(picture.width), static_cast<double>(picture.height), width, height};
}

// Each test runs once per instruction set.
class ResizeTest : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override {
    hwy::SetSupportedTargetsForTest(GetParam());
    hwy::GetChosenTarget().DeInit();
    ASSERT_EQ(ActiveSimdTarget(), hwy::TargetName(GetParam()));
  }
  void TearDown() override {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().DeInit();
  }
};

TEST_P(ResizeTest, MatchesThePlainResizeForOddSizes) {
  struct Case {
    size_t in_width, in_height, width, height;
  };
  const Case cases[] = {
      {100, 100, 224, 224}, {100, 100, 128, 128}, {100, 75, 224, 160},  {1, 1, 1, 1},     {1, 1, 50, 40},
      {1, 90, 33, 31},      {90, 1, 31, 33},      {2, 2, 224, 224},     {3, 5, 7, 300},   {640, 48, 224, 17},
      {97, 61, 97, 61},     {225, 225, 224, 224}, {223, 223, 224, 224}, {600, 3, 5, 64},  {5, 500, 16, 2},
      {130, 70, 1, 1},      {64, 64, 15, 17},     {50, 50, 49, 512},    {1500, 9, 32, 9}, {40, 1200, 8, 3},
  };
  Resizer resizer;
  uint32_t seed = 1;
  for (const Case& c : cases) {
    const Picture picture = Noise(c.in_width, c.in_height, 3, seed++);
    for (const Filter filter : {Filter::kBilinear, Filter::kBicubic}) {
      const Plain plain = Whole(picture, filter, c.width, c.height);
      EXPECT_LE(Worst(ResizeOurs(resizer, picture, plain, seed % 16, 8), ResizePlainly(picture, plain)), kTolerance)
          << c.in_width << "x" << c.in_height << " -> " << c.width << "x" << c.height;
    }
  }
}

TEST_P(ResizeTest, MatchesThePlainResizeForRandomSizesPartsAndBands) {
  Resizer resizer;
  Random random(99);
  for (int i = 0; i < 300; ++i) {
    const Picture picture = Noise(random.Between(1, 90), random.Between(1, 90), 3, static_cast<uint32_t>(i));
    Plain plain = Whole(picture, random.Next() % 2 == 0 ? Filter::kBilinear : Filter::kBicubic, random.Between(1, 70),
                        random.Between(1, 70));
    if (i % 3 == 0) {
      const auto part = [&](size_t in, double* low, double* high) {
        const double size = static_cast<double>(in);
        *low = size * static_cast<double>(random.Between(0, 40)) / 100;
        *high = size - size * static_cast<double>(random.Between(0, 40)) / 100;
      };
      part(picture.width, &plain.left, &plain.right);
      part(picture.height, &plain.top, &plain.bottom);
    }
    const auto ours = ResizeOurs(resizer, picture, plain, random.Between(0, 15), random.Between(1, 30));
    ASSERT_LE(Worst(ours, ResizePlainly(picture, plain)), kTolerance)
        << picture.width << "x" << picture.height << " -> " << plain.width << "x" << plain.height << " part "
        << plain.left << "," << plain.top << " to " << plain.right << "," << plain.bottom;
  }
}

TEST_P(ResizeTest, IsTheSameHoweverRowsArriveAndMemoryLies) {
  const Picture picture = Noise(100, 83, 3, 5);
  const Plain plain = Whole(picture, Filter::kBicubic, 224, 96);
  Resizer resizer;
  const auto expected = ResizeOurs(resizer, picture, plain, 0, 83);
  for (const size_t band : std::initializer_list<size_t>{1, 2, 7, 8, 9, 50})
    EXPECT_EQ(ResizeOurs(resizer, picture, plain, 0, band), expected);
  for (size_t misalign = 1; misalign < 16; ++misalign) {
    EXPECT_EQ(ResizeOurs(resizer, picture, plain, misalign, 8), expected);
  }
}

TEST_P(ResizeTest, KeepsAnUnchangedPictureExactly) {
  const Picture picture = Noise(61, 47, 3, 3);
  Resizer resizer;
  for (const Filter filter : {Filter::kBilinear, Filter::kBicubic}) {
    const auto ours = ResizeOurs(resizer, picture, Whole(picture, filter, 61, 47), 0, 8);
    for (size_t y = 0; y < 47; ++y) {
      for (size_t x = 0; x < 61; ++x) {
        for (size_t c = 0; c < 3; ++c) {
          ASSERT_EQ(ours[(c * 47 + y) * 61 + x], static_cast<float>(picture.at(x, y)[c]));
        }
      }
    }
  }
}

TEST_P(ResizeTest, ClampsBeforeItNormalises) {
  // Black beside white: bicubic would overshoot on both sides.
  Picture picture{20, 20, 3, std::vector<uint8_t>(20 * 20 * 3, 0)};
  for (size_t y = 0; y < 20; ++y) {
    for (size_t x = 10; x < 20; ++x) std::fill_n(picture.at(x, y), 3, uint8_t{255});
  }
  Resizer resizer;
  const auto ours = ResizeOurs(resizer, picture, Whole(picture, Filter::kBicubic, 64, 64), 0, 8, 1 / 128.0f, -1);
  EXPECT_FLOAT_EQ(*std::min_element(ours.begin(), ours.end()), -1.0f);
  EXPECT_FLOAT_EQ(*std::max_element(ours.begin(), ours.end()), 255 / 128.0f - 1);
}

INSTANTIATE_TEST_SUITE_P(EveryTarget, ResizeTest, testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& param) { return std::string(hwy::TargetName(param.param)); });

TEST(AxisWeightsTest, SumToOneAndStayInside) {
  for (const Filter filter : {Filter::kBilinear, Filter::kBicubic}) {
    for (const size_t in : std::initializer_list<size_t>{1, 2, 3, 100, 1001}) {
      for (const size_t out : std::initializer_list<size_t>{1, 2, 7, 224}) {
        const AxisWeights axis = ComputeAxisWeights(filter, in, 0, static_cast<double>(in), out);
        for (size_t o = 0; o < out; ++o) {
          ASSERT_GE(axis.start[o], 0);
          ASSERT_GE(axis.count[o], 1);
          ASSERT_LE(static_cast<size_t>(axis.start[o] + axis.count[o]), in);
          double sum = 0;
          for (size_t t = 0; t < axis.taps; ++t) sum += static_cast<double>(axis.weights[o * axis.taps + t]);
          ASSERT_NEAR(sum, 1, 1e-5);
        }
      }
    }
  }
}

TEST(ResizerTest, ForgetsTheLeastRecentSizeOnly) {
  // More sizes than the cache holds, twice: entries are evicted and rebuilt, and never the one in use.
  Resizer resizer;
  for (int round = 0; round < 2; ++round) {
    for (size_t side = 5; side < 60; ++side) {
      const Picture picture = Noise(side, side + 1, 3, static_cast<uint32_t>(side));
      const Plain plain = Whole(picture, Filter::kBicubic, 16, 16);
      ASSERT_LE(Worst(ResizeOurs(resizer, picture, plain, 0, 8), ResizePlainly(picture, plain)), kTolerance);
    }
  }
}

}  // namespace
}  // namespace verger::image

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#if !defined(_WIN32)
#include <sys/stat.h>
#endif

#include "core/image/decode.h"
#include "core/image/jpeg.h"
#include "image_fixtures.h"

namespace verger::image {
namespace {

namespace fs = std::filesystem;
using fixtures::DecodePlainly;
using fixtures::EncodeJpegFile;
using fixtures::EncodePngFile;
using fixtures::EncodeWebpFile;
using fixtures::ExifBlock;
using fixtures::File;
using fixtures::Noise;
using fixtures::Picture;
using fixtures::Slopes;

Source InMemory(const File& file) { return {.path = "", .bytes = file, .in_memory = true}; }

File Shortened(const File& file, double share) {
  return File(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(file.size())));
}

Status ToRgb(const File& file, RgbImage* image, const DecodeLimits& limits = {}, size_t max_side = 0) {
  ImageDecoder decoder;
  return decoder.ToRgb(InMemory(file), max_side, limits, CancelToken(), image);
}

std::string CodeOf(const File& file, const DecodeLimits& limits = {}) {
  RgbImage image;
  const std::string code = ToRgb(file, &image, limits).code();
  // Both ways must agree.
  TensorTarget target;
  target.width = 8;
  target.height = 8;
  std::vector<float> out(target.floats());
  Header header;
  ImageDecoder decoder;
  EXPECT_EQ(decoder.ToTensor(InMemory(file), target, limits, CancelToken(), out.data(), &header).code(), code);
  return code;
}

void ExpectPixels(const File& file, const Picture& expected, int tolerance = 0) {
  RgbImage image;
  const Status status = ToRgb(file, &image);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(image.width, expected.width);
  ASSERT_EQ(image.height, expected.height);
  ASSERT_EQ(image.pixels.size(), expected.pixels.size());
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    ASSERT_LE(std::abs(int{image.pixels[i]} - int{expected.pixels[i]}), tolerance) << "at byte " << i;
  }
}

std::vector<float> Tensor(const File& file, const TensorTarget& target, const DecodeLimits& limits = {}) {
  std::vector<float> out(target.floats(), std::nanf(""));
  Header header;
  ImageDecoder decoder;
  const Status status = decoder.ToTensor(InMemory(file), target, limits, CancelToken(), out.data(), &header);
  EXPECT_TRUE(status.ok()) << status.message();
  return out;
}

TEST(JpegDecodeTest, EqualsLibjpegTurbosOwnOutput) {
  for (const auto& [width, height] :
       {std::pair<size_t, size_t>{100, 100}, {33, 57}, {1, 1}, {17, 1}, {1, 300}, {640, 9}}) {
    for (const bool progressive : {false, true}) {
      for (const bool halved : {false, true}) {
        const File file =
            EncodeJpegFile(Noise(width, height, 3, 7), {.progressive = progressive, .halved_chroma = halved});
        ExpectPixels(file, DecodePlainly(file));
      }
    }
  }
}

TEST(JpegDecodeTest, EqualsLibjpegTurbosOutputOnRealPhotos) {
  const char* folder = std::getenv("VERGER_PHOTOS");
  if (folder == nullptr || !fs::is_directory(folder)) GTEST_SKIP() << "VERGER_PHOTOS names no folder of photos";
  size_t seen = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".jpg" || ++seen % 97 != 0) continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    const File file{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    ExpectPixels(file, DecodePlainly(file));
  }
  EXPECT_GT(seen, 97U);
}

TEST(JpegDecodeTest, ReadsGrey) {
  const File file = EncodeJpegFile(Slopes(40, 30, 1));
  ExpectPixels(file, DecodePlainly(file));
}

TEST(JpegDecodeTest, ReadsArithmeticCoding) {
  const File file = EncodeJpegFile(Slopes(40, 30), {.arithmetic = true});
  ExpectPixels(file, DecodePlainly(file));
  EXPECT_EQ(CodeOf(Shortened(file, 0.6)), "image/truncated");
}

TEST(JpegDecodeTest, ReadsInks) {
  // As Adobe stores them, inverted: 255 is no ink.
  const std::pair<std::array<uint8_t, 4>, std::array<int, 3>> colours[] = {
      {{255, 255, 255, 255}, {255, 255, 255}}, {{255, 255, 255, 0}, {0, 0, 0}},
      {{0, 255, 255, 255}, {0, 255, 255}},     {{255, 0, 0, 255}, {255, 0, 0}},
      {{200, 100, 50, 128}, {100, 50, 25}},
  };
  for (const auto& [inks, rgb] : colours) {
    for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK}) {
      for (const bool adobe : {true, false}) {
        // Without its marker there is no YCCK, and inks are stored as they are.
        if (!adobe && stored == JCS_YCCK) continue;
        Picture picture{16, 16, 4, std::vector<uint8_t>(16 * 16 * 4)};
        for (size_t i = 0; i < picture.pixels.size(); ++i) {
          picture.pixels[i] = static_cast<uint8_t>(adobe ? inks[i % 4] : 255 - inks[i % 4]);
        }
        Picture expected{16, 16, 3, std::vector<uint8_t>(16 * 16 * 3)};
        for (size_t i = 0; i < expected.pixels.size(); ++i) expected.pixels[i] = static_cast<uint8_t>(rgb[i % 3]);
        ExpectPixels(EncodeJpegFile(picture, {.quality = 100, .adobe = adobe, .stored = stored}), expected, 3);
      }
    }
  }
}

TEST(JpegDecodeTest, TellsTruncatedFromWhole) {
  const Picture picture = Noise(64, 48, 3, 1);
  for (const bool progressive : {false, true}) {
    const File file = EncodeJpegFile(picture, {.progressive = progressive});
    EXPECT_EQ(CodeOf(file), "");
    for (const double share : {0.02, 0.3, 0.6, 0.9, 0.98}) {
      EXPECT_EQ(CodeOf(Shortened(file, share)), "image/truncated") << share << (progressive ? " progressive" : "");
    }
    // A new end marker behind half of the data.
    File ended = Shortened(file, 0.6);
    fixtures::AppendAll(ended, File{0xff, 0xd9});
    if (!progressive) {
      EXPECT_EQ(CodeOf(ended), "image/truncated");
    }
  }
  // Every pixel is there when only the end marker is missing, but a progressive file may miss whole scans.
  File file = EncodeJpegFile(picture);
  file.resize(file.size() - 2);
  EXPECT_EQ(CodeOf(file), "");
  file = EncodeJpegFile(picture, {.progressive = true});
  file.resize(file.size() - 2);
  EXPECT_EQ(CodeOf(file), "image/truncated");
}

TEST(JpegDecodeTest, IgnoresWhatFollowsThePicture) {
  File file = EncodeJpegFile(Slopes(32, 32));
  const Picture expected = DecodePlainly(file);
  fixtures::Append(file, "trailing bytes \xff\xd8\xff some cameras write");
  ExpectPixels(file, expected);
}

TEST(JpegDecodeTest, TellsCorruptData) {
  File file = EncodeJpegFile(Noise(64, 64, 3, 2));
  const size_t middle = file.size() / 2;
  file[middle] = 0xff;
  file[middle + 1] = 0xd3;  // a restart that nobody asked for
  EXPECT_EQ(CodeOf(file), "image/corrupt");
  file = EncodeJpegFile(Slopes(16, 16));
  const size_t tables = fixtures::FindMarker(file, 0xc4);
  std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(tables) + 5, 16, uint8_t{0xff});
  EXPECT_EQ(CodeOf(file), "image/corrupt");
}

TEST(JpegDecodeTest, RefusesWhatLibjpegCannotDo) {
  File file = EncodeJpegFile(Slopes(16, 16));
  file[fixtures::FindMarker(file, 0xc0) + 4] = 12;  // bits per sample
  EXPECT_EQ(CodeOf(file), "image/unsupported");
  file = EncodeJpegFile(Slopes(16, 16));
  file[fixtures::FindMarker(file, 0xc0) + 1] = 0xc3;  // lossless
  EXPECT_EQ(CodeOf(file), "image/unsupported");
}

TEST(JpegDecodeTest, LimitsScans) {
  // One scan per component for DC, then many for single coefficients.
  std::vector<jpeg_scan_info> scans;
  scans.push_back({1, {0, 0, 0, 0}, 0, 0, 0, 0});
  for (int k = 1; k < 64; ++k) scans.push_back({1, {0, 0, 0, 0}, k, k, 0, 0});
  const File file = EncodeJpegFile(Slopes(32, 32, 1), {.progressive = true, .scans = scans});
  DecodeLimits limits;
  limits.max_scans = 64;
  EXPECT_EQ(CodeOf(file, limits), "");
  limits.max_scans = 63;
  EXPECT_EQ(CodeOf(file, limits), "image/too-many-scans");
}

TEST(JpegDecodeTest, SurvivesCorruptMetadata) {
  const File file = EncodeJpegFile(Slopes(32, 24));
  const Picture expected = DecodePlainly(file);
  ExpectPixels(fixtures::WithJpegExif(file, File(300, 0xff)), expected);
  ExpectPixels(fixtures::WithJpegExif(file, Shortened(ExifBlock(6), 0.5)), expected);
  // A colour profile's segment that lies about its parts.
  File profile = fixtures::WithJpegExif(file, File{9, 3, 1, 2, 3}, std::string("ICC_PROFILE\0", 12));
  profile[3] = 0xe2;
  ExpectPixels(profile, expected);
}

TEST(JpegDecodeTest, ReducesWhileDecodingOnlyWhatIsTwiceTooLarge) {
  struct Case {
    size_t width, height, target_width, target_height;
    unsigned eighths;
  };
  const Case cases[] = {{400, 300, 50, 37, 2}, {400, 300, 50, 38, 3},  {99, 99, 25, 25, 8},   {100, 100, 25, 25, 4},
                        {800, 800, 50, 50, 1}, {1600, 900, 50, 50, 1}, {801, 403, 50, 50, 2}, {401, 267, 75, 50, 3},
                        {400, 266, 75, 50, 4}, {300, 300, 100, 100, 8}};
  for (const Case& c : cases) {
    const File file = EncodeJpegFile(Slopes(c.width, c.height));
    const Picture reduced = DecodePlainly(file, c.eighths);
    TensorTarget target;
    target.width = c.target_width;
    target.height = c.target_height;
    const std::vector<float> tensor = Tensor(file, target);
    // The same resize of libjpeg-turbo's own reduced picture.
    Resizer resizer;
    std::vector<float> expected(target.floats());
    ResizeSpec spec;
    spec.in_width = reduced.width;
    spec.in_height = reduced.height;
    spec.right = static_cast<double>(c.width) * c.eighths / 8;
    spec.bottom = static_cast<double>(c.height) * c.eighths / 8;
    spec.out_width = c.target_width;
    spec.out_height = c.target_height;
    for (size_t p = 0; p < 3; ++p) spec.planes[p] = expected.data() + p * c.target_width * c.target_height;
    ASSERT_TRUE(resizer.Begin(spec).ok());
    std::vector<uint8_t> padded = reduced.pixels;
    padded.resize(padded.size() + kRowPadding);
    for (size_t y = 0; y < reduced.height; ++y) {
      const uint8_t* row = padded.data() + y * reduced.width * 3;
      resizer.Rows(&row, 1);
    }
    EXPECT_EQ(tensor, expected) << c.width << "x" << c.height;
  }
}

TEST(PngDecodeTest, ReadsEveryColourType) {
  const Picture colour = Noise(33, 21, 3, 4);
  ExpectPixels(EncodePngFile(colour), colour);
  ExpectPixels(EncodePngFile(colour, true), colour);

  const Picture grey = Noise(33, 21, 1, 5);
  Picture tripled{33, 21, 3, {}};
  for (const uint8_t v : grey.pixels) tripled.pixels.insert(tripled.pixels.end(), 3, v);
  ExpectPixels(EncodePngFile(grey), tripled);
  ExpectPixels(EncodePngFile(grey, true), tripled);
}

TEST(PngDecodeTest, PutsAlphaOverWhite) {
  for (const size_t channels : {size_t{2}, size_t{4}}) {
    const Picture picture = Noise(25, 18, channels, 6);
    Picture expected{25, 18, 3, {}};
    for (size_t i = 0; i < 25 * 18; ++i) {
      const uint8_t* pixel = picture.pixels.data() + i * channels;
      const double alpha = pixel[channels - 1] / 255.0;
      for (size_t c = 0; c < 3; ++c) {
        const double value = pixel[channels == 4 ? c : 0] * alpha + 255 * (1 - alpha);
        expected.pixels.push_back(static_cast<uint8_t>(std::lround(value)));
      }
    }
    ExpectPixels(EncodePngFile(picture), expected);
    ExpectPixels(EncodePngFile(picture, true), expected);
  }
}

TEST(PngDecodeTest, ReadsPalettesOfEveryDepth) {
  for (const int depth : {1, 2, 4, 8}) {
    for (const bool transparent : {false, true}) {
      fixtures::PngOptions options;
      options.color_type = PNG_COLOR_TYPE_PALETTE;
      options.depth = depth;
      const size_t colours = size_t{1} << depth;
      for (size_t i = 0; i < colours; ++i) {
        const auto base = static_cast<uint8_t>(i * 255 / colours);
        options.palette.push_back({base, static_cast<uint8_t>(255 - base), static_cast<uint8_t>(base / 2)});
      }
      if (transparent) options.palette_alpha = {0};
      std::vector<std::vector<uint8_t>> rows;
      Picture expected{19, 7, 3, {}};
      fixtures::Random random(static_cast<uint32_t>(depth));
      for (size_t y = 0; y < 7; ++y) {
        rows.emplace_back((19 * static_cast<size_t>(depth) + 7) / 8);
        for (size_t x = 0; x < 19; ++x) {
          const size_t index = random.Next() % colours;
          const size_t bit = x * static_cast<size_t>(depth);
          rows[y][bit / 8] |= static_cast<uint8_t>(index << (8 - static_cast<size_t>(depth) - bit % 8));
          const png_color& colour = options.palette[index];
          const bool clear = transparent && index == 0;
          expected.pixels.push_back(clear ? 255 : colour.red);
          expected.pixels.push_back(clear ? 255 : colour.green);
          expected.pixels.push_back(clear ? 255 : colour.blue);
        }
      }
      ExpectPixels(EncodePngFile(19, 7, rows, options), expected);
    }
  }
}

TEST(PngDecodeTest, ScalesSixteenBits) {
  std::vector<std::vector<uint8_t>> rows(1);
  Picture expected{256, 1, 3, {}};
  for (uint32_t i = 0; i < 256; ++i) {
    for (uint32_t c = 0; c < 3; ++c) {
      const uint32_t value = (i * 257 + c * 100) & 0xffff;
      rows[0].push_back(static_cast<uint8_t>(value >> 8));
      rows[0].push_back(static_cast<uint8_t>(value));
      expected.pixels.push_back(static_cast<uint8_t>(std::lround(value / 257.0)));
    }
  }
  fixtures::PngOptions options;
  options.depth = 16;
  ExpectPixels(EncodePngFile(256, 1, rows, options), expected);
}

TEST(PngDecodeTest, TellsTruncatedAndCorrupt) {
  for (const bool interlaced : {false, true}) {
    const File file = EncodePngFile(Noise(64, 48, 3, 8), interlaced);
    for (const double share : {0.003, 0.3, 0.9}) EXPECT_EQ(CodeOf(Shortened(file, share)), "image/truncated") << share;
    File damaged = file;
    damaged[file.size() / 2] ^= 0x55;
    EXPECT_EQ(CodeOf(damaged), "image/corrupt");
  }
}

TEST(PngDecodeTest, SkipsMetadataUnread) {
  const Picture picture = Slopes(20, 20);
  const File file = EncodePngFile(picture);
  ExpectPixels(fixtures::WithPngChunk(file, "iCCP", File(500, 0xee)), picture);
  ExpectPixels(fixtures::WithPngChunk(file, "gAMA", {0, 0, 1, 0}), picture);
  ExpectPixels(fixtures::WithPngChunk(file, "eXIf", File(40, 0xff)), picture);
  // Text that would inflate to gigabytes: a whole file of zeros, compressed and compressed again, stands for it.
  ExpectPixels(fixtures::WithPngChunk(file, "zTXt", File(100'000, 0x78)), picture);
  File damaged = fixtures::WithPngChunk(file, "iCCP", File(500, 0xee));
  damaged[33 + 8 + 100] ^= 1;  // its checksum no longer fits
  ExpectPixels(damaged, picture);
}

TEST(PngDecodeTest, StreamsABombInLittleMemory) {
  // 100 megapixels of nothing in about 12 kB.
  constexpr size_t kSide = 10'000;
  fixtures::PngOptions options;
  options.color_type = PNG_COLOR_TYPE_GRAY;
  options.depth = 1;
  const std::vector<std::vector<uint8_t>> rows(kSide, std::vector<uint8_t>(kSide / 8, 0));
  const File file = EncodePngFile(kSide, kSide, rows, options);
  EXPECT_LT(file.size(), 40'000U);
  DecodeLimits limits;
  limits.max_pixels = kSide * kSide - 1;
  EXPECT_EQ(CodeOf(file, limits), "image/too-large");
  TensorTarget target;
  target.width = 4;
  target.height = 4;
  EXPECT_EQ(Tensor(file, target), std::vector<float>(target.floats(), 0.0f));
}

TEST(WebpDecodeTest, EqualsLibwebpAndPutsAlphaOverWhite) {
  const Picture picture = Noise(31, 22, 3, 9);
  ExpectPixels(EncodeWebpFile(picture, true), picture);
  Picture alpha = Noise(31, 22, 4, 10);
  for (size_t i = 3; i < alpha.pixels.size(); i += 4) alpha.pixels[i] = i % 8 == 3 ? 255 : 0;
  Picture expected{31, 22, 3, {}};
  for (size_t i = 0; i < alpha.pixels.size(); i += 4) {
    for (size_t c = 0; c < 3; ++c) expected.pixels.push_back(alpha.pixels[i + 3] == 0 ? 255 : alpha.pixels[i + c]);
  }
  ExpectPixels(EncodeWebpFile(alpha, true), expected);
  ExpectPixels(EncodeWebpFile(Slopes(64, 48), false), Slopes(64, 48), 24);
}

TEST(WebpDecodeTest, TellsTruncatedAndCorrupt) {
  for (const bool lossless : {false, true}) {
    const File file = EncodeWebpFile(Noise(64, 48, 3, 11), lossless);
    for (const double share : {0.005, 0.3, 0.9}) EXPECT_EQ(CodeOf(Shortened(file, share)), "image/truncated") << share;
  }
  File damaged = EncodeWebpFile(Noise(64, 48, 3, 12), true);
  std::fill(damaged.begin() + 30, damaged.begin() + 200, uint8_t{0xff});
  EXPECT_EQ(CodeOf(damaged), "image/corrupt");
}

TEST(WebpDecodeTest, RefusesAnimations) {
  std::ifstream stream(std::string(VERGER_TESTDATA) + "/animated.webp", std::ios::binary);
  ASSERT_TRUE(stream) << "native/test/data/animated.webp";
  const File file{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  EXPECT_EQ(CodeOf(file), "image/unsupported");
}

TEST(ToleranceTest, KeepsTheBeginningOfTruncatedFiles) {
  const Picture picture = Slopes(128, 128);
  DecodeLimits limits;
  limits.tolerate_truncated = true;
  const Picture noisy = Noise(128, 128, 3, 13);
  const File files[] = {EncodeJpegFile(noisy),
                        EncodePngFile(noisy),
                        EncodeWebpFile(noisy, true),
                        EncodeWebpFile(noisy, false),
                        EncodePngFile(Noise(128, 128, 4, 13)),
                        EncodeJpegFile(noisy, {.progressive = true}),
                        EncodePngFile(noisy, true)};
  for (size_t i = 0; i < std::size(files); ++i) {
    RgbImage whole;
    ASSERT_TRUE(ToRgb(files[i], &whole, limits).ok()) << i;
    RgbImage strict;
    ASSERT_TRUE(ToRgb(files[i], &strict).ok()) << i;
    EXPECT_EQ(whole.pixels, strict.pixels) << "a whole file must not depend on the policy: " << i;
    RgbImage part;
    const Status status = ToRgb(Shortened(files[i], 0.6), &part, limits);
    ASSERT_TRUE(status.ok()) << i << ": " << status.message();
    ASSERT_EQ(part.pixels.size(), whole.pixels.size());
    // The last two come in passes over the whole picture.
    if (i < 5) {
      EXPECT_TRUE(std::equal(part.pixels.begin(), part.pixels.begin() + 128 * 3 * 16, whole.pixels.begin())) << i;
    }
    EXPECT_NE(part.pixels, whole.pixels) << i;
    EXPECT_EQ(ToRgb(Shortened(files[i], 0.001), &part, limits).code(), "image/truncated") << i;
  }
  EXPECT_EQ(CodeOf(EncodeJpegFile(picture), limits), "");
}

TEST(LimitsTest, HugeHeadersAreRefusedBeforeAnythingIsAllocated) {
  const File jpeg = EncodeJpegFile(Slopes(16, 16));
  EXPECT_EQ(CodeOf(fixtures::WithJpegSize(jpeg, 50'000, 50'000)), "image/too-large");
  const File progressive = EncodeJpegFile(Slopes(16, 16), {.progressive = true});
  EXPECT_EQ(CodeOf(fixtures::WithJpegSize(progressive, 50'000, 50'000, 0xc2)), "image/too-large");
  const File png = EncodePngFile(Slopes(16, 16));
  EXPECT_EQ(CodeOf(fixtures::WithPngSize(png, 50'000, 50'000)), "image/too-large");
  EXPECT_EQ(CodeOf(fixtures::WithPngSize(png, 0x7fffffff, 0x7fffffff)), "image/too-large");
  DecodeLimits limits;
  limits.max_pixels = 255;
  EXPECT_EQ(CodeOf(EncodeWebpFile(Slopes(16, 16), true), limits), "image/too-large");
  limits.max_pixels = 256;
  EXPECT_EQ(CodeOf(EncodeWebpFile(Slopes(16, 16), true), limits), "");
}

// EXIF says on which visual side the first stored row and the first stored column lie.
struct Sides {
  char row, column;
};
constexpr Sides kSides[9] = {{},         {'t', 'l'}, {'t', 'r'}, {'b', 'r'}, {'b', 'l'},
                             {'l', 't'}, {'r', 't'}, {'r', 'b'}, {'l', 'b'}};

Picture Stored(const Picture& upright, int orientation) {
  const Sides sides = kSides[orientation];
  const bool swapped = sides.row == 'l' || sides.row == 'r';
  Picture stored{swapped ? upright.height : upright.width, swapped ? upright.width : upright.height, 3, {}};
  stored.pixels.resize(upright.pixels.size());
  for (size_t y = 0; y < stored.height; ++y) {
    for (size_t x = 0; x < stored.width; ++x) {
      size_t visual_x = 0;
      size_t visual_y = 0;
      const auto place = [&](char side, size_t index) {
        if (side == 't') visual_y = index;
        if (side == 'b') visual_y = upright.height - 1 - index;
        if (side == 'l') visual_x = index;
        if (side == 'r') visual_x = upright.width - 1 - index;
      };
      place(sides.row, y);
      place(sides.column, x);
      std::copy_n(upright.at(visual_x, visual_y), 3, stored.at(x, y));
    }
  }
  return stored;
}

TEST(OrientationTest, EveryOrientationIsTurnedUpright) {
  const Picture upright = Noise(29, 18, 3, 20);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Picture stored = Stored(upright, orientation);
    const File exif = ExifBlock(static_cast<uint16_t>(orientation));
    ExpectPixels(fixtures::WithPngChunk(EncodePngFile(stored), "eXIf", exif), upright);
    ExpectPixels(fixtures::WithWebpExif(EncodeWebpFile(stored, true), stored, exif), upright);
  }
}

TEST(OrientationTest, TensorsAreTurnedAfterTheResize) {
  const Picture upright = Slopes(90, 60);
  for (const bool channels_last : {false, true}) {
    for (const Fit fit : {Fit::kStretch, Fit::kCover}) {
      TensorTarget target;
      target.width = 40;
      target.height = 48;
      target.filter = Filter::kBilinear;
      target.channels_last = channels_last;
      target.fit = fit;
      const std::vector<float> expected = Tensor(EncodePngFile(upright), target);
      for (int orientation = 2; orientation <= 8; ++orientation) {
        const File file = fixtures::WithPngChunk(EncodePngFile(Stored(upright, orientation)), "eXIf",
                                                 ExifBlock(static_cast<uint16_t>(orientation)));
        const std::vector<float> tensor = Tensor(file, target);
        for (size_t i = 0; i < tensor.size(); ++i) {
          ASSERT_NEAR(tensor[i], expected[i], 1e-3) << "orientation " << orientation << " at " << i;
        }
      }
    }
  }
}

TEST(TensorTest, LaysOutAndNormalisesAsAsked) {
  const Picture picture = Noise(12, 9, 3, 30);
  const File file = EncodePngFile(picture);
  for (const bool channels_last : {false, true}) {
    for (const bool bgr : {false, true}) {
      TensorTarget target;
      target.width = 12;
      target.height = 9;
      target.mean = {10, 20, 30};
      target.std = {2, 4, 8};
      target.channels_last = channels_last;
      target.bgr = bgr;
      const std::vector<float> tensor = Tensor(file, target);
      for (size_t y = 0; y < 9; ++y) {
        for (size_t x = 0; x < 12; ++x) {
          for (size_t c = 0; c < 3; ++c) {
            const float value = picture.at(x, y)[bgr ? 2 - c : c];
            const size_t at = channels_last ? (y * 12 + x) * 3 + c : (c * 9 + y) * 12 + x;
            ASSERT_NEAR(tensor[at], (value - target.mean[c]) / target.std[c], 1e-4);
          }
        }
      }
    }
  }
}

TEST(TensorTest, CoverTakesTheCentre) {
  // Red, green and blue thirds: only the middle one fits a square target.
  Picture picture{90, 30, 3, std::vector<uint8_t>(90 * 30 * 3, 0)};
  for (size_t y = 0; y < 30; ++y) {
    for (size_t x = 0; x < 90; ++x) picture.at(x, y)[x / 30] = 255;
  }
  TensorTarget target;
  target.width = 10;
  target.height = 10;
  target.filter = Filter::kBilinear;
  target.fit = Fit::kCover;
  const std::vector<float> tensor = Tensor(EncodePngFile(picture), target);
  for (size_t y = 0; y < 10; ++y) {
    for (size_t x = 2; x < 8; ++x) {
      EXPECT_NEAR(tensor[y * 10 + x], 0, 1e-3);
      EXPECT_NEAR(tensor[100 + y * 10 + x], 255, 1e-3);
      EXPECT_NEAR(tensor[200 + y * 10 + x], 0, 1e-3);
    }
  }
}

TEST(RgbTest, BoundsSidesAndKeepsTheShape) {
  const File file = EncodeJpegFile(Slopes(400, 300));
  RgbImage image;
  ASSERT_TRUE(ToRgb(file, &image, {}, 100).ok());
  EXPECT_EQ(image.width, 100U);
  EXPECT_EQ(image.height, 75U);
  const Picture quarter = DecodePlainly(file, 2);
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    ASSERT_NEAR(int{image.pixels[i]}, int{quarter.pixels[i]}, 12) << "nothing like the picture at byte " << i;
  }
  ASSERT_TRUE(ToRgb(file, &image, {}, 1000).ok());
  EXPECT_EQ(image.width, 400U);
  ASSERT_TRUE(ToRgb(fixtures::WithJpegExif(file, ExifBlock(6)), &image, {}, 100).ok());
  EXPECT_EQ(image.width, 75U);
  EXPECT_EQ(image.height, 100U);
  ASSERT_TRUE(ToRgb(EncodePngFile(Slopes(1000, 1)), &image, {}, 10).ok());
  EXPECT_EQ(image.height, 1U);
}

class FolderTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        fs::temp_directory_path() / (std::string("verger-image-") + test->name() + "-" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Write(const std::string& name, const File& file) {
    const fs::path path = folder_ / fs::path(std::u8string(name.begin(), name.end()));
    std::ofstream stream(path, std::ios::binary);
    stream.write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
    const std::u8string text = path.u8string();
    return std::string(text.begin(), text.end());
  }

  fs::path folder_;
};

TEST_F(FolderTest, BatchKeepsGoodImagesAndNamesBadOnes) {
  const File good = EncodeJpegFile(Slopes(50, 40));
  std::vector<Source> sources;
  std::vector<std::string> codes;
  const auto add = [&](const std::string& path, const std::string& code) {
    sources.push_back({.path = path, .bytes = {}, .in_memory = false});
    codes.push_back(code);
  };
  add(Write("good.jpg", good), "");
  add(Write("poire d'été 梨.jpg", good), "");
  add(Write("really a png.jpg", EncodePngFile(Slopes(50, 40))), "");
  add(Write("really a jpeg.webp", good), "");
  add(Write("empty.jpg", {}), "image/empty");
  add(Write("text.jpg", File(200, 'a')), "image/unknown-format");
  add(Write("short.jpg", Shortened(good, 0.7)), "image/truncated");
  add((folder_ / "none.jpg").string(), "image/missing");
  add((folder_ / "good.jpg" / "below.jpg").string(), "image/missing");
  add(folder_.string(), "image/unreadable");
#if !defined(_WIN32)
  add((folder_ / "pipe.jpg").string(), "image/unreadable");
  ASSERT_EQ(mkfifo((folder_ / "pipe.jpg").c_str(), 0600), 0);
#endif
  sources.push_back(InMemory(good));
  codes.push_back("");

  TensorTarget target;
  target.width = 16;
  target.height = 16;
  ThreadPool pool(3);
  std::vector<float> first;
  for (const size_t threads : std::initializer_list<size_t>{1, 2, 4, 0}) {
    std::vector<float> out(sources.size() * target.floats(), 7.0f);
    std::vector<BatchResult> results;
    ASSERT_TRUE(DecodeBatch(pool, sources, target, {}, threads, CancelToken(), out.data(), &results).ok());
    ASSERT_EQ(results.size(), sources.size());
    for (size_t i = 0; i < results.size(); ++i) {
      EXPECT_EQ(results[i].status.code(), codes[i]) << sources[i].path;
      const float* slot = out.data() + i * target.floats();
      const bool zero = std::all_of(slot, slot + target.floats(), [](float v) { return v == 0; });
      EXPECT_EQ(zero, !codes[i].empty()) << sources[i].path;
      EXPECT_EQ(results[i].width, codes[i].empty() ? 50U : 0U);
      EXPECT_EQ(results[i].height, codes[i].empty() ? 40U : 0U);
    }
    if (first.empty()) first = out;
    EXPECT_EQ(out, first) << "the result must not depend on the number of threads";
  }
}

TEST_F(FolderTest, BatchSaysWhenPicturesWereTaken) {
  const File jpeg = EncodeJpegFile(Slopes(50, 40));
  const File dated = fixtures::WithJpegExif(
      jpeg,
      fixtures::ExifTextBlock({}, {fixtures::Said(0x9003, "2026:05:01 10:20:30"), fixtures::Said(0x9011, "+02:00")}));
  std::vector<Source> sources;
  const std::vector<File> files = {dated, jpeg, Shortened(dated, 0.7)};
  for (const File& file : files) sources.push_back(InMemory(file));
  sources.push_back({.path = Write("dated.jpg", dated), .bytes = {}, .in_memory = false});
  TensorTarget target;
  target.width = 16;
  target.height = 16;
  ThreadPool pool(2);
  std::vector<float> out(sources.size() * target.floats());
  std::vector<BatchResult> results;
  ASSERT_TRUE(DecodeBatch(pool, sources, target, {}, 0, CancelToken(), out.data(), &results).ok());
  const CaptureTime time{1'777'630'830'000'000, 120};
  EXPECT_EQ(results[0].captured, time);
  EXPECT_FALSE(results[1].captured);
  EXPECT_EQ(results[2].status.code(), "image/truncated");
  EXPECT_FALSE(results[2].captured) << "of a picture that failed nothing is told";
  EXPECT_EQ(results[3].captured, time);
}

TEST_F(FolderTest, FilesOverTheLimitAreNotRead) {
  const std::string path = Write("large.jpg", EncodeJpegFile(Slopes(50, 40)));
  DecodeLimits limits;
  limits.max_file_bytes = 100;
  RgbImage image;
  ImageDecoder decoder;
  const Source source = {.path = path, .bytes = {}, .in_memory = false};
  EXPECT_EQ(decoder.ToRgb(source, 0, limits, CancelToken(), &image).code(), "image/too-large");
}

TEST_F(FolderTest, ProbesFilesWhoseHeaderIsLong) {
  // Ten segments of 60 kB push the size beyond what is read at first.
  File file = EncodeJpegFile(Slopes(50, 40));
  file = fixtures::WithJpegExif(file, ExifBlock(6));
  for (int i = 0; i < 10; ++i) file = fixtures::WithJpegExif(file, File(60'000, 1), "padding");
  ImageDecoder decoder;
  Header header;
  const Source source = {.path = Write("long.jpg", file), .bytes = {}, .in_memory = false};
  ASSERT_TRUE(decoder.Probe(source, {}, &header).ok());
  EXPECT_EQ(header.width, 50U);
  EXPECT_EQ(header.orientation, 6);
  const Source cut = {.path = Write("cut.jpg", Shortened(file, 0.7)), .bytes = {}, .in_memory = false};
  EXPECT_EQ(decoder.Probe(cut, {}, &header).code(), "image/truncated");
}

// Of every format, lying and standing: the thumbnail is upright and in shape, and the tensor is the one without it.
TEST(ThumbnailTest, StandsBesideTheSameTensor) {
  const Picture picture = Slopes(640, 480);
  const File jpeg = EncodeJpegFile(picture);
  for (const File& file :
       {jpeg, fixtures::WithJpegExif(jpeg, ExifBlock(6)), EncodeJpegFile(picture, {.progressive = true}),
        EncodePngFile(picture), EncodeWebpFile(picture, true)}) {
    TensorTarget target;
    target.width = 128;
    target.height = 128;
    std::vector<float> out(target.floats());
    Header header;
    std::vector<uint8_t> small;
    ImageDecoder decoder;
    ASSERT_TRUE(decoder
                    .ToTensor(InMemory(file), target, {}, CancelToken(), out.data(), &header,
                              {.side = 64, .quality = 82}, &small)
                    .ok());
    EXPECT_EQ(out, Tensor(file, target));
    const bool stands = header.orientation == 6;
    RgbImage thumbnail;
    ASSERT_TRUE(ToRgb(small, &thumbnail).ok());
    EXPECT_EQ(thumbnail.width, stands ? 48U : 64U);
    EXPECT_EQ(thumbnail.height, stands ? 64U : 48U);
    // The same picture as one made on purpose, but for the filter and the JPEG.
    RgbImage expected;
    ASSERT_TRUE(ToRgb(file, &expected, {}, 64).ok());
    ASSERT_EQ(expected.pixels.size(), thumbnail.pixels.size());
    double sum = 0;
    for (size_t i = 0; i < expected.pixels.size(); ++i) {
      sum += std::abs(int{expected.pixels[i]} - int{thumbnail.pixels[i]});
    }
    EXPECT_LT(sum / static_cast<double>(expected.pixels.size()), 3.0);
  }
}

TEST(ThumbnailTest, IsLeftOutWhereThereIsNoneToMake) {
  TensorTarget target;
  target.width = 8;
  target.height = 8;
  std::vector<float> out(target.floats());
  Header header;
  std::vector<uint8_t> small = {1, 2, 3};
  ImageDecoder decoder;
  const auto make = [&](const File& file, size_t side) {
    return decoder.ToTensor(InMemory(file), target, {}, CancelToken(), out.data(), &header,
                            {.side = side, .quality = 82}, &small);
  };
  // No larger than a thumbnail: the photo is its own.
  ASSERT_TRUE(make(EncodeJpegFile(Slopes(64, 48)), 64).ok());
  EXPECT_TRUE(small.empty());
  // Reduced while it was decoded, for a small tensor.
  ASSERT_TRUE(make(EncodeJpegFile(Slopes(320, 320)), 200).ok());
  EXPECT_TRUE(small.empty());
  ASSERT_TRUE(make(EncodePngFile(Slopes(320, 320)), 200).ok());
  EXPECT_FALSE(small.empty());
  // A photo that fails leaves nothing of the one before.
  EXPECT_EQ(make(Shortened(EncodeJpegFile(Slopes(320, 320)), 0.5), 200).code(), "image/truncated");
  EXPECT_TRUE(small.empty());
}

TEST(CancelTest, StopsABatchAndLeavesTheRest) {
  const File file = EncodeJpegFile(Slopes(50, 40));
  const std::vector<Source> sources(20, InMemory(file));
  TensorTarget target;
  target.width = 8;
  target.height = 8;
  std::vector<float> out(sources.size() * target.floats(), 7.0f);
  std::vector<BatchResult> results;
  ThreadPool pool(2);
  CancelToken cancel;
  cancel.Cancel();
  EXPECT_EQ(DecodeBatch(pool, sources, target, {}, 0, cancel, out.data(), &results).code(), "cancelled");
  EXPECT_EQ(out, std::vector<float>(out.size(), 7.0f)) << "no image may be begun after the cancel";
}

TEST(CancelTest, StopsInsideEveryDecoder) {
  const Picture picture = Slopes(64, 64);
  CancelToken cancel;
  cancel.Cancel();
  for (const File& file : {EncodeJpegFile(picture), EncodeJpegFile(picture, {.progressive = true}),
                           EncodePngFile(picture), EncodePngFile(picture, true), EncodeWebpFile(picture, true)}) {
    ImageDecoder decoder;
    RgbImage image;
    EXPECT_EQ(decoder.ToRgb(InMemory(file), 0, {}, cancel, &image).code(), "cancelled");
    // The decoder is as good as new.
    EXPECT_TRUE(decoder.ToRgb(InMemory(file), 0, {}, CancelToken(), &image).ok());
  }
}

TEST(ReuseTest, OneDecoderReadsGoodFilesAfterBadOnes) {
  ImageDecoder decoder;
  const File good = EncodeJpegFile(Noise(40, 40, 3, 50), {.progressive = true});
  const Picture expected = DecodePlainly(good);
  File damaged = EncodeJpegFile(Noise(64, 64, 3, 2));
  damaged[damaged.size() / 2] = 0xff;
  damaged[damaged.size() / 2 + 1] = 0xd3;
  for (const File& bad : {Shortened(good, 0.5), damaged, Shortened(good, 0.05), EncodePngFile(Slopes(4, 4))}) {
    RgbImage image;
    static_cast<void>(decoder.ToRgb(InMemory(bad), 0, {}, CancelToken(), &image));
    ASSERT_TRUE(decoder.ToRgb(InMemory(good), 0, {}, CancelToken(), &image).ok());
    EXPECT_EQ(image.pixels, expected.pixels);
  }
}

TEST(EncodeTest, WritesTheSameJpegThatLibjpegTurboDoes) {
  const Picture picture = Slopes(45, 37);
  for (const bool halved : {false, true}) {
    std::vector<uint8_t> file;
    const Subsampling subsampling = halved ? Subsampling::k420 : Subsampling::k444;
    ASSERT_TRUE(EncodeJpeg(picture.pixels.data(), 45, 37, 85, subsampling, &file).ok());
    EXPECT_EQ(file, EncodeJpegFile(picture, {.quality = 85, .halved_chroma = halved}));
    std::vector<uint8_t> again;
    ASSERT_TRUE(EncodeJpeg(picture.pixels.data(), 45, 37, 85, subsampling, &again).ok());
    EXPECT_EQ(file, again);
  }
  std::vector<uint8_t> file;
  EXPECT_EQ(EncodeJpeg(picture.pixels.data(), 0, 1, 85, Subsampling::k420, &file).code(), "image/too-large");
  EXPECT_EQ(EncodeJpeg(picture.pixels.data(), 70000, 1, 85, Subsampling::k420, &file).code(), "image/too-large");
  // Noise at the highest quality fits the buffer too.
  const Picture noise = Noise(123, 77, 3, 60);
  EXPECT_TRUE(EncodeJpeg(noise.pixels.data(), 123, 77, 100, Subsampling::k444, &file).ok());
}

}  // namespace
}  // namespace verger::image

// The image path against its limits, measured in the same run: libjpeg-turbo's decode alone for one thread, one thread
// for two. Rounds of limit and ours alternate; figures are medians over rounds, ratios medians of the rounds' ratios.
//
//   decode_bench [--json] [--photos DIR] [--rounds N]
//
// DIR: a folder of small JPEG files (default: $VERGER_PHOTOS). Without one, drawn pictures of the same size are used
// and the output says so.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

// Needs FILE and size_t first.
#include <jpeglib.h>

#include "core/base/thread_pool.h"
#include "core/image/decode.h"
#include "core/image/jpeg.h"
#include "core/image/libraries.h"

namespace {

namespace fs = std::filesystem;
using verger::CancelToken;
using verger::ThreadPool;
using verger::image::Bytes;
using verger::image::DecodeLimits;
using verger::image::Header;
using verger::image::ImageDecoder;
using verger::image::Source;
using verger::image::TensorTarget;
using File = std::vector<uint8_t>;

constexpr size_t kSmallImages = 256;
constexpr size_t kPerRound = 128;

using Work = std::function<void(size_t round)>;

enum class Clock { kThread, kWall };

// The calling thread's processor time where the system tells it: with one thread and nothing to wait for that is the
// time of an idle machine, whatever else runs. Scaling over threads is measured on the wall clock.
double Now(Clock clock) {
#if !defined(_WIN32)
  if (clock == Clock::kThread) {
    timespec time = {};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }
#endif
  static_cast<void>(clock);
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double Seconds(const Work& work, size_t round, Clock clock) {
  const double start = Now(clock);
  work(round);
  return Now(clock) - start;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Measure {
  std::string name;
  std::string unit;
  double limit = 0;
  double ours = 0;
  double ratio = 0;
  double reach = 0;
  bool at_least = false;  // the ratio is to be at least `reach`; otherwise at most
  bool reached() const { return at_least ? ratio >= reach : ratio <= reach; }
};

// `scale` turns seconds of one round into the unit. With `at_least`, the ratio is limit / ours: a speed-up by
// threads.
Measure Compare(std::string name, std::string unit, double reach, bool at_least, size_t rounds, double scale,
                const Work& limit, const Work& ours) {
  const Clock clock = at_least ? Clock::kWall : Clock::kThread;
  limit(0);
  ours(0);
  std::vector<double> limits;
  std::vector<double> times;
  std::vector<double> ratios;
  for (size_t i = 0; i < rounds; ++i) {
    limits.push_back(Seconds(limit, i, clock) * scale);
    times.push_back(Seconds(ours, i, clock) * scale);
    ratios.push_back(at_least ? limits.back() / times.back() : times.back() / limits.back());
  }
  return {std::move(name), std::move(unit), Median(limits), Median(times), Median(ratios), reach, at_least};
}

// libjpeg-turbo alone, as its own example uses it: memory to RGB rows.
class PlainDecoder {
 public:
  PlainDecoder() {
    info_.err = jpeg_std_error(&errors_);
    jpeg_create_decompress(&info_);
  }
  ~PlainDecoder() { jpeg_destroy_decompress(&info_); }
  PlainDecoder(const PlainDecoder&) = delete;
  PlainDecoder& operator=(const PlainDecoder&) = delete;

  void Decode(const File& file, unsigned eighths) {
    jpeg_mem_src(&info_, file.data(), file.size());
    jpeg_read_header(&info_, TRUE);
    info_.out_color_space = JCS_RGB;
    info_.scale_num = eighths;
    info_.scale_denom = 8;
    jpeg_start_decompress(&info_);
    const size_t stride = size_t{info_.output_width} * 3;
    pixels_.resize(stride * info_.output_height);
    while (info_.output_scanline < info_.output_height) {
      JSAMPROW row = pixels_.data() + info_.output_scanline * stride;
      jpeg_read_scanlines(&info_, &row, 1);
    }
    jpeg_finish_decompress(&info_);
  }

 private:
  jpeg_decompress_struct info_ = {};
  jpeg_error_mgr errors_ = {};
  File pixels_;
};

// A picture with the statistics of a photo: smooth shapes, edges and sensor noise. The same for the same arguments.
File DrawJpeg(size_t width, size_t height, uint32_t seed, int quality, verger::image::Subsampling subsampling) {
  std::vector<uint8_t> rgb(width * height * 3);
  uint32_t state = seed * 2654435761U + 1;
  const double phase = seed;
  for (size_t y = 0; y < height; ++y) {
    for (size_t x = 0; x < width; ++x) {
      const double u = static_cast<double>(x) / static_cast<double>(width);
      const double v = static_cast<double>(y) / static_cast<double>(height);
      const bool fruit = std::hypot(u - 0.5, v - 0.5) < 0.3 + 0.02 * std::sin(9 * std::atan2(v - 0.5, u - 0.5));
      const double shade = std::sin(40 * u + phase) * std::cos(33 * v) * 25;
      state = state * 1664525U + 1013904223U;
      const double noise = static_cast<double>(state >> 28) - 7.5;
      for (size_t c = 0; c < 3; ++c) {
        const double base = fruit ? 60.0 + 60.0 * static_cast<double>((seed + c) % 3) : 215.0 - 20.0 * v;
        rgb[(y * width + x) * 3 + c] = static_cast<uint8_t>(std::clamp(base + shade + noise, 0.0, 255.0));
      }
    }
  }
  File file;
  const verger::Status status = verger::image::EncodeJpeg(rgb.data(), width, height, quality, subsampling, &file);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.message().c_str());
    std::exit(1);
  }
  return file;
}

std::vector<fs::path> FindPhotos(const std::string& folder) {
  std::vector<fs::path> found;
  if (folder.empty() || !fs::is_directory(folder)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == ".jpg") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  std::vector<fs::path> chosen;
  const size_t count = std::min(found.size(), kSmallImages);
  for (size_t i = 0; i < count; ++i) chosen.push_back(found[i * found.size() / count]);
  return chosen;
}

TensorTarget Square(size_t side) {
  TensorTarget target;
  target.width = side;
  target.height = side;
  target.mean = {127, 127, 127};
  target.std = {128, 128, 128};
  return target;
}

void Check(const verger::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", status.code().c_str(), status.message().c_str());
  std::exit(1);
}

void Print(const std::vector<Measure>& measures, const std::string& photos, bool json) {
  const verger::image::Libraries libraries = verger::image::ImageLibraries();
  if (json) {
    std::printf(
        "{\"bench\": \"decode\", \"photos\": \"%s\", \"simd\": \"%s\", \"libjpegTurbo\": \"%s\", \"measures\": [",
        photos.c_str(), libraries.simd_target.c_str(), libraries.libjpeg_turbo.c_str());
    for (size_t i = 0; i < measures.size(); ++i) {
      const Measure& m = measures[i];
      std::printf(
          "%s\n  {\"name\": \"%s\", \"unit\": \"%s\", \"limit\": %.4g, \"ours\": %.4g, \"ratio\": %.4f, "
          "\"reach\": %.4g, \"atLeast\": %s, \"reached\": %s}",
          i == 0 ? "" : ",", m.name.c_str(), m.unit.c_str(), m.limit, m.ours, m.ratio, m.reach,
          m.at_least ? "true" : "false", m.reached() ? "true" : "false");
    }
    std::printf("\n]}\n");
    return;
  }
  std::printf("photos: %s; SIMD: %s; libjpeg-turbo %s\n", photos.c_str(), libraries.simd_target.c_str(),
              libraries.libjpeg_turbo.c_str());
  std::printf("%-58s %10s %10s %-8s %7s %8s\n", "measure", "limit", "ours", "unit", "ratio", "reach");
  for (const Measure& m : measures) {
    std::printf("%-58s %10.4g %10.4g %-8s %7.3f %s %5.3g %s\n", m.name.c_str(), m.limit, m.ours, m.unit.c_str(),
                m.ratio, m.at_least ? ">=" : "<=", m.reach, m.reached() ? "" : "  NOT REACHED");
  }
}

}  // namespace

int main(int argc, char** argv) {
  bool json = false;
  size_t rounds = 50;
  const char* environment = std::getenv("VERGER_PHOTOS");
  std::string folder = environment == nullptr ? "" : environment;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--photos") == 0 && i + 1 < argc) {
      folder = argv[++i];
    } else if (std::strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) {
      rounds = std::max<size_t>(static_cast<size_t>(std::atoi(argv[++i])), 1);
    } else {
      std::fprintf(stderr, "Expected [--json] [--photos DIR] [--rounds N], got %s\n", argv[i]);
      return 2;
    }
  }

  const std::vector<fs::path> paths = FindPhotos(folder);
  std::vector<File> small;
  for (const fs::path& path : paths) {
    std::ifstream stream(path, std::ios::binary);
    small.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  const std::string photos = paths.empty() ? "drawn (no photos found)" : "real";
  for (uint32_t i = 0; small.size() < kSmallImages; ++i) {
    small.push_back(DrawJpeg(100, 100, i, 90, verger::image::Subsampling::k444));
  }

  const DecodeLimits limits;
  const CancelToken cancel;
  PlainDecoder plain;
  ImageDecoder decoder;
  constexpr double kPerImage = 1e6 / static_cast<double>(kPerRound);
  // Image i of a round.
  const auto index = [](size_t round, size_t i) { return (round * kPerRound + i) % kSmallImages; };
  // As many slots as a batch of the embedder has: the tensor is larger than the nearest caches.
  constexpr size_t kSlots = 16;
  std::vector<float> out(kPerRound * Square(224).floats());

  std::vector<Measure> measures;
  for (const size_t side : std::initializer_list<size_t>{224, 128}) {
    const TensorTarget target = Square(side);
    measures.push_back(Compare(
        "100 px JPEG to " + std::to_string(side) + " px tensor / decode alone", "us", 1.5, false, rounds, kPerImage,
        [&](size_t round) {
          for (size_t i = 0; i < kPerRound; ++i) plain.Decode(small[index(round, i)], 8);
        },
        [&](size_t round) {
          Header header;
          for (size_t i = 0; i < kPerRound; ++i) {
            const Source source = {.path = "", .bytes = small[index(round, i)], .in_memory = true};
            Check(decoder.ToTensor(source, target, limits, cancel, out.data() + i % kSlots * target.floats(), &header));
          }
        }));
  }

  const File large = DrawJpeg(4000, 3000, 7, 90, verger::image::Subsampling::k420);
  const Source large_source = {.path = "", .bytes = large, .in_memory = true};
  const TensorTarget target = Square(224);
  measures.push_back(Compare(
      "12 megapixel JPEG to 224 px tensor / decode at 2/8", "ms", 1.04, false, rounds / 3 + 1, 1e3,
      [&](size_t) { plain.Decode(large, 2); },
      [&](size_t) {
        Header header;
        Check(decoder.ToTensor(large_source, target, limits, cancel, out.data(), &header));
      }));

  // What the machine itself has to give: with other programs on its processors, two threads are not twice one.
  PlainDecoder other;
  const auto half = [&](PlainDecoder& with, size_t round, size_t begin) {
    for (size_t i = begin; i < begin + kPerRound / 2; ++i) with.Decode(small[index(round, i)], 8);
  };
  measures.push_back(Compare(
      "this machine now: decode alone, one thread / two apart", "us", 0, true, rounds, kPerImage,
      [&](size_t round) {
        half(plain, round, 0);
        half(plain, round, kPerRound / 2);
      },
      [&](size_t round) {
        std::thread thread([&] { half(other, round, kPerRound / 2); });
        half(plain, round, 0);
        thread.join();
      }));

  ThreadPool pool(2);
  std::vector<verger::image::BatchResult> results;
  const auto batch = [&](size_t threads, bool read) {
    return [&, threads, read](size_t round) {
      std::vector<Source> sources(kPerRound);
      for (size_t i = 0; i < kPerRound; ++i) {
        const size_t at = index(round, i);
        if (read) {
          sources[i] = {.path = paths[at % paths.size()].string(), .bytes = {}, .in_memory = false};
        } else {
          sources[i] = {.path = "", .bytes = small[at], .in_memory = true};
        }
      }
      Check(verger::image::DecodeBatch(pool, sources, target, limits, threads, cancel, out.data(), &results));
      for (const auto& result : results) Check(result.status);
    };
  };
  measures.push_back(Compare("100 px JPEG to 224 px tensor, one thread / two", "us", 1.9, true, rounds, kPerImage,
                             batch(1, false), batch(2, false)));
  if (!paths.empty()) {
    measures.push_back(Compare("the same, read from files, one thread / two", "us", 1.9, true, rounds, kPerImage,
                               batch(1, true), batch(2, true)));
  }
  Print(measures, photos, json);
  return 0;
}

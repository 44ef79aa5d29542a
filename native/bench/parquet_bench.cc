// Parquet parts against their limits, measured in the same run: the disk and the memory for uncompressed parts, zstd
// alone for compressed ones. Rounds of limit and ours alternate; figures are medians over rounds, ratios medians of the
// rounds' ratios.
//
//   parquet_bench [--json] [--rows N] [--rounds N] [--features FILE]
//
// FILE: rows x 1280 little-endian float32 of real features; without it, drawn ones with their share of zeros.
#include <zstd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/atomic_file.h"
#include "core/parquet/input_file.h"
#include "core/parquet/reader.h"
#include "core/parquet/writer.h"

namespace {

namespace fs = std::filesystem;
namespace pq = verger::parquet;
using verger::CancelToken;

constexpr size_t kWidth = 1280;
constexpr size_t kPageBytes = size_t{204} * kWidth * sizeof(float);

struct Measure {
  std::string name;
  double limit = 0;
  double ours = 0;
  double ratio = 0;
};

void Check(const verger::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", status.code().c_str(), status.message().c_str());
  std::exit(1);
}

double Seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Microseconds per row.
Measure Compare(std::string name, size_t rows, size_t rounds, const std::function<void()>& limit,
                const std::function<void()>& ours) {
  limit();
  ours();
  const double scale = 1e6 / static_cast<double>(rows);
  std::vector<double> limits;
  std::vector<double> times;
  std::vector<double> ratios;
  for (size_t i = 0; i < rounds; ++i) {
    limits.push_back(Seconds(limit) * scale);
    times.push_back(Seconds(ours) * scale);
    ratios.push_back(times.back() / limits.back());
  }
  return {std::move(name), Median(limits), Median(times), Median(ratios)};
}

// Means of ReLU6 outputs: two thirds are zero, some channels hardly ever fire, the rest have noisy mantissas.
std::vector<float> DrawFeatures(size_t rows) {
  std::vector<float> values(rows * kWidth);
  uint64_t state = 88172645463325252U;
  const auto uniform = [&] {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<float>(state >> 40) / 16777216.0F;
  };
  std::vector<float> activity(kWidth);
  for (float& share : activity) share = uniform() * uniform() * 1.4F;
  for (size_t i = 0; i < values.size(); ++i) {
    if (uniform() < activity[i % kWidth]) values[i] = -std::log(1 - uniform() * 0.99F) * 0.5F;
  }
  return values;
}

std::vector<float> LoadFeatures(const std::string& file, size_t rows) {
  std::ifstream stream(file, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  if (bytes.size() < kWidth * sizeof(float)) {
    std::fprintf(stderr, "Expected rows x 1280 float32 in %s\n", file.c_str());
    std::exit(1);
  }
  std::vector<float> values(rows * kWidth);
  const size_t have = bytes.size() / (kWidth * sizeof(float)) * kWidth;
  std::vector<float> source(have);
  std::memcpy(source.data(), bytes.data(), have * sizeof(float));
  for (size_t i = 0; i < values.size(); ++i) values[i] = source[i % have];
  return values;
}

struct Part {
  std::string paths;
  std::vector<uint64_t> path_offsets{0};
  std::string labels;
  std::vector<uint64_t> label_offsets{0};
  std::vector<int32_t> sides;
};

Part DrawPart(size_t rows) {
  Part part;
  for (size_t row = 0; row < rows; ++row) {
    part.labels += "Variety " + std::to_string(row / 160);
    part.label_offsets.push_back(part.labels.size());
    part.paths += "Training/Variety " + std::to_string(row / 160) + "/" + std::to_string(row) + "_100.jpg";
    part.path_offsets.push_back(part.paths.size());
  }
  part.sides.assign(rows, 100);
  return part;
}

std::vector<pq::ColumnInput> Columns(const Part& part, const std::vector<float>& features) {
  std::vector<pq::ColumnInput> columns(5);
  columns[0].name = "path";
  columns[0].type = pq::ColumnType::kString;
  columns[0].values = part.paths.data();
  columns[0].offsets = part.path_offsets.data();
  columns[1].name = "label";
  columns[1].type = pq::ColumnType::kString;
  columns[1].nullable = true;
  columns[1].values = part.labels.data();
  columns[1].offsets = part.label_offsets.data();
  for (const size_t side : {size_t{2}, size_t{3}}) {
    columns[side].name = side == 2 ? "width" : "height";
    columns[side].type = pq::ColumnType::kInt32;
    columns[side].values = part.sides.data();
  }
  columns[4].name = "features";
  columns[4].type = pq::ColumnType::kFloatList;
  columns[4].values = features.data();
  columns[4].width = kWidth;
  return columns;
}

// All rows, as the PCA reads them: 2,048 at a time into one buffer, paths and labels beside.
void ReadFeatures(const std::string& path, std::vector<float>& buffer) {
  std::shared_ptr<const pq::ParquetFile> file;
  Check(pq::ParquetFile::Open(path, &file));
  const CancelToken cancel;
  for (size_t group = 0; group < file->metadata().row_groups.size(); ++group) {
    pq::RowCursor cursor;
    Check(cursor.Open(file, group, {4, 0, 1}));
    pq::FloatTarget target;
    target.column = 0;
    target.data = buffer.data();
    target.width = kWidth;
    std::vector<pq::ColumnBatch> batches;
    for (size_t rows = 1; rows != 0;) Check(cursor.Read(2048, target, cancel, batches, &rows));
  }
}

// zstd on pages of the size that the writer makes, nothing else.
class PlainZstd {
 public:
  explicit PlainZstd(const std::vector<float>& features)
      : data_(reinterpret_cast<const char*>(features.data())), size_(features.size() * sizeof(float)) {
    ZSTD_CCtx_setParameter(compressor_, ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(compressor_, ZSTD_c_checksumFlag, 1);
  }
  ~PlainZstd() {
    ZSTD_freeCCtx(compressor_);
    ZSTD_freeDCtx(decompressor_);
  }
  PlainZstd(const PlainZstd&) = delete;
  PlainZstd& operator=(const PlainZstd&) = delete;

  void Compress() {
    pages_.clear();
    for (size_t at = 0; at < size_; at += kPageBytes) {
      const size_t length = std::min(kPageBytes, size_ - at);
      std::vector<char>& page = pages_.emplace_back(ZSTD_compressBound(length));
      page.resize(ZSTD_compress2(compressor_, page.data(), page.size(), data_ + at, length));
    }
  }
  void Decompress() {
    for (const std::vector<char>& page : pages_) {
      ZSTD_decompressDCtx(decompressor_, page_.data(), page_.size(), page.data(), page.size());
    }
  }

 private:
  const char* data_;
  size_t size_;
  ZSTD_CCtx* compressor_ = ZSTD_createCCtx();
  ZSTD_DCtx* decompressor_ = ZSTD_createDCtx();
  std::vector<std::vector<char>> pages_;
  std::vector<char> page_ = std::vector<char>(kPageBytes);
};

}  // namespace

int main(int argc, char** argv) {
  bool json = false;
  size_t rows = 4096;
  size_t rounds = 15;
  std::string features_file;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--rows") == 0 && i + 1 < argc) {
      rows = std::max<size_t>(static_cast<size_t>(std::atoi(argv[++i])), 1);
    } else if (std::strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) {
      rounds = std::max<size_t>(static_cast<size_t>(std::atoi(argv[++i])), 1);
    } else if (std::strcmp(argv[i], "--features") == 0 && i + 1 < argc) {
      features_file = argv[++i];
    } else {
      std::fprintf(stderr, "Expected [--json] [--rows N] [--rounds N] [--features FILE], got %s\n", argv[i]);
      return 2;
    }
  }

  const std::vector<float> features = features_file.empty() ? DrawFeatures(rows) : LoadFeatures(features_file, rows);
  const Part part = DrawPart(rows);
  const std::vector<pq::ColumnInput> columns = Columns(part, features);
  const fs::path folder = fs::temp_directory_path() / "verger-parquet-bench";
  fs::create_directories(folder);
  const std::string raw = (folder / "raw.bin").string();
  const std::string plain = (folder / "plain.parquet").string();
  const std::string packed = (folder / "packed.parquet").string();
  const CancelToken cancel;
  const size_t bytes = features.size() * sizeof(float);
  std::vector<float> copy(features.size());
  std::vector<float> block(size_t{2048} * kWidth);
  uint64_t plain_bytes = 0;
  uint64_t packed_bytes = 0;

  const auto write = [&](const std::string& path, pq::Codec codec, uint64_t* written) {
    pq::WriteOptions options;
    options.codec = codec;
    Check(pq::WritePart(path, columns, rows, options, cancel, written));
  };
  const auto write_raw = [&] { Check(verger::AtomicWriteFile(raw, features.data(), bytes)); };
  const auto read_raw = [&] {
    pq::InputFile file;
    Check(file.Open(raw));
    for (uint64_t at = 0; at < bytes;) {
      const size_t length = std::min<size_t>(block.size() * sizeof(float), bytes - at);
      Check(file.Read(at, block.data(), length));
      at += length;
    }
  };
  PlainZstd zstd(features);

  std::vector<Measure> measures;
  measures.push_back(Compare("write, none / the same bytes written and fsynced", rows, rounds, write_raw,
                             [&] { write(plain, pq::Codec::kNone, &plain_bytes); }));
  measures.push_back(Compare(
      "write, zstd / zstd alone, in memory", rows, rounds, [&] { zstd.Compress(); },
      [&] { write(packed, pq::Codec::kZstd, &packed_bytes); }));
  measures.push_back(
      Compare("read, none / the same bytes read", rows, rounds, read_raw, [&] { ReadFeatures(plain, block); }));
  measures.push_back(Compare(
      "read, none / memcpy", rows, rounds, [&] { std::memcpy(copy.data(), features.data(), bytes); },
      [&] { ReadFeatures(plain, block); }));
  measures.push_back(Compare(
      "read, zstd / zstd alone, in memory", rows, rounds, [&] { zstd.Decompress(); },
      [&] { ReadFeatures(packed, block); }));
  fs::remove_all(folder);

  const double share = static_cast<double>(packed_bytes) / static_cast<double>(plain_bytes);
  const char* source = features_file.empty() ? "drawn" : "real";
  if (json) {
    std::printf("{\"bench\": \"parquet\", \"features\": \"%s\", \"rows\": %zu, \"zstdShare\": %.3f, \"measures\": [",
                source, rows, share);
    for (size_t i = 0; i < measures.size(); ++i) {
      const Measure& m = measures[i];
      std::printf("%s\n  {\"name\": \"%s\", \"unit\": \"us/row\", \"limit\": %.4g, \"ours\": %.4g, \"ratio\": %.4f}",
                  i == 0 ? "" : ",", m.name.c_str(), m.limit, m.ours, m.ratio);
    }
    std::printf("\n]}\n");
    return 0;
  }
  std::printf("%zu rows of %zu %s features; zstd keeps %.1f %% of the bytes\n", rows, kWidth, source, share * 100);
  std::printf("%-52s %10s %10s %-8s %7s\n", "measure", "limit", "ours", "unit", "ratio");
  for (const Measure& m : measures) {
    std::printf("%-52s %10.4g %10.4g %-8s %7.3f\n", m.name.c_str(), m.limit, m.ours, "us/row", m.ratio);
  }
  return 0;
}

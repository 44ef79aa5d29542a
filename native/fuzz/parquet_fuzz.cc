// Any bytes as a Parquet file: the reader must answer with a status, in bounded memory.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/cancel.h"
#include "core/parquet/reader.h"

namespace {

using verger::CancelToken;
using verger::Status;
using verger::parquet::ColumnBatch;
using verger::parquet::FloatTarget;
using verger::parquet::LeafColumn;
using verger::parquet::ParquetFile;
using verger::parquet::RowCursor;
using verger::parquet::ValueType;

constexpr size_t kRowsPerRead = 64;
constexpr size_t kReads = 64;  // a file may declare billions of nulls; enough is enough
constexpr size_t kWidth = 4;

// One file per process, rewritten for every input: the reader takes paths.
const std::string& ScratchPath() {
  static const std::string path =
      (std::filesystem::temp_directory_path() / ("verger-fuzz-" + std::to_string(std::rand()) + "-" +
                                                 std::to_string(reinterpret_cast<uintptr_t>(&kWidth)) + ".parquet"))
          .string();
  static const bool registered = [] {
    std::atexit([] { std::remove(ScratchPath().c_str()); });
    return true;
  }();
  (void)registered;
  return path;
}

// Touches every value, so that the sanitizers see what is not there.
uint64_t Sum(const ColumnBatch& batch) {
  uint64_t sum = batch.bytes.size();
  for (const uint8_t value : batch.validity) sum += value;
  for (const uint8_t value : batch.booleans) sum += value;
  for (const int32_t value : batch.int32s) sum += static_cast<uint32_t>(value);
  for (const int64_t value : batch.int64s) sum += static_cast<uint64_t>(value);
  for (const float value : batch.floats) sum += value > 0 ? 1 : 0;
  for (const double value : batch.doubles) sum += value > 0 ? 1 : 0;
  return sum;
}

void ReadAll(const std::shared_ptr<const ParquetFile>& file, size_t group, const std::vector<size_t>& columns,
             size_t target_column) {
  RowCursor cursor;
  if (!cursor.Open(file, group, columns).ok()) return;
  std::vector<float> values(kRowsPerRead * kWidth);
  FloatTarget target;
  target.column = target_column;
  target.data = values.data();
  target.width = kWidth;
  std::vector<ColumnBatch> batches;
  const CancelToken cancel;
  for (size_t i = 0; i < kReads; ++i) {
    size_t rows = 0;
    const Status status = cursor.Read(kRowsPerRead, target, cancel, batches, &rows);
    if (!status.ok() && (status.code().empty() || status.message().empty())) std::abort();
    if (!status.ok() || rows == 0) return;
    if (rows > kRowsPerRead) std::abort();
    volatile uint64_t sum = 0;
    for (const ColumnBatch& batch : batches) sum = sum + Sum(batch);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::FILE* scratch = std::fopen(ScratchPath().c_str(), "wb");
  if (scratch == nullptr) std::abort();
  if (std::fwrite(data, 1, size, scratch) != size) std::abort();
  std::fclose(scratch);

  std::shared_ptr<const ParquetFile> file;
  if (!ParquetFile::Open(ScratchPath(), &file).ok()) return 0;
  for (size_t group = 0; group < std::min<size_t>(file->metadata().row_groups.size(), 3); ++group) {
    std::vector<size_t> readable;
    for (size_t i = 0; i < std::min<size_t>(file->columns().size(), 16); ++i) {
      const LeafColumn& column = file->columns()[i];
      // One by one, so that a damaged column does not hide the others.
      ReadAll(file, group, {i}, SIZE_MAX);
      if (!column.unsupported.empty()) continue;
      readable.push_back(i);
      if (column.list && (column.type == ValueType::kFloat || column.type == ValueType::kDouble)) {
        ReadAll(file, group, {i}, 0);
      }
    }
    if (!readable.empty()) ReadAll(file, group, readable, SIZE_MAX);
  }
  return 0;
}

// Reads Parquet files that Verger, Spark, pyarrow, DuckDB and Polars write, a bounded number of rows at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/cancel.h"
#include "core/base/status.h"
#include "core/parquet/input_file.h"
#include "core/parquet/metadata.h"

namespace verger::parquet {

enum class ValueType {
  kBoolean,
  kInt32,
  kInt64,
  kTimestampMicros,
  kLocalTimestampMicros,
  kFloat,
  kDouble,
  kString,
  kBinary,
  kUnsupported,
};

// One leaf of the schema, seen as a column of rows.
struct LeafColumn {
  // The path of names without the wrappers of lists: "features" for a list, "features.values" for a list in a struct.
  std::string name;
  ValueType type = ValueType::kUnsupported;  // of the elements, for a list
  bool list = false;
  bool nullable = false;  // a row's value, or the list itself, may be null
  // Why the reader below cannot read it (nested lists, rare types, codecs or encodings); empty: it can.
  std::string unsupported;

  // Dremel levels: a value is present at max_definition; a list has an element from list_definition on, is empty one
  // below that, and null further below.
  int max_definition = 0;
  int max_repetition = 0;
  int list_definition = 0;
};

// An open file and its metadata. Immutable once open; any number of cursors may read from it on any thread.
class ParquetFile {
 public:
  // Reads and checks the footer. Codes: "storage/not-found", "storage/read", "parquet/corrupt" (not a Parquet file, or
  // a damaged one), "parquet/unsupported" (encrypted, or a footer above 16 MiB).
  static Status Open(const std::string& path, std::shared_ptr<const ParquetFile>* out);

  const std::string& path() const { return input_.path(); }
  const std::vector<LeafColumn>& columns() const { return columns_; }
  const FileMetadata& metadata() const { return metadata_; }
  const InputFile& input() const { return input_; }
  // Row number in the file of a row group's first row.
  uint64_t first_row(size_t row_group) const { return first_rows_[row_group]; }

  Status Corrupt(const std::string& what) const;
  Status Unsupported(const std::string& what) const;

 private:
  ParquetFile() = default;
  Status Load();
  Status WalkSchema();
  void CheckSupport();

  InputFile input_;
  FileMetadata metadata_;
  std::vector<LeafColumn> columns_;
  std::vector<uint64_t> first_rows_;
};

// Rows of one column. Which vector holds the values follows from the column's type.
struct ColumnBatch {
  std::vector<uint8_t> validity;  // one byte per row, 0 = null; empty: no null
  std::vector<uint8_t> booleans;
  std::vector<int32_t> int32s;
  std::vector<int64_t> int64s;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::string bytes;              // strings and binaries, end to end
  std::vector<uint64_t> ends;     // where each row's string ends in `bytes`
  std::vector<uint64_t> offsets;  // lists: rows + 1 offsets into the values
  int64_t null_element_row = -1;  // lists: the first row (of the batch) with a null element, which reads as 0
};

// Where the rows of one list column of float or double are to go: `width` floats per row, one row after another.
struct FloatTarget {
  size_t column = SIZE_MAX;  // position among the cursor's columns; SIZE_MAX: no target
  float* data = nullptr;
  size_t width = 0;
};

class ColumnReader;

// Reads some columns of one row group, in order. Working memory: one page (and dictionary) of each column, plus the
// rows of one call. Not thread-safe.
class RowCursor {
 public:
  RowCursor();
  ~RowCursor();
  RowCursor(const RowCursor&) = delete;
  RowCursor& operator=(const RowCursor&) = delete;

  // `row_group` and `columns` (indices into file->columns()) must be in range. Code "parquet/unsupported".
  Status Open(std::shared_ptr<const ParquetFile> file, size_t row_group, const std::vector<size_t>& columns);

  // Reads the next rows: at most `max_rows`, fewer when long lists fill the batch (64 MiB) or the row group ends; 0
  // only at its end. `batches` gets one entry per column; the target's entry stays empty but for nothing. After a
  // failure the cursor must not be used again.
  //
  // Codes: "cancelled" (between pages), "parquet/corrupt", "parquet/unsupported", "storage/read"; with a target
  // "features/ragged" (a row of another width) and "features/null" (a null row or element), both naming the row.
  Status Read(size_t max_rows, const FloatTarget& target, const CancelToken& cancel, std::vector<ColumnBatch>& batches,
              size_t* rows);

 private:
  std::shared_ptr<const ParquetFile> file_;
  std::vector<std::unique_ptr<ColumnReader>> readers_;
  size_t row_group_ = 0;
  uint64_t rows_left_ = 0;
  uint64_t row_ = 0;  // in the file
};

}  // namespace verger::parquet

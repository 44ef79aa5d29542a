// Writes one Parquet file from columns in memory, row group by row group.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/cancel.h"
#include "core/base/status.h"
#include "core/parquet/metadata.h"

namespace verger::parquet {

enum class ColumnType {
  kString,   // UTF-8
  kBoolean,  // one byte a row
  kInt32,
  kInt64,
  kTimestampMicros,       // int64, microseconds since 1970 in UTC
  kLocalTimestampMicros,  // int64, the same of a clock's own date and time, without a time zone
  kDouble,
  kFloatList,  // list<float32>: optionally of one fixed width
};

// One column's values for every row of the file. The writer only borrows the memory.
struct ColumnInput {
  std::string name;
  ColumnType type = ColumnType::kInt32;
  // True makes the column optional in the schema even when no row is null. List columns are never nullable.
  bool nullable = false;
  // One byte per row, 0 = null; nullptr: no null. Null rows still have a (meaningless) place in `values`; the string of
  // a null row is empty.
  const uint8_t* validity = nullptr;
  // `rows` values of uint8_t, int32_t, int64_t or double; for lists, floats row after row; for strings, UTF-8 bytes.
  const void* values = nullptr;
  // Strings: rows + 1 offsets into `values`. Lists of uneven length: rows + 1 offsets in floats; nullptr: `width` each.
  const uint64_t* offsets = nullptr;
  size_t width = 0;
};

struct WriteOptions {
  Codec codec = Codec::kZstd;
  int zstd_level = 1;
  size_t row_group_rows = 2000;
  // Target size of a page before compression.
  size_t page_bytes = size_t{1} << 20;
  std::vector<std::pair<std::string, std::string>> key_values;
};

// Writes `rows` rows of `columns` (at least one) to `path` through AtomicFile, so that the name appears only with the
// whole file behind it. Equal input gives equal bytes with one version of the codec's library. Working memory: a few
// pages, plus the distinct values of string columns.
//
// Float lists are stored uncompressed unless compression saves at least a tenth of the row group's first page: see
// docs/run-format.md for the measurements.
//
// Codes: "cancelled" (between pages), "parquet/unsupported", those of AtomicFile.
Status WritePart(const std::string& path, const std::vector<ColumnInput>& columns, size_t rows,
                 const WriteOptions& options, const CancelToken& cancel, uint64_t* bytes);

}  // namespace verger::parquet

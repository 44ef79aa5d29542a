// Parquet's file metadata: the parts that Verger writes and reads.
// Specification: apache/parquet-format, src/main/thrift/parquet.thrift.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/parquet/thrift.h"

namespace verger::parquet {

enum class PhysicalType : int32_t {
  kBoolean = 0,
  kInt32 = 1,
  kInt64 = 2,
  kInt96 = 3,
  kFloat = 4,
  kDouble = 5,
  kByteArray = 6,
  kFixedLenByteArray = 7,
};

enum class Repetition : int32_t { kRequired = 0, kOptional = 1, kRepeated = 2 };

enum class Encoding : int32_t {
  kPlain = 0,
  kPlainDictionary = 2,
  kRle = 3,
  kBitPacked = 4,
  kDeltaBinaryPacked = 5,
  kDeltaLengthByteArray = 6,
  kDeltaByteArray = 7,
  kRleDictionary = 8,
  kByteStreamSplit = 9,
};

enum class Codec : int32_t {
  kNone = 0,
  kSnappy = 1,
  kGzip = 2,
  kLzo = 3,
  kBrotli = 4,
  kLz4 = 5,
  kZstd = 6,
  kLz4Raw = 7,
};

enum class PageType : int32_t { kData = 0, kIndex = 1, kDictionary = 2, kDataV2 = 3 };

// The annotations that change how a value is to be understood; everything else reads as its physical type.
enum class Annotation { kNone, kString, kList, kTimestampMicros, kLocalTimestampMicros, kOther };

struct SchemaNode {
  std::string name;
  Repetition repetition = Repetition::kRequired;
  bool leaf = false;
  PhysicalType type = PhysicalType::kInt32;  // leaves only
  Annotation annotation = Annotation::kNone;
  int32_t children = 0;
};

struct Statistics {
  int64_t null_count = -1;  // -1: unknown
  bool has_range = false;
  std::string min;
  std::string max;
};

struct ColumnChunk {
  PhysicalType type = PhysicalType::kInt32;
  Codec codec = Codec::kNone;
  std::vector<Encoding> encodings;
  std::vector<std::string> path;  // written; readers take it from the schema
  int64_t values = 0;             // nulls and repeated elements included
  int64_t uncompressed_size = 0;  // page headers included
  int64_t compressed_size = 0;
  int64_t data_page_offset = 0;
  int64_t dictionary_page_offset = 0;  // 0: none
  Statistics statistics;               // written; readers ignore them
  bool elsewhere = false;              // stored in another file, or encrypted
};

struct RowGroup {
  std::vector<ColumnChunk> columns;
  int64_t rows = 0;
};

struct FileMetadata {
  std::vector<SchemaNode> schema;  // depth first, the root first
  int64_t rows = 0;
  std::vector<RowGroup> row_groups;
  std::vector<std::pair<std::string, std::string>> key_values;
  std::string created_by;
};

struct PageHeader {
  PageType type = PageType::kData;
  int32_t uncompressed_size = 0;
  int32_t compressed_size = 0;
  int32_t values = 0;
  Encoding encoding = Encoding::kPlain;
  // Version 1 only.
  Encoding definition_encoding = Encoding::kRle;
  Encoding repetition_encoding = Encoding::kRle;
  // Version 2 only.
  int32_t nulls = 0;
  int32_t rows = 0;
  int32_t definition_size = 0;
  int32_t repetition_size = 0;
  bool compressed = true;
};

void SerializeMetadata(const FileMetadata& metadata, std::vector<uint8_t>& out);
void SerializePageHeader(const PageHeader& header, std::vector<uint8_t>& out);

// False when `data` is not a well-formed FileMetaData struct.
bool ParseMetadata(const uint8_t* data, size_t size, FileMetadata* metadata);

enum class ParseResult { kOk, kTruncated, kCorrupt };
// `consumed` is the header's own length.
ParseResult ParsePageHeader(const uint8_t* data, size_t size, PageHeader* header, size_t* consumed);

}  // namespace verger::parquet

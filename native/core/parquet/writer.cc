#include "core/parquet/writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "core/base/atomic_file.h"
#include "core/parquet/codec.h"
#include "core/parquet/rle.h"

namespace verger::parquet {

namespace {

// Constant: the same input must give the same bytes whatever the version of the app that wrote it.
constexpr char kCreatedBy[] = "verger (format 1)";
constexpr char kMagic[] = "PAR1";
// Readers keep a chunk's whole dictionary in memory, and larger ones save little.
constexpr size_t kMaxDictionaryBytes = size_t{1} << 20;
// Longer bounds would bloat the footer; a chunk without bounds is merely not skipped by filters.
constexpr size_t kMaxBoundBytes = 256;
// Float lists are compressed from this saving on (compressed / plain of the first page).
constexpr double kWorthCompressing = 0.9;

static_assert(std::numeric_limits<float>::is_iec559 && sizeof(float) == 4);
#if defined(__BYTE_ORDER__)
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "Parquet is little-endian; values are copied as they are");
#endif

PhysicalType PhysicalOf(ColumnType type) {
  switch (type) {
    case ColumnType::kString:
      return PhysicalType::kByteArray;
    case ColumnType::kBoolean:
      return PhysicalType::kBoolean;
    case ColumnType::kInt32:
      return PhysicalType::kInt32;
    case ColumnType::kInt64:
    case ColumnType::kTimestampMicros:
    case ColumnType::kLocalTimestampMicros:
      return PhysicalType::kInt64;
    case ColumnType::kDouble:
      return PhysicalType::kDouble;
    case ColumnType::kFloatList:
      return PhysicalType::kFloat;
  }
  return PhysicalType::kInt32;
}

void AddSchema(const ColumnInput& column, std::vector<SchemaNode>& schema) {
  SchemaNode node;
  node.name = column.name;
  if (column.type == ColumnType::kFloatList) {
    node.annotation = Annotation::kList;
    node.children = 1;
    schema.push_back(node);
    SchemaNode repeated;
    repeated.name = "list";
    repeated.repetition = Repetition::kRepeated;
    repeated.children = 1;
    schema.push_back(repeated);
    SchemaNode element;
    element.name = "element";
    element.leaf = true;
    element.type = PhysicalType::kFloat;
    schema.push_back(element);
    return;
  }
  node.repetition = column.nullable ? Repetition::kOptional : Repetition::kRequired;
  node.leaf = true;
  node.type = PhysicalOf(column.type);
  if (column.type == ColumnType::kString) node.annotation = Annotation::kString;
  if (column.type == ColumnType::kTimestampMicros) node.annotation = Annotation::kTimestampMicros;
  if (column.type == ColumnType::kLocalTimestampMicros) node.annotation = Annotation::kLocalTimestampMicros;
  schema.push_back(node);
}

void AppendLittle32(uint32_t value, std::vector<uint8_t>& out) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<uint8_t>(value >> shift));
}

void AppendBytes(const void* data, size_t size, std::vector<uint8_t>& out) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  out.insert(out.end(), bytes, bytes + size);
}

// Levels of a version 1 page: four bytes of length, then the hybrid encoding.
template <typename Put>
void AppendLevels(std::vector<uint8_t>& out, Put put) {
  const size_t start = out.size();
  AppendLittle32(0, out);
  RleEncoder encoder(1, out);
  put(encoder);
  encoder.Finish();
  const size_t length = out.size() - start - 4;
  for (size_t i = 0; i < 4; ++i) out[start + i] = static_cast<uint8_t>(length >> (8 * i));
}

// Writes the pages of one column after another and collects the metadata.
class PartWriter {
 public:
  PartWriter(const std::vector<ColumnInput>& columns, const WriteOptions& options, const CancelToken& cancel)
      : columns_(columns), options_(options), cancel_(cancel), compressor_(options.codec, options.zstd_level) {}

  Status Run(const std::string& path, size_t rows, uint64_t* bytes);

 private:
  // Rows [begin, end) of one column.
  Status WriteChunk(const ColumnInput& column, size_t begin, size_t end, ColumnChunk& chunk);
  Status WriteScalars(const ColumnInput& column, size_t begin, size_t end, ColumnChunk& chunk);
  Status WriteStrings(const ColumnInput& column, size_t begin, size_t end, ColumnChunk& chunk);
  Status WriteLists(const ColumnInput& column, size_t begin, size_t end, ColumnChunk& chunk);
  // Writes page_ as one page with the chunk's codec.
  Status WritePage(PageType type, Encoding encoding, size_t values, ColumnChunk& chunk);
  Status WritePreparedPage(PageType type, Encoding encoding, size_t values, size_t body_size, ColumnChunk& chunk);

  bool Present(const ColumnInput& column, size_t row) const {
    return column.validity == nullptr || column.validity[row] != 0;
  }
  void AppendDefinitionLevels(const ColumnInput& column, size_t begin, size_t end);

  const std::vector<ColumnInput>& columns_;
  const WriteOptions& options_;
  const CancelToken& cancel_;
  Compressor compressor_;
  AtomicFile file_;
  std::vector<uint8_t> page_;    // levels and values before compression
  std::vector<uint8_t> packed_;  // the same after it
  std::vector<uint8_t> header_;
};

Status PartWriter::WritePreparedPage(PageType type, Encoding encoding, size_t values, size_t body_size,
                                     ColumnChunk& chunk) {
  const std::vector<uint8_t>& body = chunk.codec == Codec::kNone ? page_ : packed_;
  if (page_.size() > INT32_MAX || body_size > INT32_MAX || values > INT32_MAX) {
    return {"parquet/unsupported", "Expected a Parquet page below 2 GiB, but one row of the data is larger; split it."};
  }
  PageHeader header;
  header.type = type;
  header.uncompressed_size = static_cast<int32_t>(page_.size());
  header.compressed_size = static_cast<int32_t>(body_size);
  header.values = static_cast<int32_t>(values);
  header.encoding = encoding;
  header_.clear();
  SerializePageHeader(header, header_);
  const auto offset = static_cast<int64_t>(file_.size());
  if (type == PageType::kDictionary) {
    chunk.dictionary_page_offset = offset;
  } else {
    if (chunk.data_page_offset == 0) chunk.data_page_offset = offset;
    chunk.values += static_cast<int64_t>(values);
  }
  chunk.uncompressed_size += static_cast<int64_t>(header_.size() + page_.size());
  chunk.compressed_size += static_cast<int64_t>(header_.size() + body_size);
  if (std::find(chunk.encodings.begin(), chunk.encodings.end(), encoding) == chunk.encodings.end()) {
    chunk.encodings.push_back(encoding);
  }
  VERGER_RETURN_IF_ERROR(file_.Write(header_.data(), header_.size()));
  return file_.Write(body.data(), body_size);
}

Status PartWriter::WritePage(PageType type, Encoding encoding, size_t values, ColumnChunk& chunk) {
  if (cancel_.cancelled()) return Status::Cancelled();
  size_t body_size = page_.size();
  if (chunk.codec != Codec::kNone) {
    packed_.clear();
    VERGER_RETURN_IF_ERROR(compressor_.Compress(page_.data(), page_.size(), packed_));
    body_size = packed_.size();
  }
  return WritePreparedPage(type, encoding, values, body_size, chunk);
}

void PartWriter::AppendDefinitionLevels(const ColumnInput& column, size_t begin, size_t end) {
  if (!column.nullable) return;
  AppendLevels(page_, [&](RleEncoder& levels) {
    if (column.validity == nullptr) {
      levels.Put(1, end - begin);
      return;
    }
    for (size_t row = begin; row < end; ++row) levels.Put(column.validity[row] != 0 ? 1 : 0);
  });
}

// The bounds of a numeric column, as Parquet orders them: NaN has no place, and -0 < +0 must not exclude the other.
template <typename T>
void NumericStatistics(const ColumnInput& column, size_t begin, size_t end, Statistics& statistics) {
  const T* values = static_cast<const T*>(column.values);
  bool any = false;
  T low{};
  T high{};
  for (size_t row = begin; row < end; ++row) {
    if (column.validity != nullptr && column.validity[row] == 0) continue;
    const T value = values[row];
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(value)) return;
    }
    low = any ? std::min(low, value) : value;
    high = any ? std::max(high, value) : value;
    any = true;
  }
  if (!any) return;
  if constexpr (std::is_floating_point_v<T>) {
    if (low == T{0}) low = -T{0};
    if (high == T{0}) high = T{0};
  }
  statistics.has_range = true;
  statistics.min.assign(reinterpret_cast<const char*>(&low), sizeof(T));
  statistics.max.assign(reinterpret_cast<const char*>(&high), sizeof(T));
}

Status PartWriter::WriteScalars(const ColumnInput& column, size_t begin, size_t end, ColumnChunk& chunk) {
  size_t width = 0;
  switch (column.type) {
    case ColumnType::kBoolean:
      width = 1;
      break;
    case ColumnType::kInt32:
      width = sizeof(int32_t);
      NumericStatistics<int32_t>(column, begin, end, chunk.statistics);
      break;
    case ColumnType::kDouble:
      width = sizeof(double);
      NumericStatistics<double>(column, begin, end, chunk.statistics);
      break;
    default:
      width = sizeof(int64_t);
      NumericStatistics<int64_t>(column, begin, end, chunk.statistics);
      break;
  }
  const size_t page_rows = std::max<size_t>(1, options_.page_bytes / width);
  for (size_t first = begin; first < end; first += page_rows) {
    const size_t last = std::min(end, first + page_rows);
    page_.clear();
    AppendDefinitionLevels(column, first, last);
    const auto* bytes = static_cast<const uint8_t*>(column.values);
    if (column.type == ColumnType::kBoolean) {
      unsigned bit = 8;
      for (size_t row = first; row < last; ++row) {
        if (!Present(column, row)) continue;
        if (bit == 8) {
          page_.push_back(0);
          bit = 0;
        }
        if (bytes[row] != 0) page_.back() = static_cast<uint8_t>(page_.back() | (1U << bit));
        ++bit;
      }
    } else if (column.validity == nullptr) {
      AppendBytes(bytes + first * width, (last - first) * width, page_);
    } else {
      for (size_t row = first; row < last; ++row) {
        if (Present(column, row)) AppendBytes(bytes + row * width, width, page_);
      }
    }
    VERGER_RETURN_IF_ERROR(WritePage(PageType::kData, Encoding::kPlain, last - first, chunk));
  }
  return Status::Ok();
}

Status PartWriter::WriteStrings(const ColumnInput& column, size_t begin, size_t end, ColumnChunk& chunk) {
  const auto* bytes = static_cast<const char*>(column.values);
  const auto text = [&](size_t row) {
    return std::string_view(bytes + column.offsets[row],
                            static_cast<size_t>(column.offsets[row + 1] - column.offsets[row]));
  };

  // A dictionary pays when values repeat at least twice on average (labels do, paths do not). Indices follow first
  // appearance, so the bytes depend on the rows alone.
  std::unordered_map<std::string_view, uint32_t> dictionary;
  std::vector<std::string_view> entries;
  std::vector<uint32_t> indices;
  size_t dictionary_bytes = 0;
  bool use_dictionary = true;
  bool any = false;
  std::string_view low;
  std::string_view high;
  for (size_t row = begin; row < end; ++row) {
    if (!Present(column, row)) continue;
    const std::string_view value = text(row);
    if (!any || value < low) low = value;
    if (!any || value > high) high = value;
    any = true;
    if (!use_dictionary) continue;
    const auto [entry, inserted] = dictionary.try_emplace(value, static_cast<uint32_t>(entries.size()));
    if (inserted) {
      entries.push_back(value);
      dictionary_bytes += value.size() + 4;
      use_dictionary = entries.size() <= (end - begin) / 2 + 1 && dictionary_bytes <= kMaxDictionaryBytes;
    }
    indices.push_back(entry->second);
  }
  if (any && low.size() <= kMaxBoundBytes && high.size() <= kMaxBoundBytes) {
    chunk.statistics.has_range = true;
    chunk.statistics.min = low;
    chunk.statistics.max = high;
  }

  const auto append_string = [&](std::string_view value) {
    AppendLittle32(static_cast<uint32_t>(value.size()), page_);
    AppendBytes(value.data(), value.size(), page_);
  };

  if (use_dictionary && any) {
    page_.clear();
    for (const std::string_view entry : entries) append_string(entry);
    VERGER_RETURN_IF_ERROR(WritePage(PageType::kDictionary, Encoding::kPlain, entries.size(), chunk));
    const unsigned width = BitWidth(static_cast<uint32_t>(entries.size() - 1));
    size_t next = 0;
    const size_t page_rows = std::max<size_t>(1, options_.page_bytes / 4);
    for (size_t first = begin; first < end; first += page_rows) {
      const size_t last = std::min(end, first + page_rows);
      page_.clear();
      AppendDefinitionLevels(column, first, last);
      page_.push_back(static_cast<uint8_t>(width));
      RleEncoder encoder(width, page_);
      for (size_t row = first; row < last; ++row) {
        if (Present(column, row)) encoder.Put(indices[next++]);
      }
      encoder.Finish();
      VERGER_RETURN_IF_ERROR(WritePage(PageType::kData, Encoding::kRleDictionary, last - first, chunk));
    }
    return Status::Ok();
  }

  for (size_t first = begin; first < end;) {
    size_t last = first;
    for (size_t size = 0; last < end && size < options_.page_bytes; ++last) size += text(last).size() + 4;
    page_.clear();
    AppendDefinitionLevels(column, first, last);
    for (size_t row = first; row < last; ++row) {
      if (Present(column, row)) append_string(text(row));
    }
    VERGER_RETURN_IF_ERROR(WritePage(PageType::kData, Encoding::kPlain, last - first, chunk));
    first = last;
  }
  return Status::Ok();
}

Status PartWriter::WriteLists(const ColumnInput& column, size_t begin, size_t end, ColumnChunk& chunk) {
  const auto* values = static_cast<const float*>(column.values);
  const auto offset = [&](size_t row) {
    return column.offsets != nullptr ? static_cast<size_t>(column.offsets[row]) : row * column.width;
  };
  bool first_page = true;
  for (size_t first = begin; first < end;) {
    // Whole rows only, although the format lets a row go on in the next page: readers seek by page.
    size_t last = first + 1;
    while (last < end && (offset(last + 1) - offset(first)) * sizeof(float) <= options_.page_bytes) ++last;
    page_.clear();
    size_t levels = 0;
    AppendLevels(page_, [&](RleEncoder& repetition) {
      for (size_t row = first; row < last; ++row) {
        const size_t length = offset(row + 1) - offset(row);
        repetition.Put(0);
        if (length > 1) repetition.Put(1, length - 1);
        levels += std::max<size_t>(length, 1);
      }
    });
    AppendLevels(page_, [&](RleEncoder& definition) {
      for (size_t row = first; row < last; ++row) {
        const size_t length = offset(row + 1) - offset(row);
        if (length == 0) {
          definition.Put(0);
        } else {
          definition.Put(1, length);
        }
      }
    });
    AppendBytes(values + offset(first), (offset(last) - offset(first)) * sizeof(float), page_);
    if (first_page && chunk.codec != Codec::kNone) {
      first_page = false;
      packed_.clear();
      VERGER_RETURN_IF_ERROR(compressor_.Compress(page_.data(), page_.size(), packed_));
      if (static_cast<double>(packed_.size()) > kWorthCompressing * static_cast<double>(page_.size())) {
        chunk.codec = Codec::kNone;
      }
      const size_t size = chunk.codec == Codec::kNone ? page_.size() : packed_.size();
      VERGER_RETURN_IF_ERROR(WritePreparedPage(PageType::kData, Encoding::kPlain, levels, size, chunk));
    } else {
      VERGER_RETURN_IF_ERROR(WritePage(PageType::kData, Encoding::kPlain, levels, chunk));
    }
    first = last;
  }
  return Status::Ok();
}

Status PartWriter::WriteChunk(const ColumnInput& column, size_t begin, size_t end, ColumnChunk& chunk) {
  chunk.type = PhysicalOf(column.type);
  chunk.codec = options_.codec;
  chunk.path = {column.name};
  chunk.encodings = {Encoding::kRle};  // levels
  if (column.type == ColumnType::kFloatList) {
    chunk.path = {column.name, "list", "element"};
    return WriteLists(column, begin, end, chunk);
  }
  chunk.statistics.null_count = 0;
  if (column.validity != nullptr) {
    chunk.statistics.null_count = std::count(column.validity + begin, column.validity + end, uint8_t{0});
  }
  return column.type == ColumnType::kString ? WriteStrings(column, begin, end, chunk)
                                            : WriteScalars(column, begin, end, chunk);
}

Status PartWriter::Run(const std::string& path, size_t rows, uint64_t* bytes) {
  FileMetadata metadata;
  metadata.created_by = kCreatedBy;
  metadata.key_values = options_.key_values;
  metadata.rows = static_cast<int64_t>(rows);
  SchemaNode root;
  root.name = "schema";
  root.children = static_cast<int32_t>(columns_.size());
  metadata.schema.push_back(root);
  for (const ColumnInput& column : columns_) AddSchema(column, metadata.schema);

  if (!CodecSupported(options_.codec) || options_.codec == Codec::kGzip) {
    return {"parquet/unsupported", std::string("Expected a codec this build can write (zstd or none), but ") +
                                       CodecName(options_.codec) + " was asked for; choose zstd."};
  }
  VERGER_RETURN_IF_ERROR(file_.Open(path));
  VERGER_RETURN_IF_ERROR(file_.Write(kMagic, 4));
  const size_t group_rows = std::max<size_t>(1, options_.row_group_rows);
  for (size_t begin = 0; begin < rows; begin += group_rows) {
    const size_t end = std::min(rows, begin + group_rows);
    RowGroup& group = metadata.row_groups.emplace_back();
    group.rows = static_cast<int64_t>(end - begin);
    for (const ColumnInput& column : columns_) {
      VERGER_RETURN_IF_ERROR(WriteChunk(column, begin, end, group.columns.emplace_back()));
    }
  }
  std::vector<uint8_t> footer;
  SerializeMetadata(metadata, footer);
  AppendLittle32(static_cast<uint32_t>(footer.size()), footer);
  AppendBytes(kMagic, 4, footer);
  VERGER_RETURN_IF_ERROR(file_.Write(footer.data(), footer.size()));
  *bytes = file_.size();
  return file_.Commit();
}

}  // namespace

Status WritePart(const std::string& path, const std::vector<ColumnInput>& columns, size_t rows,
                 const WriteOptions& options, const CancelToken& cancel, uint64_t* bytes) {
  PartWriter writer(columns, options, cancel);
  return writer.Run(path, rows, bytes);
}

}  // namespace verger::parquet

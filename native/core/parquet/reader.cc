#include "core/parquet/reader.h"

#include <algorithm>
#include <cstring>

#include "core/parquet/codec.h"
#include "core/parquet/column_reader.h"

namespace verger::parquet {

namespace {

constexpr uint64_t kMaxFooterBytes = uint64_t{16} << 20;
constexpr size_t kTail = 8;  // the footer's length and the magic
constexpr int kMaxSchemaDepth = 32;
constexpr int kMaxLevel = 64;
constexpr size_t kBatchBytes = size_t{64} << 20;

ValueType TypeOf(const SchemaNode& node) {
  const bool plain = node.annotation == Annotation::kNone;
  switch (node.type) {
    case PhysicalType::kBoolean:
      return plain ? ValueType::kBoolean : ValueType::kUnsupported;
    case PhysicalType::kInt32:
      return plain ? ValueType::kInt32 : ValueType::kUnsupported;
    case PhysicalType::kInt64:
      if (node.annotation == Annotation::kTimestampMicros) return ValueType::kTimestampMicros;
      if (node.annotation == Annotation::kLocalTimestampMicros) return ValueType::kLocalTimestampMicros;
      return plain ? ValueType::kInt64 : ValueType::kUnsupported;
    case PhysicalType::kFloat:
      return plain ? ValueType::kFloat : ValueType::kUnsupported;
    case PhysicalType::kDouble:
      return plain ? ValueType::kDouble : ValueType::kUnsupported;
    case PhysicalType::kByteArray:
      if (node.annotation == Annotation::kString) return ValueType::kString;
      return plain ? ValueType::kBinary : ValueType::kUnsupported;
    default:
      return ValueType::kUnsupported;
  }
}

// Turns the depth-first list of schema nodes into columns.
class SchemaWalker {
 public:
  SchemaWalker(const std::vector<SchemaNode>& schema, std::vector<LeafColumn>& columns)
      : schema_(schema), columns_(columns) {}

  // False when the tree is malformed.
  bool Walk() {
    if (schema_.empty() || schema_[0].leaf) return false;
    next_ = 1;
    for (int32_t i = 0; i < schema_[0].children; ++i) {
      if (!Visit("", LeafColumn(), false, 0)) return false;
    }
    return next_ == schema_.size() && !columns_.empty();
  }

 private:
  // `outer` carries the levels down. `wrapper`: this node is a list's inner node, whose name says nothing.
  bool Visit(const std::string& prefix, LeafColumn outer, bool wrapper, int depth) {
    if (next_ >= schema_.size() || depth > kMaxSchemaDepth) return false;
    const SchemaNode& node = schema_[next_++];
    const std::string name = wrapper ? prefix : prefix.empty() ? node.name : prefix + "." + node.name;
    switch (node.repetition) {
      case Repetition::kRequired:
        break;
      case Repetition::kOptional:
        ++outer.max_definition;
        if (outer.max_repetition == 0) outer.nullable = true;
        break;
      case Repetition::kRepeated:
        ++outer.max_definition;
        ++outer.max_repetition;
        outer.list_definition = outer.max_definition;
        break;
      default:
        return false;
    }
    if (outer.max_definition > kMaxLevel) return false;
    if (node.leaf) {
      if (node.children != 0) return false;
      outer.name = name;
      outer.type = TypeOf(node);
      outer.list = outer.max_repetition > 0;
      columns_.push_back(std::move(outer));
      return true;
    }
    if (node.children < 0) return false;
    // LIST { repeated list { element } } and the older LIST { repeated element }.
    const bool list = node.annotation == Annotation::kList && node.children == 1 && next_ < schema_.size() &&
                      schema_[next_].repetition == Repetition::kRepeated;
    const bool inner = wrapper && node.repetition == Repetition::kRepeated && node.children == 1;
    for (int32_t i = 0; i < node.children; ++i) {
      if (!Visit(name, outer, list || inner, depth + 1)) return false;
    }
    return true;
  }

  const std::vector<SchemaNode>& schema_;
  std::vector<LeafColumn>& columns_;
  size_t next_ = 0;
};

bool EncodingSupported(Encoding encoding, PhysicalType type) {
  switch (encoding) {
    case Encoding::kPlain:
    case Encoding::kPlainDictionary:
    case Encoding::kRleDictionary:
    case Encoding::kRle:
    // Listed by Spark for levels that are not stored; real ones are found out page by page.
    case Encoding::kBitPacked:
      return true;
    case Encoding::kByteStreamSplit:
      return type == PhysicalType::kFloat || type == PhysicalType::kDouble;
    default:
      return false;
  }
}

std::string WhyUnsupported(const LeafColumn& column, const ColumnChunk& chunk) {
  if (chunk.elsewhere) return "it is encrypted or stored in another file";
  if (!CodecSupported(chunk.codec)) return std::string("it is compressed with ") + CodecName(chunk.codec);
  for (const Encoding encoding : chunk.encodings) {
    if (!EncodingSupported(encoding, chunk.type)) {
      return "it uses encoding " + std::to_string(static_cast<int>(encoding));
    }
  }
  return column.unsupported;
}

}  // namespace

Status ParquetFile::Corrupt(const std::string& what) const {
  return {"parquet/corrupt",
          "Expected " + input_.path() + " to be a whole Parquet file, but " + what + "; write or copy it again."};
}

Status ParquetFile::Unsupported(const std::string& what) const {
  return {"parquet/unsupported", "Expected " + what + " in " + input_.path() +
                                     ", but the file has something else; rewrite it with pyarrow, pandas or Spark."};
}

Status ParquetFile::Open(const std::string& path, std::shared_ptr<const ParquetFile>* out) {
  std::shared_ptr<ParquetFile> file(new ParquetFile());
  VERGER_RETURN_IF_ERROR(file->input_.Open(path));
  VERGER_RETURN_IF_ERROR(file->Load());
  *out = std::move(file);
  return Status::Ok();
}

Status ParquetFile::Load() {
  const uint64_t size = input_.size();
  uint8_t tail[kTail];
  if (size < kTail + 4) return Corrupt("it is only " + std::to_string(size) + " bytes long");
  VERGER_RETURN_IF_ERROR(input_.Read(size - kTail, tail, kTail));
  if (std::memcmp(tail + 4, "PARE", 4) == 0) return Unsupported("an unencrypted footer");
  if (std::memcmp(tail + 4, "PAR1", 4) != 0) return Corrupt("it does not end with PAR1");
  uint64_t footer_size = 0;
  for (size_t i = 0; i < 4; ++i) footer_size |= static_cast<uint64_t>(tail[i]) << (8 * i);
  if (footer_size > size - kTail - 4) return Corrupt("its footer is longer than the file");
  if (footer_size > kMaxFooterBytes) return Unsupported("a footer of at most 16 MiB");
  std::vector<uint8_t> footer(static_cast<size_t>(footer_size));
  VERGER_RETURN_IF_ERROR(input_.Read(size - kTail - footer_size, footer.data(), footer.size()));
  if (!ParseMetadata(footer.data(), footer.size(), &metadata_)) return Corrupt("its footer is malformed");
  VERGER_RETURN_IF_ERROR(WalkSchema());
  CheckSupport();
  return Status::Ok();
}

Status ParquetFile::WalkSchema() {
  if (!SchemaWalker(metadata_.schema, columns_).Walk()) return Corrupt("its schema is malformed");
  std::vector<PhysicalType> types;
  for (const SchemaNode& node : metadata_.schema) {
    if (node.leaf) types.push_back(node.type);
  }
  uint64_t rows = 0;
  for (const RowGroup& group : metadata_.row_groups) {
    // ParseMetadata has made sure that every group has one chunk per leaf.
    if (group.rows < 0) return Corrupt("a row group has a negative number of rows");
    for (size_t i = 0; i < types.size(); ++i) {
      if (!group.columns[i].elsewhere && group.columns[i].type != types[i]) {
        return Corrupt("column " + columns_[i].name + " is not of the type its schema says");
      }
    }
    first_rows_.push_back(rows);
    rows += static_cast<uint64_t>(group.rows);
  }
  if (metadata_.rows < 0 || rows != static_cast<uint64_t>(metadata_.rows)) {
    return Corrupt("its row groups do not add up to its number of rows");
  }
  return Status::Ok();
}

void ParquetFile::CheckSupport() {
  for (size_t i = 0; i < columns_.size(); ++i) {
    LeafColumn& column = columns_[i];
    const bool number = column.type == ValueType::kInt32 || column.type == ValueType::kInt64 ||
                        column.type == ValueType::kFloat || column.type == ValueType::kDouble;
    if (column.max_repetition > 1) {
      column.unsupported = "it holds lists in lists";
    } else if (column.type == ValueType::kUnsupported) {
      column.unsupported = "its type is not a plain number, text or UTC time in microseconds";
    } else if (column.list && !number) {
      column.unsupported = "it holds lists of something else than numbers";
    }
    for (const RowGroup& group : metadata_.row_groups) {
      if (!column.unsupported.empty()) break;
      column.unsupported = WhyUnsupported(column, group.columns[i]);
    }
  }
}

RowCursor::RowCursor() = default;
RowCursor::~RowCursor() = default;

Status RowCursor::Open(std::shared_ptr<const ParquetFile> file, size_t row_group, const std::vector<size_t>& columns) {
  file_ = std::move(file);
  row_group_ = row_group;
  row_ = file_->first_row(row_group);
  const RowGroup& group = file_->metadata().row_groups[row_group];
  rows_left_ = static_cast<uint64_t>(group.rows);
  readers_.clear();
  for (const size_t index : columns) {
    const LeafColumn& column = file_->columns()[index];
    if (!column.unsupported.empty()) {
      return {"parquet/unsupported", "Expected column " + column.name + " of " + file_->path() +
                                         " in a form this reader knows, but " + column.unsupported +
                                         "; rewrite the file with pyarrow, pandas or Spark."};
    }
    readers_.push_back(std::make_unique<ColumnReader>(*file_, column, group.columns[index]));
    VERGER_RETURN_IF_ERROR(readers_.back()->Open());
  }
  return Status::Ok();
}

Status RowCursor::Read(size_t max_rows, const FloatTarget& target, const CancelToken& cancel,
                       std::vector<ColumnBatch>& batches, size_t* rows) {
  batches.clear();
  batches.resize(readers_.size());
  auto count = static_cast<size_t>(std::min<uint64_t>(max_rows, rows_left_));
  *rows = 0;
  if (count == 0) return Status::Ok();
  // Lists first: the first of them may fill its budget early and so decides how many rows the others read.
  bool decided = target.column < readers_.size();
  if (decided) {
    VERGER_RETURN_IF_ERROR(readers_[target.column]->ReadFixedLists(count, target.width, row_, cancel, target.data));
  }
  for (size_t i = 0; i < readers_.size(); ++i) {
    if (i == target.column || !readers_[i]->column().list) continue;
    size_t got = 0;
    VERGER_RETURN_IF_ERROR(readers_[i]->ReadLists(count, decided ? SIZE_MAX : kBatchBytes, cancel, batches[i], &got));
    if (got == 0 || (decided && got != count)) {
      return file_->Corrupt("column " + readers_[i]->column().name + " has fewer rows than its row group declares");
    }
    count = got;
    decided = true;
  }
  for (size_t i = 0; i < readers_.size(); ++i) {
    if (!readers_[i]->column().list) VERGER_RETURN_IF_ERROR(readers_[i]->ReadScalars(count, cancel, batches[i]));
  }
  rows_left_ -= count;
  row_ += count;
  *rows = count;
  return Status::Ok();
}

}  // namespace verger::parquet

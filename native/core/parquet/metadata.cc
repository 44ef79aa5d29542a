#include "core/parquet/metadata.h"

namespace verger::parquet {

namespace {

// ConvertedType, the annotation of format 1.0 that old readers know.
constexpr int32_t kConvertedUtf8 = 0;
constexpr int32_t kConvertedList = 3;
constexpr int32_t kConvertedEnum = 4;
constexpr int32_t kConvertedTimestampMicros = 10;
constexpr int32_t kConvertedInt8 = 15;
constexpr int32_t kConvertedInt64 = 18;
constexpr int32_t kConvertedJson = 19;

// Fields of the LogicalType union.
constexpr int16_t kLogicalString = 1;
constexpr int16_t kLogicalList = 3;
constexpr int16_t kLogicalEnum = 4;
constexpr int16_t kLogicalTimestamp = 8;
constexpr int16_t kLogicalInteger = 10;
constexpr int16_t kLogicalJson = 12;
constexpr int16_t kMicros = 2;

void WriteSchemaNode(const SchemaNode& node, bool root, ThriftWriter& writer) {
  writer.BeginElement();
  if (node.leaf) writer.I32(1, static_cast<int32_t>(node.type));
  if (!root) writer.I32(3, static_cast<int32_t>(node.repetition));
  writer.Binary(4, node.name);
  if (!node.leaf) writer.I32(5, node.children);
  switch (node.annotation) {
    case Annotation::kString:
      writer.I32(6, kConvertedUtf8);
      writer.BeginStruct(10);
      writer.BeginStruct(kLogicalString);
      writer.EndStruct();
      writer.EndStruct();
      break;
    case Annotation::kList:
      writer.I32(6, kConvertedList);
      writer.BeginStruct(10);
      writer.BeginStruct(kLogicalList);
      writer.EndStruct();
      writer.EndStruct();
      break;
    case Annotation::kTimestampMicros:
    case Annotation::kLocalTimestampMicros:
      // Of local timestamps too, as the format asks: readers that know no logical types still read a time.
      writer.I32(6, kConvertedTimestampMicros);
      writer.BeginStruct(10);
      writer.BeginStruct(kLogicalTimestamp);
      // Adjusted to UTC: an instant. Not adjusted: what a clock showed, wherever it was.
      writer.Bool(1, node.annotation == Annotation::kTimestampMicros);
      writer.BeginStruct(2);
      writer.BeginStruct(kMicros);
      writer.EndStruct();
      writer.EndStruct();
      writer.EndStruct();
      writer.EndStruct();
      break;
    case Annotation::kNone:
    case Annotation::kOther:
      break;
  }
  writer.EndElement();
}

void WriteColumnChunk(const ColumnChunk& chunk, ThriftWriter& writer) {
  writer.BeginElement();
  // file_offset: obsolete, but required by the struct; 0 as the format's authors advise.
  writer.I64(2, 0);
  writer.BeginStruct(3);
  writer.I32(1, static_cast<int32_t>(chunk.type));
  writer.BeginList(2, ThriftType::kI32, chunk.encodings.size());
  for (const Encoding encoding : chunk.encodings) writer.RawI32(static_cast<int32_t>(encoding));
  writer.BeginList(3, ThriftType::kBinary, chunk.path.size());
  for (const std::string& part : chunk.path) writer.RawBinary(part);
  writer.I32(4, static_cast<int32_t>(chunk.codec));
  writer.I64(5, chunk.values);
  writer.I64(6, chunk.uncompressed_size);
  writer.I64(7, chunk.compressed_size);
  writer.I64(9, chunk.data_page_offset);
  if (chunk.dictionary_page_offset != 0) writer.I64(11, chunk.dictionary_page_offset);
  const Statistics& statistics = chunk.statistics;
  if (statistics.null_count >= 0 || statistics.has_range) {
    writer.BeginStruct(12);
    if (statistics.null_count >= 0) writer.I64(3, statistics.null_count);
    if (statistics.has_range) {
      writer.Binary(5, statistics.max);
      writer.Binary(6, statistics.min);
    }
    writer.EndStruct();
  }
  writer.EndStruct();
  writer.EndElement();
}

Annotation ParseLogicalType(ThriftReader& reader) {
  Annotation annotation = Annotation::kOther;
  int16_t id = 0;
  ThriftType type = ThriftType::kStop;
  reader.BeginStruct();
  while (reader.NextField(&id, &type)) {
    if (id == kLogicalString || id == kLogicalEnum || id == kLogicalJson) annotation = Annotation::kString;
    if (id == kLogicalList) annotation = Annotation::kList;
    // Integers of fewer bits are stored, and read, as their physical type.
    if (id == kLogicalInteger) annotation = Annotation::kNone;
    if (id != kLogicalTimestamp || type != ThriftType::kStruct) {
      reader.Skip(type);
      continue;
    }
    bool utc = false;
    bool micros = false;
    reader.BeginStruct();
    while (reader.NextField(&id, &type)) {
      if (id == 1) {
        utc = reader.Bool(type);
      } else if (id == 2 && type == ThriftType::kStruct) {
        reader.BeginStruct();
        while (reader.NextField(&id, &type)) {
          micros = id == kMicros;
          reader.Skip(type);
        }
        reader.EndStruct();
      } else {
        reader.Skip(type);
      }
    }
    reader.EndStruct();
    if (micros) annotation = utc ? Annotation::kTimestampMicros : Annotation::kLocalTimestampMicros;
  }
  reader.EndStruct();
  return annotation;
}

Annotation FromConvertedType(int32_t converted) {
  if (converted == kConvertedUtf8 || converted == kConvertedEnum || converted == kConvertedJson) {
    return Annotation::kString;
  }
  if (converted == kConvertedList) return Annotation::kList;
  if (converted == kConvertedTimestampMicros) return Annotation::kTimestampMicros;
  if (converted >= kConvertedInt8 && converted <= kConvertedInt64) return Annotation::kNone;
  return Annotation::kOther;
}

void ParseSchemaNode(ThriftReader& reader, SchemaNode& node) {
  bool logical = false;
  int16_t id = 0;
  ThriftType type = ThriftType::kStop;
  reader.BeginStruct();
  while (reader.NextField(&id, &type)) {
    switch (id) {
      case 1:
        node.leaf = true;
        node.type = static_cast<PhysicalType>(reader.I32(type));
        break;
      case 3:
        node.repetition = static_cast<Repetition>(reader.I32(type));
        break;
      case 4:
        node.name = reader.Binary(type);
        break;
      case 5:
        node.children = reader.I32(type);
        break;
      case 6: {
        const int32_t converted = reader.I32(type);
        if (!logical) node.annotation = FromConvertedType(converted);
        break;
      }
      case 10:
        if (type == ThriftType::kStruct) {
          node.annotation = ParseLogicalType(reader);
          logical = true;
        } else {
          reader.Skip(type);
        }
        break;
      default:
        reader.Skip(type);
    }
  }
  reader.EndStruct();
  // Required by the format; without this a few bytes of nothing would become any number of nodes.
  if (node.name.empty() && node.children == 0) reader.Reject();
}

void ParseColumnMetadata(ThriftReader& reader, ColumnChunk& chunk) {
  int16_t id = 0;
  ThriftType type = ThriftType::kStop;
  reader.BeginStruct();
  while (reader.NextField(&id, &type)) {
    switch (id) {
      case 1:
        chunk.type = static_cast<PhysicalType>(reader.I32(type));
        break;
      case 2: {
        ThriftType element = ThriftType::kStop;
        const size_t count = reader.BeginList(type, &element);
        for (size_t i = 0; i < count && reader.ok(); ++i) {
          chunk.encodings.push_back(static_cast<Encoding>(reader.I32(element)));
        }
        break;
      }
      case 4:
        chunk.codec = static_cast<Codec>(reader.I32(type));
        break;
      case 5:
        chunk.values = reader.I64(type);
        break;
      case 6:
        chunk.uncompressed_size = reader.I64(type);
        break;
      case 7:
        chunk.compressed_size = reader.I64(type);
        break;
      case 9:
        chunk.data_page_offset = reader.I64(type);
        break;
      case 11:
        chunk.dictionary_page_offset = reader.I64(type);
        break;
      default:
        reader.Skip(type);
    }
  }
  reader.EndStruct();
}

void ParseColumnChunk(ThriftReader& reader, ColumnChunk& chunk) {
  bool described = false;
  int16_t id = 0;
  ThriftType type = ThriftType::kStop;
  reader.BeginStruct();
  while (reader.NextField(&id, &type)) {
    if (id == 3 && type == ThriftType::kStruct) {
      ParseColumnMetadata(reader, chunk);
      described = true;
      continue;
    }
    if (id == 1 || id == 8) chunk.elsewhere = true;
    reader.Skip(type);
  }
  reader.EndStruct();
  if (!described && !chunk.elsewhere) reader.Reject();
}

void ParseRowGroup(ThriftReader& reader, size_t leaves, RowGroup& group) {
  int16_t id = 0;
  ThriftType type = ThriftType::kStop;
  reader.BeginStruct();
  while (reader.NextField(&id, &type)) {
    if (id == 1) {
      ThriftType element = ThriftType::kStop;
      const size_t count = reader.BeginList(type, &element);
      if (count != leaves || !group.columns.empty()) reader.Reject();
      group.columns.reserve(reader.ok() ? count : 0);
      for (size_t i = 0; i < count && reader.ok(); ++i) ParseColumnChunk(reader, group.columns.emplace_back());
    } else if (id == 3) {
      group.rows = reader.I64(type);
    } else {
      reader.Skip(type);
    }
  }
  reader.EndStruct();
  if (group.columns.size() != leaves || leaves == 0) reader.Reject();
}

void ParseKeyValue(ThriftReader& reader, std::pair<std::string, std::string>& entry) {
  int16_t id = 0;
  ThriftType type = ThriftType::kStop;
  reader.BeginStruct();
  while (reader.NextField(&id, &type)) {
    if (id == 1) {
      entry.first = reader.Binary(type);
    } else if (id == 2) {
      entry.second = reader.Binary(type);
    } else {
      reader.Skip(type);
    }
  }
  reader.EndStruct();
}

void ParseDataPage(ThriftReader& reader, PageHeader& header) {
  int16_t id = 0;
  ThriftType type = ThriftType::kStop;
  reader.BeginStruct();
  while (reader.NextField(&id, &type)) {
    switch (id) {
      case 1:
        header.values = reader.I32(type);
        break;
      case 2:
        header.encoding = static_cast<Encoding>(reader.I32(type));
        break;
      case 3:
        header.definition_encoding = static_cast<Encoding>(reader.I32(type));
        break;
      case 4:
        header.repetition_encoding = static_cast<Encoding>(reader.I32(type));
        break;
      default:
        reader.Skip(type);
    }
  }
  reader.EndStruct();
}

void ParseDictionaryPage(ThriftReader& reader, PageHeader& header) {
  int16_t id = 0;
  ThriftType type = ThriftType::kStop;
  reader.BeginStruct();
  while (reader.NextField(&id, &type)) {
    if (id == 1) {
      header.values = reader.I32(type);
    } else if (id == 2) {
      header.encoding = static_cast<Encoding>(reader.I32(type));
    } else {
      reader.Skip(type);
    }
  }
  reader.EndStruct();
}

void ParseDataPageV2(ThriftReader& reader, PageHeader& header) {
  int16_t id = 0;
  ThriftType type = ThriftType::kStop;
  reader.BeginStruct();
  while (reader.NextField(&id, &type)) {
    switch (id) {
      case 1:
        header.values = reader.I32(type);
        break;
      case 2:
        header.nulls = reader.I32(type);
        break;
      case 3:
        header.rows = reader.I32(type);
        break;
      case 4:
        header.encoding = static_cast<Encoding>(reader.I32(type));
        break;
      case 5:
        header.definition_size = reader.I32(type);
        break;
      case 6:
        header.repetition_size = reader.I32(type);
        break;
      case 7:
        header.compressed = reader.Bool(type);
        break;
      default:
        reader.Skip(type);
    }
  }
  reader.EndStruct();
}

}  // namespace

void SerializeMetadata(const FileMetadata& metadata, std::vector<uint8_t>& out) {
  ThriftWriter writer(out);
  writer.I32(1, 1);  // format version: readers of 1.0 know everything that is used here
  writer.BeginList(2, ThriftType::kStruct, metadata.schema.size());
  for (const SchemaNode& node : metadata.schema) WriteSchemaNode(node, &node == &metadata.schema.front(), writer);
  writer.I64(3, metadata.rows);
  writer.BeginList(4, ThriftType::kStruct, metadata.row_groups.size());
  size_t leaves = 0;
  for (const SchemaNode& node : metadata.schema) leaves += node.leaf ? 1 : 0;
  for (const RowGroup& group : metadata.row_groups) {
    int64_t uncompressed = 0;
    int64_t compressed = 0;
    for (const ColumnChunk& chunk : group.columns) {
      uncompressed += chunk.uncompressed_size;
      compressed += chunk.compressed_size;
    }
    writer.BeginElement();
    writer.BeginList(1, ThriftType::kStruct, group.columns.size());
    for (const ColumnChunk& chunk : group.columns) WriteColumnChunk(chunk, writer);
    writer.I64(2, uncompressed);
    writer.I64(3, group.rows);
    const ColumnChunk& first = group.columns.front();
    writer.I64(5, first.dictionary_page_offset != 0 ? first.dictionary_page_offset : first.data_page_offset);
    writer.I64(6, compressed);
    writer.EndElement();
  }
  if (!metadata.key_values.empty()) {
    writer.BeginList(5, ThriftType::kStruct, metadata.key_values.size());
    for (const auto& [key, value] : metadata.key_values) {
      writer.BeginElement();
      writer.Binary(1, key);
      writer.Binary(2, value);
      writer.EndElement();
    }
  }
  writer.Binary(6, metadata.created_by);
  // column_orders: without TypeDefinedOrder for every leaf, readers must ignore min_value and max_value.
  writer.BeginList(7, ThriftType::kStruct, leaves);
  for (size_t i = 0; i < leaves; ++i) {
    writer.BeginElement();
    writer.BeginStruct(1);
    writer.EndStruct();
    writer.EndElement();
  }
  writer.Stop();
}

void SerializePageHeader(const PageHeader& header, std::vector<uint8_t>& out) {
  ThriftWriter writer(out);
  writer.I32(1, static_cast<int32_t>(header.type));
  writer.I32(2, header.uncompressed_size);
  writer.I32(3, header.compressed_size);
  if (header.type == PageType::kDictionary) {
    writer.BeginStruct(7);
    writer.I32(1, header.values);
    writer.I32(2, static_cast<int32_t>(header.encoding));
    writer.EndStruct();
  } else {
    writer.BeginStruct(5);
    writer.I32(1, header.values);
    writer.I32(2, static_cast<int32_t>(header.encoding));
    writer.I32(3, static_cast<int32_t>(Encoding::kRle));
    writer.I32(4, static_cast<int32_t>(Encoding::kRle));
    writer.EndStruct();
  }
  writer.Stop();
}

bool ParseMetadata(const uint8_t* data, size_t size, FileMetadata* metadata) {
  ThriftReader reader(data, size);
  int16_t id = 0;
  ThriftType type = ThriftType::kStop;
  ThriftType element = ThriftType::kStop;
  while (reader.NextField(&id, &type)) {
    switch (id) {
      case 2: {
        const size_t count = reader.BeginList(type, &element);
        for (size_t i = 0; i < count && reader.ok(); ++i) ParseSchemaNode(reader, metadata->schema.emplace_back());
        break;
      }
      case 3:
        metadata->rows = reader.I64(type);
        break;
      case 4: {
        const size_t count = reader.BeginList(type, &element);
        size_t leaves = 0;
        for (const SchemaNode& node : metadata->schema) leaves += node.leaf ? 1 : 0;
        for (size_t i = 0; i < count && reader.ok(); ++i) {
          ParseRowGroup(reader, leaves, metadata->row_groups.emplace_back());
        }
        break;
      }
      case 5: {
        const size_t count = reader.BeginList(type, &element);
        for (size_t i = 0; i < count && reader.ok(); ++i) ParseKeyValue(reader, metadata->key_values.emplace_back());
        break;
      }
      case 6:
        metadata->created_by = reader.Binary(type);
        break;
      default:
        reader.Skip(type);
    }
  }
  return reader.ok();
}

ParseResult ParsePageHeader(const uint8_t* data, size_t size, PageHeader* header, size_t* consumed) {
  ThriftReader reader(data, size);
  bool described = false;
  bool typed = false;
  int16_t id = 0;
  ThriftType type = ThriftType::kStop;
  *header = PageHeader();
  while (reader.NextField(&id, &type)) {
    const bool structure = type == ThriftType::kStruct;
    if (id == 1) {
      header->type = static_cast<PageType>(reader.I32(type));
      typed = true;
    } else if (id == 2) {
      header->uncompressed_size = reader.I32(type);
    } else if (id == 3) {
      header->compressed_size = reader.I32(type);
    } else if (id == 5 && structure && header->type == PageType::kData) {
      ParseDataPage(reader, *header);
      described = true;
    } else if (id == 7 && structure && header->type == PageType::kDictionary) {
      ParseDictionaryPage(reader, *header);
      described = true;
    } else if (id == 8 && structure && header->type == PageType::kDataV2) {
      ParseDataPageV2(reader, *header);
      described = true;
    } else {
      reader.Skip(type);
    }
  }
  if (!reader.ok()) return reader.truncated() ? ParseResult::kTruncated : ParseResult::kCorrupt;
  *consumed = size - reader.remaining();
  const bool known =
      header->type == PageType::kData || header->type == PageType::kDictionary || header->type == PageType::kDataV2;
  if (!typed || (known && !described)) return ParseResult::kCorrupt;
  if (header->uncompressed_size < 0 || header->compressed_size < 0 || header->values < 0) return ParseResult::kCorrupt;
  return ParseResult::kOk;
}

}  // namespace verger::parquet

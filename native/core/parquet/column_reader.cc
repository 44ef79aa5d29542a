#include "core/parquet/column_reader.h"

#include <algorithm>
#include <cstring>

namespace verger::parquet {

namespace {

// Larger pages than any writer makes on purpose are left to the general reader.
constexpr int32_t kMaxPageBytes = 256 << 20;
constexpr size_t kMaxHeaderBytes = size_t{16} << 20;
constexpr size_t kFirstHeaderRead = 256;
// One call's strings or list values; beyond it a file of a few bytes could ask for any amount of memory.
constexpr size_t kMaxBatchBytes = size_t{1} << 30;

uint32_t Little32(const uint8_t* bytes) {
  return static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8 |
         static_cast<uint32_t>(bytes[2]) << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

size_t ValueSize(PhysicalType type) { return type == PhysicalType::kInt64 || type == PhysicalType::kDouble ? 8 : 4; }

}  // namespace

Status ColumnReader::Open() {
  const auto file_size = static_cast<int64_t>(file_.input().size());
  int64_t start = chunk_.data_page_offset;
  if (chunk_.dictionary_page_offset > 0) start = std::min(start, chunk_.dictionary_page_offset);
  if (start < 4 || chunk_.compressed_size < 0 || start > file_size || chunk_.compressed_size > file_size - start) {
    return file_.Corrupt("column " + column_.name + " lies outside the file");
  }
  next_offset_ = static_cast<uint64_t>(start);
  chunk_end_ = next_offset_ + static_cast<uint64_t>(chunk_.compressed_size);
  return Status::Ok();
}

Status ColumnReader::Fill(size_t size) {
  const size_t held = window_end_ - window_begin_;
  if (held >= size) return Status::Ok();
  const auto wanted = static_cast<size_t>(std::min<uint64_t>(size - held, chunk_end_ - next_offset_));
  if (wanted == 0) return Status::Ok();
  if (held + wanted > window_capacity_) {
    auto larger = std::make_unique_for_overwrite<uint8_t[]>(held + wanted);
    if (held != 0) std::memcpy(larger.get(), window_.get() + window_begin_, held);
    window_ = std::move(larger);
    window_capacity_ = held + wanted;
  } else if (held != 0) {
    std::memmove(window_.get(), window_.get() + window_begin_, held);
  }
  window_begin_ = 0;
  window_end_ = held + wanted;
  VERGER_RETURN_IF_ERROR(file_.input().Read(next_offset_, window_.get() + held, wanted));
  next_offset_ += wanted;
  return Status::Ok();
}

Status ColumnReader::ReadHeader(PageHeader* header) {
  for (size_t size = kFirstHeaderRead;; size *= 8) {
    VERGER_RETURN_IF_ERROR(Fill(size));
    const size_t held = window_end_ - window_begin_;
    size_t consumed = 0;
    const ParseResult result = ParsePageHeader(window_.get() + window_begin_, held, header, &consumed);
    if (result == ParseResult::kOk) {
      window_begin_ += consumed;
      return Status::Ok();
    }
    if (result == ParseResult::kCorrupt || next_offset_ == chunk_end_ || size > kMaxHeaderBytes) {
      return file_.Corrupt("a page header of column " + column_.name + " is malformed");
    }
  }
}

Status ColumnReader::NextPage(const CancelToken& cancel, bool* more) {
  *more = true;
  while (levels_left_ == 0) {
    if (cancel.cancelled()) return Status::Cancelled();
    if (window_begin_ == window_end_ && next_offset_ == chunk_end_) {
      *more = false;
      return Status::Ok();
    }
    PageHeader header;
    VERGER_RETURN_IF_ERROR(ReadHeader(&header));
    const auto size = static_cast<size_t>(header.compressed_size);
    if (size > window_end_ - window_begin_ + (chunk_end_ - next_offset_)) {
      return file_.Corrupt("a page of column " + column_.name + " is longer than its column");
    }
    if (header.compressed_size > kMaxPageBytes || header.uncompressed_size > kMaxPageBytes) {
      return file_.Unsupported("pages of at most 256 MiB");
    }
    VERGER_RETURN_IF_ERROR(Fill(size));
    const uint8_t* body = window_.get() + window_begin_;
    window_begin_ += size;
    switch (header.type) {
      case PageType::kDictionary:
        VERGER_RETURN_IF_ERROR(LoadDictionary(header, body));
        break;
      case PageType::kData:
        VERGER_RETURN_IF_ERROR(StartPage(header, body));
        break;
      case PageType::kDataV2:
        VERGER_RETURN_IF_ERROR(StartPageV2(header, body));
        break;
      default:
        break;  // the format asks readers to skip page types they do not know
    }
  }
  return Status::Ok();
}

Status ColumnReader::Expand(const uint8_t* data, size_t size, size_t out_size, ScratchBuffer& buffer,
                            const uint8_t** out) {
  if (!PlausibleSize(chunk_.codec, data, size, out_size) ||
      !decompressor_.Decompress(chunk_.codec, data, size, buffer.Reserve(out_size), out_size)) {
    return file_.Corrupt("a page of column " + column_.name + " does not decompress");
  }
  *out = buffer.Reserve(out_size);
  return Status::Ok();
}

Status ColumnReader::LoadDictionary(const PageHeader& header, const uint8_t* body) {
  if (has_dictionary_ || in_data_) {
    return file_.Corrupt("column " + column_.name + " has a dictionary in the wrong place");
  }
  if (header.encoding != Encoding::kPlain && header.encoding != Encoding::kPlainDictionary) {
    return file_.Unsupported("dictionaries of plain values");
  }
  has_dictionary_ = true;
  const auto size = static_cast<size_t>(header.uncompressed_size);
  VERGER_RETURN_IF_ERROR(
      Expand(body, static_cast<size_t>(header.compressed_size), size, dictionary_, &dictionary_values_));
  dictionary_count_ = static_cast<size_t>(header.values);
  if (chunk_.type != PhysicalType::kByteArray) {
    return dictionary_count_ <= size / ValueSize(chunk_.type) ? Status::Ok() : ShortPage();
  }
  size_t at = 0;
  if (dictionary_count_ > size / 4) return ShortPage();
  dictionary_strings_.reserve(dictionary_count_);
  for (size_t i = 0; i < dictionary_count_; ++i) {
    if (size - at < 4) return ShortPage();
    const uint32_t length = Little32(dictionary_values_ + at);
    at += 4;
    if (length > size - at) return ShortPage();
    dictionary_strings_.emplace_back(static_cast<uint32_t>(at), length);
    at += length;
  }
  return Status::Ok();
}

Status ColumnReader::StartPage(const PageHeader& header, const uint8_t* body) {
  const uint8_t* data = body;
  auto size = static_cast<size_t>(header.uncompressed_size);
  if (chunk_.codec == Codec::kNone) {
    // Values are read where they lie: the window stays as it is until the page is used up.
    if (header.compressed_size != header.uncompressed_size) return ShortPage();
  } else {
    VERGER_RETURN_IF_ERROR(Expand(body, static_cast<size_t>(header.compressed_size), size, page_, &data));
  }
  const auto levels = [&](int maximum, Encoding encoding, RleDecoder& decoder) -> Status {
    if (maximum == 0) {
      decoder = RleDecoder::Constant(0);
      return Status::Ok();
    }
    if (encoding != Encoding::kRle) return file_.Unsupported("run-length encoded levels");
    if (size < 4) return ShortPage();
    const uint32_t length = Little32(data);
    if (length > size - 4) return ShortPage();
    decoder = RleDecoder(data + 4, length, BitWidth(static_cast<uint32_t>(maximum)));
    data += 4 + length;
    size -= 4 + length;
    return Status::Ok();
  };
  VERGER_RETURN_IF_ERROR(levels(column_.max_repetition, header.repetition_encoding, repetition_));
  VERGER_RETURN_IF_ERROR(levels(column_.max_definition, header.definition_encoding, definition_));
  levels_left_ = static_cast<uint64_t>(header.values);
  return StartValues(header.encoding, data, size);
}

Status ColumnReader::StartPageV2(const PageHeader& header, const uint8_t* body) {
  const auto stored = static_cast<size_t>(header.compressed_size);
  const auto size = static_cast<size_t>(header.uncompressed_size);
  if (header.repetition_size < 0 || header.definition_size < 0) return ShortPage();
  const auto repetition_size = static_cast<size_t>(header.repetition_size);
  const auto definition_size = static_cast<size_t>(header.definition_size);
  if (repetition_size > stored || definition_size > stored - repetition_size ||
      repetition_size + definition_size > size) {
    return ShortPage();
  }
  repetition_ = column_.max_repetition == 0
                    ? RleDecoder::Constant(0)
                    : RleDecoder(body, repetition_size, BitWidth(static_cast<uint32_t>(column_.max_repetition)));
  definition_ = column_.max_definition == 0 ? RleDecoder::Constant(0)
                                            : RleDecoder(body + repetition_size, definition_size,
                                                         BitWidth(static_cast<uint32_t>(column_.max_definition)));
  const size_t skipped = repetition_size + definition_size;
  const uint8_t* data = body + skipped;
  const size_t value_size = size - skipped;
  if (!header.compressed || chunk_.codec == Codec::kNone) {
    if (stored != size) return ShortPage();
  } else if (value_size != 0) {
    VERGER_RETURN_IF_ERROR(Expand(data, stored - skipped, value_size, page_, &data));
  }
  levels_left_ = static_cast<uint64_t>(header.values);
  return StartValues(header.encoding, data, value_size);
}

Status ColumnReader::StartValues(Encoding encoding, const uint8_t* data, size_t size) {
  in_data_ = true;
  encoding_ = encoding;
  values_ = data;
  values_end_ = data + size;
  boolean_bit_ = 0;
  switch (encoding) {
    case Encoding::kPlain:
      return Status::Ok();
    case Encoding::kPlainDictionary:
    case Encoding::kRleDictionary: {
      encoding_ = Encoding::kRleDictionary;
      if (!has_dictionary_) return file_.Corrupt("column " + column_.name + " lacks its dictionary");
      if (size == 0) {  // a page of nulls only may leave out even the bit width
        indices_ = RleDecoder();
        return Status::Ok();
      }
      if (data[0] > 32) return BadIndex();
      indices_ = RleDecoder(data + 1, size - 1, data[0]);
      return Status::Ok();
    }
    case Encoding::kRle: {
      if (chunk_.type != PhysicalType::kBoolean) break;
      if (size < 4 || Little32(data) > size - 4) return ShortPage();
      indices_ = RleDecoder(data + 4, Little32(data), 1);
      return Status::Ok();
    }
    case Encoding::kByteStreamSplit:
      if (chunk_.type != PhysicalType::kFloat && chunk_.type != PhysicalType::kDouble) break;
      split_count_ = size / ValueSize(chunk_.type);
      split_next_ = 0;
      return Status::Ok();
    default:
      break;
  }
  return file_.Unsupported("plain, dictionary or byte-stream-split values in column " + column_.name);
}

Status ColumnReader::PeekLevels(uint32_t* repetition, uint32_t* definition, uint64_t* count) {
  uint64_t repetitions = 0;
  uint64_t definitions = 0;
  if (!repetition_.Peek(repetition, &repetitions) || !definition_.Peek(definition, &definitions) ||
      *definition > static_cast<uint32_t>(column_.max_definition)) {
    return BadLevels();
  }
  *count = std::min({repetitions, definitions, levels_left_});
  return Status::Ok();
}

void ColumnReader::ConsumeLevels(uint64_t count) {
  repetition_.Consume(count);
  definition_.Consume(count);
  levels_left_ -= count;
}

template <typename T>
Status ColumnReader::TakeValues(size_t count, T* out) {
  if (encoding_ == Encoding::kPlain) {
    if (count > static_cast<size_t>(values_end_ - values_) / sizeof(T)) return ShortPage();
    std::memcpy(out, values_, count * sizeof(T));
    values_ += count * sizeof(T);
    return Status::Ok();
  }
  if (encoding_ == Encoding::kByteStreamSplit) {
    if (count > split_count_ - split_next_) return ShortPage();
    for (size_t i = 0; i < count; ++i) {
      uint8_t bytes[sizeof(T)];
      for (size_t k = 0; k < sizeof(T); ++k) bytes[k] = values_[k * split_count_ + split_next_ + i];
      std::memcpy(out + i, bytes, sizeof(T));
    }
    split_next_ += count;
    return Status::Ok();
  }
  while (count > 0) {
    uint32_t index = 0;
    uint64_t run = 0;
    if (!indices_.Peek(&index, &run)) return ShortPage();
    if (index >= dictionary_count_) return BadIndex();
    const auto taken = static_cast<size_t>(std::min<uint64_t>(run, count));
    T value;
    std::memcpy(&value, dictionary_values_ + index * sizeof(T), sizeof(T));
    std::fill_n(out, taken, value);
    indices_.Consume(taken);
    out += taken;
    count -= taken;
  }
  return Status::Ok();
}

Status ColumnReader::TakeFloats(size_t count, float* out) {
  if (chunk_.type == PhysicalType::kFloat) return TakeValues(count, out);
  double buffer[256];
  while (count > 0) {
    const size_t part = std::min(count, std::size(buffer));
    VERGER_RETURN_IF_ERROR(TakeValues(part, buffer));
    for (size_t i = 0; i < part; ++i) out[i] = static_cast<float>(buffer[i]);
    out += part;
    count -= part;
  }
  return Status::Ok();
}

Status ColumnReader::TakeBooleans(size_t count, uint8_t* out) {
  if (encoding_ != Encoding::kPlain) {
    while (count > 0) {
      uint32_t value = 0;
      uint64_t run = 0;
      if (encoding_ != Encoding::kRle || !indices_.Peek(&value, &run)) return ShortPage();
      const auto taken = static_cast<size_t>(std::min<uint64_t>(run, count));
      std::fill_n(out, taken, static_cast<uint8_t>(value));
      indices_.Consume(taken);
      out += taken;
      count -= taken;
    }
    return Status::Ok();
  }
  for (size_t i = 0; i < count; ++i) {
    if (values_ == values_end_) return ShortPage();
    out[i] = (*values_ >> boolean_bit_) & 1;
    if (++boolean_bit_ == 8) {
      boolean_bit_ = 0;
      ++values_;
    }
  }
  return Status::Ok();
}

Status ColumnReader::TakeStrings(size_t count, ColumnBatch& batch) {
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* text = nullptr;
    uint32_t length = 0;
    if (encoding_ == Encoding::kPlain) {
      if (values_end_ - values_ < 4) return ShortPage();
      length = Little32(values_);
      values_ += 4;
      if (length > static_cast<size_t>(values_end_ - values_)) return ShortPage();
      text = values_;
      values_ += length;
    } else {
      uint32_t index = 0;
      uint64_t run = 0;
      if (!indices_.Peek(&index, &run)) return ShortPage();
      if (index >= dictionary_strings_.size()) return BadIndex();
      indices_.Consume(1);
      text = dictionary_values_ + dictionary_strings_[index].first;
      length = dictionary_strings_[index].second;
    }
    if (batch.bytes.size() + length > kMaxBatchBytes) return file_.Unsupported("at most 1 GiB of text at a time");
    batch.bytes.append(reinterpret_cast<const char*>(text), length);
    batch.ends.push_back(batch.bytes.size());
  }
  return Status::Ok();
}

namespace {

// Notes that rows [begin, end) are null; the vector is only made when there is a null at all.
void MarkNull(ColumnBatch& batch, size_t begin, size_t end) {
  batch.validity.resize(begin, 1);
  batch.validity.resize(end, 0);
}

// Completes the validity of a batch of `rows` rows.
void FinishValidity(ColumnBatch& batch, size_t rows) {
  if (!batch.validity.empty()) batch.validity.resize(rows, 1);
}

}  // namespace

template <typename T>
Status ColumnReader::ReadScalarsAs(size_t rows, const CancelToken& cancel, ColumnBatch& batch, std::vector<T>& values) {
  const bool strings = chunk_.type == PhysicalType::kByteArray;
  for (size_t done = 0; done < rows;) {
    bool more = false;
    VERGER_RETURN_IF_ERROR(NextPage(cancel, &more));
    if (!more) return TooFewRows();
    uint32_t repetition = 0;
    uint32_t definition = 0;
    uint64_t run = 0;
    VERGER_RETURN_IF_ERROR(PeekLevels(&repetition, &definition, &run));
    const auto count = static_cast<size_t>(std::min<uint64_t>(run, rows - done));
    const bool present = definition == static_cast<uint32_t>(column_.max_definition);
    if (!present) MarkNull(batch, done, done + count);
    if (strings) {
      if (present) {
        VERGER_RETURN_IF_ERROR(TakeStrings(count, batch));
      } else {
        batch.ends.resize(done + count, batch.bytes.size());
      }
    } else {
      values.resize(done + count);
      if (present) {
        if constexpr (std::is_same_v<T, uint8_t>) {
          VERGER_RETURN_IF_ERROR(TakeBooleans(count, values.data() + done));
        } else {
          VERGER_RETURN_IF_ERROR(TakeValues(count, values.data() + done));
        }
      }
    }
    ConsumeLevels(count);
    done += count;
  }
  FinishValidity(batch, rows);
  return Status::Ok();
}

Status ColumnReader::ReadScalars(size_t rows, const CancelToken& cancel, ColumnBatch& batch) {
  switch (column_.type) {
    case ValueType::kBoolean:
      return ReadScalarsAs(rows, cancel, batch, batch.booleans);
    case ValueType::kInt32:
      return ReadScalarsAs(rows, cancel, batch, batch.int32s);
    case ValueType::kInt64:
    case ValueType::kTimestampMicros:
    case ValueType::kLocalTimestampMicros:
      return ReadScalarsAs(rows, cancel, batch, batch.int64s);
    case ValueType::kFloat:
      return ReadScalarsAs(rows, cancel, batch, batch.floats);
    case ValueType::kDouble:
      return ReadScalarsAs(rows, cancel, batch, batch.doubles);
    case ValueType::kString:
    case ValueType::kBinary:
      return ReadScalarsAs(rows, cancel, batch, batch.int32s);
    case ValueType::kUnsupported:
      break;
  }
  return file_.Unsupported("another type for column " + column_.name);
}

template <typename T>
Status ColumnReader::ReadListsAs(size_t rows, size_t budget, const CancelToken& cancel, ColumnBatch& batch,
                                 std::vector<T>& values, size_t* got) {
  size_t done = 0;  // rows begun; the last is complete once a new one begins or the chunk ends
  batch.offsets.reserve(std::min<size_t>(rows, 4096) + 1);
  for (;;) {
    bool more = false;
    VERGER_RETURN_IF_ERROR(NextPage(cancel, &more));
    if (!more) break;
    uint32_t repetition = 0;
    uint32_t definition = 0;
    uint64_t run = 0;
    VERGER_RETURN_IF_ERROR(PeekLevels(&repetition, &definition, &run));
    const bool element = definition >= static_cast<uint32_t>(column_.list_definition);
    const bool present = definition == static_cast<uint32_t>(column_.max_definition);
    if (repetition == 0) {
      if (done == rows || (done != 0 && values.size() * sizeof(T) >= budget)) break;
      // One row at a time when it has an element: the budget is checked between rows.
      const auto count = element ? size_t{1} : static_cast<size_t>(std::min<uint64_t>(run, rows - done));
      if (!element && definition + 1 < static_cast<uint32_t>(column_.list_definition)) {
        MarkNull(batch, done, done + count);
      }
      batch.offsets.resize(done + count, values.size());
      done += count;
      run = count;
    } else if (done == 0 || !element) {
      return BadLevels();
    }
    if (element) {
      const auto count = static_cast<size_t>(run);
      if (count > kMaxBatchBytes / sizeof(T) - values.size()) {
        return file_.Unsupported("at most 1 GiB of list values at a time");
      }
      // Values that must be there byte by byte are checked before room is made for them.
      if (present && encoding_ == Encoding::kPlain &&
          count > static_cast<size_t>(values_end_ - values_) / ValueSize(chunk_.type)) {
        return ShortPage();
      }
      const size_t at = values.size();
      values.resize(at + count);
      if (present) {
        VERGER_RETURN_IF_ERROR(TakeValues(count, values.data() + at));
      } else if (batch.null_element_row < 0) {
        batch.null_element_row = static_cast<int64_t>(done - 1);
      }
    }
    ConsumeLevels(run);
  }
  batch.offsets.push_back(values.size());
  FinishValidity(batch, done);
  *got = done;
  return Status::Ok();
}

Status ColumnReader::ReadLists(size_t rows, size_t budget, const CancelToken& cancel, ColumnBatch& batch, size_t* got) {
  switch (column_.type) {
    case ValueType::kInt32:
      return ReadListsAs(rows, budget, cancel, batch, batch.int32s, got);
    case ValueType::kInt64:
      return ReadListsAs(rows, budget, cancel, batch, batch.int64s, got);
    case ValueType::kFloat:
      return ReadListsAs(rows, budget, cancel, batch, batch.floats, got);
    case ValueType::kDouble:
      return ReadListsAs(rows, budget, cancel, batch, batch.doubles, got);
    default:
      return file_.Unsupported("lists of numbers in column " + column_.name);
  }
}

Status ColumnReader::ReadFixedLists(size_t rows, size_t width, uint64_t row, const CancelToken& cancel, float* out) {
  size_t done = 0;    // rows begun
  size_t filled = 0;  // elements of the last of them; more than `width` are counted but not stored
  const auto in_row = [&](size_t index) { return "row " + std::to_string(row + index + 1) + " of " + file_.path(); };
  const auto null_error = [&](const char* what) {
    return Status("features/null", "Expected a feature vector without nulls in every row, but " + in_row(done - 1) +
                                       " has " + what + " in column " + column_.name +
                                       "; remove that row or compute its features again.");
  };
  const auto width_error = [&] {
    return Status("features/ragged", "Expected every feature vector to have " + std::to_string(width) +
                                         " values, but " + in_row(done - 1) + " has " + std::to_string(filled) +
                                         "; features of different models cannot be mixed.");
  };
  for (;;) {
    bool more = false;
    VERGER_RETURN_IF_ERROR(NextPage(cancel, &more));
    if (!more) break;
    uint32_t repetition = 0;
    uint32_t definition = 0;
    uint64_t run = 0;
    VERGER_RETURN_IF_ERROR(PeekLevels(&repetition, &definition, &run));
    const bool element = definition >= static_cast<uint32_t>(column_.list_definition);
    if (repetition == 0) {
      if (done > 0 && filled != width) return width_error();
      if (done == rows) break;
      ++done;
      filled = 0;
      run = 1;
      if (!element) {
        if (definition + 1 < static_cast<uint32_t>(column_.list_definition)) return null_error("a null");
        ConsumeLevels(1);
        continue;
      }
    } else if (done == 0 || !element) {
      return BadLevels();
    }
    if (definition != static_cast<uint32_t>(column_.max_definition)) return null_error("a null value");
    const auto count = static_cast<size_t>(run);
    if (count <= width - std::min(filled, width)) {
      VERGER_RETURN_IF_ERROR(TakeFloats(count, out + (done - 1) * width + filled));
    }
    filled += count;
    ConsumeLevels(run);
  }
  if (done > 0 && filled != width) return width_error();
  return done == rows ? Status::Ok() : TooFewRows();
}

}  // namespace verger::parquet

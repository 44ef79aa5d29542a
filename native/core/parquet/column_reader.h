// One column chunk, page after page: the reader's inner part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/cancel.h"
#include "core/parquet/codec.h"
#include "core/parquet/reader.h"
#include "core/parquet/rle.h"

namespace verger::parquet {

class ColumnReader {
 public:
  // `file` must outlive the reader.
  ColumnReader(const ParquetFile& file, const LeafColumn& column, const ColumnChunk& chunk)
      : file_(file), column_(column), chunk_(chunk) {}

  const LeafColumn& column() const { return column_; }
  Status Open();

  // Reads exactly `rows` rows of a column that is not a list.
  Status ReadScalars(size_t rows, const CancelToken& cancel, ColumnBatch& batch);
  // Reads `rows` rows of a list column, or fewer (at least one) once `budget` bytes of values are reached.
  Status ReadLists(size_t rows, size_t budget, const CancelToken& cancel, ColumnBatch& batch, size_t* got);
  // Reads `rows` rows of float or double lists that must all be `width` long and without nulls. `row` is the number
  // of the first one in the file, for messages.
  Status ReadFixedLists(size_t rows, size_t width, uint64_t row, const CancelToken& cancel, float* out);

 private:
  // Makes sure that the current page has levels left. `*more` is false at the end of the chunk.
  Status NextPage(const CancelToken& cancel, bool* more);
  Status ReadHeader(PageHeader* header);
  // Makes window_ hold at least `size` unread bytes of the chunk (or all that is left of it).
  Status Fill(size_t size);
  Status LoadDictionary(const PageHeader& header, const uint8_t* body);
  Status StartPage(const PageHeader& header, const uint8_t* body);
  Status StartPageV2(const PageHeader& header, const uint8_t* body);
  Status StartValues(Encoding encoding, const uint8_t* data, size_t size);
  Status Expand(const uint8_t* data, size_t size, size_t out_size, ScratchBuffer& buffer, const uint8_t** out);
  // The next run of levels: same definition level throughout; for lists, same repetition level as well.
  Status PeekLevels(uint32_t* repetition, uint32_t* definition, uint64_t* count);
  void ConsumeLevels(uint64_t count);

  template <typename T>
  Status TakeValues(size_t count, T* out);
  Status TakeFloats(size_t count, float* out);
  Status TakeBooleans(size_t count, uint8_t* out);
  Status TakeStrings(size_t count, ColumnBatch& batch);
  template <typename T>
  Status ReadScalarsAs(size_t rows, const CancelToken& cancel, ColumnBatch& batch, std::vector<T>& values);
  template <typename T>
  Status ReadListsAs(size_t rows, size_t budget, const CancelToken& cancel, ColumnBatch& batch, std::vector<T>& values,
                     size_t* got);
  Status ShortPage() const { return file_.Corrupt("a page of column " + column_.name + " ends before its values"); }
  Status BadLevels() const { return file_.Corrupt("the levels of column " + column_.name + " are malformed"); }
  Status TooFewRows() const {
    return file_.Corrupt("column " + column_.name + " has fewer rows than its row group declares");
  }
  Status BadIndex() const {
    return file_.Corrupt("column " + column_.name + " refers to a value outside its dictionary");
  }

  const ParquetFile& file_;
  const LeafColumn& column_;
  const ColumnChunk& chunk_;

  // Compressed bytes: [window_begin_, window_end_) of window_, then the file from next_offset_ to chunk_end_.
  std::unique_ptr<uint8_t[]> window_;
  size_t window_capacity_ = 0;
  size_t window_begin_ = 0;
  size_t window_end_ = 0;
  uint64_t next_offset_ = 0;
  uint64_t chunk_end_ = 0;

  Decompressor decompressor_;
  ScratchBuffer page_;

  ScratchBuffer dictionary_;
  const uint8_t* dictionary_values_ = nullptr;
  size_t dictionary_count_ = 0;
  std::vector<std::pair<uint32_t, uint32_t>> dictionary_strings_;  // offset and length in the dictionary page
  bool has_dictionary_ = false;
  bool in_data_ = false;

  RleDecoder repetition_;
  RleDecoder definition_;
  uint64_t levels_left_ = 0;

  Encoding encoding_ = Encoding::kPlain;
  const uint8_t* values_ = nullptr;
  const uint8_t* values_end_ = nullptr;
  RleDecoder indices_;        // dictionary indices, or RLE booleans
  unsigned boolean_bit_ = 0;  // next bit of *values_
  size_t split_count_ = 0;    // BYTE_STREAM_SPLIT: values of the page, and the next of them
  size_t split_next_ = 0;
};

}  // namespace verger::parquet

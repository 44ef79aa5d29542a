// Whole files: what the writer writes, the reader reads; damaged files end in a status.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/cancel.h"
#include "core/parquet/reader.h"
#include "core/parquet/writer.h"

namespace verger::parquet {
namespace {

namespace fs = std::filesystem;

class ParquetFileTest : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / (std::string("verger-parquet-") + info->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    path_ = (folder_ / "part.parquet").string();
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::vector<char> Bytes() const {
    std::ifstream stream(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  void Replace(const std::vector<char>& bytes) const {
    std::ofstream stream(path_, std::ios::binary | std::ios::trunc);
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  // One byte, in place: rewriting a file thousands of times makes some file systems wait for the disk each time.
  void Poke(size_t at, char byte) const {
    std::fstream stream(path_, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(byte);
  }

  fs::path folder_;
  std::string path_;
  CancelToken cancel_;
};

constexpr size_t kRows = 50;
constexpr size_t kWidth = 6;

// A part with text, a nullable number and a list, in memory of its own.
struct Sample {
  Sample() {
    for (size_t row = 0; row < kRows; ++row) {
      text += "row " + std::to_string(row % 20);
      offsets.push_back(text.size());
      numbers.push_back(static_cast<int64_t>(row) * 1000);
      validity.push_back(row % 4 == 0 ? 0 : 1);
      for (size_t i = 0; i < kWidth; ++i) floats.push_back(static_cast<float>(row) + static_cast<float>(i) / 8);
    }
  }
  std::vector<ColumnInput> Columns() const {
    std::vector<ColumnInput> columns(3);
    columns[0].name = "text";
    columns[0].type = ColumnType::kString;
    columns[0].values = text.data();
    columns[0].offsets = offsets.data();
    columns[1].name = "number";
    columns[1].type = ColumnType::kInt64;
    columns[1].nullable = true;
    columns[1].values = numbers.data();
    columns[1].validity = validity.data();
    columns[2].name = "list";
    columns[2].type = ColumnType::kFloatList;
    columns[2].values = floats.data();
    columns[2].width = kWidth;
    return columns;
  }
  std::string text;
  std::vector<uint64_t> offsets{0};
  std::vector<int64_t> numbers;
  std::vector<uint8_t> validity;
  std::vector<float> floats;
};

// Reads everything, `step` rows at a time; the first failure.
Status ReadAll(const std::string& path, size_t step, bool fixed, std::vector<ColumnBatch>* all,
               std::vector<float>* values) {
  std::shared_ptr<const ParquetFile> file;
  VERGER_RETURN_IF_ERROR(ParquetFile::Open(path, &file));
  std::vector<size_t> columns;
  for (size_t i = 0; i < file->columns().size(); ++i) columns.push_back(i);
  std::vector<float> block(step * kWidth);
  for (size_t group = 0; group < file->metadata().row_groups.size(); ++group) {
    RowCursor cursor;
    VERGER_RETURN_IF_ERROR(cursor.Open(file, group, columns));
    FloatTarget target;
    if (fixed) target = {2, block.data(), kWidth};
    const CancelToken cancel;
    for (;;) {
      std::vector<ColumnBatch> batches;
      size_t rows = 0;
      VERGER_RETURN_IF_ERROR(cursor.Read(step, target, cancel, batches, &rows));
      if (rows == 0) break;
      if (fixed) values->insert(values->end(), block.begin(), block.begin() + static_cast<ptrdiff_t>(rows * kWidth));
      for (ColumnBatch& batch : batches) all->push_back(std::move(batch));
    }
  }
  return Status::Ok();
}

TEST_F(ParquetFileTest, TimestampsKeepWhetherTheyAreInstants) {
  const Sample sample;
  std::vector<ColumnInput> columns = sample.Columns();
  columns[1].type = ColumnType::kTimestampMicros;
  columns.push_back(columns[1]);
  columns[3].name = "local";
  columns[3].type = ColumnType::kLocalTimestampMicros;
  uint64_t bytes = 0;
  ASSERT_TRUE(WritePart(path_, columns, kRows, {}, cancel_, &bytes).ok());
  std::shared_ptr<const ParquetFile> file;
  ASSERT_TRUE(ParquetFile::Open(path_, &file).ok());
  EXPECT_EQ(file->columns()[1].type, ValueType::kTimestampMicros);
  EXPECT_EQ(file->columns()[3].type, ValueType::kLocalTimestampMicros);
  EXPECT_EQ(file->columns()[3].unsupported, "");
  std::vector<ColumnBatch> batches;
  ASSERT_TRUE(ReadAll(path_, kRows, false, &batches, nullptr).ok());
  EXPECT_EQ(batches[3].int64s, batches[1].int64s);
  EXPECT_EQ(batches[3].validity, sample.validity);
  EXPECT_EQ(batches[3].int64s[1], 1000);
}

TEST_F(ParquetFileTest, RowsComeBackWhateverTheCodecGroupPageAndStep) {
  const Sample sample;
  for (const Codec codec : {Codec::kNone, Codec::kZstd}) {
    for (const size_t group_rows : {size_t{1}, size_t{7}, size_t{100}}) {
      for (const size_t page_bytes : {size_t{1}, size_t{100}, size_t{1} << 20}) {
        WriteOptions options;
        options.codec = codec;
        options.row_group_rows = group_rows;
        options.page_bytes = page_bytes;
        uint64_t bytes = 0;
        ASSERT_TRUE(WritePart(path_, sample.Columns(), kRows, options, cancel_, &bytes).ok());
        EXPECT_EQ(bytes, fs::file_size(path_));
        for (const size_t step : {size_t{1}, size_t{3}, size_t{1000}}) {
          std::vector<ColumnBatch> batches;
          std::vector<float> values;
          const Status status = ReadAll(path_, step, true, &batches, &values);
          ASSERT_TRUE(status.ok()) << status.message();
          EXPECT_EQ(values, sample.floats);
          std::string text;
          std::vector<int64_t> numbers;
          std::vector<uint8_t> validity;
          for (size_t i = 0; i < batches.size(); i += 3) {
            text += batches[i].bytes;
            const ColumnBatch& number = batches[i + 1];
            numbers.insert(numbers.end(), number.int64s.begin(), number.int64s.end());
            std::vector<uint8_t> valid = number.validity;
            valid.resize(number.int64s.size(), 1);
            validity.insert(validity.end(), valid.begin(), valid.end());
          }
          EXPECT_EQ(text, sample.text);
          EXPECT_EQ(validity, sample.validity);
          for (size_t row = 0; row < kRows; ++row) EXPECT_EQ(numbers[row], validity[row] ? sample.numbers[row] : 0);
        }
      }
    }
  }
}

TEST_F(ParquetFileTest, ListsWithoutATargetKeepTheirOffsets) {
  const std::vector<float> values = {1, 2, 3, 4, 5};
  const std::vector<uint64_t> offsets = {0, 0, 2, 2, 5};
  std::vector<ColumnInput> columns(1);
  columns[0].name = "list";
  columns[0].type = ColumnType::kFloatList;
  columns[0].values = values.data();
  columns[0].offsets = offsets.data();
  uint64_t bytes = 0;
  ASSERT_TRUE(WritePart(path_, columns, 4, WriteOptions(), cancel_, &bytes).ok());
  std::vector<ColumnBatch> batches;
  ASSERT_TRUE(ReadAll(path_, 100, false, &batches, nullptr).ok());
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].offsets, offsets);
  EXPECT_EQ(batches[0].floats, values);
  EXPECT_TRUE(batches[0].validity.empty());
}

TEST_F(ParquetFileTest, ListsThatBarelyCompressAreStoredPlain) {
  std::vector<float> values(100 * 64);
  uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    const uint32_t bits = (state >> 8) | (state << 20);
    std::memcpy(&value, &bits, sizeof(value));
  }
  const auto codec_of = [&](const std::vector<float>& data) {
    std::vector<ColumnInput> columns(1);
    columns[0].name = "list";
    columns[0].type = ColumnType::kFloatList;
    columns[0].values = data.data();
    columns[0].width = 64;
    uint64_t bytes = 0;
    EXPECT_TRUE(WritePart(path_, columns, 100, WriteOptions(), cancel_, &bytes).ok());
    std::shared_ptr<const ParquetFile> file;
    EXPECT_TRUE(ParquetFile::Open(path_, &file).ok());
    return file->metadata().row_groups[0].columns[0].codec;
  };
  EXPECT_EQ(codec_of(values), Codec::kNone);
  for (size_t i = 0; i < values.size(); i += 2) values[i] = 0;
  EXPECT_EQ(codec_of(values), Codec::kZstd);
}

TEST_F(ParquetFileTest, EveryTruncationIsAnError) {
  const Sample sample;
  uint64_t bytes = 0;
  ASSERT_TRUE(WritePart(path_, sample.Columns(), kRows, WriteOptions(), cancel_, &bytes).ok());
  const std::vector<char> whole = Bytes();
  for (size_t size = whole.size() - 1; size < whole.size(); --size) {
    fs::resize_file(path_, size);
    std::shared_ptr<const ParquetFile> file;
    EXPECT_EQ(ParquetFile::Open(path_, &file).code(), "parquet/corrupt") << size;
  }
}

TEST_F(ParquetFileTest, EveryDamagedByteEndsInAStatus) {
  const Sample sample;
  WriteOptions options;
  options.row_group_rows = 20;
  for (const Codec codec : {Codec::kNone, Codec::kZstd}) {
    options.codec = codec;
    uint64_t bytes = 0;
    ASSERT_TRUE(WritePart(path_, sample.Columns(), kRows, options, cancel_, &bytes).ok());
    const std::vector<char> whole = Bytes();
    size_t failures = 0;
    for (size_t at = 0; at < whole.size(); ++at) {
      constexpr int kFlips[] = {0xFF, 0x01, 0x80};
      Poke(at, static_cast<char>(whole[at] ^ kFlips[at % 3]));
      std::vector<ColumnBatch> batches;
      std::vector<float> values;
      const Status status = ReadAll(path_, 16, at % 2 == 0, &batches, &values);
      Poke(at, whole[at]);
      if (status.ok()) continue;
      ++failures;
      EXPECT_NE(status.code().find('/'), std::string::npos);
      EXPECT_FALSE(status.message().empty());
    }
    EXPECT_GT(failures, whole.size() / 5) << "much damage is noticed even without checksums";
  }
}

TEST_F(ParquetFileTest, RowsOfAnotherWidthAreNamed) {
  const std::vector<float> values(20);
  const std::vector<uint64_t> offsets = {0, 6, 12, 17, 20};
  const Sample sample;
  std::vector<ColumnInput> columns = sample.Columns();
  columns[2].values = values.data();
  columns[2].offsets = offsets.data();
  WriteOptions options;
  options.row_group_rows = 2;
  uint64_t bytes = 0;
  ASSERT_TRUE(WritePart(path_, columns, 4, options, cancel_, &bytes).ok());
  std::vector<ColumnBatch> batches;
  std::vector<float> out;
  const Status status = ReadAll(path_, 10, true, &batches, &out);
  EXPECT_EQ(status.code(), "features/ragged");
  EXPECT_NE(status.message().find("to have 6 values, but row 3 of " + path_ + " has 5"), std::string::npos)
      << status.message();
}

TEST_F(ParquetFileTest, CancelledBetweenPages) {
  const Sample sample;
  CancelToken cancelled;
  cancelled.Cancel();
  uint64_t bytes = 0;
  EXPECT_EQ(WritePart(path_, sample.Columns(), kRows, WriteOptions(), cancelled, &bytes).code(), "cancelled");
  EXPECT_TRUE(fs::is_empty(folder_));
  ASSERT_TRUE(WritePart(path_, sample.Columns(), kRows, WriteOptions(), cancel_, &bytes).ok());
  std::shared_ptr<const ParquetFile> file;
  ASSERT_TRUE(ParquetFile::Open(path_, &file).ok());
  RowCursor cursor;
  ASSERT_TRUE(cursor.Open(file, 0, {0}).ok());
  std::vector<ColumnBatch> batches;
  size_t rows = 0;
  EXPECT_EQ(cursor.Read(10, FloatTarget(), cancelled, batches, &rows).code(), "cancelled");
}

TEST_F(ParquetFileTest, OtherFilesAreRefusedInWords) {
  std::shared_ptr<const ParquetFile> file;
  EXPECT_EQ(ParquetFile::Open(path_, &file).code(), "storage/not-found");
  EXPECT_EQ(ParquetFile::Open(folder_.string(), &file).code(), "storage/read");
  Replace({'t', 'e', 'x', 't'});
  EXPECT_EQ(ParquetFile::Open(path_, &file).code(), "parquet/corrupt");
  std::vector<char> encrypted(64, 0);
  std::memcpy(encrypted.data() + 60, "PARE", 4);
  Replace(encrypted);
  EXPECT_EQ(ParquetFile::Open(path_, &file).code(), "parquet/unsupported");
}

}  // namespace
}  // namespace verger::parquet

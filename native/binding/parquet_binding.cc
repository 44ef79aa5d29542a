// Parquet parts and whole-file writes. Arrays from JavaScript are borrowed (and referenced) until the job is done.
#include <napi.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "binding/addon_data.h"
#include "core/base/atomic_file.h"
#include "core/parquet/reader.h"
#include "core/parquet/writer.h"

namespace verger::binding {

namespace {

using parquet::ColumnBatch;
using parquet::ColumnInput;
using parquet::ColumnType;
using parquet::LeafColumn;
using parquet::ValueType;

size_t ToSize(Napi::Env env, const Napi::Value& value, const char* what) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= 0 && number <= 9007199254740991.0) || number != std::floor(number)) {
    ThrowArgument(env, std::string("Expected ") + what + " to be a whole number that is not negative.");
  }
  return static_cast<size_t>(number);
}

// --- Writing ---------------------------------------------------------------------------------------------------------

// A JS array of strings (or nulls) as UTF-8, end to end.
struct StringColumn {
  std::string bytes;
  std::vector<uint64_t> offsets;
  std::vector<uint8_t> validity;  // empty: no null
};

void CopyStrings(Napi::Env env, const Napi::Array& array, size_t rows, const std::string& name, StringColumn& out) {
  constexpr size_t kRoom = 1024;
  size_t used = 0;
  out.offsets.reserve(rows + 1);
  out.offsets.push_back(0);
  for (size_t row = 0; row < rows; ++row) {
    Napi::HandleScope scope(env);
    const Napi::Value value = array.Get(static_cast<uint32_t>(row));
    if (value.IsNull() || value.IsUndefined()) {
      out.validity.resize(row, 1);
      out.validity.push_back(0);
    } else if (value.IsString()) {
      if (!out.validity.empty()) out.validity.push_back(1);
      if (out.bytes.size() - used < kRoom) out.bytes.resize(std::max(out.bytes.size() * 2, used + 2 * kRoom));
      size_t length = 0;
      napi_get_value_string_utf8(env, value, out.bytes.data() + used, out.bytes.size() - used, &length);
      // It stops at the last character that fits whole, so a nearly full buffer may have lost some.
      if (out.bytes.size() - used - length <= 4) {
        napi_get_value_string_utf8(env, value, nullptr, 0, &length);
        out.bytes.resize(used + length + kRoom);
        napi_get_value_string_utf8(env, value, out.bytes.data() + used, length + 1, &length);
      }
      used += length;
    } else {
      ThrowArgument(env, "Expected every value of column " + name + " to be a string or null.");
    }
    out.offsets.push_back(used);
  }
}

class WriteJob : public AsyncJob {
 public:
  // spec: see NativeWriteSpec in src-main/native/parquet.ts.
  WriteJob(Napi::Env env, const Napi::Object& spec) {
    path_ = spec.Get("path").ToString().Utf8Value();
    rows_ = ToSize(env, spec.Get("rows"), "rows");
    options_.row_group_rows = ToSize(env, spec.Get("rowGroupRows"), "rowGroupRows");
    if (options_.row_group_rows == 0) ThrowArgument(env, "Expected rowGroupRows to be at least 1.");
    options_.zstd_level = spec.Get("level").ToNumber().Int32Value();
    const std::string codec = spec.Get("compression").ToString().Utf8Value();
    if (codec == "zstd") {
      options_.codec = parquet::Codec::kZstd;
    } else if (codec == "snappy") {
      options_.codec = parquet::Codec::kSnappy;
    } else if (codec == "none") {
      options_.codec = parquet::Codec::kNone;
    } else {
      ThrowArgument(env, "Expected compression to be zstd, snappy or none, but received " + codec + ".");
    }
    const auto metadata = spec.Get("metadata").As<Napi::Array>();
    for (uint32_t i = 0; i < metadata.Length(); ++i) {
      const auto entry = metadata.Get(i).As<Napi::Array>();
      options_.key_values.emplace_back(entry.Get(0U).ToString().Utf8Value(), entry.Get(1U).ToString().Utf8Value());
    }
    const auto columns = spec.Get("columns").As<Napi::Array>();
    if (columns.Length() == 0) ThrowArgument(env, "Expected at least one column to write.");
    strings_.reserve(columns.Length());  // ColumnInput points into the elements
    offsets_.reserve(columns.Length());
    for (uint32_t i = 0; i < columns.Length(); ++i) AddColumn(env, columns.Get(i).As<Napi::Object>());
  }

 protected:
  Status Execute(ThreadPool&, const CancelToken& cancel) override {
    return parquet::WritePart(path_, columns_, rows_, options_, cancel, &bytes_);
  }

  Napi::Value Resolve(Napi::Env env) override {
    Napi::Object result = Napi::Object::New(env);
    result.Set("bytes", static_cast<double>(bytes_));
    return result;
  }

 private:
  // The array's memory, kept alive for the job; throws unless it has that element type and at least `count` elements.
  const void* Borrow(Napi::Env env, const Napi::Value& value, napi_typedarray_type type, size_t count,
                     const std::string& what) {
    if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
      ThrowArgument(env, "Expected " + what + " to be a typed array of the column's type.");
    }
    const auto array = value.As<Napi::TypedArray>();
    if (array.ElementLength() < count) {
      ThrowArgument(env, "Expected " + what + " to hold " + std::to_string(count) + " values, but it has " +
                             std::to_string(array.ElementLength()) + ".");
    }
    references_.push_back(Napi::Persistent(value.As<Napi::Object>()));
    return static_cast<const char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  }

  void AddColumn(Napi::Env env, const Napi::Object& spec) {
    ColumnInput column;
    column.name = spec.Get("name").ToString().Utf8Value();
    column.nullable = spec.Get("nullable").ToBoolean();
    const std::string type = spec.Get("type").ToString().Utf8Value();
    const std::string what = "column " + column.name;
    const Napi::Value values = spec.Get("values");
    const Napi::Value validity = spec.Get("validity");
    if (column.name.empty()) ThrowArgument(env, "Expected every column to have a name.");
    if (type == "string") {
      column.type = ColumnType::kString;
      if (!values.IsArray() || values.As<Napi::Array>().Length() < rows_) {
        ThrowArgument(env, "Expected " + what + " to be an array of " + std::to_string(rows_) + " strings.");
      }
      StringColumn& strings = strings_.emplace_back();
      CopyStrings(env, values.As<Napi::Array>(), rows_, column.name, strings);
      column.values = strings.bytes.data();
      column.offsets = strings.offsets.data();
      if (!strings.validity.empty()) column.validity = strings.validity.data();
    } else if (type == "list<float32>") {
      column.type = ColumnType::kFloatList;
      AddList(env, spec, what, column);
    } else if (type == "int32") {
      column.type = ColumnType::kInt32;
      column.values = Borrow(env, values, napi_int32_array, rows_, what);
    } else if (type == "int64" || type == "timestamp" || type == "local-timestamp") {
      column.type = type == "int64"       ? ColumnType::kInt64
                    : type == "timestamp" ? ColumnType::kTimestampMicros
                                          : ColumnType::kLocalTimestampMicros;
      column.values = Borrow(env, values, napi_bigint64_array, rows_, what);
    } else if (type == "float64") {
      column.type = ColumnType::kDouble;
      column.values = Borrow(env, values, napi_float64_array, rows_, what);
    } else if (type == "boolean") {
      column.type = ColumnType::kBoolean;
      column.values = Borrow(env, values, napi_uint8_array, rows_, what);
    } else {
      ThrowArgument(env, "Expected a column type that can be written, but " + what + " has " + type + ".");
    }
    if (validity.IsTypedArray() && type != "string") {
      column.validity =
          static_cast<const uint8_t*>(Borrow(env, validity, napi_uint8_array, rows_, "validity of " + what));
    }
    if (column.validity != nullptr && (!column.nullable || column.type == ColumnType::kFloatList)) {
      ThrowArgument(env, "Expected no null in " + what + ", which is required; make it nullable.");
    }
    columns_.push_back(column);
  }

  void AddList(Napi::Env env, const Napi::Object& spec, const std::string& what, ColumnInput& column) {
    const Napi::Value values = spec.Get("values");
    const Napi::Value offsets = spec.Get("offsets");
    if (!offsets.IsTypedArray()) {
      column.width = ToSize(env, spec.Get("width"), ("the width of " + what).c_str());
      // A product that overflows would pass for a small one.
      if (rows_ > 0 && column.width > SIZE_MAX / sizeof(float) / rows_) {
        ThrowArgument(env, "Expected rows times width of " + what + " to be the length of an array.");
      }
      column.values = Borrow(env, values, napi_float32_array, rows_ * column.width, what);
      return;
    }
    const auto* narrow =
        static_cast<const uint32_t*>(Borrow(env, offsets, napi_uint32_array, rows_ + 1, "offsets of " + what));
    std::vector<uint64_t>& wide = offsets_.emplace_back(narrow, narrow + rows_ + 1);
    for (size_t row = 0; row < rows_; ++row) {
      if (wide[row] > wide[row + 1]) ThrowArgument(env, "Expected the offsets of " + what + " never to fall.");
    }
    column.offsets = wide.data();
    column.values = Borrow(env, values, napi_float32_array, static_cast<size_t>(wide.back()), what);
  }

  std::string path_;
  size_t rows_ = 0;
  parquet::WriteOptions options_;
  std::vector<ColumnInput> columns_;
  std::vector<StringColumn> strings_;
  std::vector<std::vector<uint64_t>> offsets_;
  std::vector<Napi::ObjectReference> references_;
  uint64_t bytes_ = 0;
};

// parquetWrite(spec): {promise: Promise<{bytes: number}>, cancel}
Napi::Value ParquetWrite(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject()) ThrowArgument(info.Env(), "Expected a description of the part to write.");
  return AddonData::Of(info.Env())
      .Start(info.Env(), std::make_unique<WriteJob>(info.Env(), info[0].As<Napi::Object>()));
}

// --- Reading ---------------------------------------------------------------------------------------------------------

const char* TypeName(const LeafColumn& column) {
  switch (column.type) {
    case ValueType::kBoolean:
      return column.list ? "list<boolean>" : "boolean";
    case ValueType::kInt32:
      return column.list ? "list<int32>" : "int32";
    case ValueType::kInt64:
      return column.list ? "list<int64>" : "int64";
    case ValueType::kTimestampMicros:
      return column.list ? "list<timestamp>" : "timestamp";
    case ValueType::kLocalTimestampMicros:
      return column.list ? "list<local-timestamp>" : "local-timestamp";
    case ValueType::kFloat:
      return column.list ? "list<float32>" : "float32";
    case ValueType::kDouble:
      return column.list ? "list<float64>" : "float64";
    case ValueType::kString:
      return column.list ? "list<string>" : "string";
    case ValueType::kBinary:
      return column.list ? "list<binary>" : "binary";
    case ValueType::kUnsupported:
      break;
  }
  return column.list ? "list<other>" : "other";
}

class OpenJob : public AsyncJob {
 public:
  using Slot = std::shared_ptr<const parquet::ParquetFile>;

  OpenJob(std::string path, std::shared_ptr<Slot> slot) : path_(std::move(path)), slot_(std::move(slot)) {}

 protected:
  Status Execute(ThreadPool&, const CancelToken&) override { return parquet::ParquetFile::Open(path_, &file_); }

  Napi::Value Resolve(Napi::Env env) override {
    *slot_ = file_;
    const parquet::FileMetadata& metadata = file_->metadata();
    Napi::Object result = Napi::Object::New(env);
    result.Set("rows", static_cast<double>(metadata.rows));
    Napi::Array groups = Napi::Array::New(env, metadata.row_groups.size());
    for (size_t i = 0; i < metadata.row_groups.size(); ++i) {
      groups.Set(static_cast<uint32_t>(i), static_cast<double>(metadata.row_groups[i].rows));
    }
    result.Set("rowGroups", groups);
    Napi::Array columns = Napi::Array::New(env, file_->columns().size());
    for (size_t i = 0; i < file_->columns().size(); ++i) {
      const LeafColumn& leaf = file_->columns()[i];
      Napi::Object column = Napi::Object::New(env);
      column.Set("name", leaf.name);
      column.Set("type", TypeName(leaf));
      column.Set("nullable", leaf.nullable);
      column.Set("unsupported", leaf.unsupported);
      columns.Set(static_cast<uint32_t>(i), column);
    }
    result.Set("columns", columns);
    Napi::Array pairs = Napi::Array::New(env, metadata.key_values.size());
    for (size_t i = 0; i < metadata.key_values.size(); ++i) {
      Napi::Array pair = Napi::Array::New(env, 2);
      pair.Set(0U, metadata.key_values[i].first);
      pair.Set(1U, metadata.key_values[i].second);
      pairs.Set(static_cast<uint32_t>(i), pair);
    }
    result.Set("metadata", pairs);
    return result;
  }

 private:
  std::string path_;
  std::shared_ptr<Slot> slot_;
  Slot file_;
};

struct CursorState {
  // Lets go of the file. JS thread, and not while a read is under way.
  void Release() {
    cursor.reset();
    file.reset();
  }

  OpenJob::Slot file;
  size_t row_group = 0;
  std::vector<size_t> columns;
  std::unique_ptr<parquet::RowCursor> cursor;  // opened by the first read
  bool failed = false;
  bool busy = false;    // JS thread only
  bool closed = false;  // JS thread only
};

// Tells our wrapped objects from any other: unwrapping a foreign one would read its memory as ours.
constexpr napi_type_tag kFileTag = {0x6f1d6c0a3c1b4c55, 0x9a7e2f0c55d1e3b7};

class ParquetFileHandle : public Napi::ObjectWrap<ParquetFileHandle> {
 public:
  static void Define(Napi::Env env, Napi::Object exports) {
    exports.Set("ParquetFile", DefineClass(env, "ParquetFile",
                                           {InstanceMethod<&ParquetFileHandle::OpenFile>("open"),
                                            InstanceMethod<&ParquetFileHandle::Close>("close")}));
  }

  // new ParquetFile(): closed until open() resolves.
  explicit ParquetFileHandle(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<ParquetFileHandle>(info), slot_(std::make_shared<OpenJob::Slot>()) {
    info.This().As<Napi::Object>().TypeTag(&kFileTag);
  }

  const OpenJob::Slot& file() const { return *slot_; }

  void Track(const std::shared_ptr<CursorState>& cursor) {
    std::erase_if(cursors_, [](const std::weak_ptr<CursorState>& known) { return known.expired(); });
    cursors_.push_back(cursor);
  }

 private:
  // open(path): {promise: Promise<{rows, rowGroups, columns, metadata}>, cancel}
  Napi::Value OpenFile(const Napi::CallbackInfo& info) {
    if (!info[0].IsString()) ThrowArgument(info.Env(), "Expected the path of a Parquet file as a string.");
    return AddonData::Of(info.Env())
        .Start(info.Env(), std::make_unique<OpenJob>(info[0].As<Napi::String>().Utf8Value(), slot_));
  }

  // close(): the file is closed now, or when the read that is under way has ended; never as late as JavaScript's
  // garbage collector: open descriptors are few, hold the space of removed files, and on Windows their names.
  void Close(const Napi::CallbackInfo&) {
    slot_->reset();
    for (const std::weak_ptr<CursorState>& known : cursors_) {
      const std::shared_ptr<CursorState> cursor = known.lock();
      if (!cursor) continue;
      cursor->closed = true;
      if (!cursor->busy) cursor->Release();
    }
    cursors_.clear();
  }

  std::shared_ptr<OpenJob::Slot> slot_;
  std::vector<std::weak_ptr<CursorState>> cursors_;
};

Napi::Value MakeStrings(Napi::Env env, const ColumnBatch& batch, size_t rows) {
  Napi::Array array = Napi::Array::New(env, rows);
  std::string_view previous;
  napi_value handle = nullptr;  // labels repeat: neighbours share one JS string
  Napi::HandleScope outer(env);
  const napi_value null = env.Null();
  auto scope = std::make_unique<Napi::HandleScope>(env);
  uint64_t begin = 0;
  for (size_t row = 0; row < rows; ++row) {
    const uint64_t end = batch.ends[row];
    if (!batch.validity.empty() && batch.validity[row] == 0) {
      napi_set_element(env, array, static_cast<uint32_t>(row), null);
    } else {
      const std::string_view text(batch.bytes.data() + begin, static_cast<size_t>(end - begin));
      if (handle == nullptr || text != previous) {
        if (row % 256 == 255) {
          scope.reset();
          scope = std::make_unique<Napi::HandleScope>(env);
        }
        if (napi_create_string_utf8(env, text.data(), text.size(), &handle) != napi_ok) {
          throw ToError(env, Status("parquet/unsupported", "Expected text below 512 MiB in one value; split it."));
        }
        previous = text;
      }
      napi_set_element(env, array, static_cast<uint32_t>(row), handle);
    }
    begin = end;
  }
  return array;
}

template <typename Array, typename T>
Napi::Value MakeArray(Napi::Env env, const std::vector<T>& values) {
  Array array = Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof(T));
  return array;
}

Napi::Value MakeInt64s(Napi::Env env, const std::vector<int64_t>& values) {
  Napi::BigInt64Array array = Napi::BigInt64Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof(int64_t));
  return array;
}

class ReadJob : public AsyncJob {
 public:
  ReadJob(std::shared_ptr<CursorState> state, size_t max_rows) : state_(std::move(state)), max_rows_(max_rows) {
    state_->busy = true;
  }
  ~ReadJob() override {
    state_->busy = false;
    if (state_->closed) state_->Release();
  }

  // Rows of the list column at position `column` go straight to the array, from element `offset` on.
  void SetTarget(Napi::Env env, const Napi::Object& target) {
    const Napi::Value values = target.Get("values");
    target_.column = ToSize(env, target.Get("column"), "the target's column");
    target_.width = ToSize(env, target.Get("width"), "the target's width");
    const size_t offset = ToSize(env, target.Get("offset"), "the target's offset");
    if (!values.IsTypedArray() || values.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
      ThrowArgument(env, "Expected the target to be a Float32Array.");
    }
    auto array = values.As<Napi::Float32Array>();
    if (target_.column >= state_->columns.size() || target_.width == 0 || offset > array.ElementLength() ||
        max_rows_ > (array.ElementLength() - offset) / target_.width) {
      ThrowArgument(env, "Expected the target to have room for the rows asked for.");
    }
    const LeafColumn& leaf = state_->file->columns()[state_->columns[target_.column]];
    if (!leaf.list || (leaf.type != ValueType::kFloat && leaf.type != ValueType::kDouble)) {
      ThrowArgument(env, "Expected the target's column to hold lists of floats.");
    }
    target_.data = array.Data() + offset;
    reference_ = Napi::Persistent(values.As<Napi::Object>());
  }

 protected:
  Status Execute(ThreadPool&, const CancelToken& cancel) override {
    Status status =
        state_->failed ? Status("native/argument", "Expected a cursor that has not failed before.") : Status::Ok();
    if (status.ok() && !state_->cursor) {
      state_->cursor = std::make_unique<parquet::RowCursor>();
      status = state_->cursor->Open(state_->file, state_->row_group, state_->columns);
    }
    if (status.ok()) status = state_->cursor->Read(max_rows_, target_, cancel, batches_, &rows_);
    if (!status.ok()) state_->failed = true;
    return status;
  }

  Napi::Value Resolve(Napi::Env env) override {
    Napi::Object result = Napi::Object::New(env);
    result.Set("rows", static_cast<double>(rows_));
    Napi::Array columns = Napi::Array::New(env, batches_.size());
    for (size_t i = 0; i < batches_.size(); ++i) {
      if (i == target_.column || rows_ == 0) {
        columns.Set(static_cast<uint32_t>(i), env.Null());
        continue;
      }
      columns.Set(static_cast<uint32_t>(i), MakeColumn(env, state_->file->columns()[state_->columns[i]], batches_[i]));
    }
    result.Set("columns", columns);
    return result;
  }

 private:
  Napi::Value MakeColumn(Napi::Env env, const LeafColumn& leaf, const ColumnBatch& batch) {
    Napi::Object column = Napi::Object::New(env);
    switch (leaf.type) {
      case ValueType::kBoolean:
        column.Set("values", MakeArray<Napi::Uint8Array>(env, batch.booleans));
        break;
      case ValueType::kInt32:
        column.Set("values", MakeArray<Napi::Int32Array>(env, batch.int32s));
        break;
      case ValueType::kInt64:
      case ValueType::kTimestampMicros:
      case ValueType::kLocalTimestampMicros:
        column.Set("values", MakeInt64s(env, batch.int64s));
        break;
      case ValueType::kFloat:
        column.Set("values", MakeArray<Napi::Float32Array>(env, batch.floats));
        break;
      case ValueType::kDouble:
        column.Set("values", MakeArray<Napi::Float64Array>(env, batch.doubles));
        break;
      default:
        column.Set("values", MakeStrings(env, batch, rows_));
        break;
    }
    if (!batch.validity.empty()) column.Set("validity", MakeArray<Napi::Uint8Array>(env, batch.validity));
    if (leaf.list) {
      Napi::Uint32Array offsets = Napi::Uint32Array::New(env, rows_ + 1);
      for (size_t row = 0; row <= rows_; ++row) offsets[row] = static_cast<uint32_t>(batch.offsets[row]);
      column.Set("offsets", offsets);
      column.Set("nullElementRow", static_cast<double>(batch.null_element_row));
    }
    return column;
  }

  std::shared_ptr<CursorState> state_;
  size_t max_rows_;
  parquet::FloatTarget target_;
  Napi::ObjectReference reference_;
  std::vector<ColumnBatch> batches_;
  size_t rows_ = 0;
};

class ParquetCursorHandle : public Napi::ObjectWrap<ParquetCursorHandle> {
 public:
  static void Define(Napi::Env env, Napi::Object exports) {
    exports.Set("ParquetCursor",
                DefineClass(env, "ParquetCursor", {InstanceMethod<&ParquetCursorHandle::Read>("read")}));
  }

  // new ParquetCursor(file: ParquetFile, rowGroup: number, columns: number[])
  explicit ParquetCursorHandle(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<ParquetCursorHandle>(info), state_(std::make_shared<CursorState>()) {
    const Napi::Env env = info.Env();
    if (!info[0].IsObject() || !info[0].As<Napi::Object>().CheckTypeTag(&kFileTag) || !info[2].IsArray()) {
      ThrowArgument(env, "Expected an open ParquetFile, a row group and an array of columns.");
    }
    ParquetFileHandle* const handle = ParquetFileHandle::Unwrap(info[0].As<Napi::Object>());
    state_->file = handle->file();
    if (!state_->file) ThrowArgument(env, "Expected an open Parquet file, but it is closed.");
    state_->row_group = ToSize(env, info[1], "the row group");
    if (state_->row_group >= state_->file->metadata().row_groups.size()) {
      ThrowArgument(env,
                    "Expected a row group below " + std::to_string(state_->file->metadata().row_groups.size()) + ".");
    }
    const auto columns = info[2].As<Napi::Array>();
    for (uint32_t i = 0; i < columns.Length(); ++i) {
      state_->columns.push_back(ToSize(env, columns.Get(i), "a column"));
      if (state_->columns.back() >= state_->file->columns().size()) {
        ThrowArgument(env, "Expected a column below " + std::to_string(state_->file->columns().size()) + ".");
      }
    }
    handle->Track(state_);
  }

 private:
  // read(maxRows, target?: {column, values: Float32Array, offset, width}):
  //   {promise: Promise<{rows, columns: ({values, validity?, offsets?, nullElementRow?} | null)[]}>, cancel}
  Napi::Value Read(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const size_t max_rows = ToSize(env, info[0], "maxRows");
    if (max_rows == 0 || max_rows > UINT32_MAX - 1) ThrowArgument(env, "Expected maxRows to be from 1 to 2^32 - 2.");
    if (state_->busy) ThrowArgument(env, "Expected one read of a cursor at a time.");
    if (state_->closed) ThrowArgument(env, "Expected a cursor of an open file, but the file has been closed.");
    auto job = std::make_unique<ReadJob>(state_, max_rows);
    if (info[1].IsObject()) job->SetTarget(env, info[1].As<Napi::Object>());
    return AddonData::Of(env).Start(env, std::move(job));
  }

  std::shared_ptr<CursorState> state_;
};

// --- Whole files -----------------------------------------------------------------------------------------------------

class WriteFileJob : public AsyncJob {
 public:
  WriteFileJob(std::string path, Napi::Value content) : path_(std::move(path)) {
    if (content.IsTypedArray()) {
      const auto array = content.As<Napi::TypedArray>();
      data_ = static_cast<const char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
      size_ = array.ByteLength();
      reference_ = Napi::Persistent(content.As<Napi::Object>());
    } else {
      text_ = content.As<Napi::String>().Utf8Value();
      data_ = text_.data();
      size_ = text_.size();
    }
  }

 protected:
  Status Execute(ThreadPool&, const CancelToken&) override { return AtomicWriteFile(path_, data_, size_); }
  Napi::Value Resolve(Napi::Env env) override { return env.Undefined(); }

 private:
  std::string path_;
  std::string text_;
  const char* data_ = nullptr;
  size_t size_ = 0;
  Napi::ObjectReference reference_;
};

// atomicWriteFile(path, data: Uint8Array | string): {promise: Promise<void>, cancel}
Napi::Value AtomicWrite(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString() || !(info[1].IsTypedArray() || info[1].IsString())) {
    ThrowArgument(env, "Expected a path and a Uint8Array or string to write.");
  }
  return AddonData::Of(env).Start(env, std::make_unique<WriteFileJob>(info[0].As<Napi::String>().Utf8Value(), info[1]));
}

class SyncDirectoryJob : public AsyncJob {
 public:
  explicit SyncDirectoryJob(std::string path) : path_(std::move(path)) {}

 protected:
  Status Execute(ThreadPool&, const CancelToken&) override { return SyncDirectory(path_); }
  Napi::Value Resolve(Napi::Env env) override { return env.Undefined(); }

 private:
  std::string path_;
};

// syncDirectory(path): {promise: Promise<void>, cancel}
Napi::Value SyncFolder(const Napi::CallbackInfo& info) {
  if (!info[0].IsString()) ThrowArgument(info.Env(), "Expected the path of a folder as a string.");
  return AddonData::Of(info.Env())
      .Start(info.Env(), std::make_unique<SyncDirectoryJob>(info[0].As<Napi::String>().Utf8Value()));
}

}  // namespace

void InitParquet(Napi::Env env, Napi::Object exports) {
  exports.Set("parquetWrite", Napi::Function::New<ParquetWrite>(env, "parquetWrite"));
  exports.Set("atomicWriteFile", Napi::Function::New<AtomicWrite>(env, "atomicWriteFile"));
  exports.Set("syncDirectory", Napi::Function::New<SyncFolder>(env, "syncDirectory"));
  ParquetFileHandle::Define(env, exports);
  ParquetCursorHandle::Define(env, exports);
}

}  // namespace verger::binding

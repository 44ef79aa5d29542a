// Apache Thrift's compact protocol: the part of it that Parquet's metadata uses.
// Specification: apache/thrift, doc/specs/thrift-compact-protocol.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace verger::parquet {

enum class ThriftType : uint8_t {
  kStop = 0,
  kTrue = 1,
  kFalse = 2,
  kByte = 3,
  kI16 = 4,
  kI32 = 5,
  kI64 = 6,
  kDouble = 7,
  kBinary = 8,
  kList = 9,
  kSet = 10,
  kMap = 11,
  kStruct = 12,
};

// Appends one struct tree to a buffer. Fields must be written in ascending order of their ids.
class ThriftWriter {
 public:
  explicit ThriftWriter(std::vector<uint8_t>& out) : out_(out) {}

  void Bool(int16_t id, bool value) { Header(id, value ? ThriftType::kTrue : ThriftType::kFalse); }
  void Byte(int16_t id, int8_t value) {
    Header(id, ThriftType::kByte);
    out_.push_back(static_cast<uint8_t>(value));
  }
  void I32(int16_t id, int32_t value) {
    Header(id, ThriftType::kI32);
    RawI32(value);
  }
  void I64(int16_t id, int64_t value) {
    Header(id, ThriftType::kI64);
    Varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void Binary(int16_t id, std::string_view value) {
    Header(id, ThriftType::kBinary);
    RawBinary(value);
  }
  // A struct-typed field: its fields go between the two calls.
  void BeginStruct(int16_t id) {
    Header(id, ThriftType::kStruct);
    BeginElement();
  }
  void EndStruct() { EndElement(); }
  // `count` elements must follow: RawI32, RawBinary, or BeginElement ... EndElement for structs.
  void BeginList(int16_t id, ThriftType element, size_t count);
  void BeginElement() {
    stack_.push_back(last_);
    last_ = 0;
  }
  void EndElement() {
    out_.push_back(0);
    last_ = stack_.back();
    stack_.pop_back();
  }
  void RawI32(int32_t value) { Varint((static_cast<uint32_t>(value) << 1) ^ static_cast<uint32_t>(value >> 31)); }
  void RawBinary(std::string_view value) {
    Varint(value.size());
    out_.insert(out_.end(), value.begin(), value.end());
  }
  // Ends the outermost struct.
  void Stop() { out_.push_back(0); }

 private:
  void Header(int16_t id, ThriftType type);
  void Varint(uint64_t value);

  std::vector<uint8_t>& out_;
  std::vector<int16_t> stack_;
  int16_t last_ = 0;
};

// Reads a struct tree from untrusted bytes. After any failure every call answers "nothing left" and `ok()` is false;
// `truncated()` tells whether more input could have helped. Counts are checked against the bytes that remain, so no
// caller can be talked into a large allocation.
class ThriftReader {
 public:
  ThriftReader(const uint8_t* data, size_t size) : position_(data), end_(data + size) {}

  bool ok() const { return !failed_; }
  bool truncated() const { return truncated_; }
  size_t remaining() const { return static_cast<size_t>(end_ - position_); }
  // Makes the reader fail: its caller found a value that cannot be.
  void Reject() { Fail(); }

  // Brackets the fields of a struct-typed field or list element; the outermost struct needs no brackets.
  void BeginStruct();
  void EndStruct();
  // Moves to the next field of the current struct. False at its end or after a failure.
  bool NextField(int16_t* id, ThriftType* type);

  // Values of the current field. A type that does not match `type` is a failure.
  bool Bool(ThriftType type);
  int32_t I32(ThriftType type);
  int64_t I64(ThriftType type);
  std::string_view Binary(ThriftType type);
  // The number of elements that follow; `element` is their type.
  size_t BeginList(ThriftType type, ThriftType* element);
  // Elements are read by the methods above with the element's type; a boolean element is one byte, which none of
  // Parquet's lists that we read contains.
  void Skip(ThriftType type) { Skip(type, 0); }

 private:
  void Fail(bool truncated = false) {
    failed_ = true;
    truncated_ = truncated;
    position_ = end_;
  }
  uint8_t Take() {
    if (position_ == end_) {
      if (!failed_) Fail(true);
      return 0;
    }
    return *position_++;
  }
  uint64_t Varint();
  void Skip(ThriftType type, int depth);

  const uint8_t* position_;
  const uint8_t* end_;
  std::vector<int16_t> stack_;
  int16_t last_ = 0;
  bool failed_ = false;
  bool truncated_ = false;
};

}  // namespace verger::parquet

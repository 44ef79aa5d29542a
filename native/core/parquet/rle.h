// Parquet's RLE / bit-packing hybrid: levels and dictionary indices.
// Specification: apache/parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing Hybrid".
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace verger::parquet {

// The number of bits that hold `value`: 0 for 0.
inline unsigned BitWidth(uint32_t value) {
  unsigned width = 0;
  for (; value != 0; value >>= 1) ++width;
  return width;
}

// Appends the hybrid encoding of a sequence given as runs. Call Finish once.
class RleEncoder {
 public:
  RleEncoder(unsigned bit_width, std::vector<uint8_t>& out) : bit_width_(bit_width), out_(out) {}

  void Put(uint32_t value, uint64_t count = 1) {
    if (count == 0) return;
    if (pending_count_ != 0 && value != pending_) Settle();
    pending_ = value;
    pending_count_ += count;
  }
  void Finish();

 private:
  // Moves the pending run into literals, or writes it out as a run.
  void Settle();
  void FlushLiterals();
  void Varint(uint64_t value);

  unsigned bit_width_;
  std::vector<uint8_t>& out_;
  uint32_t pending_ = 0;
  uint64_t pending_count_ = 0;
  std::vector<uint32_t> literals_;
};

// Reads the hybrid encoding from untrusted bytes, as runs.
class RleDecoder {
 public:
  RleDecoder() = default;
  RleDecoder(const uint8_t* data, size_t size, unsigned bit_width)
      : position_(data), end_(data + size), bit_width_(bit_width) {}
  // Answers one endless run of `value`: for levels that are not stored because only one value is possible.
  static RleDecoder Constant(uint32_t value) {
    RleDecoder decoder;
    decoder.value_ = value;
    decoder.count_ = UINT64_MAX;
    return decoder;
  }

  // The current run of equal values, at least one long; neighbouring runs may hold the same value. False when the
  // input has ended or is malformed.
  bool Peek(uint32_t* value, uint64_t* count) {
    if (count_ == 0 && !Advance()) {
      position_ = end_;  // malformed input must not come back to life
      return false;
    }
    *value = value_;
    *count = count_;
    return true;
  }
  // Drops the first `count` values of the current run (count <= its length).
  void Consume(uint64_t count) { count_ -= count; }

 private:
  bool Advance();
  // Unpacks the next group of eight.
  void Unpack();

  const uint8_t* position_ = nullptr;
  const uint8_t* end_ = nullptr;
  unsigned bit_width_ = 0;
  uint32_t value_ = 0;
  uint64_t count_ = 0;
  uint64_t groups_ = 0;  // groups of eight left in the current bit-packed run
  uint32_t group_[8] = {};
  unsigned in_group_ = 8;  // next value of group_
};

}  // namespace verger::parquet

#include "core/parquet/rle.h"

#include <algorithm>

namespace verger::parquet {

namespace {

constexpr size_t kGroup = 8;
// 63 groups: the header of a bit-packed run stays one byte.
constexpr size_t kMaxLiterals = 63 * kGroup;

}  // namespace

void RleEncoder::Varint(uint64_t value) {
  while (value >= 0x80) {
    out_.push_back(static_cast<uint8_t>(value | 0x80));
    value >>= 7;
  }
  out_.push_back(static_cast<uint8_t>(value));
}

void RleEncoder::FlushLiterals() {
  if (literals_.empty()) return;
  literals_.resize((literals_.size() + kGroup - 1) / kGroup * kGroup, 0);
  Varint((literals_.size() / kGroup) << 1 | 1);
  uint64_t bits = 0;
  unsigned held = 0;
  for (const uint32_t value : literals_) {
    bits |= static_cast<uint64_t>(value) << held;
    held += bit_width_;
    while (held >= 8) {
      out_.push_back(static_cast<uint8_t>(bits));
      bits >>= 8;
      held -= 8;
    }
  }
  literals_.clear();
}

void RleEncoder::Settle() {
  // A bit-packed run holds whole groups unless it is the last: what is open must be filled first.
  const size_t open = literals_.size() % kGroup;
  uint64_t count = pending_count_;
  pending_count_ = 0;
  if (open != 0) {
    const uint64_t moved = std::min<uint64_t>(count, kGroup - open);
    literals_.insert(literals_.end(), static_cast<size_t>(moved), pending_);
    count -= moved;
  }
  if (literals_.size() >= kMaxLiterals) FlushLiterals();
  if (count >= kGroup) {
    FlushLiterals();
    Varint(count << 1);
    for (unsigned bits = 0; bits < bit_width_; bits += 8) out_.push_back(static_cast<uint8_t>(pending_ >> bits));
  } else {
    literals_.insert(literals_.end(), static_cast<size_t>(count), pending_);
  }
}

void RleEncoder::Finish() {
  if (pending_count_ != 0) Settle();
  FlushLiterals();
}

void RleDecoder::Unpack() {
  const uint32_t mask = bit_width_ == 32 ? UINT32_MAX : (uint32_t{1} << bit_width_) - 1;
  uint64_t bits = 0;
  unsigned held = 0;
  for (uint32_t& value : group_) {
    while (held < bit_width_) {
      bits |= static_cast<uint64_t>(*position_++) << held;
      held += 8;
    }
    value = static_cast<uint32_t>(bits) & mask;
    bits >>= bit_width_;
    held -= bit_width_;
  }
  in_group_ = 0;
  --groups_;
}

bool RleDecoder::Advance() {
  while (in_group_ == kGroup && groups_ == 0) {
    uint64_t header = 0;
    unsigned shift = 0;
    for (;;) {
      if (position_ == end_ || shift > 56) return false;
      const uint8_t byte = *position_++;
      header |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) break;
      shift += 7;
    }
    const auto left = static_cast<size_t>(end_ - position_);
    if ((header & 1) == 0) {
      const size_t bytes = (bit_width_ + 7) / 8;
      if (left < bytes) return false;
      value_ = 0;
      for (size_t i = 0; i < bytes; ++i) value_ |= static_cast<uint32_t>(*position_++) << (8 * i);
      if (bit_width_ < 32 && (value_ >> bit_width_) != 0) return false;
      count_ = header >> 1;
      if (count_ != 0) return true;
      continue;  // an empty run is legal and says nothing
    }
    // Whole groups only: the specification has writers pad the last one.
    const uint64_t groups = header >> 1;
    if (bit_width_ != 0 && groups > left / bit_width_) return false;
    groups_ = groups;
  }
  if (in_group_ == kGroup) Unpack();
  value_ = group_[in_group_++];
  count_ = 1;
  while (in_group_ < kGroup && group_[in_group_] == value_) {
    ++in_group_;
    ++count_;
  }
  return true;
}

}  // namespace verger::parquet

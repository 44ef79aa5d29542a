#include "core/parquet/thrift.h"

namespace verger::parquet {

namespace {

// Parquet's own metadata nests about six deep.
constexpr int kMaxDepth = 32;

}  // namespace

void ThriftWriter::Header(int16_t id, ThriftType type) {
  const int delta = id - last_;
  if (delta >= 1 && delta <= 15) {
    out_.push_back(static_cast<uint8_t>((delta << 4) | static_cast<int>(type)));
  } else {
    out_.push_back(static_cast<uint8_t>(type));
    RawI32(id);
  }
  last_ = id;
}

void ThriftWriter::Varint(uint64_t value) {
  while (value >= 0x80) {
    out_.push_back(static_cast<uint8_t>(value | 0x80));
    value >>= 7;
  }
  out_.push_back(static_cast<uint8_t>(value));
}

void ThriftWriter::BeginList(int16_t id, ThriftType element, size_t count) {
  Header(id, ThriftType::kList);
  const auto type = static_cast<uint8_t>(element);
  if (count < 15) {
    out_.push_back(static_cast<uint8_t>((count << 4) | type));
  } else {
    out_.push_back(static_cast<uint8_t>(0xF0 | type));
    Varint(count);
  }
}

uint64_t ThriftReader::Varint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const uint8_t byte = Take();
    if (failed_) return 0;
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  Fail();
  return 0;
}

void ThriftReader::BeginStruct() {
  if (stack_.size() >= kMaxDepth) {
    Fail();
    return;
  }
  stack_.push_back(last_);
  last_ = 0;
}

void ThriftReader::EndStruct() {
  if (stack_.empty()) return;
  last_ = stack_.back();
  stack_.pop_back();
}

bool ThriftReader::NextField(int16_t* id, ThriftType* type) {
  const uint8_t header = Take();
  if (failed_) return false;
  const uint8_t kind = header & 0x0F;
  if (kind == 0) return false;
  if (kind > static_cast<uint8_t>(ThriftType::kStruct)) {
    Fail();
    return false;
  }
  int32_t next = last_ + (header >> 4);
  if ((header >> 4) == 0) next = I32(ThriftType::kI32);
  if (failed_ || next < 0 || next > INT16_MAX) {
    if (!failed_) Fail();
    return false;
  }
  last_ = static_cast<int16_t>(next);
  *id = last_;
  *type = static_cast<ThriftType>(kind);
  return true;
}

bool ThriftReader::Bool(ThriftType type) {
  if (type != ThriftType::kTrue && type != ThriftType::kFalse) Fail();
  return type == ThriftType::kTrue;
}

int64_t ThriftReader::I64(ThriftType type) {
  if (type == ThriftType::kByte) return static_cast<int8_t>(Take());
  if (type != ThriftType::kI16 && type != ThriftType::kI32 && type != ThriftType::kI64) {
    Fail();
    return 0;
  }
  const uint64_t raw = Varint();
  return static_cast<int64_t>((raw >> 1) ^ (~(raw & 1) + 1));
}

int32_t ThriftReader::I32(ThriftType type) {
  const int64_t value = I64(type);
  if (value < INT32_MIN || value > INT32_MAX) {
    Fail();
    return 0;
  }
  return static_cast<int32_t>(value);
}

std::string_view ThriftReader::Binary(ThriftType type) {
  if (type != ThriftType::kBinary) {
    Fail();
    return {};
  }
  const uint64_t length = Varint();
  if (failed_) return {};
  if (length > remaining()) {
    Fail(true);
    return {};
  }
  const std::string_view value(reinterpret_cast<const char*>(position_), static_cast<size_t>(length));
  position_ += length;
  return value;
}

size_t ThriftReader::BeginList(ThriftType type, ThriftType* element) {
  if (type != ThriftType::kList && type != ThriftType::kSet) {
    Fail();
    return 0;
  }
  const uint8_t header = Take();
  if (failed_) return 0;
  *element = static_cast<ThriftType>(header & 0x0F);
  uint64_t count = header >> 4;
  if (count == 15) count = Varint();
  // Every element takes at least one byte.
  if (!failed_ && count > remaining()) Fail(true);
  return failed_ ? 0 : static_cast<size_t>(count);
}

void ThriftReader::Skip(ThriftType type, int depth) {
  if (depth > kMaxDepth) {
    Fail();
    return;
  }
  switch (type) {
    case ThriftType::kTrue:
    case ThriftType::kFalse:
      return;
    case ThriftType::kByte:
      Take();
      return;
    case ThriftType::kI16:
    case ThriftType::kI32:
    case ThriftType::kI64:
      Varint();
      return;
    case ThriftType::kDouble:
      for (int i = 0; i < 8; ++i) Take();
      return;
    case ThriftType::kBinary:
      Binary(type);
      return;
    case ThriftType::kList:
    case ThriftType::kSet: {
      ThriftType element = ThriftType::kStop;
      const size_t count = BeginList(type, &element);
      const bool boolean = element == ThriftType::kTrue || element == ThriftType::kFalse;
      for (size_t i = 0; i < count && !failed_; ++i) {
        if (boolean) {
          Take();
        } else {
          Skip(element, depth + 1);
        }
      }
      return;
    }
    case ThriftType::kMap: {
      const uint64_t count = Varint();
      if (count == 0 || failed_) return;
      if (count > remaining()) {
        Fail(true);
        return;
      }
      const uint8_t kinds = Take();
      for (uint64_t i = 0; i < count && !failed_; ++i) {
        for (const int kind : {kinds >> 4, kinds & 0x0F}) {
          const auto entry = static_cast<ThriftType>(kind);
          if (entry == ThriftType::kTrue || entry == ThriftType::kFalse) {
            Take();
          } else {
            Skip(entry, depth + 1);
          }
        }
      }
      return;
    }
    case ThriftType::kStruct: {
      BeginStruct();
      int16_t id = 0;
      ThriftType field = ThriftType::kStop;
      while (NextField(&id, &field)) Skip(field, depth + 1);
      EndStruct();
      return;
    }
    case ThriftType::kStop:
      break;
  }
  Fail();
}

}  // namespace verger::parquet

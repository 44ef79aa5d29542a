// The EXIF parser and the header readers: any bytes, no read outside them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "core/image/header.h"

namespace {

// 1826-01-01 and 2200-01-01.
constexpr int64_t kFirstSecond = -4'544'208'000;
constexpr int64_t kEndSecond = 7'258'118'400;

void Check(const verger::image::Exif& exif) {
  if (exif.orientation < 1 || exif.orientation > 8) std::abort();
  if (!exif.captured) return;
  const int64_t micros = exif.captured->local_micros;
  if (micros < kFirstSecond * 1'000'000 || micros >= kEndSecond * 1'000'000) std::abort();
  const auto offset = exif.captured->utc_offset_minutes;
  if (offset && (*offset < -720 || *offset > 840)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const verger::image::Bytes bytes(data, size);
  Check(verger::image::ParseExif(bytes));
  verger::image::Header header;
  const verger::Status status = verger::image::ReadHeader(bytes, &header);
  if (status.ok() && (header.width == 0 || header.height == 0)) std::abort();
  Check({header.orientation, header.captured});
  return 0;
}

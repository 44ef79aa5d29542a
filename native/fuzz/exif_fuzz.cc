// The EXIF parser and the header readers: any bytes, no read outside them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "core/image/header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const verger::image::Bytes bytes(data, size);
  const uint8_t orientation = verger::image::ParseExifOrientation(bytes);
  if (orientation < 1 || orientation > 8) std::abort();
  verger::image::Header header;
  const verger::Status status = verger::image::ReadHeader(bytes, &header);
  if (status.ok() && (header.width == 0 || header.height == 0 || header.orientation < 1 || header.orientation > 8)) {
    std::abort();
  }
  return 0;
}

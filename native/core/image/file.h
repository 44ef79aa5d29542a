// Reading a whole image file on the calling thread.
#pragma once

#include <string>

#include "core/image/pixels.h"

namespace verger::image {

// Reads the regular file at `path` (UTF-8) into `buffer` and sets `bytes` to what was read: all of it, or the first
// `prefix` bytes if that is less. `complete` tells which.
// Codes: image/missing, image/unreadable, image/empty, image/too-large (file larger than limits.max_file_bytes),
// image/memory.
Status ReadFile(const std::string& path, const DecodeLimits& limits, size_t prefix, Buffer<uint8_t>& buffer,
                Bytes* bytes, bool* complete);

}  // namespace verger::image

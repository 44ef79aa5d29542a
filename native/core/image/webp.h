// WebP through libwebp.
#pragma once

#include <string>

#include "core/image/pixels.h"

namespace verger::image {

// Decodes a still WebP, lossy or lossless, into `sink` as RGB, alpha over white. The format is held whole: libwebp has
// no row-wise output.
// Codes: image/truncated, image/corrupt, image/unsupported (animations), image/too-large, image/memory, cancelled, and
// whatever `sink` returns.
Status DecodeWebp(Bytes bytes, const DecodeLimits& limits, RowSink& sink);

// The libwebp in use.
std::string LibwebpVersion();

}  // namespace verger::image

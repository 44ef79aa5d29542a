// PNG through libpng.
#pragma once

#include <string>

#include "core/image/pixels.h"

namespace verger::image {

// Decodes `bytes` into `sink` as 8-bit RGB: palettes expanded, 16 bits scaled to 8, grey tripled, alpha over white.
// Rows are streamed; only an interlaced file is held whole. Metadata chunks (colour profiles, text) are skipped unread.
// Codes: image/truncated, image/corrupt, image/too-large, image/memory, cancelled, and whatever `sink` returns.
Status DecodePng(Bytes bytes, const DecodeLimits& limits, RowSink& sink);

// The libpng in use.
std::string LibpngVersion();

}  // namespace verger::image

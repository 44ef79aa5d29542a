// The one EXIF field that changes pixels: orientation.
#pragma once

#include <cstdint>

#include "core/image/pixels.h"

namespace verger::image {

// EXIF tag 0x0112: how the stored rows lie on the upright picture. 1: as stored; 2: mirrored left to right; 3: rotated
// by 180 degrees; 4: mirrored top to bottom; 5: transposed; 6: to be rotated 90 degrees clockwise; 7: transversed;
// 8: to be rotated 90 degrees counter-clockwise.
inline constexpr uint8_t kUpright = 1;

// True when the upright picture is as wide as the stored one is high.
inline constexpr bool SwapsSides(uint8_t orientation) { return orientation >= 5; }

// Reads the orientation from an EXIF block (a TIFF header with its first directory, optionally behind "Exif\0\0").
// Returns kUpright when the block is malformed or says nothing: a photo with broken metadata is still a photo.
// Never reads outside `exif`, whatever it holds.
uint8_t ParseExifOrientation(Bytes exif);

}  // namespace verger::image

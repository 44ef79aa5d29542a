// What EXIF says that Verger keeps: how the picture lies, and when it was taken.
#pragma once

#include <cstdint>
#include <optional>

#include "core/image/pixels.h"

namespace verger::image {

// EXIF tag 0x0112: how the stored rows lie on the upright picture. 1: as stored; 2: mirrored left to right; 3: rotated
// by 180 degrees; 4: mirrored top to bottom; 5: transposed; 6: to be rotated 90 degrees clockwise; 7: transversed;
// 8: to be rotated 90 degrees counter-clockwise.
inline constexpr uint8_t kUpright = 1;

// True when the upright picture is as wide as the stored one is high.
inline constexpr bool SwapsSides(uint8_t orientation) { return orientation >= 5; }

// When a picture was taken, as the camera's clock showed it: a local date and time without a time zone.
struct CaptureTime {
  // Microseconds from 1970-01-01 00:00:00 of the same clock; from the year kFirstYear to kLastYear.
  int64_t local_micros = 0;
  // Minutes that the clock was ahead of UTC, -720 to 840, where the camera knew.
  std::optional<int16_t> utc_offset_minutes;

  bool operator==(const CaptureTime&) const = default;
};

// The first photograph was taken in 1826; scans of old prints may say when those were made. What lies outside, such as
// the year 1 or 1601 of a clock that was never set, is no date of a photo; and within the range nanoseconds since 1970
// fit 64 bits, without which one odd date would keep older versions of pandas from a whole file.
inline constexpr int kFirstYear = 1826;
inline constexpr int kLastYear = 2199;

struct Exif {
  uint8_t orientation = kUpright;
  // DateTimeOriginal; where that is missing or no valid date, DateTimeDigitized; then DateTime. With the fraction of a
  // second and the offset of the same tag's kin, where these are valid.
  std::optional<CaptureTime> captured;
};

// Reads an EXIF block (a TIFF header with its first directory, optionally behind "Exif\0\0"; EXIF 3.0, JEITA CP-3451).
// What is malformed, blank or not there keeps its default: a photo with broken metadata is still a photo.
// Never reads outside `exif`, whatever it holds, and each of its bytes a bounded number of times.
Exif ParseExif(Bytes exif);

}  // namespace verger::image

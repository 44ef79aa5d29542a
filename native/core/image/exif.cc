#include "core/image/exif.h"

#include <algorithm>
#include <array>

namespace verger::image {

namespace {

constexpr std::array<uint8_t, 6> kPrefix = {'E', 'x', 'i', 'f', 0, 0};
constexpr uint16_t kOrientationTag = 0x0112;
constexpr size_t kEntryBytes = 12;

// Reads integers of a TIFF block in its own byte order; every read is checked.
class TiffReader {
 public:
  TiffReader(Bytes bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  bool Read16(size_t offset, uint16_t* value) const {
    if (offset > bytes_.size() || bytes_.size() - offset < 2) return false;
    const uint32_t first = bytes_[offset];
    const uint32_t second = bytes_[offset + 1];
    *value = static_cast<uint16_t>(big_endian_ ? first << 8 | second : second << 8 | first);
    return true;
  }
  bool Read32(size_t offset, uint32_t* value) const {
    uint16_t first = 0;
    uint16_t second = 0;
    if (!Read16(offset, &first) || !Read16(offset + 2, &second)) return false;
    *value = big_endian_ ? uint32_t{first} << 16 | second : uint32_t{second} << 16 | first;
    return true;
  }

 private:
  Bytes bytes_;
  bool big_endian_;
};

}  // namespace

uint8_t ParseExifOrientation(Bytes exif) {
  if (exif.size() >= kPrefix.size() && std::equal(kPrefix.begin(), kPrefix.end(), exif.begin())) {
    exif = exif.subspan(kPrefix.size());
  }
  if (exif.size() < 8) return kUpright;
  const bool big_endian = exif[0] == 'M' && exif[1] == 'M';
  if (!big_endian && !(exif[0] == 'I' && exif[1] == 'I')) return kUpright;
  const TiffReader tiff(exif, big_endian);
  uint16_t magic = 0;
  uint32_t directory = 0;
  uint16_t entries = 0;
  if (!tiff.Read16(2, &magic) || magic != 42 || !tiff.Read32(4, &directory) || !tiff.Read16(directory, &entries)) {
    return kUpright;
  }
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = size_t{directory} + 2 + i * kEntryBytes;
    uint16_t tag = 0;
    if (!tiff.Read16(entry, &tag)) return kUpright;
    if (tag != kOrientationTag) continue;
    uint16_t type = 0;
    uint32_t count = 0;
    if (!tiff.Read16(entry + 2, &type) || !tiff.Read32(entry + 4, &count) || count != 1) return kUpright;
    uint32_t value = 0;
    uint16_t narrow = 0;
    // The standard says SHORT; LONG is seen in the wild and means the same.
    if (type == 3 && tiff.Read16(entry + 8, &narrow)) {
      value = narrow;
    } else if (type != 4 || !tiff.Read32(entry + 8, &value)) {
      return kUpright;
    }
    return value >= 1 && value <= 8 ? static_cast<uint8_t>(value) : kUpright;
  }
  return kUpright;
}

}  // namespace verger::image

#include "core/image/exif.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <initializer_list>
#include <string_view>

namespace verger::image {

namespace {

constexpr std::array<uint8_t, 6> kPrefix = {'E', 'x', 'i', 'f', 0, 0};
constexpr size_t kEntryBytes = 12;

// Types of values.
constexpr uint16_t kAscii = 2;
constexpr uint16_t kShort = 3;
constexpr uint16_t kLong = 4;

constexpr uint16_t kOrientationTag = 0x0112;
constexpr uint16_t kDateTimeTag = 0x0132;
constexpr uint16_t kExifDirectoryTag = 0x8769;
constexpr uint16_t kDateTimeOriginalTag = 0x9003;
constexpr uint16_t kDateTimeDigitizedTag = 0x9004;
constexpr uint16_t kOffsetTimeTag = 0x9010;
constexpr uint16_t kOffsetTimeOriginalTag = 0x9011;
constexpr uint16_t kOffsetTimeDigitizedTag = 0x9012;
constexpr uint16_t kSubSecTimeTag = 0x9290;
constexpr uint16_t kSubSecTimeOriginalTag = 0x9291;
constexpr uint16_t kSubSecTimeDigitizedTag = 0x9292;

constexpr int64_t kMicrosPerSecond = 1'000'000;

struct Entry {
  uint16_t tag = 0;
  uint16_t type = 0;
  uint32_t count = 0;
  // Of the four bytes that hold the value or, when it is longer, its offset; they may lie outside of the block.
  size_t value_at = 0;
};

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

  // Calls `visit` with every entry of the directory at `offset` whose head lies within the block, in order.
  template <typename Visit>
  void ForEachEntry(uint32_t offset, Visit visit) const {
    uint16_t entries = 0;
    if (!Read16(offset, &entries)) return;
    for (size_t i = 0; i < entries; ++i) {
      const size_t at = size_t{offset} + 2 + i * kEntryBytes;
      Entry entry;
      if (!Read16(at, &entry.tag) || !Read16(at + 2, &entry.type) || !Read32(at + 4, &entry.count)) return;
      entry.value_at = at + 8;
      visit(entry);
    }
  }

  // The text of an entry up to its first NUL, without the blanks behind it; empty when it is no text within the block.
  std::string_view Text(const Entry& entry) const {
    uint32_t offset = 0;
    if (entry.type != kAscii) return {};
    size_t at = entry.value_at;
    if (entry.count > 4) {
      if (!Read32(entry.value_at, &offset)) return {};
      at = offset;
    }
    if (at > bytes_.size() || bytes_.size() - at < entry.count) return {};
    std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + at, std::min(entry.count, kLongestText));
    text = text.substr(0, text.find('\0'));
    return text.substr(0, text.find_last_not_of(' ') + 1);
  }

 private:
  // Of what is read here: a date and its NUL take 20 bytes.
  static constexpr uint32_t kLongestText = 32;

  Bytes bytes_;
  bool big_endian_;
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Reads a text of exactly the form of `pattern`, in which 0 stands for any digit, and its numbers in order.
template <size_t kCount>
bool ReadNumbers(std::string_view text, std::string_view pattern, std::array<int, kCount>* numbers) {
  if (text.size() != pattern.size()) return false;
  numbers->fill(0);
  size_t number = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (pattern[i] == '0') {
      if (!IsDigit(text[i])) return false;
      (*numbers)[number] = (*numbers)[number] * 10 + (text[i] - '0');
    } else {
      if (text[i] != pattern[i]) return false;
      ++number;
    }
  }
  return true;
}

// Microseconds since 1970 of "YYYY:MM:DD HH:MM:SS". The standard writes blanks or zeros for what is not known.
std::optional<int64_t> ParseDateTime(std::string_view text) {
  std::array<int, 6> parts;
  if (!ReadNumbers(text, "0000:00:00 00:00:00", &parts)) return std::nullopt;
  const auto [year, month, day, hour, minute, second] = parts;
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (year < kFirstYear || year > kLastYear || !date.ok()) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * kMicrosPerSecond;
}

// Microseconds of the digits behind a decimal point; 0 for what is no such digits.
int64_t ParseFraction(std::string_view text) {
  int64_t micros = 0;
  int64_t unit = kMicrosPerSecond / 10;
  for (const char c : text) {
    if (!IsDigit(c)) return 0;
    micros += (c - '0') * unit;
    unit /= 10;
  }
  return micros;
}

// Minutes of "+HH:MM" or "-HH:MM", from UTC-12 to UTC+14 as there are.
std::optional<int16_t> ParseOffset(std::string_view text) {
  std::array<int, 2> parts;
  if (text.empty() || !ReadNumbers(text.substr(1), "00:00", &parts) || parts[1] > 59) return std::nullopt;
  const int minutes = parts[0] * 60 + parts[1];
  if (text[0] == '+' && minutes <= 14 * 60) return static_cast<int16_t>(minutes);
  if (text[0] == '-' && minutes <= 12 * 60) return static_cast<int16_t>(-minutes);
  return std::nullopt;
}

// One of the three times that EXIF knows, as texts.
struct TimeTexts {
  std::string_view date_time;
  std::string_view fraction;
  std::string_view offset;
};

std::optional<CaptureTime> TimeOf(const TimeTexts& texts) {
  const std::optional<int64_t> whole = ParseDateTime(texts.date_time);
  if (!whole) return std::nullopt;
  return CaptureTime{*whole + ParseFraction(texts.fraction), ParseOffset(texts.offset)};
}

// The value of the orientation tag: the standard says SHORT; LONG is seen in the wild and means the same.
uint8_t OrientationOf(const TiffReader& tiff, const Entry& entry) {
  uint32_t value = 0;
  uint16_t narrow = 0;
  if (entry.count != 1) return kUpright;
  if (entry.type == kShort && tiff.Read16(entry.value_at, &narrow)) {
    value = narrow;
  } else if (entry.type != kLong || !tiff.Read32(entry.value_at, &value)) {
    return kUpright;
  }
  return value >= 1 && value <= 8 ? static_cast<uint8_t>(value) : kUpright;
}

}  // namespace

Exif ParseExif(Bytes exif) {
  if (exif.size() >= kPrefix.size() && std::equal(kPrefix.begin(), kPrefix.end(), exif.begin())) {
    exif = exif.subspan(kPrefix.size());
  }
  Exif result;
  if (exif.size() < 8) return result;
  const bool big_endian = exif[0] == 'M' && exif[1] == 'M';
  if (!big_endian && !(exif[0] == 'I' && exif[1] == 'I')) return result;
  const TiffReader tiff(exif, big_endian);
  uint16_t magic = 0;
  uint32_t directory = 0;
  if (!tiff.Read16(2, &magic) || magic != 42 || !tiff.Read32(4, &directory)) return result;

  // Of a tag that is there more than once, the first that says something counts.
  TimeTexts original;
  TimeTexts digitized;
  TimeTexts changed;
  const auto take = [&tiff](const Entry& entry, std::string_view& text) {
    if (text.empty()) text = tiff.Text(entry);
  };
  std::optional<uint8_t> orientation;
  uint32_t inner = 0;
  tiff.ForEachEntry(directory, [&](const Entry& entry) {
    if (entry.tag == kOrientationTag && !orientation) orientation = OrientationOf(tiff, entry);
    if (entry.tag == kDateTimeTag) take(entry, changed.date_time);
    if (entry.tag == kExifDirectoryTag && entry.type == kLong && inner == 0) tiff.Read32(entry.value_at, &inner);
  });
  if (inner != 0) {
    tiff.ForEachEntry(inner, [&](const Entry& entry) {
      switch (entry.tag) {
        case kDateTimeOriginalTag:
          return take(entry, original.date_time);
        case kSubSecTimeOriginalTag:
          return take(entry, original.fraction);
        case kOffsetTimeOriginalTag:
          return take(entry, original.offset);
        case kDateTimeDigitizedTag:
          return take(entry, digitized.date_time);
        case kSubSecTimeDigitizedTag:
          return take(entry, digitized.fraction);
        case kOffsetTimeDigitizedTag:
          return take(entry, digitized.offset);
        case kSubSecTimeTag:
          return take(entry, changed.fraction);
        case kOffsetTimeTag:
          return take(entry, changed.offset);
        default:
          return;
      }
    });
  }
  result.orientation = orientation.value_or(kUpright);
  for (const TimeTexts& texts : {original, digitized, changed}) {
    if (!result.captured) result.captured = TimeOf(texts);
  }
  return result;
}

}  // namespace verger::image

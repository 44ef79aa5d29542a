// The whole image path: any bytes become a tensor of finite values or a status, within the limits. The first byte
// chooses the target and the limits.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "core/image/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  using namespace verger::image;
  const uint8_t choice = data[0];
  Source source;
  source.in_memory = true;
  source.bytes = Bytes(data + 1, size - 1);
  DecodeLimits limits;
  limits.max_pixels = 1 << 18;
  limits.max_scans = 20;
  limits.tolerate_truncated = (choice & 1) != 0;
  const verger::CancelToken cancel;
  ImageDecoder& decoder = ImageDecoder::OfThread();
  if ((choice & 2) != 0) {
    RgbImage image;
    const verger::Status status = decoder.ToRgb(source, (choice & 4) != 0 ? 20 : 0, limits, cancel, &image);
    if (status.ok() && image.pixels.size() != image.width * image.height * 3) std::abort();
    return 0;
  }
  TensorTarget target;
  target.width = (choice & 4) != 0 ? 17 : 32;
  target.height = (choice & 8) != 0 ? 9 : 32;
  target.filter = (choice & 16) != 0 ? Filter::kBilinear : Filter::kBicubic;
  target.channels_last = (choice & 32) != 0;
  target.fit = (choice & 64) != 0 ? Fit::kCover : Fit::kStretch;
  // Exactly as large as the tensor, so that AddressSanitizer sees the first value too many.
  std::vector<float> out(target.floats());
  Header header;
  if (!decoder.ToTensor(source, target, limits, cancel, out.data(), &header).ok()) return 0;
  for (const float value : out) {
    if (!(value >= 0 && value <= 255)) std::abort();
  }
  return 0;
}

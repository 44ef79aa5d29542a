#include "core/image/libraries.h"

#include <hwy/highway.h>

#include "core/image/jpeg.h"
#include "core/image/png.h"
#include "core/image/resize.h"
#include "core/image/webp.h"

namespace verger::image {

Libraries ImageLibraries() {
  return {.libjpeg_turbo = LibjpegTurboVersion(),
          .libpng = LibpngVersion(),
          .libwebp = LibwebpVersion(),
          .highway = std::to_string(HWY_MAJOR) + "." + std::to_string(HWY_MINOR) + "." + std::to_string(HWY_PATCH),
          .simd_target = ActiveSimdTarget(),
          .simd_targets = CompiledSimdTargets()};
}

}  // namespace verger::image

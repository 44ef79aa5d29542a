// Which libraries and instruction sets the image path uses, for `doctor` and bug reports.
#pragma once

#include <string>
#include <vector>

namespace verger::image {

struct Libraries {
  std::string libjpeg_turbo;
  std::string libpng;
  std::string libwebp;
  std::string highway;
  std::string simd_target;
  std::vector<std::string> simd_targets;
};

Libraries ImageLibraries();

}  // namespace verger::image

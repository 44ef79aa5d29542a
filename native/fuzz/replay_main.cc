// Runs a fuzz target once over every file of the folders and files that are given: a corpus as a regression test, with
// any compiler. Use it in a sanitizer build; a crash is the failure.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

bool Replay(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    std::fprintf(stderr, "Expected to read %s, but it cannot be opened.\n", path.string().c_str());
    return false;
  }
  // Exactly as large as the input, so that AddressSanitizer sees the first byte too many.
  const std::vector<uint8_t> data{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  LLVMFuzzerTestOneInput(data.data(), data.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    const fs::path root = argv[i];
    if (!fs::is_directory(root)) {
      if (!Replay(root)) return 1;
      ++count;
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      if (!entry.is_regular_file()) continue;
      if (!Replay(entry.path())) return 1;
      ++count;
    }
  }
  if (count == 0) {
    std::fprintf(stderr, "Expected a corpus folder or files with inputs to replay, but found none.\n");
    return 1;
  }
  std::printf("replayed %zu inputs\n", count);
  return 0;
}

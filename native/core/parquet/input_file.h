// Positioned reads from one open file, safe from several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/status.h"

namespace verger::parquet {

// Reads rather than maps: a file that shrinks or a network drive that goes away answers an error, not a signal.
class InputFile {
 public:
  InputFile() = default;
  ~InputFile() { Close(); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  // Codes: "storage/not-found", "storage/read".
  Status Open(const std::string& path);
  // Reads exactly `size` bytes at `offset`. Code "storage/read", also when the file is shorter.
  Status Read(uint64_t offset, void* out, size_t size) const;
  void Close();

  uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  uint64_t size_ = 0;
#if defined(_WIN32)
  void* handle_ = nullptr;
#else
  int fd_ = -1;
#endif
};

}  // namespace verger::parquet

// An exclusive advisory lock on a file, released by the operating system when the process ends however it ends.
#pragma once

#include <string>

#include "core/base/status.h"

namespace verger {

class FileLock {
 public:
  FileLock() = default;
  ~FileLock() { Release(); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  // Creates `path` (UTF-8) if missing and locks it. Codes: "lock/held" (another holder), "lock/unavailable" (the file
  // cannot be opened or its file system has no locks).
  Status Acquire(const std::string& path);
  // Idempotent. The file stays: removing it would let a third process lock a file nobody else can see.
  void Release();

 private:
#if defined(_WIN32)
  void* handle_ = nullptr;
#else
  int fd_ = -1;
#endif
};

}  // namespace verger

// Files that appear whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/status.h"

namespace verger {

// A file written beside its final name, then flushed to the disk and renamed over it. Until `Commit` succeeds the final
// name keeps whatever it named before; the temporary file is removed by the destructor. Temporary names start with a
// dot, which Spark, Hive and Verger's own readers skip, so what a killed process leaves behind is never read.
//
// Codes of every method: "storage/disk-full", "storage/read-only" (no right to write there), "storage/not-found" (no
// such folder), "storage/write" (anything else).
class AtomicFile {
 public:
  AtomicFile() = default;
  ~AtomicFile() { Discard(); }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Creates the temporary file in the folder of `path` (UTF-8), which must exist.
  Status Open(const std::string& path);
  Status Write(const void* data, size_t size);
  // Flushes to the device, renames over the final name and flushes the folder. The file is closed whatever happens.
  Status Commit();
  // Closes and removes the temporary file. Idempotent.
  void Discard();

  // Bytes written since `Open`.
  uint64_t size() const { return size_; }

 private:
  std::string path_;
  std::string temporary_;
  uint64_t size_ = 0;
#if defined(_WIN32)
  void* handle_ = nullptr;
#else
  int fd_ = -1;
#endif
};

// Replaces the content of `path` as a whole. Codes: those of AtomicFile.
Status AtomicWriteFile(const std::string& path, const void* data, size_t size);

// Makes the names in a folder (creations, renames, removals) survive a power cut. Windows journals them itself: there
// this only checks nothing and succeeds.
Status SyncDirectory(const std::string& path);

}  // namespace verger

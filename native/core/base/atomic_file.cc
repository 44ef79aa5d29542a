#include "core/base/atomic_file.h"

#include <algorithm>
#include <random>

#if defined(_WIN32)
#include "core/base/windows.h"
#else
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#endif

namespace verger {

namespace {

enum class Failure { kDiskFull, kReadOnly, kNotFound, kOther };

Status WriteFailed(const std::string& path, Failure failure, const std::string& reason) {
  switch (failure) {
    case Failure::kDiskFull:
      return {"storage/disk-full", "Expected room to write " + path + ", but the disk is full (" + reason +
                                       "); free some space or choose another folder, then run again."};
    case Failure::kReadOnly:
      return {"storage/read-only", "Expected to write " + path + ", but the system refused (" + reason +
                                       "); choose a folder you may write to."};
    case Failure::kNotFound:
      return {"storage/not-found", "Expected the folder of " + path + " to exist, but the system answered: " + reason +
                                       "; create the folder first."};
    case Failure::kOther:
      break;
  }
  return {"storage/write", "Expected to write " + path + ", but the system answered: " + reason +
                               "; check the disk and the path, then run again."};
}

std::string RandomSuffix() {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::random_device device;
  std::string suffix;
  for (int i = 0; i < 2; ++i) {
    for (uint32_t word = device(), k = 0; k < 8; ++k, word >>= 4) suffix += kDigits[word & 15];
  }
  return suffix;
}

// Where the folder part of `path` ends: the length of "a/b/" in "a/b/c", 0 for a bare name.
size_t FolderLength(const std::string& path) {
#if defined(_WIN32)
  const size_t slash = path.find_last_of("/\\");
#else
  const size_t slash = path.rfind('/');
#endif
  return slash == std::string::npos ? 0 : slash + 1;
}

std::string TemporaryName(const std::string& path) {
  const size_t folder = FolderLength(path);
  // A final name near the file system's limit (255 bytes) must not make the temporary one too long; the cut may fall
  // inside a UTF-8 sequence, which Windows would replace, so it backs up to the start of one.
  size_t length = std::min<size_t>(path.size() - folder, 200);
  while (length > 0 && folder + length < path.size() &&
         (static_cast<unsigned char>(path[folder + length]) & 0xC0) == 0x80) {
    --length;
  }
  return path.substr(0, folder) + "." + path.substr(folder, length) + ".tmp-" + RandomSuffix();
}

}  // namespace

#if defined(_WIN32)

namespace {

// ERROR_DISK_QUOTA_EXCEEDED, which older headers lack.
constexpr DWORD kDiskQuotaExceeded = 1295;

Status WriteFailed(const std::string& path, DWORD error) {
  Failure failure = Failure::kOther;
  if (error == ERROR_DISK_FULL || error == ERROR_HANDLE_DISK_FULL || error == kDiskQuotaExceeded) {
    failure = Failure::kDiskFull;
  } else if (error == ERROR_ACCESS_DENIED || error == ERROR_WRITE_PROTECT) {
    failure = Failure::kReadOnly;
  } else if (error == ERROR_PATH_NOT_FOUND) {
    failure = Failure::kNotFound;
  }
  return WriteFailed(path, failure, "error " + std::to_string(error));
}

}  // namespace

Status AtomicFile::Open(const std::string& path) {
  Discard();
  path_ = path;
  size_ = 0;
  const std::string temporary = TemporaryName(path);
  HANDLE handle = CreateFileW(WidePath(temporary).c_str(), GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr,
                              CREATE_NEW, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) return WriteFailed(path, GetLastError());
  handle_ = handle;
  temporary_ = temporary;
  return Status::Ok();
}

Status AtomicFile::Write(const void* data, size_t size) {
  const char* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const DWORD chunk = static_cast<DWORD>(std::min<size_t>(size, size_t{1} << 30));
    DWORD written = 0;
    if (!WriteFile(handle_, bytes, chunk, &written, nullptr)) return WriteFailed(path_, GetLastError());
    bytes += written;
    size -= written;
    size_ += written;
  }
  return Status::Ok();
}

Status AtomicFile::Commit() {
  if (!FlushFileBuffers(handle_)) {
    const DWORD error = GetLastError();
    Discard();
    return WriteFailed(path_, error);
  }
  CloseHandle(handle_);
  handle_ = nullptr;
  if (!MoveFileExW(WidePath(temporary_).c_str(), WidePath(path_).c_str(),
                   MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) {
    const DWORD error = GetLastError();
    Discard();
    return WriteFailed(path_, error);
  }
  temporary_.clear();
  return Status::Ok();
}

void AtomicFile::Discard() {
  if (handle_ != nullptr) CloseHandle(handle_);
  handle_ = nullptr;
  if (!temporary_.empty()) DeleteFileW(WidePath(temporary_).c_str());
  temporary_.clear();
}

Status SyncDirectory(const std::string&) { return Status::Ok(); }

#else

namespace {

Status WriteFailedErrno(const std::string& path, int error) {
  Failure failure = Failure::kOther;
  if (error == ENOSPC || error == EDQUOT) {
    failure = Failure::kDiskFull;
  } else if (error == EROFS || error == EACCES || error == EPERM) {
    failure = Failure::kReadOnly;
  } else if (error == ENOENT || error == ENOTDIR) {
    failure = Failure::kNotFound;
  }
  return WriteFailed(path, failure, std::strerror(error));
}

// 0 or errno. macOS's fsync leaves the data in the drive's own cache; F_FULLFSYNC does not, where it is supported.
int FlushToDevice(int fd) {
#if defined(F_FULLFSYNC)
  if (fcntl(fd, F_FULLFSYNC) == 0) return 0;
#endif
  while (fsync(fd) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

Status AtomicFile::Open(const std::string& path) {
  Discard();
  path_ = path;
  size_ = 0;
  const std::string temporary = TemporaryName(path);
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return WriteFailedErrno(path, errno);
  fd_ = fd;
  temporary_ = temporary;
  return Status::Ok();
}

Status AtomicFile::Write(const void* data, size_t size) {
  const char* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = write(fd_, bytes, std::min<size_t>(size, size_t{1} << 30));
    if (written < 0) {
      if (errno == EINTR) continue;
      return WriteFailedErrno(path_, errno);
    }
    bytes += written;
    size -= static_cast<size_t>(written);
    size_ += static_cast<uint64_t>(written);
  }
  return Status::Ok();
}

Status AtomicFile::Commit() {
  int error = FlushToDevice(fd_);
  // A failed close still releases the descriptor, and on network file systems it reports a failed write.
  if (close(fd_) != 0 && error == 0 && errno != EINTR) error = errno;
  fd_ = -1;
  if (error == 0 && std::rename(temporary_.c_str(), path_.c_str()) != 0) error = errno;
  if (error != 0) {
    Discard();
    return WriteFailedErrno(path_, error);
  }
  temporary_.clear();
  return SyncDirectory(path_.substr(0, FolderLength(path_)));
}

void AtomicFile::Discard() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  if (!temporary_.empty()) unlink(temporary_.c_str());
  temporary_.clear();
}

Status SyncDirectory(const std::string& path) {
  const std::string folder = path.empty() ? "." : path;
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return WriteFailedErrno(folder, errno);
  int error = 0;
  while (fsync(fd) != 0) {
    if (errno == EINTR) continue;
    error = errno;
    break;
  }
  close(fd);
  // Some network and FUSE file systems cannot sync a folder; the rename itself has happened.
  if (error != 0 && error != EINVAL && error != ENOTSUP) return WriteFailedErrno(folder, error);
  return Status::Ok();
}

#endif

Status AtomicWriteFile(const std::string& path, const void* data, size_t size) {
  AtomicFile file;
  VERGER_RETURN_IF_ERROR(file.Open(path));
  VERGER_RETURN_IF_ERROR(file.Write(data, size));
  return file.Commit();
}

}  // namespace verger

#include "core/parquet/input_file.h"

#include <algorithm>

#if defined(_WIN32)
#include "core/base/windows.h"
#else
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#endif

namespace verger::parquet {

namespace {

Status NotFound(const std::string& path) {
  return {"storage/not-found", "Expected a Parquet file at " + path + ", but there is none; check the path."};
}

Status ReadFailed(const std::string& path, const std::string& reason) {
  return {"storage/read", "Expected to read " + path + ", but the system answered: " + reason +
                              "; check the file and the right to read it."};
}

constexpr char kShrunk[] = "the file is shorter than when it was opened";

}  // namespace

#if defined(_WIN32)

Status InputFile::Open(const std::string& path) {
  Close();
  path_ = path;
  HANDLE handle =
      CreateFileW(WidePath(path).c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                  OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) {
    const DWORD error = GetLastError();
    if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND) return NotFound(path);
    return ReadFailed(path, "error " + std::to_string(error));
  }
  handle_ = handle;
  LARGE_INTEGER size = {};
  if (!GetFileSizeEx(handle, &size)) return ReadFailed(path, "error " + std::to_string(GetLastError()));
  size_ = static_cast<uint64_t>(size.QuadPart);
  return Status::Ok();
}

Status InputFile::Read(uint64_t offset, void* out, size_t size) const {
  char* bytes = static_cast<char*>(out);
  while (size > 0) {
    OVERLAPPED at = {};
    at.Offset = static_cast<DWORD>(offset);
    at.OffsetHigh = static_cast<DWORD>(offset >> 32);
    DWORD got = 0;
    if (!ReadFile(handle_, bytes, static_cast<DWORD>(std::min<size_t>(size, size_t{1} << 30)), &got, &at)) {
      const DWORD error = GetLastError();
      return ReadFailed(path_, error == ERROR_HANDLE_EOF ? kShrunk : "error " + std::to_string(error));
    }
    if (got == 0) return ReadFailed(path_, kShrunk);
    bytes += got;
    offset += got;
    size -= got;
  }
  return Status::Ok();
}

void InputFile::Close() {
  if (handle_ != nullptr) CloseHandle(handle_);
  handle_ = nullptr;
}

#else

Status InputFile::Open(const std::string& path) {
  Close();
  path_ = path;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT || errno == ENOTDIR ? NotFound(path) : ReadFailed(path, std::strerror(errno));
  fd_ = fd;
  struct stat status = {};
  if (fstat(fd, &status) != 0) return ReadFailed(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return ReadFailed(path, "not a regular file");
  size_ = static_cast<uint64_t>(status.st_size);
  return Status::Ok();
}

Status InputFile::Read(uint64_t offset, void* out, size_t size) const {
  char* bytes = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t got = pread(fd_, bytes, std::min<size_t>(size, size_t{1} << 30), static_cast<off_t>(offset));
    if (got < 0) {
      if (errno == EINTR) continue;
      return ReadFailed(path_, std::strerror(errno));
    }
    if (got == 0) return ReadFailed(path_, kShrunk);
    bytes += got;
    offset += static_cast<uint64_t>(got);
    size -= static_cast<size_t>(got);
  }
  return Status::Ok();
}

void InputFile::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

#endif

}  // namespace verger::parquet

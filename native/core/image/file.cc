#include "core/image/file.h"

#include <algorithm>

#if defined(_WIN32)
#include "core/base/windows.h"
#else
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#endif

namespace verger::image {

namespace {

Status Missing() {
  return {"image/missing", "Expected an image file, but there is none at this path; check that it was not moved."};
}

Status Unreadable(const std::string& reason) {
  return {"image/unreadable", "Expected to read the image file, but the system refused (" + reason +
                                  "); check its permissions and that it is a regular file."};
}

Status Empty() { return {"image/empty", "Expected an image, but the file is empty; copy or download the file again."}; }

// Checks a file's size and makes room for what is to be read.
Status Prepare(uint64_t size, const DecodeLimits& limits, size_t prefix, Buffer<uint8_t>& buffer, size_t* wanted) {
  if (size == 0) return Empty();
  if (size > limits.max_file_bytes) {
    return {"image/too-large", "Expected an image file of at most " + std::to_string(limits.max_file_bytes) +
                                   " bytes, but it has " + std::to_string(size) + "; shrink it or leave it out."};
  }
  *wanted = static_cast<size_t>(std::min<uint64_t>(size, prefix));
  return buffer.Reserve(*wanted) ? Status::Ok() : OutOfMemory();
}

}  // namespace

#if defined(_WIN32)

namespace {

class Handle {
 public:
  explicit Handle(HANDLE handle) : handle_(handle) {}
  ~Handle() {
    if (handle_ != INVALID_HANDLE_VALUE) CloseHandle(handle_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  HANDLE get() const { return handle_; }

 private:
  HANDLE handle_;
};

}  // namespace

Status ReadFile(const std::string& path, const DecodeLimits& limits, size_t prefix, Buffer<uint8_t>& buffer,
                Bytes* bytes, bool* complete) {
  const Handle file(CreateFileW(WidePath(path).c_str(), GENERIC_READ,
                                FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING,
                                FILE_FLAG_SEQUENTIAL_SCAN, nullptr));
  if (file.get() == INVALID_HANDLE_VALUE) {
    const DWORD error = GetLastError();
    if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND || error == ERROR_INVALID_NAME) return Missing();
    return Unreadable("error " + std::to_string(error));
  }
  LARGE_INTEGER size = {};
  if (GetFileType(file.get()) != FILE_TYPE_DISK || !GetFileSizeEx(file.get(), &size)) {
    return Unreadable("not a regular file");
  }
  size_t wanted = 0;
  VERGER_RETURN_IF_ERROR(Prepare(static_cast<uint64_t>(size.QuadPart), limits, prefix, buffer, &wanted));
  size_t done = 0;
  while (done < wanted) {
    const DWORD chunk = static_cast<DWORD>(std::min<size_t>(wanted - done, size_t{1} << 30));
    DWORD got = 0;
    if (!::ReadFile(file.get(), buffer.data() + done, chunk, &got, nullptr)) {
      return Unreadable("error " + std::to_string(GetLastError()));
    }
    if (got == 0) break;
    done += got;
  }
  if (done == 0) return Empty();
  *bytes = Bytes(buffer.data(), done);
  *complete = done < wanted || static_cast<uint64_t>(size.QuadPart) <= prefix;
  return Status::Ok();
}

#else

namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Status ReadFile(const std::string& path, const DecodeLimits& limits, size_t prefix, Buffer<uint8_t>& buffer,
                Bytes* bytes, bool* complete) {
  // O_NONBLOCK: opening a named pipe that somebody left among the photos must not wait for a writer.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) return Missing();
    return Unreadable(std::generic_category().message(error));
  }
  struct stat info = {};
  if (fstat(file.get(), &info) != 0) return Unreadable(std::generic_category().message(errno));
  if (!S_ISREG(info.st_mode)) return Unreadable(S_ISDIR(info.st_mode) ? "it is a folder" : "not a regular file");
  size_t wanted = 0;
  VERGER_RETURN_IF_ERROR(Prepare(static_cast<uint64_t>(info.st_size), limits, prefix, buffer, &wanted));
  size_t done = 0;
  while (done < wanted) {
    const ssize_t got = read(file.get(), buffer.data() + done, wanted - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unreadable(std::generic_category().message(errno));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  if (done == 0) return Empty();
  *bytes = Bytes(buffer.data(), done);
  *complete = done < wanted || static_cast<uint64_t>(info.st_size) <= prefix;
  return Status::Ok();
}

#endif

}  // namespace verger::image

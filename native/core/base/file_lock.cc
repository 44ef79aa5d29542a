#include "core/base/file_lock.h"

#if defined(_WIN32)
#include "core/base/windows.h"
#else
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#endif

namespace verger {

namespace {

Status Held(const std::string& path) {
  return {"lock/held", "Expected to lock " + path + ", but another process holds it; wait for it to end or stop it."};
}

Status Unavailable(const std::string& path, const std::string& reason) {
  return {"lock/unavailable",
          "Expected to lock " + path + ", but the system answered: " + reason + "; choose a writable local folder."};
}

}  // namespace

#if defined(_WIN32)

Status FileLock::Acquire(const std::string& path) {
  Release();
  HANDLE handle = CreateFileW(WidePath(path).c_str(), GENERIC_READ | GENERIC_WRITE,
                              FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, OPEN_ALWAYS,
                              FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) return Unavailable(path, "error " + std::to_string(GetLastError()));
  OVERLAPPED range = {};
  if (!LockFileEx(handle, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &range)) {
    const DWORD error = GetLastError();
    CloseHandle(handle);
    return error == ERROR_LOCK_VIOLATION ? Held(path) : Unavailable(path, "error " + std::to_string(error));
  }
  handle_ = handle;
  return Status::Ok();
}

void FileLock::Release() {
  if (handle_ != nullptr) CloseHandle(handle_);
  handle_ = nullptr;
}

#else

Status FileLock::Acquire(const std::string& path) {
  Release();
  // The umask says who else may take it: a folder that a group shares is no use with a lock of one person.
  int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  // Where it is another's all the same, reading is enough to lock it, but on network file systems.
  if (fd < 0 && errno == EACCES) fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Unavailable(path, std::strerror(errno));
  // flock, not fcntl: it belongs to this open file, so a second handle in the same process is refused as well.
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    close(fd);
    return error == EWOULDBLOCK ? Held(path) : Unavailable(path, std::strerror(error));
  }
  fd_ = fd;
  return Status::Ok();
}

void FileLock::Release() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

#endif

}  // namespace verger

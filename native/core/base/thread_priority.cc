#include "core/base/thread_priority.h"

#if defined(_WIN32)
#include "core/base/windows.h"
#elif defined(__APPLE__)
#include <pthread/qos.h>
#elif defined(__linux__)
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace verger {

bool LowerThreadPriority() {
#if defined(_WIN32)
  return SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_BELOW_NORMAL) != 0;
#elif defined(__APPLE__)
  return pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0) == 0;
#elif defined(__linux__)
  // A tenth of an ordinary thread's share where both want the processor. POSIX has one nice value for a process; Linux
  // has one for each thread (setpriority(2), "C library/kernel differences").
  constexpr int kNice = 10;
  const auto thread = static_cast<id_t>(syscall(SYS_gettid));
  // Somebody has started the whole process with an even lower priority: raising it again is not ours to do.
  if (getpriority(PRIO_PROCESS, thread) >= kNice) return true;
  return setpriority(PRIO_PROCESS, thread, kNice) == 0;
#else
  return false;
#endif
}

}  // namespace verger

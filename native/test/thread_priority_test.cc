#include "core/base/thread_priority.h"

#include <gtest/gtest.h>

#include <thread>

#if defined(__linux__)
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace verger {
namespace {

#if defined(__linux__)

int NiceOfThisThread() { return getpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid))); }

TEST(ThreadPriorityTest, LowersThisThreadAndThoseItStartsAndNoOther) {
  const int before = NiceOfThisThread();
  int lowered = 0;
  int child = 0;
  bool done = false;
  std::thread([&] {
    done = LowerThreadPriority() && LowerThreadPriority();
    lowered = NiceOfThisThread();
    std::thread([&child] { child = NiceOfThisThread(); }).join();
  }).join();
  EXPECT_TRUE(done);
  EXPECT_GE(lowered, 10);
  EXPECT_EQ(child, lowered);
  EXPECT_EQ(NiceOfThisThread(), before);
}

TEST(ThreadPriorityTest, NeverRaisesOne) {
  int nice = 0;
  std::thread([&nice] {
    ASSERT_EQ(setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 15), 0);
    EXPECT_TRUE(LowerThreadPriority());
    nice = NiceOfThisThread();
  }).join();
  EXPECT_GE(nice, 15);
}

#else

TEST(ThreadPriorityTest, Lowers) {
  std::thread([] { EXPECT_TRUE(LowerThreadPriority()); }).join();
}

#endif

}  // namespace
}  // namespace verger

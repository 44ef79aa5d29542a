#include "core/base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <thread>
#include <vector>

namespace verger {
namespace {

TEST(ThreadPoolTest, RunsEveryIndexOnce) {
  for (const size_t threads : std::initializer_list<size_t>{1, 2, 5}) {
    ThreadPool pool(threads);
    for (const size_t limit : std::initializer_list<size_t>{0, 1, 2, 100}) {
      for (const size_t count : std::initializer_list<size_t>{1, 2, 7, 1000}) {
        std::vector<std::atomic<int>> runs(count);
        pool.ParallelFor(count, limit, [&](size_t i, size_t) { ++runs[i]; });
        for (const auto& run : runs) ASSERT_EQ(run, 1);
      }
    }
  }
}

TEST(ThreadPoolTest, WhatABodyThrowsReachesTheCallerAndThePoolGoesOn) {
  for (const size_t threads : std::initializer_list<size_t>{1, 3}) {
    ThreadPool pool(threads);
    std::atomic<int> running{0};
    std::atomic<int> begun{0};
    const auto body = [&](size_t, size_t) {
      ++running;
      const int order = ++begun;
      --running;
      // One thread after the other: the caller's is among them.
      if (order <= static_cast<int>(threads) + 1) throw std::bad_alloc();
    };
    EXPECT_THROW(pool.ParallelFor(10'000, 0, body), std::bad_alloc);
    EXPECT_EQ(running, 0);
    EXPECT_LT(begun, 10'000);
    std::atomic<size_t> sum{0};
    pool.ParallelFor(100, 0, [&](size_t i, size_t) { sum += i; });
    EXPECT_EQ(sum, 4950U);
  }
}

TEST(ThreadPoolTest, ZeroIndicesRunNothing) {
  ThreadPool pool(2);
  pool.ParallelFor(0, 0, [](size_t, size_t) { FAIL() << "there is no index"; });
}

TEST(ThreadPoolTest, ZeroThreadsAreOne) {
  ThreadPool pool(0);
  EXPECT_EQ(pool.size(), 1U);
}

TEST(ThreadPoolTest, ASlotIsHeldByOneThreadAtATimeAndStaysBelowTheLimit) {
  ThreadPool pool(3);
  // More than the pool has: its threads and the caller.
  for (const size_t limit : std::initializer_list<size_t>{1, 2, 4, 64}) {
    std::vector<std::atomic<bool>> held(limit);
    pool.ParallelFor(500, limit, [&](size_t, size_t slot) {
      ASSERT_LT(slot, limit);
      ASSERT_FALSE(held[slot].exchange(true)) << "two threads in one slot";
      std::this_thread::yield();
      held[slot] = false;
    });
  }
}

TEST(ThreadPoolTest, SeveralThreadsTakePart) {
  ThreadPool pool(2);
  std::mutex mutex;
  std::set<std::thread::id> seen;
  std::atomic<int> waiting{0};
  // Each of two indices waits until the other has begun: one thread alone would never finish.
  pool.ParallelFor(2, 2, [&](size_t, size_t) {
    ++waiting;
    while (waiting < 2) std::this_thread::yield();
    std::lock_guard<std::mutex> lock(mutex);
    seen.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(seen.size(), 2U);
}

TEST(ThreadPoolTest, LoopsInsideTasksDoNotDeadlock) {
  ThreadPool pool(2);
  std::atomic<int> sum{0};
  std::atomic<int> tasks{0};
  // More tasks than threads, each with a loop, each of whose indices has a loop.
  for (int t = 0; t < 8; ++t) {
    pool.Submit([&] {
      pool.ParallelFor(10, 0, [&](size_t, size_t) { pool.ParallelFor(10, 0, [&](size_t, size_t) { ++sum; }); });
      ++tasks;
    });
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (tasks < 8 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(tasks, 8);
  EXPECT_EQ(sum, 800);
}

TEST(ThreadPoolTest, ALoopOnABusyPoolIsRunByItsCaller) {
  ThreadPool pool(1);
  std::atomic<bool> release{false};
  pool.Submit([&] {
    while (!release) std::this_thread::yield();
  });
  int runs = 0;
  pool.ParallelFor(100, 0, [&](size_t, size_t slot) {
    EXPECT_EQ(slot, 0U);
    ++runs;
  });
  EXPECT_EQ(runs, 100);
  release = true;
}

TEST(ThreadPoolTest, TheDestructorRunsWhatIsQueued) {
  std::atomic<int> runs{0};
  {
    ThreadPool pool(2);
    for (int i = 0; i < 500; ++i) pool.Submit([&] { ++runs; });
  }
  EXPECT_EQ(runs, 500);
}

TEST(ThreadPoolTest, ATaskMaySubmitAnother) {
  std::atomic<int> runs{0};
  {
    ThreadPool pool(1);
    pool.Submit([&] {
      ++runs;
      pool.Submit([&] { ++runs; });
    });
  }
  EXPECT_EQ(runs, 2);
}

TEST(ThreadPoolTest, TasksAreDestroyedSoonAfterTheyRan) {
  // A task that kept its captures would keep the buffers of finished jobs.
  auto token = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = token;
  ThreadPool pool(1);
  pool.Submit([held = std::move(token)] { static_cast<void>(held); });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!watched.expired() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(watched.expired());
}

TEST(ThreadPoolTest, ManyPoolsComeAndGo) {
  for (int i = 0; i < 200; ++i) {
    ThreadPool pool(3);
    std::atomic<int> runs{0};
    pool.ParallelFor(5, 0, [&](size_t, size_t) { ++runs; });
    ASSERT_EQ(runs, 5);
  }
}

TEST(ThreadPoolTest, HardwareThreadsIsPositive) { EXPECT_GE(ThreadPool::HardwareThreads(), 1U); }

}  // namespace
}  // namespace verger

// A fixed pool of threads with cooperative data parallelism.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace verger {

// A fixed set of threads. `Submit` queues independent tasks; `ParallelFor` splits one loop over the pool with the
// calling thread taking part, so it may be called from inside a task without deadlock: a caller that finds every
// thread busy simply runs the whole loop itself.
class ThreadPool {
 public:
  // Body of a parallel loop: `index` in [0, count); `slot` in [0, max_threads) is held by one thread at a time and
  // selects that thread's scratch memory.
  using LoopBody = std::function<void(size_t index, size_t slot)>;

  // Starts `threads` threads (at least one), or as many of them as the system allows; `background` ones at a lower
  // priority (thread_priority.h). Throws std::system_error where it allows none.
  explicit ThreadPool(size_t threads, bool background = false);
  // Runs every queued task to its end, then joins. Cancel what is queued first if that takes long.
  ~ThreadPool();

  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  size_t size() const { return threads_.size(); }

  // Queues a task. Tasks must not throw.
  void Submit(std::function<void()> task);

  // Runs body(i, slot) for each i in [0, count) on at most `max_threads` threads (0: the pool's size), the caller
  // included, and returns when all are done. Indices are handed out one by one in ascending order. Results must not
  // depend on which thread takes which index. What a body throws (no memory, say) is thrown here, with every thread
  // done; what has not begun by then is left out.
  void ParallelFor(size_t count, size_t max_threads, const LoopBody& body);

  // The number of processors this process may run on (affinity mask where the system has one), at least 1.
  static size_t HardwareThreads();

 private:
  void Loop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace verger

#include "core/base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <system_error>

#include "core/base/thread_priority.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace verger {

namespace {

// Shared by the caller and its helpers. Helpers that are dequeued after the loop has ended find `open` false and
// never touch `body`, which lives on the caller's stack.
struct LoopState {
  const ThreadPool::LoopBody* body = nullptr;
  size_t count = 0;
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::condition_variable idle;
  size_t active = 0;
  size_t next_slot = 1;  // slot 0 is the caller's
  bool open = true;
  std::exception_ptr error;  // the first that a body has thrown
};

void Drain(LoopState& state, size_t slot) {
  for (;;) {
    const size_t index = state.next.fetch_add(1, std::memory_order_relaxed);
    if (index >= state.count) return;
    try {
      (*state.body)(index, slot);
    } catch (...) {
      state.next.store(state.count, std::memory_order_relaxed);
      std::lock_guard<std::mutex> guard(state.mutex);
      if (!state.error) state.error = std::current_exception();
    }
  }
}

}  // namespace

ThreadPool::ThreadPool(size_t threads, bool background) {
  const size_t count = std::max<size_t>(threads, 1);
  threads_.reserve(count);
  const auto start = [this, background] {
    threads_.emplace_back([this, background] {
      if (background) LowerThreadPriority();
      Loop();
    });
  };
  start();
  try {
    while (threads_.size() < count) start();
  } catch (const std::system_error&) {
    // The system allows no more: a container's limit on tasks, say. Fewer threads do the same work.
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::Submit(std::function<void()> task) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void ThreadPool::Loop() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

void ThreadPool::ParallelFor(size_t count, size_t max_threads, const LoopBody& body) {
  if (count == 0) return;
  const size_t limit = max_threads == 0 ? size() : max_threads;
  const size_t helpers = std::min({limit, count, size() + 1}) - 1;
  if (helpers == 0) {
    for (size_t i = 0; i < count; ++i) body(i, 0);
    return;
  }
  auto state = std::make_shared<LoopState>();
  state->body = &body;
  state->count = count;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    // In front of queued tasks: a loop under way is finished before new work is begun.
    for (size_t i = 0; i < helpers; ++i) {
      queue_.emplace_front([state] {
        size_t slot = 0;
        {
          std::lock_guard<std::mutex> guard(state->mutex);
          if (!state->open) return;
          slot = state->next_slot++;
          ++state->active;
        }
        Drain(*state, slot);
        {
          std::lock_guard<std::mutex> guard(state->mutex);
          --state->active;
          // Under the lock: the waiter may destroy nothing of ours, `state` is shared.
          state->idle.notify_all();
        }
      });
    }
  }
  wake_.notify_all();
  Drain(*state, 0);
  std::unique_lock<std::mutex> lock(state->mutex);
  state->open = false;
  state->idle.wait(lock, [&] { return state->active == 0; });
  if (state->error) std::rethrow_exception(state->error);
}

size_t ThreadPool::HardwareThreads() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    const int count = CPU_COUNT(&set);
    if (count > 0) return static_cast<size_t>(count);
  }
#endif
  return std::max<size_t>(std::thread::hardware_concurrency(), 1);
}

}  // namespace verger

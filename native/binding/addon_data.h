// Per-environment state of the addon: one per main thread or worker_thread that loads it.
#pragma once

#include <napi.h>

#include <memory>
#include <mutex>
#include <unordered_set>

#include "core/base/cancel.h"
#include "core/base/status.h"
#include "core/base/thread_pool.h"

namespace verger::binding {

// One unit of asynchronous native work behind one JS promise.
//
// Life: constructed on the JS thread from plain copies of its arguments; `Execute` runs on a pool thread and alone
// touches the members meanwhile; `Resolve` runs on the JS thread; destroyed on the JS thread, so members may be
// Napi::Reference values that keep JS buffers alive (the environment's teardown joins the pool before V8 frees them).
class AsyncJob {
 public:
  AsyncJob() = default;
  virtual ~AsyncJob() = default;
  AsyncJob(const AsyncJob&) = delete;
  AsyncJob& operator=(const AsyncJob&) = delete;

 protected:
  // Pool thread; no JS. A failed status rejects the promise with an Error carrying `code`.
  virtual Status Execute(ThreadPool& pool, const CancelToken& cancel) = 0;
  // JS thread; the promise's value. May throw Napi::Error, which rejects.
  virtual Napi::Value Resolve(Napi::Env env) = 0;

 private:
  friend class AddonData;
  CancelToken cancel_;
  Status status_;
  std::unique_ptr<Napi::Promise::Deferred> deferred_;
};

// Owns the environment's thread pool and every job under way. Teardown (process exit, worker.terminate()) cancels all
// jobs, joins the pool and only then lets the environment go.
class AddonData {
 public:
  explicit AddonData(Napi::Env env);
  ~AddonData();

  static AddonData& Of(Napi::Env env);

  // The environment's pool, started at first use with `threads()` threads, or as many as the system allows. Throws
  // Napi::Error where it allows none.
  ThreadPool& pool(Napi::Env env);
  // Sets the size of the pool. Throws Napi::Error if the pool is already running with another size.
  void Configure(Napi::Env env, size_t threads);
  size_t threads() const { return threads_; }
  // Lowers the priority of the calling thread, which must be the environment's, and of its pool. Throws Napi::Error if
  // the pool is already running.
  void LowerPriority(Napi::Env env);

  // Queues `job`. Returns the JS object {promise: Promise, cancel: () => void}. A cancelled job rejects with code
  // "cancelled" if its Execute returns that status.
  Napi::Value Start(Napi::Env env, std::unique_ptr<AsyncJob> job);

 private:
  void Finish(Napi::Env env, AsyncJob* job);
  void Shutdown();
  static void CleanupHook(void* self);

  Napi::ThreadSafeFunction completions_;
  std::mutex mutex_;
  std::unordered_set<AsyncJob*> jobs_;
  std::unique_ptr<ThreadPool> pool_;
  size_t threads_;
  bool background_ = false;
  bool closing_ = false;
};

// Makes a JS Error with a `code` property from a failed status.
Napi::Error ToError(Napi::Env env, const Status& status);

// Throws a TypeError-like Napi::Error with code "native/argument": `what` is one sentence.
[[noreturn]] void ThrowArgument(Napi::Env env, const std::string& what);

// The module's parts, each in its own source.
void InitSystem(Napi::Env env, Napi::Object exports);
void InitChecksum(Napi::Env env, Napi::Object exports);
void InitImage(Napi::Env env, Napi::Object exports);
void InitLinalg(Napi::Env env, Napi::Object exports);
void InitParquet(Napi::Env env, Napi::Object exports);

}  // namespace verger::binding

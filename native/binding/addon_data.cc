#include "binding/addon_data.h"

#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/thread_priority.h"

namespace verger::binding {

AddonData::AddonData(Napi::Env env) : threads_(ThreadPool::HardwareThreads()) {
  completions_ = Napi::ThreadSafeFunction::New(env, Napi::Function(), "verger.completions", 0, 1);
  // Referenced only while jobs run, so an idle addon never keeps a process alive.
  completions_.Unref(env);
  // Registered after the thread-safe function, hence run before the function's own hook: no completion can be posted
  // to a function that is gone, because every thread that could post has been joined by then.
  napi_add_env_cleanup_hook(env, &AddonData::CleanupHook, this);
}

AddonData::~AddonData() { Shutdown(); }

AddonData& AddonData::Of(Napi::Env env) { return *env.GetInstanceData<AddonData>(); }

ThreadPool& AddonData::pool(Napi::Env env) {
  if (pool_) return *pool_;
  try {
    pool_ = std::make_unique<ThreadPool>(threads_, background_);
  } catch (const std::system_error& error) {
    throw ToError(
        env, Status("native/memory", std::string("Expected the system to allow one more thread, but it answered: ") +
                                         error.what() + "; close other programs or raise the limit on processes."));
  }
  return *pool_;
}

void AddonData::Configure(Napi::Env env, size_t threads) {
  if (pool_ && threads_ != threads) {
    throw ToError(env, Status("native/configured",
                              "Expected the thread count to be set before the first native call "
                              "of this thread, but its pool already runs " +
                                  std::to_string(threads_) + " threads; call configure() first."));
  }
  threads_ = threads;
}

void AddonData::LowerPriority(Napi::Env env) {
  if (pool_ && !background_) {
    throw ToError(env,
                  Status("native/configured",
                         "Expected the priority to be lowered before the first native call of this thread, but its "
                         "pool already runs; call lowerPriority() first."));
  }
  // Where the system refuses, the work is done at the ordinary priority.
  background_ = LowerThreadPriority();
}

Napi::Value AddonData::Start(Napi::Env env, std::unique_ptr<AsyncJob> owned) {
  // First: where there is none, no job may be left behind that waits for it.
  ThreadPool& threads = pool(env);
  AsyncJob* job = owned.get();
  job->deferred_ = std::make_unique<Napi::Promise::Deferred>(Napi::Promise::Deferred::New(env));
  Napi::Object handle = Napi::Object::New(env);
  handle.Set("promise", job->deferred_->Promise());
  handle.Set("cancel", Napi::Function::New(env, [token = job->cancel_](const Napi::CallbackInfo&) { token.Cancel(); }));

  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (jobs_.empty()) completions_.Ref(env);
    jobs_.insert(owned.release());
  }
  threads.Submit([this, job, &threads] {
    try {
      job->status_ = job->cancel_.cancelled() ? Status::Cancelled() : job->Execute(threads, job->cancel_);
    } catch (const std::bad_alloc&) {
      job->status_ = Status("native/memory",
                            "Expected enough memory for the operation, but an allocation failed; "
                            "close other programs or lower the number of threads.");
    } catch (const std::exception& error) {
      job->status_ = Status("native/internal", std::string("The native code failed unexpectedly: ") + error.what());
    }
    completions_.NonBlockingCall([this, job](Napi::Env callback_env, Napi::Function) {
      // A null environment means teardown: CleanupHook owns the job then.
      if (static_cast<napi_env>(callback_env) != nullptr) Finish(callback_env, job);
    });
  });
  return handle;
}

void AddonData::Finish(Napi::Env env, AsyncJob* raw) {
  std::unique_ptr<AsyncJob> job(raw);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    jobs_.erase(raw);
    if (jobs_.empty()) completions_.Unref(env);
  }
  Napi::HandleScope scope(env);
  try {
    if (!job->status_.ok()) {
      job->deferred_->Reject(ToError(env, job->status_).Value());
      return;
    }
    try {
      job->deferred_->Resolve(job->Resolve(env));
    } catch (const Napi::Error& error) {
      job->deferred_->Reject(error.Value());
    }
  } catch (const Napi::Error&) {
    // A worker that is being terminated still runs this callback but refuses every JavaScript call, the rejection
    // included. Nobody waits for the promise any more, and an exception must not leave a C callback.
  }
}

void AddonData::CleanupHook(void* self) { static_cast<AddonData*>(self)->Shutdown(); }

void AddonData::Shutdown() {
  if (closing_) return;
  closing_ = true;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (AsyncJob* job : jobs_) job->cancel_.Cancel();
  }
  pool_.reset();  // runs what is queued (cancelled: at once) and joins
  for (AsyncJob* job : jobs_) delete job;
  jobs_.clear();
}

Napi::Error ToError(Napi::Env env, const Status& status) {
  Napi::Error error = Napi::Error::New(env, status.message());
  error.Set("code", Napi::String::New(env, status.code()));
  return error;
}

void ThrowArgument(Napi::Env env, const std::string& what) { throw ToError(env, Status("native/argument", what)); }

}  // namespace verger::binding

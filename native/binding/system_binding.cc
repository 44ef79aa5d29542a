// System facts and process-wide services: pool size, file lock, exit.
#include <napi.h>

#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>

#include "binding/addon_data.h"
#include "core/base/file_lock.h"
#include "core/base/thread_pool.h"

namespace verger::binding {

namespace {

// configure({threads: number}): void
void Configure(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const double threads = info[0].As<Napi::Object>().Get("threads").ToNumber().DoubleValue();
  if (!(threads >= 1 && threads <= 1024) || threads != std::floor(threads)) {
    ThrowArgument(env, "Expected threads to be a whole number from 1 to 1024.");
  }
  AddonData::Of(env).Configure(env, static_cast<size_t>(threads));
}

// lowerPriority(): void
void LowerPriority(const Napi::CallbackInfo& info) { AddonData::Of(info.Env()).LowerPriority(info.Env()); }

// exitNow(code: number): never returns. Neither exit handlers nor the teardown of worker threads run.
void ExitNow(const Napi::CallbackInfo& info) { std::_Exit(info[0].ToNumber().Int32Value()); }

// An exclusive lock held until unlock() or the end of the process.
class FileLockHandle : public Napi::ObjectWrap<FileLockHandle> {
 public:
  static void Define(Napi::Env env, Napi::Object exports) {
    exports.Set("FileLock", DefineClass(env, "FileLock", {InstanceMethod<&FileLockHandle::Unlock>("unlock")}));
  }

  // new FileLock(path): throws with code "lock/held" when another process or handle holds it.
  explicit FileLockHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<FileLockHandle>(info) {
    if (!info[0].IsString()) ThrowArgument(info.Env(), "Expected the path of a lock file as a string.");
    const Status status = lock_.Acquire(info[0].As<Napi::String>().Utf8Value());
    if (!status.ok()) throw ToError(info.Env(), status);
  }

 private:
  void Unlock(const Napi::CallbackInfo&) { lock_.Release(); }

  FileLock lock_;
};

}  // namespace

void InitSystem(Napi::Env env, Napi::Object exports) {
  exports.Set("configure", Napi::Function::New<Configure>(env, "configure"));
  exports.Set("lowerPriority", Napi::Function::New<LowerPriority>(env, "lowerPriority"));
  exports.Set("hardwareThreads", Napi::Number::New(env, static_cast<double>(ThreadPool::HardwareThreads())));
  exports.Set("exitNow", Napi::Function::New<ExitNow>(env, "exitNow"));
  FileLockHandle::Define(env, exports);
}

}  // namespace verger::binding

// The module's entry point: binds the parts to one environment.
#include <napi.h>

#include "binding/addon_data.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new verger::binding::AddonData(env));
  verger::binding::InitSystem(env, exports);
  verger::binding::InitChecksum(env, exports);
  verger::binding::InitImage(env, exports);
  verger::binding::InitLinalg(env, exports);
  verger::binding::InitParquet(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(verger, Init)

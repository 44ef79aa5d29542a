// Checksums, computed at once on the calling thread.
#include <napi.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "binding/addon_data.h"
#include "core/base/crc32.h"

namespace verger::binding {

namespace {

// crc32(bytes: Uint8Array, value: number): number. Plain Node-API, because the call is made per chunk of a transfer:
// node-addon-api's Uint8Array asks for everything twice.
napi_value Crc32Of(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2;
  napi_typedarray_type type = napi_int8_array;
  size_t size = 0;
  void* data = nullptr;
  double value = 0;
  // Of what it was not given, Node-API makes `undefined`.
  if (napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr) != napi_ok ||
      napi_get_typedarray_info(env, arguments[0], &type, &size, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array || napi_get_value_double(env, arguments[1], &value) != napi_ok ||
      !(value >= 0 && value <= std::numeric_limits<uint32_t>::max()) || value != std::floor(value)) {
    napi_throw_error(env, "native/argument",
                     "Expected bytes as a Uint8Array and the CRC-32 of those before as a whole number from 0 to "
                     "4294967295.");
    return nullptr;
  }
  const std::span<const uint8_t> bytes(static_cast<const uint8_t*>(data), size);
  napi_value result = nullptr;
  napi_create_uint32(env, Crc32(bytes, static_cast<uint32_t>(value)), &result);
  return result;
}

}  // namespace

void InitChecksum(Napi::Env env, Napi::Object exports) {
  napi_value function = nullptr;
  const napi_status status = napi_create_function(env, "crc32", NAPI_AUTO_LENGTH, Crc32Of, nullptr, &function);
  NAPI_THROW_IF_FAILED_VOID(env, status);
  exports.Set("crc32", function);
  exports.Set("crc32Accelerated", Napi::Boolean::New(env, Crc32IsAccelerated()));
}

}  // namespace verger::binding

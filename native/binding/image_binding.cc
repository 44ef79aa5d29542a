// The image path for JavaScript: decode to tensors, to RGB, probe, encode.
#include <napi.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "binding/addon_data.h"
#include "core/image/decode.h"
#include "core/image/jpeg.h"
#include "core/image/libraries.h"

namespace verger::binding {

namespace {

constexpr double kMaxTargetSide = 16384;

double NumberOf(const Napi::Object& object, const char* name, double fallback) {
  const Napi::Value value = object.Get(name);
  if (value.IsUndefined()) return fallback;
  if (!value.IsNumber()) ThrowArgument(object.Env(), std::string("Expected ") + name + " to be a number.");
  return value.As<Napi::Number>().DoubleValue();
}

// A whole number in [least, most].
double WholeOf(const Napi::Object& object, const char* name, double fallback, double least, double most) {
  const double value = NumberOf(object, name, fallback);
  if (!(value >= least && value <= most) || value != std::floor(value)) {
    ThrowArgument(object.Env(), std::string("Expected ") + name + " to be a whole number from " +
                                    std::to_string(static_cast<uint64_t>(least)) + " to " +
                                    std::to_string(static_cast<uint64_t>(most)) + ".");
  }
  return value;
}

// One of two words; true for the second.
bool ChoiceOf(const Napi::Object& object, const char* name, const char* first, const char* second) {
  const Napi::Value value = object.Get(name);
  const std::string word = value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
  if (word != first && word != second) {
    ThrowArgument(object.Env(), std::string("Expected ") + name + " to be \"" + first + "\" or \"" + second + "\".");
  }
  return word == second;
}

std::array<float, 3> TripleOf(const Napi::Object& object, const char* name, bool positive) {
  const Napi::Value value = object.Get(name);
  std::array<float, 3> triple = {0, 0, 0};
  bool good = value.IsArray() && value.As<Napi::Array>().Length() == 3;
  for (uint32_t i = 0; good && i < 3; ++i) {
    const Napi::Value item = value.As<Napi::Array>().Get(i);
    triple[i] = item.IsNumber() ? item.As<Napi::Number>().FloatValue() : std::nanf("");
    good = std::isfinite(triple[i]) && (!positive || triple[i] > 0);
  }
  if (!good) {
    ThrowArgument(object.Env(), std::string("Expected ") + name + " to be three finite " +
                                    (positive ? "positive numbers." : "numbers."));
  }
  return triple;
}

Napi::Object ObjectOf(const Napi::CallbackInfo& info, size_t index, const char* what) {
  if (!info[index].IsObject()) ThrowArgument(info.Env(), std::string("Expected ") + what + " as an object.");
  return info[index].As<Napi::Object>();
}

image::TensorTarget TargetOf(const Napi::Object& object) {
  image::TensorTarget target;
  target.width = static_cast<size_t>(WholeOf(object, "width", 0, 1, kMaxTargetSide));
  target.height = static_cast<size_t>(WholeOf(object, "height", 0, 1, kMaxTargetSide));
  target.filter =
      ChoiceOf(object, "filter", "bilinear", "bicubic") ? image::Filter::kBicubic : image::Filter::kBilinear;
  target.mean = TripleOf(object, "mean", false);
  target.std = TripleOf(object, "std", true);
  target.channels_last = ChoiceOf(object, "layout", "nchw", "nhwc");
  target.bgr = ChoiceOf(object, "channels", "rgb", "bgr");
  target.fit = ChoiceOf(object, "fit", "stretch", "cover") ? image::Fit::kCover : image::Fit::kStretch;
  return target;
}

image::DecodeLimits LimitsOf(const Napi::Object& object) {
  image::DecodeLimits limits;
  constexpr double kMost = 9007199254740991.0;
  limits.max_pixels =
      static_cast<uint64_t>(WholeOf(object, "pixelLimit", static_cast<double>(limits.max_pixels), 1, kMost));
  limits.max_scans = static_cast<uint32_t>(WholeOf(object, "scanLimit", limits.max_scans, 1, 1e9));
  const Napi::Value tolerate = object.Get("tolerateTruncated");
  limits.tolerate_truncated = tolerate.IsBoolean() && tolerate.As<Napi::Boolean>().Value();
  return limits;
}

// A path or a Uint8Array. The bytes of an array are used in place; `keep` holds the array until the job ends.
image::Source SourceOf(const Napi::Value& value, std::vector<Napi::ObjectReference>* keep) {
  image::Source source;
  if (value.IsString()) {
    source.path = value.As<Napi::String>().Utf8Value();
    // The system would read a path up to its first NUL: another file than the one that was named.
    if (source.path.empty() || source.path.find('\0') != std::string::npos) {
      ThrowArgument(value.Env(), "Expected an image's path to be a string that is not empty and holds no NUL.");
    }
    return source;
  }
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    ThrowArgument(value.Env(), "Expected each image to be a path or a Uint8Array.");
  }
  const auto array = value.As<Napi::Uint8Array>();
  source.in_memory = true;
  source.bytes = image::Bytes(array.Data(), array.ByteLength());
  keep->push_back(Napi::Persistent(array.As<Napi::Object>()));
  return source;
}

Napi::Object Failure(Napi::Env env, const Status& status) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("ok", false);
  object.Set("code", status.code());
  object.Set("message", status.message());
  return object;
}

// A failed image is a value, a cancelled job a rejection.
bool IsCancelled(const Status& status) { return status.code() == Status::Cancelled().code(); }

// A Uint8Array with a copy of `count` bytes: Electron allows no memory of ours under a JS buffer.
Napi::Uint8Array CopyToArray(Napi::Env env, const std::vector<uint8_t>& bytes) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, bytes.size());
  if (!bytes.empty()) std::memcpy(array.Data(), bytes.data(), bytes.size());
  return array;
}

// Sets nothing where nothing is known. A double holds the microseconds of every year that there may be.
void SetCaptureTime(Napi::Object& object, const std::optional<image::CaptureTime>& captured) {
  if (!captured) return;
  object.Set("capturedAt", static_cast<double>(captured->local_micros));
  if (captured->utc_offset_minutes) object.Set("capturedOffset", static_cast<double>(*captured->utc_offset_minutes));
}

class BatchJob final : public AsyncJob {
 public:
  std::vector<image::Source> sources;
  std::vector<Napi::ObjectReference> keep;
  image::TensorTarget target;
  image::DecodeLimits limits;
  image::ThumbnailSpec thumbnail;
  size_t threads = 0;
  float* out = nullptr;

 private:
  Status Execute(ThreadPool& pool, const CancelToken& cancel) override {
    return image::DecodeBatch(pool, sources, target, limits, threads, cancel, out, &results_, thumbnail);
  }
  Napi::Value Resolve(Napi::Env env) override {
    Napi::Array array = Napi::Array::New(env, results_.size());
    for (size_t i = 0; i < results_.size(); ++i) {
      const image::BatchResult& result = results_[i];
      Napi::HandleScope scope(env);
      if (!result.status.ok()) {
        array.Set(static_cast<uint32_t>(i), Failure(env, result.status));
        continue;
      }
      Napi::Object object = Napi::Object::New(env);
      object.Set("ok", true);
      object.Set("width", result.width);
      object.Set("height", result.height);
      SetCaptureTime(object, result.captured);
      if (!result.thumbnail.empty()) object.Set("thumbnail", CopyToArray(env, result.thumbnail));
      array.Set(static_cast<uint32_t>(i), object);
    }
    return array;
  }

  std::vector<image::BatchResult> results_;
};

// decodeResize(sources, target, out, options): {promise, cancel}
Napi::Value DecodeResize(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto job = std::make_unique<BatchJob>();
  if (!info[0].IsArray()) ThrowArgument(env, "Expected the images as an array of paths and Uint8Arrays.");
  const auto sources = info[0].As<Napi::Array>();
  job->target = TargetOf(ObjectOf(info, 1, "the target"));
  const Napi::Object options = ObjectOf(info, 3, "the options");
  job->limits = LimitsOf(options);
  job->threads = static_cast<size_t>(WholeOf(options, "threads", 0, 0, 1024));
  if (options.Get("thumbnail").IsObject()) {
    const auto thumbnail = options.Get("thumbnail").As<Napi::Object>();
    job->thumbnail.side = static_cast<size_t>(WholeOf(thumbnail, "side", 0, 1, kMaxTargetSide));
    job->thumbnail.quality = static_cast<int>(WholeOf(thumbnail, "quality", 0, 1, 100));
  }
  if (!info[2].IsTypedArray() || info[2].As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
    ThrowArgument(env, "Expected the output as a Float32Array.");
  }
  auto out = info[2].As<Napi::Float32Array>();
  const size_t expected = sources.Length() * job->target.floats();
  if (out.ElementLength() != expected) {
    ThrowArgument(env, "Expected an output of " + std::to_string(expected) + " values (images x 3 x height x width), " +
                           "but it has " + std::to_string(out.ElementLength()) + ".");
  }
  job->out = out.Data();
  job->keep.push_back(Napi::Persistent(out.As<Napi::Object>()));
  job->sources.reserve(sources.Length());
  for (uint32_t i = 0; i < sources.Length(); ++i) {
    Napi::HandleScope scope(env);
    job->sources.push_back(SourceOf(sources.Get(i), &job->keep));
  }
  return AddonData::Of(env).Start(env, std::move(job));
}

class ProbeJob final : public AsyncJob {
 public:
  image::Source source;
  std::vector<Napi::ObjectReference> keep;
  image::DecodeLimits limits;

 private:
  Status Execute(ThreadPool&, const CancelToken&) override {
    failure_ = image::ImageDecoder::OfThread().Probe(source, limits, &header_);
    return Status::Ok();
  }
  Napi::Value Resolve(Napi::Env env) override {
    if (!failure_.ok()) return Failure(env, failure_);
    Napi::Object object = Napi::Object::New(env);
    object.Set("ok", true);
    object.Set("format", std::string(image::FormatName(header_.format)));
    object.Set("width", header_.upright_width());
    object.Set("height", header_.upright_height());
    object.Set("orientation", static_cast<uint32_t>(header_.orientation));
    SetCaptureTime(object, header_.captured);
    return object;
  }

  Status failure_;
  image::Header header_;
};

// probeImage(source, options): {promise, cancel}
Napi::Value ProbeImage(const Napi::CallbackInfo& info) {
  auto job = std::make_unique<ProbeJob>();
  job->source = SourceOf(info[0], &job->keep);
  job->limits = LimitsOf(ObjectOf(info, 1, "the options"));
  return AddonData::Of(info.Env()).Start(info.Env(), std::move(job));
}

class RgbJob final : public AsyncJob {
 public:
  image::Source source;
  std::vector<Napi::ObjectReference> keep;
  image::DecodeLimits limits;
  size_t max_side = 0;

 private:
  Status Execute(ThreadPool&, const CancelToken& cancel) override {
    failure_ = image::ImageDecoder::OfThread().ToRgb(source, max_side, limits, cancel, &image_);
    return IsCancelled(failure_) ? failure_ : Status::Ok();
  }
  Napi::Value Resolve(Napi::Env env) override {
    if (!failure_.ok()) return Failure(env, failure_);
    Napi::Object object = Napi::Object::New(env);
    object.Set("ok", true);
    object.Set("width", static_cast<double>(image_.width));
    object.Set("height", static_cast<double>(image_.height));
    object.Set("data", CopyToArray(env, image_.pixels));
    return object;
  }

  Status failure_;
  image::RgbImage image_;
};

// decodeRgb(source, options): {promise, cancel}
Napi::Value DecodeRgb(const Napi::CallbackInfo& info) {
  auto job = std::make_unique<RgbJob>();
  job->source = SourceOf(info[0], &job->keep);
  const Napi::Object options = ObjectOf(info, 1, "the options");
  job->limits = LimitsOf(options);
  job->max_side = static_cast<size_t>(WholeOf(options, "maxSide", 0, 0, 1e6));
  return AddonData::Of(info.Env()).Start(info.Env(), std::move(job));
}

class EncodeJob final : public AsyncJob {
 public:
  std::vector<Napi::ObjectReference> keep;
  const uint8_t* rgb = nullptr;
  size_t width = 0;
  size_t height = 0;
  int quality = 0;
  image::Subsampling subsampling = image::Subsampling::k420;

 private:
  Status Execute(ThreadPool&, const CancelToken&) override {
    return image::EncodeJpeg(rgb, width, height, quality, subsampling, &bytes_);
  }
  Napi::Value Resolve(Napi::Env env) override { return CopyToArray(env, bytes_); }

  std::vector<uint8_t> bytes_;
};

// encodeJpeg(rgb, {width, height, quality, subsampling}): {promise, cancel}
Napi::Value EncodeJpeg(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto job = std::make_unique<EncodeJob>();
  const image::Source pixels = SourceOf(info[0], &job->keep);
  const Napi::Object options = ObjectOf(info, 1, "the options");
  job->width = static_cast<size_t>(WholeOf(options, "width", 0, 1, 65500));
  job->height = static_cast<size_t>(WholeOf(options, "height", 0, 1, 65500));
  job->quality = static_cast<int>(WholeOf(options, "quality", 0, 1, 100));
  const bool halved = ChoiceOf(options, "subsampling", "4:4:4", "4:2:0");
  job->subsampling = halved ? image::Subsampling::k420 : image::Subsampling::k444;
  job->rgb = pixels.bytes.data();
  if (!pixels.in_memory || pixels.bytes.size() != job->width * job->height * 3) {
    ThrowArgument(env, "Expected the pixels as a Uint8Array of width x height x 3 bytes.");
  }
  return AddonData::Of(env).Start(env, std::move(job));
}

Napi::Value ImageLibraries(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const image::Libraries libraries = image::ImageLibraries();
  Napi::Object object = Napi::Object::New(env);
  object.Set("libjpegTurbo", libraries.libjpeg_turbo);
  object.Set("libpng", libraries.libpng);
  object.Set("libwebp", libraries.libwebp);
  object.Set("highway", libraries.highway);
  object.Set("simdTarget", libraries.simd_target);
  Napi::Array targets = Napi::Array::New(env, libraries.simd_targets.size());
  for (uint32_t i = 0; i < libraries.simd_targets.size(); ++i) targets.Set(i, libraries.simd_targets[i]);
  object.Set("simdTargets", targets);
  return object;
}

}  // namespace

void InitImage(Napi::Env env, Napi::Object exports) {
  exports.Set("decodeResize", Napi::Function::New<DecodeResize>(env, "decodeResize"));
  exports.Set("probeImage", Napi::Function::New<ProbeImage>(env, "probeImage"));
  exports.Set("decodeRgb", Napi::Function::New<DecodeRgb>(env, "decodeRgb"));
  exports.Set("encodeJpeg", Napi::Function::New<EncodeJpeg>(env, "encodeJpeg"));
  exports.Set("imageLibraries", Napi::Function::New<ImageLibraries>(env, "imageLibraries"));
}

}  // namespace verger::binding

// Streaming PCA for JavaScript: accumulator, fit, projection. Thin: checks arguments, copies, starts jobs.
#include <napi.h>

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "binding/addon_data.h"
#include "core/linalg/gram.h"
#include "core/linalg/knn.h"
#include "core/linalg/pca.h"
#include "core/linalg/sketch.h"

namespace verger::binding {

namespace {

using linalg::Exec;
using linalg::GramAccumulator;
using linalg::Moments;
using linalg::PcaModel;
using linalg::PcaOptions;
using linalg::PcaProjector;
using linalg::SketchSolver;

// A whole number in [low, high], or throws "native/argument".
uint64_t WholeNumber(const Napi::Value& value, const char* what, double low, double high) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!(number >= low && number <= high) || number != std::floor(number)) {
    ThrowArgument(value.Env(), std::string("Expected ") + what + " to be a whole number from " +
                                   std::to_string(static_cast<int64_t>(low)) + " to " +
                                   std::to_string(static_cast<int64_t>(high)) + ".");
  }
  return static_cast<uint64_t>(number);
}

template <typename Array>
Array TypedArrayOf(const Napi::Value& value, napi_typedarray_type type, const char* what, size_t length) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type ||
      value.As<Napi::TypedArray>().ElementLength() < length) {
    ThrowArgument(value.Env(), std::string("Expected ") + what + " of at least " + std::to_string(length) + " values.");
  }
  return value.As<Array>();
}

Napi::Float32Array Floats(const Napi::Value& value, const char* what, size_t length) {
  return TypedArrayOf<Napi::Float32Array>(value, napi_float32_array, what, length);
}

Napi::Float64Array Doubles(const Napi::Value& value, const char* what, size_t length) {
  return TypedArrayOf<Napi::Float64Array>(value, napi_float64_array, what, length);
}

size_t Threads(const Napi::Value& value) { return static_cast<size_t>(WholeNumber(value, "threads", 0, 1024)); }

Napi::Float64Array CopyDoubles(Napi::Env env, const std::vector<double>& from) {
  Napi::Float64Array array = Napi::Float64Array::New(env, from.size());
  std::copy(from.begin(), from.end(), array.Data());
  return array;
}

Napi::Object ModelToJs(Napi::Env env, const PcaModel& model) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("dimension", static_cast<double>(model.dimension));
  object.Set("components", static_cast<double>(model.components));
  object.Set("rows", static_cast<double>(model.rows));
  object.Set("standardized", model.standardized);
  object.Set("mean", CopyDoubles(env, model.mean));
  object.Set("scale", CopyDoubles(env, model.scale));
  Napi::Float32Array loadings = Napi::Float32Array::New(env, model.loadings.size());
  std::copy(model.loadings.begin(), model.loadings.end(), loadings.Data());
  object.Set("loadings", loadings);
  object.Set("explainedVariance", CopyDoubles(env, model.explained_variance));
  object.Set("totalVariance", model.total_variance);
  object.Set("solver", model.solver);
  object.Set("iterations", static_cast<double>(model.iterations));
  object.Set("residual", model.residual);
  return object;
}

// {components, variance, standardize, solver: 0 | 1 | 2, seed, threads}; components 0 leaves the choice to variance.
PcaOptions OptionsOf(const Napi::Value& value) {
  if (!value.IsObject()) ThrowArgument(value.Env(), "Expected PCA options.");
  const Napi::Object from = value.As<Napi::Object>();
  PcaOptions options;
  options.components = static_cast<size_t>(WholeNumber(from.Get("components"), "components", 0, 1e9));
  options.variance = from.Get("variance").ToNumber().DoubleValue();
  options.standardize = from.Get("standardize").ToBoolean().Value();
  options.solver = static_cast<linalg::Solver>(WholeNumber(from.Get("solver"), "solver", 0, 2));
  options.seed = WholeNumber(from.Get("seed"), "seed", 0, 9007199254740991.0);
  return options;
}

// A native object and whether a job is using it: one at a time.
template <typename T>
struct Shared {
  explicit Shared(std::unique_ptr<T> made) : object(std::move(made)) {}
  std::unique_ptr<T> object;
  bool busy = false;  // JS thread only
};

// Holds one object for the life of a job.
template <typename T>
class Hold {
 public:
  Hold(Napi::Env env, std::shared_ptr<Shared<T>> shared) : shared_(std::move(shared)) {
    if (shared_->busy) {
      throw ToError(env, Status("native/busy",
                                "Expected the PCA to be idle, but an earlier call on it has not ended; "
                                "await that call first."));
    }
    shared_->busy = true;
  }
  ~Hold() { shared_->busy = false; }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

  T& operator*() const { return *shared_->object; }
  T* operator->() const { return shared_->object.get(); }

 private:
  std::shared_ptr<Shared<T>> shared_;
};

using SharedAccumulator = Shared<GramAccumulator>;
using SharedSketch = Shared<SketchSolver>;

// A JS array of floats, kept alive and in place until the job has gone.
class KeptFloats {
 public:
  explicit KeptFloats(const Napi::Float32Array& array)
      : keep_(Napi::Persistent(array.As<Napi::Object>())), data_(keep_.Value().As<Napi::Float32Array>().Data()) {}
  float* data() const { return data_; }
  Napi::Value Value() const { return keep_.Value(); }

 private:
  Napi::ObjectReference keep_;
  float* data_;
};

// Adds rows to an accumulator or a sketch.
template <typename T>
class AddJob : public AsyncJob {
 public:
  AddJob(Napi::Env env, std::shared_ptr<Shared<T>> shared, const Napi::Float32Array& rows, size_t n, size_t threads)
      : target_(env, std::move(shared)), rows_(rows), n_(n), threads_(threads) {}

 protected:
  Status Execute(ThreadPool& pool, const CancelToken& cancel) override {
    return target_->Add(rows_.data(), n_, Exec{&pool, threads_, &cancel});
  }
  Napi::Value Resolve(Napi::Env env) override { return env.Undefined(); }

 private:
  Hold<T> target_;
  KeptFloats rows_;
  size_t n_;
  size_t threads_;
};

class MergeJob : public AsyncJob {
 public:
  // Merging with oneself is allowed: one hold covers both.
  MergeJob(Napi::Env env, const std::shared_ptr<SharedAccumulator>& into,
           const std::shared_ptr<SharedAccumulator>& from)
      : into_(env, into) {
    if (from != into) from_.emplace(env, from);
  }

 protected:
  Status Execute(ThreadPool&, const CancelToken&) override { return into_->Merge(from_ ? **from_ : *into_); }
  Napi::Value Resolve(Napi::Env env) override { return env.Undefined(); }

 private:
  Hold<GramAccumulator> into_;
  std::optional<Hold<GramAccumulator>> from_;
};

class SerializeJob : public AsyncJob {
 public:
  SerializeJob(Napi::Env env, std::shared_ptr<SharedAccumulator> shared) : accumulator_(env, std::move(shared)) {}

 protected:
  Status Execute(ThreadPool&, const CancelToken&) override { return accumulator_->Serialize(&bytes_); }
  Napi::Value Resolve(Napi::Env env) override {
    Napi::Uint8Array array = Napi::Uint8Array::New(env, bytes_.size());
    std::copy(bytes_.begin(), bytes_.end(), array.Data());
    return array;
  }

 private:
  Hold<GramAccumulator> accumulator_;
  std::vector<uint8_t> bytes_;
};

class FitJob : public AsyncJob {
 public:
  FitJob(Napi::Env env, std::shared_ptr<SharedAccumulator> shared, const PcaOptions& options, size_t threads)
      : accumulator_(env, std::move(shared)), options_(options), threads_(threads) {}

 protected:
  Status Execute(ThreadPool& pool, const CancelToken& cancel) override {
    const Exec exec{&pool, threads_, &cancel};
    // Before the work, so that a wrong option is told at once.
    VERGER_RETURN_IF_ERROR(linalg::CheckOptions(options_, accumulator_->count(), accumulator_->dimension()));
    Moments moments;
    VERGER_RETURN_IF_ERROR(accumulator_->Finish(options_.standardize, exec, &moments));
    return linalg::FitPca(std::move(moments), options_, exec, &model_);
  }
  Napi::Value Resolve(Napi::Env env) override { return ModelToJs(env, model_); }

 private:
  Hold<GramAccumulator> accumulator_;
  PcaOptions options_;
  size_t threads_;
  PcaModel model_;
};

// Tells accumulators from any other wrapped object: unwrapping a foreign one would read its memory as ours.
constexpr napi_type_tag kAccumulatorTag = {0x1b7c2f9e4d5a4831, 0x8e0d6a57c3f91b24};

// new PcaAccumulator(dimension: number | state: Uint8Array)
class AccumulatorHandle : public Napi::ObjectWrap<AccumulatorHandle> {
 public:
  static void Define(Napi::Env env, Napi::Object exports) {
    exports.Set("PcaAccumulator", DefineClass(env, "PcaAccumulator",
                                              {InstanceMethod<&AccumulatorHandle::Add>("add"),
                                               InstanceMethod<&AccumulatorHandle::Merge>("merge"),
                                               InstanceMethod<&AccumulatorHandle::Serialize>("serialize"),
                                               InstanceMethod<&AccumulatorHandle::Fit>("fit"),
                                               InstanceAccessor<&AccumulatorHandle::Dimension>("dimension"),
                                               InstanceAccessor<&AccumulatorHandle::Count>("count")}));
  }

  explicit AccumulatorHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<AccumulatorHandle>(info) {
    std::unique_ptr<GramAccumulator> made;
    if (info[0].IsTypedArray() && info[0].As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
      const Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
      const Status status = GramAccumulator::Deserialize(bytes.Data(), bytes.ElementLength(), &made);
      if (!status.ok()) throw ToError(info.Env(), status);
    } else {
      const uint64_t dimension =
          WholeNumber(info[0], "the dimension", 1, static_cast<double>(GramAccumulator::kMaxDimension));
      made = std::make_unique<GramAccumulator>(static_cast<size_t>(dimension));
    }
    shared_ = std::make_shared<SharedAccumulator>(std::move(made));
    info.This().As<Napi::Object>().TypeTag(&kAccumulatorTag);
  }

 private:
  // add(rows: Float32Array, n: number, threads: number): NativeJob<void>
  Napi::Value Add(const Napi::CallbackInfo& info) {
    const size_t n = static_cast<size_t>(WholeNumber(info[1], "the number of rows", 0, 1e9));
    const Napi::Float32Array rows = Floats(info[0], "a Float32Array of rows", n * shared_->object->dimension());
    const size_t threads = Threads(info[2]);
    return Start(info, std::make_unique<AddJob<GramAccumulator>>(info.Env(), shared_, rows, n, threads));
  }
  // merge(other: PcaAccumulator): NativeJob<void>
  Napi::Value Merge(const Napi::CallbackInfo& info) {
    if (!info[0].IsObject() || !info[0].As<Napi::Object>().CheckTypeTag(&kAccumulatorTag)) {
      ThrowArgument(info.Env(), "Expected another accumulator.");
    }
    AccumulatorHandle* other = Unwrap(info[0].As<Napi::Object>());
    return Start(info, std::make_unique<MergeJob>(info.Env(), shared_, other->shared_));
  }
  // serialize(): NativeJob<Uint8Array>
  Napi::Value Serialize(const Napi::CallbackInfo& info) {
    return Start(info, std::make_unique<SerializeJob>(info.Env(), shared_));
  }
  // fit(options): NativeJob<model>
  Napi::Value Fit(const Napi::CallbackInfo& info) {
    const PcaOptions options = OptionsOf(info[0]);
    const size_t threads = Threads(info[0].As<Napi::Object>().Get("threads"));
    return Start(info, std::make_unique<FitJob>(info.Env(), shared_, options, threads));
  }
  Napi::Value Dimension(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(shared_->object->dimension()));
  }
  Napi::Value Count(const Napi::CallbackInfo& info) {
    if (shared_->busy) {
      throw ToError(info.Env(),
                    Status("native/busy", "Expected the accumulator to be idle; await its last call first."));
    }
    return Napi::Number::New(info.Env(), static_cast<double>(shared_->object->count()));
  }

  static Napi::Value Start(const Napi::CallbackInfo& info, std::unique_ptr<AsyncJob> job) {
    return AddonData::Of(info.Env()).Start(info.Env(), std::move(job));
  }

  std::shared_ptr<SharedAccumulator> shared_;
};

class EndPassJob : public AsyncJob {
 public:
  EndPassJob(Napi::Env env, std::shared_ptr<SharedSketch> shared, size_t threads)
      : sketch_(env, std::move(shared)), threads_(threads) {}

 protected:
  Status Execute(ThreadPool& pool, const CancelToken& cancel) override {
    return sketch_->EndPass(Exec{&pool, threads_, &cancel});
  }
  Napi::Value Resolve(Napi::Env env) override {
    return sketch_->done() ? Napi::Value(ModelToJs(env, sketch_->model())) : env.Undefined();
  }

 private:
  Hold<SketchSolver> sketch_;
  size_t threads_;
};

// new PcaSketch(dimension: number, options)
class SketchHandle : public Napi::ObjectWrap<SketchHandle> {
 public:
  static void Define(Napi::Env env, Napi::Object exports) {
    exports.Set("PcaSketch", DefineClass(env, "PcaSketch",
                                         {InstanceMethod<&SketchHandle::Add>("add"),
                                          InstanceMethod<&SketchHandle::EndPass>("endPass")}));
  }

  explicit SketchHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SketchHandle>(info) {
    const uint64_t dimension =
        WholeNumber(info[0], "the dimension", 1, static_cast<double>(SketchSolver::kMaxDimension));
    shared_ = std::make_shared<SharedSketch>(
        std::make_unique<SketchSolver>(static_cast<size_t>(dimension), OptionsOf(info[1])));
  }

 private:
  // add(rows: Float32Array, n: number, threads: number): NativeJob<void>
  Napi::Value Add(const Napi::CallbackInfo& info) {
    const size_t n = static_cast<size_t>(WholeNumber(info[1], "the number of rows", 0, 1e9));
    const Napi::Float32Array rows = Floats(info[0], "a Float32Array of rows", n * shared_->object->dimension());
    const size_t threads = Threads(info[2]);
    return AddonData::Of(info.Env())
        .Start(info.Env(), std::make_unique<AddJob<SketchSolver>>(info.Env(), shared_, rows, n, threads));
  }
  // endPass(threads: number): NativeJob<model | undefined>, undefined while another pass is needed
  Napi::Value EndPass(const Napi::CallbackInfo& info) {
    const size_t threads = Threads(info[0]);
    return AddonData::Of(info.Env()).Start(info.Env(), std::make_unique<EndPassJob>(info.Env(), shared_, threads));
  }

  std::shared_ptr<SharedSketch> shared_;
};

class TransformJob : public AsyncJob {
 public:
  TransformJob(std::shared_ptr<const PcaProjector> projector, const Napi::Float32Array& rows, size_t n,
               const Napi::Float32Array& out, size_t threads)
      : projector_(std::move(projector)), rows_(rows), out_(out), n_(n), threads_(threads) {}

 protected:
  Status Execute(ThreadPool& pool, const CancelToken& cancel) override {
    return projector_->Transform(rows_.data(), n_, out_.data(), Exec{&pool, threads_, &cancel});
  }
  Napi::Value Resolve(Napi::Env) override { return out_.Value(); }

 private:
  std::shared_ptr<const PcaProjector> projector_;
  KeptFloats rows_;
  KeptFloats out_;
  size_t n_;
  size_t threads_;
};

// new PcaProjector(dimension, components, mean: Float64Array, scale: Float64Array, loadings: Float32Array)
class ProjectorHandle : public Napi::ObjectWrap<ProjectorHandle> {
 public:
  static void Define(Napi::Env env, Napi::Object exports) {
    exports.Set("PcaProjector",
                DefineClass(env, "PcaProjector", {InstanceMethod<&ProjectorHandle::Transform>("transform")}));
  }

  explicit ProjectorHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ProjectorHandle>(info) {
    const double most = static_cast<double>(SketchSolver::kMaxDimension);
    const size_t dimension = static_cast<size_t>(WholeNumber(info[0], "the dimension", 1, most));
    const size_t components = static_cast<size_t>(WholeNumber(info[1], "the number of components", 1, most));
    const Napi::Float64Array mean = Doubles(info[2], "a Float64Array of means", dimension);
    const Napi::Float64Array scale = Doubles(info[3], "a Float64Array of scales", dimension);
    const Napi::Float32Array loadings = Floats(info[4], "a Float32Array of loadings", components * dimension);
    projector_ = std::make_shared<PcaProjector>(dimension, components, mean.Data(), scale.Data(), loadings.Data());
  }

 private:
  // transform(rows: Float32Array, n: number, out: Float32Array, threads: number): NativeJob<Float32Array>, out itself
  Napi::Value Transform(const Napi::CallbackInfo& info) {
    const size_t n = static_cast<size_t>(WholeNumber(info[1], "the number of rows", 0, 1e9));
    const Napi::Float32Array rows = Floats(info[0], "a Float32Array of rows", n * projector_->dimension());
    const Napi::Float32Array out = Floats(info[2], "a Float32Array for the scores", n * projector_->components());
    const size_t threads = Threads(info[3]);
    return AddonData::Of(info.Env())
        .Start(info.Env(), std::make_unique<TransformJob>(projector_, rows, n, out, threads));
  }

  std::shared_ptr<const PcaProjector> projector_;
};

class SimilarityJob : public AsyncJob {
 public:
  SimilarityJob(const Napi::Float32Array& rows, size_t n, const Napi::Float32Array& query,
                const Napi::Float32Array& out, size_t threads)
      : rows_(rows), out_(out), query_(query.Data(), query.Data() + query.ElementLength()), n_(n), threads_(threads) {}

 protected:
  Status Execute(ThreadPool& pool, const CancelToken& cancel) override {
    return linalg::CosineSimilarities(rows_.data(), n_, query_.size(), query_.data(), out_.data(),
                                      Exec{&pool, threads_, &cancel});
  }
  Napi::Value Resolve(Napi::Env) override { return out_.Value(); }

 private:
  KeptFloats rows_;
  KeptFloats out_;
  std::vector<float> query_;
  size_t n_;
  size_t threads_;
};

// cosineSimilarities(rows: Float32Array, n: number, query: Float32Array, out: Float32Array, threads: number):
// NativeJob<Float32Array>, out itself
Napi::Value CosineSimilarities(const Napi::CallbackInfo& info) {
  const Napi::Float32Array query = Floats(info[2], "a Float32Array of one vector", 1);
  const size_t n = static_cast<size_t>(WholeNumber(info[1], "the number of rows", 0, 1e9));
  const Napi::Float32Array rows = Floats(info[0], "a Float32Array of rows", n * query.ElementLength());
  const Napi::Float32Array out = Floats(info[3], "a Float32Array for the similarities", n);
  const size_t threads = Threads(info[4]);
  return AddonData::Of(info.Env()).Start(info.Env(), std::make_unique<SimilarityJob>(rows, n, query, out, threads));
}

}  // namespace

void InitLinalg(Napi::Env env, Napi::Object exports) {
  AccumulatorHandle::Define(env, exports);
  SketchHandle::Define(env, exports);
  ProjectorHandle::Define(env, exports);
  exports.Set("cosineSimilarities", Napi::Function::New<CosineSimilarities>(env, "cosineSimilarities"));
}

}  // namespace verger::binding

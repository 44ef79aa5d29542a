// The Gram update against this machine's sgemm, measured in the same run.
//
//   gram_bench [--json] [--rounds N] [--dimension D]
//
// The limit is OpenBLAS's sgemm of 2048 x 2048 matrices, loaded at run time (nothing links it): the library named by
// VERGER_OPENBLAS, else the system's libopenblas.so.0. OpenBLAS picks its kernels by processor and may not know a new
// one, so each kernel set it can be told to use (OPENBLAS_CORETYPE) is tried first and the fastest is the limit.
// Useful work of the Gram update is n d (d + 1) operations. Rounds of limit and ours alternate; figures are medians,
// ratios medians of the rounds' ratios.
#if defined(_WIN32)
int main() { return 77; }  // no dlopen and fork: the figures are taken on Linux and macOS
#else
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "core/linalg/gram.h"
#include "core/linalg/random.h"

namespace {

using verger::ThreadPool;
using verger::linalg::Exec;
using verger::linalg::GramAccumulator;
using verger::linalg::Random;

constexpr int kSide = 2048;
constexpr size_t kRows = 4096;  // of a Gram round

double Now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// sgemm from a library loaded at run time.
class Sgemm {
 public:
  bool Load() {
    const char* named = std::getenv("VERGER_OPENBLAS");
    for (const char* name : {named, "libopenblas.so.0", "libopenblas.dylib"}) {
      if (name == nullptr) continue;
      library_ = dlopen(name, RTLD_NOW | RTLD_LOCAL);
      if (library_ != nullptr) break;
    }
    if (library_ == nullptr) return false;
    sgemm_ = reinterpret_cast<SgemmFn>(dlsym(library_, "cblas_sgemm"));
    set_threads_ = reinterpret_cast<ThreadsFn>(dlsym(library_, "openblas_set_num_threads"));
    core_ = reinterpret_cast<CoreFn>(dlsym(library_, "openblas_get_corename"));
    a_.assign(kSide * kSide, 0.5f);
    b_.assign(kSide * kSide, 0.25f);
    c_.assign(kSide * kSide, 0.0f);
    return sgemm_ != nullptr && set_threads_ != nullptr;
  }

  std::string core() const { return core_ == nullptr ? "?" : core_(); }

  // Operations per second of one product.
  double Run(int threads) {
    constexpr int kRowMajor = 101;
    constexpr int kNoTranspose = 111;
    set_threads_(threads);
    const double begin = Now();
    sgemm_(kRowMajor, kNoTranspose, kNoTranspose, kSide, kSide, kSide, 1.0f, a_.data(), kSide, b_.data(), kSide, 0.0f,
           c_.data(), kSide);
    return 2.0 * kSide * kSide * kSide / (Now() - begin);
  }

 private:
  using SgemmFn = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*,
                           int);
  using ThreadsFn = void (*)(int);
  using CoreFn = char* (*)();
  void* library_ = nullptr;
  SgemmFn sgemm_ = nullptr;
  ThreadsFn set_threads_ = nullptr;
  CoreFn core_ = nullptr;
  std::vector<float> a_, b_, c_;
};

// A library reads OPENBLAS_CORETYPE when it is loaded, so each setting is tried in a process of its own.
double Probe(const char* core) {
  int ends[2];
  if (pipe(ends) != 0) return 0;
  const pid_t child = fork();
  if (child == 0) {
    core[0] == '\0' ? unsetenv("OPENBLAS_CORETYPE") : setenv("OPENBLAS_CORETYPE", core, 1);
    Sgemm sgemm;
    double best = 0;
    if (sgemm.Load()) {
      for (int i = 0; i < 5; ++i) best = std::max(best, sgemm.Run(1));
    }
    const ssize_t written = write(ends[1], &best, sizeof best);
    _exit(written == sizeof best ? 0 : 1);
  }
  close(ends[1]);
  double best = 0;
  if (child < 0 || read(ends[0], &best, sizeof best) != sizeof best) best = 0;
  close(ends[0]);
  if (child > 0) waitpid(child, nullptr, 0);
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  bool json = false;
  size_t rounds = 15;
  size_t dimension = 1280;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) json = true;
    if (i + 1 < argc && std::strcmp(argv[i], "--rounds") == 0) rounds = std::strtoul(argv[++i], nullptr, 10);
    if (i + 1 < argc && std::strcmp(argv[i], "--dimension") == 0) dimension = std::strtoul(argv[++i], nullptr, 10);
  }
  rounds = std::max<size_t>(rounds, 1);

  const char* best_core = nullptr;
  double best = 0;
  for (const char* core : {"", "Haswell", "SkylakeX", "Cooperlake", "Zen"}) {
    const double speed = Probe(core);
    if (!json) std::printf("sgemm with OPENBLAS_CORETYPE=%s: %.1f Gflop/s\n", core, speed * 1e-9);
    if (speed > best) {
      best = speed;
      best_core = core;
    }
  }
  if (best_core == nullptr) {
    std::fprintf(stderr,
                 "gram_bench needs OpenBLAS to measure against: install libopenblas0 or set VERGER_OPENBLAS.\n");
    return 1;
  }
  best_core[0] == '\0' ? unsetenv("OPENBLAS_CORETYPE") : setenv("OPENBLAS_CORETYPE", best_core, 1);
  Sgemm sgemm;
  if (!sgemm.Load()) return 1;

  // Rectified noise: values do not change the time, but a Gram matrix of them stays finite.
  Random random(1);
  std::vector<float> rows(kRows * dimension);
  for (float& value : rows) value = static_cast<float>(std::max(0.0, random.Gaussian()));
  const double work = static_cast<double>(kRows) * static_cast<double>(dimension) * static_cast<double>(dimension + 1);

  std::string measures;
  const size_t most = std::min<size_t>(2, ThreadPool::HardwareThreads());
  for (size_t threads = 1; threads <= most; ++threads) {
    ThreadPool pool(threads);
    const Exec exec{&pool, threads, nullptr};
    GramAccumulator accumulator(dimension);
    std::vector<double> limits, ours, ratios;
    for (size_t round = 0; round <= rounds; ++round) {
      const double limit = sgemm.Run(static_cast<int>(threads));
      const double begin = Now();
      const verger::Status status = accumulator.Add(rows.data(), kRows, exec);
      const double speed = work / (Now() - begin);
      if (!status.ok()) {
        std::fprintf(stderr, "%s\n", status.message().c_str());
        return 1;
      }
      if (round == 0) continue;  // warms caches, threads and buffers
      limits.push_back(limit * 1e-9);
      ours.push_back(speed * 1e-9);
      ratios.push_back(speed / limit);
    }
    char line[512];
    std::snprintf(line, sizeof line,
                  "{\"name\":\"Gram update, d = %zu, %zu thread%s / OpenBLAS sgemm (%s)\",\"unit\":\"Gflop/s\","
                  "\"limit\":%.3f,\"ours\":%.3f,\"ratio\":%.4f,\"reach\":0.85,\"atLeast\":true}",
                  dimension, threads, threads == 1 ? "" : "s", sgemm.core().c_str(), Median(limits), Median(ours),
                  Median(ratios));
    if (!measures.empty()) measures += ",";
    measures += line;
    if (!json) {
      std::printf("%zu thread%s: Gram %.1f, sgemm (%s) %.1f Gflop/s, ratio %.3f (best of each: %.3f)\n", threads,
                  threads == 1 ? "" : "s", Median(ours), sgemm.core().c_str(), Median(limits), Median(ratios),
                  *std::max_element(ours.begin(), ours.end()) / *std::max_element(limits.begin(), limits.end()));
    }
  }
  if (json) std::printf("{\"measures\":[%s]}\n", measures.c_str());
  return 0;
}
#endif

// CRC-32 against a plain read of the same bytes, which nothing that looks at all of them can beat, and against zlib's,
// measured in the same run.
//
//   crc32_bench [--json] [--rounds N]
//
// The read is memchr for a byte that is not there: the C library's, with the widest vectors of the machine. Rounds of
// limit and ours alternate; figures are medians, ratios medians of the rounds' ratios. Without --json each instruction
// set of this machine is measured as well.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <span>
#include <string>
#include <vector>

// As core/base/crc32.cc: the same targets.
#define HWY_WANT_AVX3_DL
#include <hwy/highway.h>
#include <zlib.h>

#include "core/base/crc32.h"

namespace {

using Bytes = std::span<const uint8_t>;
using Work = std::function<uint32_t(Bytes)>;

constexpr size_t kKiB = 1024;
constexpr size_t kMiB = 1024 * kKiB;
// Far beyond any cache.
constexpr size_t kInMemory = 256 * kMiB;
// Of a round, in caches: far longer than a look at the clock.
constexpr size_t kPerRound = 16 * kMiB;

// The calling thread's processor time where the system tells it: what else runs does not count.
double Now() {
#if !defined(_WIN32)
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
#else
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
#endif
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// GiB/s of one round over the same `bytes` again and again.
double Speed(const Work& work, Bytes bytes) {
  static volatile uint32_t sink = 0;
  const size_t times = std::max<size_t>(kPerRound / bytes.size(), 1);
  const double begin = Now();
  for (size_t i = 0; i < times; ++i) sink = sink ^ work(bytes);
  return static_cast<double>(bytes.size() * times) / (Now() - begin) / static_cast<double>(1024 * kMiB);
}

uint32_t Read(Bytes bytes) { return std::memchr(bytes.data(), 0xFF, bytes.size()) == nullptr ? 0 : 1; }
uint32_t Zlib(Bytes bytes) { return static_cast<uint32_t>(crc32_z(0, bytes.data(), bytes.size())); }
uint32_t Ours(Bytes bytes) { return verger::Crc32(bytes); }

struct Measure {
  std::string name;
  double limit = 0;
  double ours = 0;
  double ratio = 0;
};

Measure Compare(std::string name, Bytes bytes, size_t rounds, const Work& limit) {
  std::vector<double> limits, speeds, ratios;
  for (size_t round = 0; round <= rounds; ++round) {
    const double theirs = Speed(limit, bytes);
    const double ours = Speed(Ours, bytes);
    if (round == 0) continue;  // warms caches
    limits.push_back(theirs);
    speeds.push_back(ours);
    ratios.push_back(ours / theirs);
  }
  return {std::move(name), Median(limits), Median(speeds), Median(ratios)};
}

std::string Named(size_t size) {
  if (size < kKiB) return std::to_string(size) + " B";
  return size < kMiB ? std::to_string(size / kKiB) + " KiB" : std::to_string(size / kMiB) + " MiB";
}

void PrintTargets(Bytes bytes, size_t rounds) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    std::vector<double> speeds;
    for (size_t round = 0; round < rounds; ++round) speeds.push_back(Speed(Ours, bytes));
    std::printf("%-8s %s: %.1f GiB/s\n", hwy::TargetName(target), Named(bytes.size()).c_str(), Median(speeds));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace

int main(int argc, char** argv) {
  bool json = false;
  size_t rounds = 31;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else if (std::strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) {
      rounds = std::max<size_t>(std::strtoul(argv[++i], nullptr, 10), 1);
    } else {
      std::fprintf(stderr, "Expected [--json] [--rounds N], got %s\n", argv[i]);
      return 2;
    }
  }

  std::vector<uint8_t> bytes(kInMemory);
  uint32_t state = 1;
  for (uint8_t& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<uint8_t>((state >> 24) % 0xFF);  // never what Read looks for
  }
  std::vector<Measure> measures;
  for (const size_t size : {size_t{256}, 4 * kKiB, 64 * kKiB, kMiB, kInMemory}) {
    const Bytes part(bytes.data(), size);
    const size_t count = size == kInMemory ? rounds / 4 + 1 : rounds;
    measures.push_back(Compare("CRC-32 of " + Named(size) + " / reading it", part, count, Read));
  }
  measures.push_back(Compare("CRC-32 of 1 MiB / zlib " + std::string(zlibVersion()), Bytes(bytes.data(), kMiB),
                             std::min<size_t>(rounds, 9), Zlib));

  std::string list;
  for (const Measure& m : measures) {
    char line[256];
    std::snprintf(line, sizeof line,
                  "{\"name\":\"%s\",\"unit\":\"GiB/s\",\"limit\":%.3f,\"ours\":%.3f,\"ratio\":%.4f,\"atLeast\":true}",
                  m.name.c_str(), m.limit, m.ours, m.ratio);
    if (!list.empty()) list += ",";
    list += line;
    if (!json) {
      std::printf("%-34s %6.1f GiB/s against %6.1f, ratio %.3f\n", m.name.c_str(), m.ours, m.limit, m.ratio);
    }
  }
  if (json) {
    std::printf("{\"measures\":[%s]}\n", list.c_str());
  } else {
    for (const size_t size : {4 * kKiB, kMiB}) PrintTargets(Bytes(bytes.data(), size), rounds);
  }
  return 0;
}

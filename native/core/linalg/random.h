// Pseudo-random numbers that are the same on every machine.
#pragma once

#include <cstdint>

namespace verger::linalg {

// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // Nearly Gaussian with unit variance, from integers alone: the sum of four uniform 16-bit numbers.
  double Gaussian() {
    const uint64_t bits = Next();
    const int64_t sum =
        static_cast<int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48)) - 131'070;
    return static_cast<double>(sum) * (1.7320508075688772 / 65'536);
  }

 private:
  uint64_t state_;
};

}  // namespace verger::linalg

// How a linear-algebra routine runs: on which threads, and until when. Plus the aligned memory the kernels want.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "core/base/cancel.h"
#include "core/base/status.h"
#include "core/base/thread_pool.h"

namespace verger::linalg {

// Results never depend on `pool` or `threads`: every output element is computed by one thread in one fixed order.
struct Exec {
  ThreadPool* pool = nullptr;  // null: everything runs on the calling thread
  size_t threads = 0;          // 0: the pool's size
  const CancelToken* cancel = nullptr;

  size_t width() const { return pool == nullptr ? 1 : (threads == 0 ? pool->size() : threads); }
  bool cancelled() const { return cancel != nullptr && cancel->cancelled(); }
  Status Check() const { return cancelled() ? Status::Cancelled() : Status::Ok(); }

  // body(index, slot), slot in [0, width()). A cancelled loop skips what it has not begun: Check() before use.
  template <typename Body>
  void For(size_t count, const Body& body) const {
    if (pool == nullptr || width() == 1 || count <= 1) {
      for (size_t i = 0; i < count && !cancelled(); ++i) body(i, 0);
      return;
    }
    pool->ParallelFor(count, width(), [&](size_t index, size_t slot) {
      if (!cancelled()) body(index, slot);
    });
  }

  // The same loop on the calling thread when it is too small to be worth waking others for.
  Exec If(bool parallel) const { return parallel ? *this : Exec{nullptr, 1, cancel}; }
};

inline constexpr size_t RoundUp(size_t value, size_t step) { return (value + step - 1) / step * step; }

// A fixed-size array of trivially copyable values on a 64-byte boundary, not initialised unless asked.
template <typename T>
class AlignedArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedArray() = default;
  explicit AlignedArray(size_t size) { Allocate(size); }
  AlignedArray(const AlignedArray& other) { *this = other; }
  AlignedArray(AlignedArray&& other) noexcept { *this = std::move(other); }
  AlignedArray& operator=(const AlignedArray& other) {
    if (this != &other) {
      if (size_ != other.size_) {
        Free();
        Allocate(other.size_);
      }
      if (size_ != 0) std::memcpy(data_, other.data_, size_ * sizeof(T));
    }
    return *this;
  }
  AlignedArray& operator=(AlignedArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~AlignedArray() { Free(); }

  static AlignedArray Zeros(size_t size) {
    AlignedArray array(size);
    if (size != 0) std::memset(static_cast<void*>(array.data_), 0, size * sizeof(T));
    return array;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  void Allocate(size_t size) {
    if (size == 0) return;
    if (size > static_cast<size_t>(-1) / sizeof(T)) throw std::bad_alloc();
    data_ = static_cast<T*>(::operator new(size * sizeof(T), kAlignment));
    size_ = size;
  }
  void Free() {
    if (data_ != nullptr) ::operator delete(static_cast<void*>(data_), kAlignment);
    data_ = nullptr;
    size_ = 0;
  }
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace verger::linalg

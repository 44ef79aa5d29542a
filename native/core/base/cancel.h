// CancelToken: a flag that one side raises and any number of threads poll.
#pragma once

#include <atomic>
#include <memory>

namespace verger {

// Copies share one flag. Polling is a relaxed load: cheap enough for the inside of a row loop.
class CancelToken {
 public:
  CancelToken() : flag_(std::make_shared<std::atomic<bool>>(false)) {}

  void Cancel() const { flag_->store(true, std::memory_order_relaxed); }
  bool cancelled() const { return flag_->load(std::memory_order_relaxed); }

 private:
  std::shared_ptr<std::atomic<bool>> flag_;
};

}  // namespace verger

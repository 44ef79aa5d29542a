// Status: how the core reports failure. Core code never throws for bad input and never prints.
#pragma once

#include <string>
#include <utility>

namespace verger {

// A stable machine-readable code ("image/truncated") and one sentence for people. An empty code means success.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(std::string code, std::string message) : code_(std::move(code)), message_(std::move(message)) {}

  static Status Ok() { return {}; }
  static Status Cancelled() { return {"cancelled", "The operation was cancelled."}; }

  bool ok() const { return code_.empty(); }
  const std::string& code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  std::string code_;
  std::string message_;
};

}  // namespace verger

#define VERGER_RETURN_IF_ERROR(expr)                 \
  do {                                               \
    ::verger::Status verger_status_ = (expr);        \
    if (!verger_status_.ok()) return verger_status_; \
  } while (0)

// Marks a phase of a kernel ("pass 1", "merge") for `profile`: time share, GB/s, NVTX range, trace.
// Costs a load and a branch when nobody listens, so mark rows or blocks, never elements.
#pragma once

#include <atomic>

namespace sb {

class PhaseSink {
 public:
  virtual ~PhaseSink() = default;
  // Called on the thread that runs the phase; `name` is a string literal; `bytes` is what the
  // phase moves by its own count, 0 if it makes no claim.
  virtual void begin(const char* name, double bytes) = 0;
  virtual void end(const char* name) = 0;
};

inline std::atomic<PhaseSink*> phase_sink{nullptr};

class Phase {
 public:
  explicit Phase(const char* name, double bytes = 0)
      : sink_(phase_sink.load(std::memory_order_relaxed)), name_(name) {
    if (sink_ != nullptr) [[unlikely]]
      sink_->begin(name_, bytes);
  }
  ~Phase() {
    if (sink_ != nullptr) [[unlikely]]
      sink_->end(name_);
  }
  Phase(const Phase&) = delete;
  Phase& operator=(const Phase&) = delete;

 private:
  PhaseSink* sink_;
  const char* name_;
};

}  // namespace sb

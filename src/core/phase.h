// Marks a phase of a kernel ("pass 1: sum", "merge") for `profile`: time share, GB/s, NVTX range,
// trace. Costs a branch when nobody listens, so mark rows, blocks or tasks, never elements.
#pragma once

#include <atomic>

namespace sb {

// What a phase moves by its own count; 0 where it makes no claim.
struct Traffic {
  double read = 0;     // bytes
  double written = 0;  // bytes, without write-allocate
};

class PhaseSink {
 public:
  virtual ~PhaseSink() = default;
  // Called on the thread that runs the phase; `name` is a string literal.
  virtual void begin(const char* name, Traffic traffic) = 0;
  virtual void end() = 0;  // of the innermost phase of this thread
};

inline std::atomic<PhaseSink*> phase_sink{nullptr};

// Who listens; null: nobody. A loop over short rows asks once and hands the answer to its marks.
inline PhaseSink* phase_listener() { return phase_sink.load(std::memory_order_relaxed); }

class Phase {
 public:
  explicit Phase(const char* name, Traffic traffic = {}, PhaseSink* sink = phase_listener())
      : sink_(sink) {
    if (sink_ != nullptr) [[unlikely]]
      sink_->begin(name, traffic);
  }
  ~Phase() {
    if (sink_ != nullptr) [[unlikely]]
      sink_->end();
  }
  Phase(const Phase&) = delete;
  Phase& operator=(const Phase&) = delete;

 private:
  PhaseSink* sink_;
};

}  // namespace sb

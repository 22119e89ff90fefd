// Listens to the phases of one call, on all its threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

#include "core/phase.h"
#include "core/profile.h"

namespace sb {

class PhaseRecorder final : public PhaseSink {
 public:
  using Clock = std::chrono::steady_clock;

  explicit PhaseRecorder(Clock::time_point origin);  // of the times of the spans
  ~PhaseRecorder() override;                         // listens no more

  void listen();
  void hush();
  void begin(const char* name, Traffic traffic) override;
  void end() override;

  // Moves what was heard since the last time into the profile.
  void take(CaseProfile& profile);

 private:
  struct Open {
    const char* name;
    Traffic traffic;
    Clock::time_point begin;
    double inner_ns = 0;  // of phases inside it
  };
  // Of one thread, so that nobody waits; padded, so that no line has two writers.
  struct alignas(64) Lane {
    std::vector<Open> open;
    std::vector<PhaseSpan> spans;
    std::map<const char*, PhaseTotal> totals;  // by the literal's address
    std::int64_t spans_left_out = 0;
  };

  Clock::time_point origin_;
  std::vector<Lane> lanes_;
};

}  // namespace sb

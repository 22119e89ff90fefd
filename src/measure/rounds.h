// Interleaved sampling: every contestant of a group takes its turn in every round, so that drift
// hits all alike and ratios can be formed within a round.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sb {

// Something that can be timed: a kernel in this process, a worker process, a fake in a test.
class Contestant {
 public:
  virtual ~Contestant() = default;
  // Runs `iterations` calls back to back; nanoseconds for all of them together. Throws on failure.
  virtual double sample_ns(std::int64_t iterations) = 0;

  // All samples so far were warm-up; what follows takes `iterations` calls each.
  virtual void warmed_up(std::int64_t /*iterations*/, double /*ns_per_call*/) {}

  virtual std::string timer() const { return "steady_clock via Google Benchmark"; }
  virtual int rejected() const { return 0; }  // samples that were thrown away and taken again
};

struct RoundsOptions {
  int rounds = 15;
  double min_time_s = 0.02;                 // a sample's calls together last at least this long
  double timeout_s = 120;                   // of one contestant, over all its samples
  std::function<void(int round)> on_round;  // before its first sample; null: nobody listens
  std::function<bool()> stopped;            // Ctrl-C; null: never
  // A contestant threw DeviceLost; it fails like any other. Null: nobody listens.
  std::function<void(std::size_t contestant, const std::string& what)> on_device_lost;
};

struct Samples {
  std::vector<double> ns_per_call;  // one per completed round, in order
  std::int64_t iterations = 1;      // calls per sample, the same in every round
  double warmup_ns = 0;             // spent before the first sample
  std::string stop_reason;          // "rounds", "timeout", "interrupted", "failed"
  std::string failure;              // message of the exception that ended it
  std::string failure_status;       // KernelFailure's word; empty for any other exception
  std::string timer;                // Contestant::timer() at the end
  int rejected = 0;
};

// Order: contestants 0..n-1 in even rounds, n-1..0 in odd ones (ABBA), so that a linear drift
// cancels in the ratio of any two. A contestant that fails or runs out of time drops out; the
// others go on.
std::vector<Samples> run_rounds(const std::vector<Contestant*>& contestants,
                                const RoundsOptions& options);

}  // namespace sb

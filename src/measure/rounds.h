// Interleaved sampling: every contestant of a group takes its turn in every round, so that drift
// hits all alike and ratios can be formed within a round. The rounds of several groups take turns
// as well: the samples of a row then lie as far apart as the block of groups lasts, and its
// interval spans the machine's weather of that time. Neighbours on a shared host come and go within
// seconds: fifteen samples taken within 0.7 s describe those 0.7 s, and the interval of a second
// run ten seconds later was disjoint from it in 25 to 59 % of the cases (three softmax rows on a
// 2-vCPU Xeon, 2026-11-28, scripts/spread_study); spread over 13 s, in 3 to 8 %.
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
  double min_time_s = 0.02;  // a sample's calls together last at least this long
  double timeout_s = 120;    // of one contestant, over all its samples
  // Before the first sample of a round, and with 0 before the warm-up. Null: nobody listens.
  std::function<void(int round)> on_round;
  std::function<bool()> stopped;  // Ctrl-C; null: never
  std::function<double()> now;    // seconds since 1970; null: by the system's clock
  // A contestant threw DeviceLost; it fails like any other. Null: nobody listens.
  std::function<void(std::size_t contestant, const std::string& what)> on_device_lost;
};

struct Samples {
  std::vector<double> ns_per_call;  // one per completed round, in order
  std::vector<double> began_s;      // when each began, by RoundsOptions::now
  std::int64_t iterations = 1;      // calls per sample, the same in every round
  double warmup_ns = 0;             // spent before the first sample
  std::string stop_reason;          // "rounds", "timeout", "interrupted", "failed"
  std::string failure;              // message of the exception that ended it
  std::string failure_status;       // KernelFailure's word; empty for any other exception
  std::string timer;                // Contestant::timer() at the end
  int rejected = 0;
};

// The contestants of one group.
struct Heat {
  std::vector<Contestant*> contestants;
  RoundsOptions options;
};

// For each heat the samples of its contestants. Order: contestants 0..n-1 in a heat's even rounds,
// n-1..0 in its odd ones (ABBA), so that a linear drift cancels in the ratio of any two; the heats
// likewise. A heat with fewer rounds than another has them spread evenly over the other's. A
// contestant that fails or runs out of time drops out; the others go on. `between` is called after
// each heat's round.
std::vector<std::vector<Samples>> run_rounds(const std::vector<Heat>& heats,
                                             const std::function<void()>& between = {});

}  // namespace sb

// Two builds against each other: launches in pairs, rounds handed to each in turn.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/gate_policy.h"
#include "core/isa.h"
#include "measure/statistics.h"

namespace sb {

struct GateCase {
  std::string name;         // as core's case_name()
  std::string why_skipped;  // empty: it can run
  Device device = Device::kCpu;
};

struct GateGroup {
  std::vector<GateCase> cases;
  double min_time_s = 0.02;
  double timeout_s = 120;
  int threads = 1;
};

// A build that has been started and waits for its turns. Everything throws LaunchDied when the
// process is gone or silent, and std::runtime_error when it reports a failure of its own.
class GateLaunch {
 public:
  virtual ~GateLaunch() = default;
  virtual std::vector<GateGroup> plan() = 0;
  // Empty, or why the build knows nothing of a device: what it lacks there is no loss.
  virtual std::string why_without(Device) { return ""; }
  // Makes the kernels of a group's cases and, if asked, verifies them. Per case: empty, or what is
  // wrong ("incorrect: y[3] = ...", "crashed: ..."). Replaces the group prepared before.
  virtual std::vector<std::string> prepare(std::size_t group, const std::vector<std::size_t>& cases,
                                           bool verify) = 0;
  virtual double sample_ns(std::size_t which_case, std::int64_t iterations) = 0;
  // The same, as the last one that does not count: those that do take as many calls.
  virtual double warm_up_ns(std::size_t which_case, std::int64_t iterations) {
    return sample_ns(which_case, iterations);
  }
};

// The process is gone in the middle of a case.
class LaunchDied : public std::runtime_error {
 public:
  // `guilty`: of the cases to prepare, the one in hand; none: it can't be told.
  explicit LaunchDied(const std::string& what, std::optional<std::size_t> guilty = {})
      : std::runtime_error(what), guilty_(guilty) {}
  bool is_guilty(std::size_t which) const { return !guilty_ || *guilty_ == which; }

 private:
  std::optional<std::size_t> guilty_;
};

enum class Side { kBase, kHead };

struct GateOptions {
  GatePolicy policy;
  std::function<std::unique_ptr<GateLaunch>(Side)> launch;
  std::set<std::string> only;  // case names; empty: all
  int pairs = 10;
  double planted = 0;  // the head is made to do this share more work: for studies of the gate
  const std::atomic<bool>* stop = nullptr;
  std::function<void(int pair, int pairs, const std::string& what)> on_progress;
};

// What the launches of one case have shown. `log_ratios`: per launch pair, the median over its
// rounds of ln(head time) - ln(base time).
struct GateRow {
  std::string name;
  std::vector<double> log_ratios;
  std::vector<double> base_ns, head_ns;  // per launch pair: median time of a call
  std::int64_t iterations = 0;           // calls per sample, the same on both sides
  // "skipped: ...", "incorrect: ...", "crashed: ...", "missing: ...", "no device: ..."
  std::string base_fault, head_fault;
  bool rerun = false;  // the figures are those of the confirmation

  Interval interval(double confidence) const;  // of the median log ratio, over launch pairs
};

struct GateRun {
  std::vector<GateRow> rows;
  bool interrupted = false;
};

// Launch pairs in alternating order, rounds within them in ABBA order, one side running at a time.
// A case on which a launch dies is left out from then on, and its pair begins again.
GateRun run_gate(const GateOptions& options);

// Runs the gate with policy.launch_pairs; then the rows that are `flagged` once more by themselves
// with policy.rerun_pairs, whose figures replace the first ones.
GateRun run_gate_and_confirm(GateOptions options,
                             const std::function<bool(const GateRow&)>& flagged);

}  // namespace sb

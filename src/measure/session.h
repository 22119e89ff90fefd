// Runs a plan: verifies, measures in interleaved rounds, and hands over one row per case.
#pragma once

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/peaks.h"
#include "core/plan.h"
#include "core/row.h"

namespace sb {

// Columns that are the same in every row of a run.
struct Provenance {
  std::string run_id, git_sha, compiler, host;
};

struct RunOptions {
  Provenance provenance;
  const Peaks* peaks = nullptr;  // null: roof columns stay empty
  bool probe = false;            // needs peaks: the loop of each row's ceiling takes turns with it
  bool verify_only = false;      // no timing; rows carry status and error figures
  std::string dump_dir;          // with verify_only: a folder per case, a .npy per tensor
  std::set<std::string> done;    // identity_of() of rows that a resumed run already has
  double spread_s = 20;  // at most so long are small groups measured together; 0: not at all
  const std::atomic<bool>* stop = nullptr;  // set by Ctrl-C: finish nothing more

  // Null means: all cases, no repro column, nobody listens.
  std::function<bool(const std::string& case_name)> filter;
  std::function<std::string(const std::string& case_name)> repro;
  std::function<void()> between_rounds;  // others may measure meanwhile
  std::function<void(const Row&)> on_row;
  std::function<void(const Row&, const std::vector<Sample>& by_round)> on_samples;
  std::function<void(const Row&, const Metric&)> on_metric;
  std::function<void(int done, int total, const std::string& case_name)> on_progress;
  // A variant left its device unusable for this process (DeviceLost), which goes on without it.
  std::function<void(const Variant&, const std::string& what)> on_device_lost;
};

struct RunSummary {
  int cases = 0;      // selected by the filter and not already done
  int runnable = 0;   // could run here
  int incorrect = 0;  // status incorrect
  int failed = 0;     // status crashed or timeout
  bool interrupted = false;
};

// Exceptions of a kernel cost its row; exceptions of a callback (a full disk) end the run.
RunSummary run(const std::vector<Group>& groups, const RunOptions& options);

}  // namespace sb

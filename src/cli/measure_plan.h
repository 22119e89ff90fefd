// A plan's cases into an output: in this process, or in workers.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "cli/roofs.h"
#include "cli/run_output.h"
#include "cli/selection.h"
#include "measure/session.h"

namespace sb {

struct MeasureSettings {
  const Selection& selection;
  Provenance provenance;
  const Roofs& roofs;
  bool isolate = false;
  double spread_s = RunOptions().spread_s;
  bool probe = false;
  bool verify_only = false;
  bool quiet = false;
  std::string dump_dir;
  const std::atomic<bool>* stop = nullptr;
  std::function<void()> between_rounds;
};

// True if it was interrupted.
bool measure_plan(const Plan& plan, RunOutput& output, const MeasureSettings& settings);

// Why the case will only get a `skipped` row; empty if it can run.
std::string why_skipped(const PlannedGroup& planned, const Variant& variant);

}  // namespace sb

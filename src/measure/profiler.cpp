#include "measure/profiler.h"

#include <algorithm>
#include <cmath>
#include <exception>

#include "machine/nvtx.h"
#include "measure/roof.h"

namespace sb {
namespace {

using Clock = PhaseRecorder::Clock;

constexpr int kTries = 3;  // the fastest counts: one call may be interrupted

double ns_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}

CaseProfile unprofiled(const Group& group, const Variant& variant, const Peaks* peaks) {
  CaseProfile profile{.row = identity_row(group, variant), .name = case_name(group, variant)};
  const Cost cost = group.op->cost(group.problem);
  profile.row.flops = cost.flops;
  profile.row.bytes_compulsory = cost.bytes_compulsory;
  profile.row.bytes_algorithm =
      variant.bytes_algorithm ? variant.bytes_algorithm(group.problem) : cost.bytes_compulsory;
  if (peaks != nullptr) profile.level = level_of(group, *peaks);
  for (const TensorSpec& spec : group.op->tensors(group.problem)) {
    if (spec.role == Role::kOutput) profile.bytes_written += static_cast<double>(spec.allocated());
  }
  return profile;
}

void fail(Row& row, const std::string& why) {
  const std::size_t colon = why.find(": ");  // "incorrect: y[3] = 1, expected 0.5"
  row.status = why.substr(0, colon);
  row.reason = why.substr(colon + 2);
}

// Counts of a bare call, inside an NVTX range.
void call_counted(PreparedGroup& prepared, std::size_t which, const CounterProvider* provider,
                  CaseProfile& profile) {
  std::unique_ptr<CounterSource> counters;
  if (provider != nullptr) counters = provider->make();
  if (counters) counters->start();
  {
    const NvtxRange range(profile.name);
    const NvtxPhases phases;
    prepared.call(which);
  }
  if (!counters) return;
  profile.counters = counters->stop();
  profile.counted_by = provider->name;
}

double fastest_bare_call(PreparedGroup& prepared, std::size_t which) {
  double fastest = HUGE_VAL;
  for (int i = 0; i < kTries; ++i) {
    const Clock::time_point begin = Clock::now();
    prepared.call(which);
    fastest = std::min(fastest, ns_since(begin));
  }
  return fastest;
}

void call_marked(PreparedGroup& prepared, std::size_t which, const ProfileOptions& options,
                 CaseProfile& profile) {
  PhaseRecorder recorder(options.origin);
  const CaseProfile unmarked = profile;
  for (int i = 0; i < kTries; ++i) {
    CaseProfile tried = unmarked;
    recorder.listen();
    tried.begin_ns = ns_since(options.origin);
    prepared.call(which);
    tried.marked_ns = ns_since(options.origin) - tried.begin_ns;
    recorder.hush();
    recorder.take(tried);
    if (i == 0 || tried.marked_ns < profile.marked_ns) profile = std::move(tried);
  }
}

void set_roofs(const Group& group, const Variant& variant, const Peaks& peaks,
               CaseProfile& profile) {
  for (PhaseTotal& phase : profile.phases) {
    const double bytes = phase.traffic.read + phase.traffic.written;
    const Roof* roof =
        traffic_roof(peaks, profile.level, group.problem.threads, variant.streams, phase.traffic);
    if (bytes == 0 || roof == nullptr) continue;
    phase.roof_id = roof->id;
    phase.floor_ns = bytes / roof->value * 1e9;
  }
}

}  // namespace

CaseProfile profile_case(PreparedGroup& prepared, const Group& group, std::size_t which,
                         const ProfileOptions& options) {
  const Variant& variant = *group.variants.at(which);
  CaseProfile profile = unprofiled(group, variant, options.peaks);
  try {
    if (const std::string why = prepared.prepare(which, true); !why.empty()) {
      fail(profile.row, why);
      return profile;
    }
    prepared.call(which);  // warms up
    call_counted(prepared, which, options.counters, profile);
    profile.call_ns = fastest_bare_call(prepared, which);
    call_marked(prepared, which, options, profile);
  } catch (const std::exception& error) {
    fail(profile.row, std::string("crashed: ") + error.what());
    return profile;
  }
  profile.row.status = status::kOk;
  if (options.peaks != nullptr) set_roofs(group, variant, *options.peaks, profile);
  return profile;
}

}  // namespace sb

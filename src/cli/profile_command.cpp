// profile: where the time of each case goes.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <set>

#include "cli/commands.h"
#include "cli/cuda_profile.h"
#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/measure_plan.h"
#include "cli/progress.h"
#include "cli/ptx_profile.h"
#include "cli/roofs.h"
#include "cli/selection.h"
#include "core/counter_source.h"
#include "machine/topology.h"
#include "measure/profiler.h"
#include "report/profile_report.h"
#include "report/whole_file.h"

namespace sb {
namespace {

struct ProfileSettings {
  Selection selection;
  std::string trace;
  std::string counters = "auto";
  std::string peaks = "auto";
  bool audit = false;
  std::string metrics;
  bool quiet = false;
};

// Who counts on a device, or why nobody does.
struct Counting {
  const CounterProvider* provider = nullptr;
  std::string why_not;
};

Counting counting_on(Device device, const std::string& wanted) {
  if (wanted == "none") return {nullptr, "--counters none"};
  Counting result{nullptr, fmt::format("nothing counts on device {}", name_of(device))};
  for (const CounterProvider& provider : counter_providers()) {
    if (provider.device != device || (wanted != "auto" && wanted != provider.name)) continue;
    result = {&provider, provider.why_not()};
    if (result.why_not.empty()) return result;
  }
  return {nullptr, result.why_not};
}

void check_counters(const std::string& wanted) {
  std::set<std::string> names = {"auto", "none"};
  for (const CounterProvider& provider : counter_providers()) names.insert(provider.name);
  if (names.contains(wanted)) return;
  throw UsageError(fmt::format("--counters {}: none of {}", wanted, fmt::join(names, ", ")));
}

// Clocks of this process say nothing about code on another device.
std::string why_not_profiled(const PlannedGroup& planned, const Variant& variant) {
  const std::string why = why_skipped(planned, variant);
  if (!why.empty() || variant.device == Device::kCpu) return why;
  return fmt::format("profile runs on the CPU; this variant runs on {}", name_of(variant.device));
}

CaseProfile skipped(const Group& group, const Variant& variant, const std::string& why) {
  CaseProfile profile{.row = identity_row(group, variant), .name = case_name(group, variant)};
  profile.row.status = status::kSkipped;
  profile.row.reason = why;
  return profile;
}

// Prints each case as soon as it is done, unless quiet.
std::vector<CaseProfile> profile_plan(const Plan& plan, const ProfileOptions& options, bool quiet) {
  std::vector<CaseProfile> profiles;
  Progress progress(!quiet);
  std::unique_ptr<Gpu> gpu;  // once a kernel wants it
  int total = 0;
  for (const PlannedGroup& planned : plan.groups) {
    total += static_cast<int>(planned.group.variants.size());
  }
  for (const PlannedGroup& planned : plan.groups) {
    std::optional<PreparedGroup> prepared;  // once a variant needs it
    for (std::size_t i = 0; i < planned.group.variants.size(); ++i) {
      const Variant& variant = *planned.group.variants[i];
      progress.show(static_cast<int>(profiles.size()), total, case_name(planned.group, variant));
      const std::string why = why_not_profiled(planned, variant);
      if (!why.empty()) {
        profiles.push_back(skipped(planned.group, variant, why));
        continue;
      }
      if (!prepared) prepared.emplace(planned.group, gpu);
      profiles.push_back(profile_case(*prepared, planned.group, i, options));
      progress.clear();
      if (!quiet) fmt::print("{}", profile_text(profiles.back()));
    }
  }
  return profiles;
}

std::vector<Row> rows_of(const std::vector<CaseProfile>& profiles) {
  std::vector<Row> rows;
  for (const CaseProfile& profile : profiles) rows.push_back(profile.row);
  return rows;
}

int profile_command(const ProfileSettings& settings) {
  check_counters(settings.counters);
  const Plan plan = plan_of(settings.selection);
  if (settings.selection.overrides.device == name_of(Device::kPtx)) {
    if (!settings.metrics.empty()) check_writable(settings.metrics);
    return profile_on_ptx(plan, settings.metrics, settings.quiet);
  }
  if (settings.selection.overrides.device == name_of(Device::kCuda)) {
    if (!settings.metrics.empty()) check_writable(settings.metrics);
    return profile_on_cuda(plan, settings.metrics, settings.quiet);
  }
  if (!settings.metrics.empty()) throw UsageError("--metrics goes with --device ptx or cuda");
  if (!settings.trace.empty()) check_writable(settings.trace);
  const Counting counting = counting_on(Device::kCpu, settings.counters);
  const Roofs roofs = obtain_roofs(settings.peaks, settings.quiet);
  const std::vector<CaseProfile> profiles = profile_plan(
      plan,
      {.peaks = roofs.get(), .counters = counting.provider, .origin = PhaseRecorder::Clock::now()},
      settings.quiet);
  if (!settings.quiet) {
    fmt::print("{}", left_out_text(profiles));
    if (!counting.why_not.empty()) fmt::print("No hardware counters: {}.\n", counting.why_not);
  }
  if (settings.audit) fmt::print("{}", audit_text(profiles, counting.why_not));
  if (!settings.trace.empty()) {
    write_whole_file(settings.trace, chrome_trace(profiles, machine_identity()));
    if (!settings.quiet) fmt::print("trace: {}\n", settings.trace);
  }
  return exit_code_of(rows_of(profiles));
}

}  // namespace

void add_profile_command(CLI::App& app, Action& chosen) {
  auto settings = std::make_shared<ProfileSettings>();
  CLI::App* command = add_command(
      app, "profile",
      "Where the time of each case goes: phases, hardware counters, a trace.\nEach case "
      "is called once under the counters and inside NVTX ranges, then bare, then with marks around "
      "its phases; of these the fastest of three counts.\nWith --device ptx: what the CUDA kernels "
      "do, counted on nvcc's PTX without a GPU; with --device cuda: on a GPU, by CUPTI; no times",
      {"profile configs/softmax_bars.yaml --variants 'two_pass*'",
       "profile configs/attention_decode.yaml --filter 'n=4096' --trace trace.json"});
  add_selection(command, settings->selection, false);
  twin(command->add_option("--trace", settings->trace,
                           "Write the phases as a Chrome trace; ui.perfetto.dev opens it"))
      ->type_name("FILE.json");
  twin(command->add_flag("--audit", settings->audit,
                         "Print the model's bytes beside the counted ones"));
  twin(command->add_option("--counters", settings->counters,
                           "Who counts: auto, none, or a name (perf_event)"))
      ->capture_default_str();
  twin(command->add_option("--peaks", settings->peaks,
                           "Ceilings for % of roof: auto, none, or a file"))
      ->capture_default_str();
  twin(command->add_option("--metrics", settings->metrics,
                           "With --device ptx or cuda: write what was counted to this file"))
      ->type_name("FILE.csv");
  twin(command->add_flag("--quiet", settings->quiet, "No progress, no table; only files, errors"));
  command->callback(
      [settings, &chosen] { chosen = [settings] { return profile_command(*settings); }; });
}

}  // namespace sb

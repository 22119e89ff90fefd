#include "cli/measure_plan.h"

#include <map>

#include "cli/isolate.h"
#include "cli/progress.h"
#include "core/registry.h"

namespace sb {
namespace {

Row skipped_row(const Group& group, const Variant& variant, const RunOptions& options,
                const std::string& why) {
  Row row = identity_row(group, variant);
  row.run_id = options.provenance.run_id;
  row.git_sha = options.provenance.git_sha;
  row.compiler = compiler_of(variant, options.provenance.compiler);
  row.host = options.provenance.host;
  row.repro = options.repro(case_name(group, variant));
  row.status = status::kSkipped;
  row.reason = why;
  return row;
}

}  // namespace

std::string why_skipped(const PlannedGroup& planned, const Variant& variant) {
  return planned.refused.empty() ? why_not(variant, planned.group.problem) : planned.refused;
}

bool measure_plan(const Plan& plan, RunOutput& output, const MeasureSettings& settings) {
  std::map<std::string, std::string> file_of;  // a case's name starts with its workload's
  for (const Workload& workload : plan.workloads) file_of[workload.name] = workload.file;

  Progress progress(!settings.quiet);
  RunOptions options;
  options.provenance = settings.provenance;
  options.peaks = settings.roofs.get();
  options.verify_only = settings.verify_only;
  options.dump_dir = settings.dump_dir;
  options.done = output.done();
  options.stop = settings.stop;
  options.spread_s = settings.spread_s;
  options.probe = settings.probe;
  options.between_rounds = settings.between_rounds;
  options.repro = [&](const std::string& name) {
    return repro_command(settings.selection, file_of.at(name.substr(0, name.find('/'))), name);
  };
  options.on_row = [&](const Row& row) { output.add(row); };
  options.on_samples = [&](const Row& row, const std::vector<Sample>& samples) {
    output.add_samples(row, samples);
  };
  options.on_metric = [&](const Row& row, const Metric& metric) { output.add_metric(row, metric); };
  options.on_progress = [&](int done, int total, const std::string& name) {
    progress.show(done, total, name);
  };

  std::vector<Group> groups;
  for (const PlannedGroup& planned : plan.groups) {
    if (planned.refused.empty()) {
      groups.push_back(planned.group);
      continue;
    }
    for (const Variant* variant : planned.group.variants) {
      const Row row = skipped_row(planned.group, *variant, options, planned.refused);
      if (!options.done.contains(identity_of(row))) output.add(row);
    }
  }
  const RunSummary summary =
      settings.isolate ? run_isolated(plan.groups, options, settings.selection, settings.roofs.path)
                       : run(groups, options);
  return summary.interrupted;
}

}  // namespace sb

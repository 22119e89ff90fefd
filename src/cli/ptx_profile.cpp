#include "cli/ptx_profile.h"

#include <fmt/format.h>

#include "cli/exit_code.h"

#if defined(__x86_64__)
#include "cli/measure_plan.h"
#include "measure/prepared_group.h"
#include "ptx/summary.h"
#include "report/long_form.h"
#include "report/whole_file.h"

namespace sb {
namespace {

int arch_of(Isa isa) { return isa == Isa::kCompute90 ? 90 : 80; }

// Counts the one call that verification makes.
Row profile_case(PreparedGroup& prepared, const Group& group, std::size_t which,
                 std::string& metrics) {
  const Variant& variant = *group.variants[which];
  Row row = identity_row(group, variant);
  const ptx::Recorder recorder;
  row.reason = prepared.prepare(which, true);
  if (!row.reason.empty()) {
    row.status = row.reason.starts_with("incorrect") ? status::kIncorrect : status::kCrashed;
    fmt::print("    {}\n", row.reason);
    return row;
  }
  row.status = status::kOk;
  const double compulsory = group.op->cost(group.problem).bytes_compulsory;
  const auto kernels = ptx::summarise(recorder, arch_of(variant.isa), compulsory);
  for (const ptx::KernelSummary& kernel : kernels) fmt::print("{}", ptx::text_of(kernel));
  const std::vector<Metric> figures = ptx::metrics_of(kernels, compulsory);
  for (const Metric& figure : figures) {
    if (figure.name != "global_bytes_over_compulsory") continue;
    fmt::print("    all: {:.3f} of the compulsory {:.0f} bytes\n", figure.value, compulsory);
  }
  metrics += metrics_lines(row, figures);
  return row;
}

}  // namespace

int profile_on_ptx(const Plan& plan, const std::string& csv) {
  std::vector<Row> rows;
  std::string metrics = metrics_header();
  for (const PlannedGroup& planned : plan.groups) {
    PreparedGroup prepared(planned.group);
    for (std::size_t i = 0; i < planned.group.variants.size(); ++i) {
      const Variant& variant = *planned.group.variants[i];
      const std::string why = why_skipped(planned, variant);
      fmt::print("{}{}\n", case_name(planned.group, variant),
                 why.empty() ? "" : ": skipped, " + why);
      if (why.empty()) rows.push_back(profile_case(prepared, planned.group, i, metrics));
    }
  }
  if (!csv.empty()) write_whole_file(csv, metrics);
  return exit_code_of(rows);
}

}  // namespace sb
#else
namespace sb {
int profile_on_ptx(const Plan&, const std::string&) {
  throw UsageError("device ptx: its fibers need an x86-64 processor");
}
}  // namespace sb
#endif

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

struct Profile {
  Row row;
  std::string text;     // for people
  std::string metrics;  // long form
};

// Counts the one call that verification makes.
Profile profile_case(PreparedGroup& prepared, const Group& group, std::size_t which) {
  const Variant& variant = *group.variants[which];
  Profile profile{.row = identity_row(group, variant), .text = {}, .metrics = {}};
  const ptx::Recorder recorder;
  const std::string fault = prepared.prepare(which, true);
  if (!fault.empty()) {
    profile.row.status = fault.starts_with("incorrect") ? status::kIncorrect : status::kCrashed;
    profile.text = fmt::format("    {}\n", fault);
    return profile;
  }
  profile.row.status = status::kOk;
  const double compulsory = group.op->cost(group.problem).bytes_compulsory;
  const auto kernels = ptx::summarise(recorder, arch_of(variant.isa), compulsory);
  for (const ptx::KernelSummary& kernel : kernels) profile.text += ptx::text_of(kernel);
  profile.metrics = metrics_lines(profile.row, ptx::metrics_of(kernels, compulsory));
  return profile;
}

}  // namespace

int profile_on_ptx(const Plan& plan, const std::string& csv, bool quiet) {
  std::vector<Row> rows;
  std::string metrics = metrics_header();
  std::unique_ptr<Gpu> none;  // nothing is timed
  for (const PlannedGroup& planned : plan.groups) {
    PreparedGroup prepared(planned.group, none);
    for (std::size_t i = 0; i < planned.group.variants.size(); ++i) {
      const Variant& variant = *planned.group.variants[i];
      Profile profile{.row = identity_row(planned.group, variant), .text = {}, .metrics = {}};
      if (const std::string why = why_skipped(planned, variant); why.empty()) {
        profile = profile_case(prepared, planned.group, i);
      } else {
        profile.row.status = status::kSkipped;
        profile.text = fmt::format("    skipped: {}\n", why);
      }
      if (!quiet) fmt::print("{}\n{}", case_name(planned.group, variant), profile.text);
      metrics += profile.metrics;
      rows.push_back(std::move(profile.row));
    }
  }
  if (!csv.empty()) write_whole_file(csv, metrics);
  return exit_code_of(rows);
}

}  // namespace sb
#else
namespace sb {
int profile_on_ptx(const Plan&, const std::string&, bool) {
  throw UsageError("device ptx: its fibers need an x86-64 processor");
}
}  // namespace sb
#endif

#include "cli/ptx_profile.h"

#if defined(__x86_64__)
#include "cli/counted_profile.h"
#include "ptx/summary.h"
#include "report/long_form.h"

namespace sb {
namespace {

int arch_of(Isa isa) { return isa == Isa::kCompute90 ? 90 : 80; }

// Counts the one call that verification makes.
void count_on_ptx(PreparedGroup& prepared, const Group& group, std::size_t which,
                  CountedCase& counted) {
  const ptx::Recorder recorder;
  if (is_faulty(prepared.prepare(which, true), counted)) return;
  const double compulsory = group.op->cost(group.problem).bytes_compulsory;
  const auto kernels = ptx::summarise(recorder, arch_of(group.variants[which]->isa), compulsory);
  for (const ptx::KernelSummary& kernel : kernels) counted.text += ptx::text_of(kernel);
  counted.metrics = metrics_lines(counted.row, ptx::metrics_of(kernels, compulsory));
}

}  // namespace

int profile_on_ptx(const Plan& plan, const std::string& csv, bool quiet) {
  return profile_counted(plan, csv, quiet, count_on_ptx);
}

}  // namespace sb
#else
#include "cli/exit_code.h"

namespace sb {
int profile_on_ptx(const Plan&, const std::string&, bool) {
  throw UsageError("device ptx: its fibers need an x86-64 processor");
}
}  // namespace sb
#endif

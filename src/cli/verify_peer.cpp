#include "cli/verify_peer.h"

#include <fmt/format.h>

#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/measure_plan.h"
#include "cli/peers.h"
#include "core/registry.h"
#include "peer/conformance.h"
#include "report/table.h"

namespace sb {
namespace {

constexpr const char* kProblems = "configs/peers_conformance.yaml";

int print(const std::vector<ConformanceCheck>& checks) {
  int faults = 0;
  for (const ConformanceCheck& check : checks) {
    fmt::print("{}  {}{}\n", check.fault.empty() ? "ok  " : "FAIL", check.what,
               check.fault.empty() ? "" : ": " + check.fault);
    faults += check.fault.empty() ? 0 : 1;
  }
  return faults;
}

// Operand sets on the first problem of each operation.
int check_sets(const Plan& plan) {
  int faults = 0;
  const Operation* seen = nullptr;
  for (const PlannedGroup& planned : plan.groups) {
    if (planned.group.op == seen || !planned.refused.empty()) continue;
    seen = planned.group.op;
    faults += print(check_operand_sets(planned.group));
  }
  return faults;
}

}  // namespace

int verify_peer(Selection selection) {
  if (selection.peers.size() != 1) throw UsageError("verify --peer takes one peer at a time");
  PeerSpec& spec = selection.peers.front();
  if (spec.name.empty()) spec.name = "peer";
  Connection conversation(ready_to_start(spec), &catch_interrupts());
  int faults = print(check_protocol(conversation));
  if (faults > 0) return kExitCheckFailed;

  selection.files = {kProblems};
  selection.overrides.variants = {spec.name + ":*"};
  const Plan plan = plan_of(selection);
  faults += check_sets(plan);
  RunOutput output = RunOutput::create({});
  measure_plan(plan, output,
               {.selection = selection,
                .provenance = provenance("verify"),
                .roofs = {},
                .verify_only = true,
                .quiet = true,
                .stop = &catch_interrupts()});
  fmt::print("{}", verification_table(output.rows()));
  const int code = exit_code_of(output.rows());
  return code == kExitOk && faults > 0 ? kExitCheckFailed : code;
}

}  // namespace sb

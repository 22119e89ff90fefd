// Single changes to a kernel's PTX, to see whether a family's tests would notice a wrong kernel.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ptx/module.h"
#include "testing/check_case.h"

namespace sb::testing {

struct PtxMutant {
  std::string statement;  // "file:line: text" of what was changed
  std::string change;     // "left out", "add becomes sub"
  std::string module;     // the changed text
  std::size_t index = 0;  // of the instruction
};

// Survivors that had to be expected: they compute the same, or nothing depends on it.
struct Equivalent {
  std::string_view statement, change;  // parts of the mutant's
  std::size_t most;                    // so many of them
  std::string_view reason;
};

// At most `most` mutants of the kernel, evenly over its statements, the kind of change in turns.
std::vector<PtxMutant> ptx_mutants(const ptx::Module& module, std::string_view kernel,
                                   std::size_t most);

// Survivors: `within_tolerance` change the answer, by less than it may be wrong (a low-order term);
// `not_executed` change what the cases do not reach (long divisions, ptx_proof.h); `explained` and
// `unexplained` give the same bits as the kernel itself.
struct MutantScore {
  std::size_t tried = 0, caught = 0, within_tolerance = 0, not_executed = 0, explained = 0;
  std::vector<std::string> unexplained;
};

// Runs each mutant of the one kernel of compute_80 whose mangled name contains `kernel` as
// `variant` on all cases, until one of them notices.
MutantScore score_of(std::string_view kernel, const std::string& variant, std::vector<Case>& cases,
                     std::size_t most, std::vector<Equivalent> equivalents);

}  // namespace sb::testing

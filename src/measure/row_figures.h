// From what was seen to what a row says. Pure: samples and problem in, columns out.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "core/peaks.h"
#include "core/plan.h"
#include "core/row.h"
#include "measure/rounds.h"
#include "measure/verify.h"

namespace sb {

void set_status(Row& row, std::string_view status, const std::string& reason);
void fill_verification(Row& row, const Verification& result);

// How the row of a kernel that threw `error` ends: KernelFailure says it, others are crashes.
void set_failure(Row& row, const std::exception& error);

// Method, time, work and roof columns; the status becomes ok, noisy, implausible, timeout or
// crashed (or what the kernel's failure says). `peaks` may be null.
void fill_figures(Row& row, const Group& group, const Variant& variant, const Samples& samples,
                  const Peaks* peaks);

// Somebody a ratio can refer to.
struct Contender {
  const Variant* variant;
  const Row* row;
  const std::vector<double>* ns_per_call;
};

// Index of the baseline for contender `of`, or -1. `wanted` is a variant (its form of the same isa
// is preferred, then its fastest), variant@isa, or "best_other" (the fastest of all the others).
// Rows that are implausible or have no time can't serve.
int baseline_of(const std::vector<Contender>& contenders, std::size_t of,
                const std::string& wanted);

void fill_speedup(Row& row, const Contender& baseline, const std::vector<double>& ns_per_call);

}  // namespace sb

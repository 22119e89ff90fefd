// `profile` on a device that counts: one pass over a plan's cases, none of them timed.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "core/row.h"
#include "measure/prepared_group.h"
#include "workload/workload.h"

namespace sb {

struct CountedCase {
  Row row;
  std::string text;     // for people
  std::string metrics;  // long form
};

// Prepares the variant `which` of the group and counts a call of it; `counted` has its identity.
using CountCase = std::function<void(PreparedGroup& prepared, const Group& group, std::size_t which,
                                     CountedCase& counted)>;

// True, and the case's status and text, if preparing it left a `fault` (PreparedGroup::prepare()).
bool is_faulty(const std::string& fault, CountedCase& counted);

// Every case of the plan that can run; prints what was counted, or why not, unless quiet. `csv`:
// file for the long form; empty: none. Returns an exit code.
int profile_counted(const Plan& plan, const std::string& csv, bool quiet, const CountCase& count);

}  // namespace sb

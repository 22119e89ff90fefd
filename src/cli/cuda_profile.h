// profile --device cuda: what a GPU counts.
#pragma once

#include <string>

#include "workload/workload.h"

namespace sb {

// Verifies each case of the plan on the GPU and counts one call of it; prints the counts beside the
// model's bytes, or once why nothing is counted, unless quiet. `csv`: file for the long form of the
// figures; empty: none. Returns an exit code.
int profile_on_cuda(const Plan& plan, const std::string& csv, bool quiet);

}  // namespace sb

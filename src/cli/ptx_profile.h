// profile --device ptx: what can be said about CUDA kernels without a GPU.
#pragma once

#include <string>

#include "workload/workload.h"

namespace sb {

// Runs each case of the plan once, verified, on the PTX interpreter; prints counts (counted),
// machine code (static) and bounds (predicted) of its kernels. `csv`: long form of the figures, if
// not empty. Returns an exit code.
int profile_on_ptx(const Plan& plan, const std::string& csv);

}  // namespace sb

// profile --device ptx: what can be said about CUDA kernels without a GPU.
#pragma once

#include <string>

#include "workload/workload.h"

namespace sb {

// Runs each case of the plan once, verified, on the PTX interpreter; prints counts (counted),
// machine code (static) and bounds (predicted) of its kernels, unless quiet. `csv`: file for the
// long form of the figures; empty: none. Returns an exit code.
int profile_on_ptx(const Plan& plan, const std::string& csv, bool quiet);

}  // namespace sb

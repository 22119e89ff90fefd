// configs/claims/*.yaml: the catalogue of paper claims, a file per paper.
#pragma once

#include <string>
#include <vector>

#include "core/claim.h"

namespace sb {

// All claims of the files, in order. A directory stands for its *.yaml, sorted by name. Throws
// std::invalid_argument with a line "file:line:column: what; cure" for every fault of every file:
// unknown keys and words, a claim that names neither kernels nor the reason why it can't be tested,
// an id that appears twice.
std::vector<Claim> load_claims(const std::vector<std::string>& paths);

// One of a claim's `run` texts as a list of one workload, ready for a workload file.
std::string claim_workload(const std::string& run, const std::string& name,
                           const std::vector<std::string>& variants, const std::string& baseline);

}  // namespace sb

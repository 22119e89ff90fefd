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
std::vector<Claim> parse_claims(const std::string& text, const std::string& file);

// The workload (YAML text) that answers a claim: its `run` keys, named after the claim, with the
// contender, the paper's baseline and the strongest one as variants. Empty if the claim has none.
std::string workload_of(const Claim& claim);

}  // namespace sb

// From claims to workloads: what has to be measured to judge them here.
#pragma once

#include <string>
#include <vector>

#include "core/claim.h"
#include "report/claims.h"

namespace sb {

// Empty if each side of the claim has a case that can run here and meets the claim's conditions;
// else why not.
std::string why_no_workload(const Claim& claim, const ClaimPlace& place);

// A workload file that answers the claims: every run once, however many claims share it, with the
// variants that any of them names and, where the strongest other is wanted, each variant in the
// best form that this machine runs.
std::string workloads_of(const std::vector<Claim>& claims);

}  // namespace sb

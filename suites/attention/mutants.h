// Planted bugs of the family: online softmax over tiles of keys, with one thing wrong.
#pragma once

#include <vector>

#include "core/operation.h"
#include "suites/attention/attention_op.h"

namespace sb::attention {

std::vector<Mutant> forward_mutants();
std::vector<Mutant> decode_mutants();

}  // namespace sb::attention

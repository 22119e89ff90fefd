// PTX has a register for every value: thousands in an unrolled kernel. Those that are never alive
// at the same time share a word, so that the words of a block's threads stay in a cache.
#pragma once

#include <vector>

#include "ptx/instruction.h"

namespace sb::ptx {

// Of the flattened operands of an instruction, outputs first.
struct OperandCounts {
  std::size_t outputs = 0, all = 0;
};

// `is_register`: by word. Changes words, slots and guards; a register that is read before it is
// written keeps its initial value until then.
void share_words(Kernel& kernel, const std::vector<OperandCounts>& operands,
                 const std::vector<bool>& is_register);

}  // namespace sb::ptx

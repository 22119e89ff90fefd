// `verify --dump`: the tensors of a case as .npy files.
#pragma once

#include <string>
#include <vector>

#include "core/operation.h"
#include "measure/operand_set.h"

namespace sb {

// Writes <dir>/<case name with / as __>/{x,y,y.reference}.npy; a sampled reference also gets
// y.reference_index.npy. Throws std::runtime_error naming the file.
void dump_case(const std::string& dir, const std::string& case_name, const OperandSet& set,
               const std::vector<Expected>& expected);

}  // namespace sb

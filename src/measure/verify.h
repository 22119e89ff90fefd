// Is the answer right? A kernel runs once on fenced, poisoned operands; its outputs are compared
// with the operation's double-precision reference.
#pragma once

#include <string>
#include <vector>

#include "core/plan.h"
#include "core/variant.h"
#include "measure/operand_set.h"

namespace sb {

struct Verification {
  bool passed = false;
  bool sampled = false;  // only some elements were compared (Expected::index)
  double err_max_abs = 0;
  double err_max_rel = 0;  // over the operation's scale, worst output
  double tolerance = 0;    // of that output
  std::string reason;      // what is wrong: "y[17] = 0.25, expected 0.5 ...", "changes its input x"
};

// Outputs as they lie in `operands` against `expected`, one Expected per output, whose tolerance
// counts `tolerance_factor` times.
Verification compare_with(const std::vector<Expected>& expected,
                          const std::vector<TensorSpec>& specs, const Operands& operands,
                          double tolerance_factor = 1);

// Poisons the outputs, runs the kernel once, compares, and looks at the fences. Exceptions of the
// kernel pass through.
Verification verify(Kernel& kernel, OperandSet& set, const std::vector<Expected>& expected,
                    double tolerance_factor = 1);

}  // namespace sb

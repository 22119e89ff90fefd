// configs/gate.yaml: thresholds, ignored rows and numbers of launches for `compare` and `gate`.
#pragma once

#include <string>

#include "core/gate_policy.h"

namespace sb {

// Throws std::invalid_argument with a line "file:line:column: what" for every fault.
GatePolicy load_gate_policy(const std::string& file);

}  // namespace sb

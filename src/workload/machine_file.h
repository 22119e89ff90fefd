// configs/machines/*.yaml: the ceilings that a vendor declares for a device.
#pragma once

#include <string>

#include "core/peaks.h"

namespace sb {

// Keys: name, source (where the figures stand), roofs: a list of {level, kind, gb_per_s} or
// {isa, dtype, kind, gflop_per_s}, each with threads (default 1). Every roof is marked declared.
// Throws std::invalid_argument with a line "file:line:column: what" for every fault.
Peaks load_machine(const std::string& file);

}  // namespace sb

// Result files as the commands that read them name them.
#pragma once

#include <string>

#include "core/gate_policy.h"
#include "report/compare.h"

namespace sb {

// A results.csv, or the folder of a run that holds one. Throws UsageError or CsvError with file,
// line and cure.
RunRows read_run(const std::string& path);

// The policy file; with an empty name configs/gate.yaml where there is one, else the built-in one.
GatePolicy policy_from(const std::string& file);

}  // namespace sb

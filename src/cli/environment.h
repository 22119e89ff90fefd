// Provenance: what env.json says and what every row carries.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "measure/session.h"

namespace sb {

Provenance provenance(const std::string& run_id);
nlohmann::ordered_json environment();

// What the GPU says of itself; {"reason": ...} where there is none.
nlohmann::ordered_json gpu_identity();
std::string version_text();  // "softmax-bench 0.1.0 (commit 1234567890ab, GNU 12.2.0)"

}  // namespace sb

// What `list` shows, as data: one JSON for --json and for the text.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/variant.h"

namespace sb {

nlohmann::ordered_json list_operations();
nlohmann::ordered_json list_variants();
nlohmann::ordered_json list_workloads();
nlohmann::ordered_json list_devices();
nlohmann::ordered_json list_columns();

// Empty if the variant can run here at some size, else why it can't.
std::string why_not_here(const Variant& variant);
std::string why_no_cuda();  // empty if CUDA variants can run

}  // namespace sb

// What `list` shows, as data: one JSON for --json and for the text.
#pragma once

#include <nlohmann/json.hpp>

namespace sb {

nlohmann::ordered_json list_operations();
nlohmann::ordered_json list_variants();
nlohmann::ordered_json list_workloads();
nlohmann::ordered_json list_devices();
nlohmann::ordered_json list_columns();

}  // namespace sb

#include "core/plan.h"

#include <algorithm>

namespace sb {

std::string_view name_of(CacheState state) {
  switch (state) {
    case CacheState::kWarm:
      return "warm";
    case CacheState::kCold:
      return "cold";
    case CacheState::kColdOutput:
      return "cold_output";
  }
  return "?";
}

bool parse_cache_state(std::string_view text, CacheState& state) {
  for (const CacheState s : {CacheState::kWarm, CacheState::kCold, CacheState::kColdOutput}) {
    if (name_of(s) == text) {
      state = s;
      return true;
    }
  }
  return false;
}

std::string case_name(const Group& group, const Variant& variant) {
  return group.workload + "/" + variant.full_name() + "/" +
         std::string(name_of(group.problem.dtype)) + "/" + group.problem.params.text() + "/t" +
         std::to_string(group.problem.threads) + "/" + std::string(name_of(group.cache));
}

Memory memory_of(const Group& group) {
  const bool shared = std::any_of(group.variants.begin(), group.variants.end(),
                                  [](const Variant* variant) { return variant->external; });
  return shared ? Memory::kShared : Memory::kPrivate;
}

Row identity_row(const Group& group, const Variant& variant) {
  Row row;
  row.workload = group.workload;
  row.op = variant.op;
  row.variant = variant.name;
  row.isa = name_of(variant.isa);
  row.device = name_of(variant.device);
  row.dtype = name_of(group.problem.dtype);
  row.params = group.problem.params.text();
  row.threads = group.problem.threads;
  row.cache = name_of(group.cache);
  row.fill = group.fill.text();
  row.seed = static_cast<std::int64_t>(group.seed);
  return row;
}

}  // namespace sb

// What a run will do: groups of cases that are measured together, turn by turn.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/buffer.h"
#include "core/operation.h"
#include "core/row.h"
#include "core/variant.h"

namespace sb {

// What the caches hold when a timed call starts. Outputs follow their inputs except in kColdOutput.
enum class CacheState {
  kWarm,        // inputs and outputs were just touched: as near as their size allows
  kCold,        // inputs and outputs rotate over more memory than the last-level cache holds
  kColdOutput,  // inputs touched, outputs rotate: the protocol of the two-pass paper's authors
};
std::string_view name_of(CacheState state);  // "warm", "cold", "cold_output"
bool parse_cache_state(std::string_view text, CacheState& state);

// All variants that solve one problem in one state: they share inputs and reference, take turns in
// every round, and are compared with one baseline.
struct Group {
  std::string workload;
  const Operation* op = nullptr;
  Problem problem;
  CacheState cache = CacheState::kWarm;
  Fill fill;
  std::uint64_t seed = 1;
  std::vector<const Variant*> variants;  // as selected; whether they can run is asked later
  std::string baseline;                  // variant, variant@isa, or "best_other"; empty: none
  int rounds = 15;
  double min_time_s = 0.02;  // least time of one sample's calls together
  double timeout_s = 120;    // for a case: verification and all its samples
};

// "softmax-llm/softmax/two_pass@avx512/bf16/cols=1024;rows=1/t1/warm": what --filter sees.
std::string case_name(const Group& group, const Variant& variant);

// Where the operands of the group have to lie: shared if one of its variants is external.
Memory memory_of(const Group& group);

// What the row's column `compiler` says: this program's, or the versions of a peer.
inline const std::string& compiler_of(const Variant& variant, const std::string& ours) {
  return variant.versions.empty() ? ours : variant.versions;
}

// A row of the case with its identity columns filled (all but run_id) and nothing measured.
Row identity_row(const Group& group, const Variant& variant);

}  // namespace sb

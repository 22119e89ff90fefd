// Operand sets that put the caches into the state a group asks for.
#pragma once

#include <cstdint>
#include <vector>

#include "core/plan.h"
#include "measure/operand_set.h"

namespace sb {

// The operand sets one timed call after the other goes through.
//   warm         one set: a call finds what the last one left, as near as its size allows
//   cold         whole sets, together larger than the last-level cache: every line a call touches
//                was last touched that many bytes ago
//   cold_output  one set of inputs, rotating outputs
class Rotation {
 public:
  // Inputs are copies of `master`'s, which itself is the first set. `last_level_bytes` and
  // `memory_bytes` are the machine's; a rotation takes at most 40 % of the memory.
  Rotation(OperandSet& master, CacheState state, std::int64_t last_level_bytes,
           std::int64_t memory_bytes);

  const std::vector<Operands>& sets() const { return sets_; }

  // True if the memory was too small to push every line out of the last-level cache.
  bool lukewarm() const { return lukewarm_; }

  std::size_t next = 0;  // shared by all contestants, so that each starts on the coldest set

 private:
  std::vector<OperandSet> copies_;
  std::vector<Operands> sets_;
  bool lukewarm_ = false;
};

}  // namespace sb

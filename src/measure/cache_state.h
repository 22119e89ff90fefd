// Operand sets that put the caches into the state a group asks for.
#pragma once

#include <cstdint>
#include <vector>

#include "core/buffer.h"
#include "core/plan.h"
#include "measure/operand_set.h"

namespace sb {

// The operand sets that timed calls go through.
//   warm         the same set call after call: each finds what the last one left, as near as its
//                size allows
//   cold         one set after the other, together larger than the last-level cache: every line a
//                call touches was last touched that many bytes ago
//   cold_output  one set of inputs, rotating outputs
//
// Where operands lie moves the time of a kernel by several percent (which lines share a cache set,
// a slice, a bank), and stays the same for the whole life of a process. An interval from one place
// would not hold the next run's median. So small warm sets exist at several places, one for a
// round, and the interval spans them. (Mytkowicz et al., Producing wrong data without doing
// anything obviously wrong, ASPLOS 2009; Curtsinger and Berger, Stabilizer, ASPLOS 2013.)
class Rotation {
 public:
  // Inputs are copies of `master`'s, which must outlive this. `last_level_bytes` (0: not known) and
  // `memory_bytes` are the machine's; a rotation takes at most 40 % of the memory.
  Rotation(const OperandSet& master, CacheState state, std::int64_t last_level_bytes,
           std::int64_t memory_bytes);

  // The set whose turn it is. Shared by all contestants: they meet at the same places, and each
  // starts on the coldest.
  const Operands& operands() const { return operands_; }

  // After a call.
  void advance() {
    if (rotates_) move_to((set_ + step_) % sets_);
  }

  // Before a round.
  void begin_round(int round) {
    if (!rotates_ && sets_ > 1) move_to(round % sets_);
  }

  bool rotates() const { return rotates_; }
  std::int64_t sets() const { return sets_; }

  // Reads a byte of every line of the set.
  void touch() const;

  // True if the sets may not push every line out of the last-level cache: too little memory, or a
  // cache of unknown size.
  bool lukewarm() const { return lukewarm_; }

 private:
  struct Placed {
    std::size_t operand;
    std::int64_t offset;  // from the beginning of a set
    std::int64_t bytes;
  };

  void choose_places(std::int64_t memory_bytes);
  void choose_sets(std::int64_t last_level_bytes, std::int64_t memory_bytes);
  void lay_out(const OperandSet& master);
  void move_to(std::int64_t set) {
    set_ = set;
    std::byte* begin = arena_.as<std::byte>() + begins_at(set);
    for (const Placed& tensor : placed_) operands_.move_to(tensor.operand, begin + tensor.offset);
  }
  std::int64_t begins_at(std::int64_t set) const {
    return set * apart_ + (shifts_.empty() ? 0 : shifts_[static_cast<std::size_t>(set)]);
  }

  Operands operands_;
  Buffer arena_;
  std::vector<Placed> placed_;
  std::int64_t set_bytes_ = 0;
  std::int64_t apart_ = 0;            // bytes from one set to the next
  std::vector<std::int64_t> shifts_;  // of each place of a warm set
  std::int64_t sets_ = 1;
  std::int64_t step_ = 0;
  std::int64_t set_ = 0;
  bool rotates_ = false;
  bool lukewarm_ = false;
};

}  // namespace sb

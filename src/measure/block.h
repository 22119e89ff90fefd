// Which neighbours in a plan are measured together, their rounds in turns (see rounds.h for why).
#pragma once

#include <cstdint>

#include "core/plan.h"

namespace sb {

// Grows group by group; their operands, and the copies of them that put the caches into a state,
// stay in memory until the block has been measured. Rows come out at its end, so it is kept short:
// what a crash of this process can lose.
class Block {
 public:
  explicit Block(double longest_s) : longest_s_(longest_s) {}

  // Does `group` belong with those added so far? The first always does. Afterwards only groups
  // on the CPU without external peers (a GPU's memory and a peer's process are left to one group at
  // a time), while memory and time suffice.
  bool takes(const Group& group) const;
  void add(const Group& group);

 private:
  double longest_s_;
  int groups_ = 0;
  bool closed_ = false;
  double seconds_ = 0;
  double bytes_ = 0;
};

// A guess, for the length of a block only: what its timed calls take if they run at a twentieth of
// a processor's speed of today.
double expected_seconds(const Group& group);

// At most what the group's operands take, in all the places that a cache state wants.
double expected_bytes(const Group& group, std::int64_t last_level_bytes);

}  // namespace sb

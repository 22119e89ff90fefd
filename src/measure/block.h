// Which neighbours in a plan are measured together, their rounds in turns (see rounds.h for why).
#pragma once

#include <cstdint>
#include <span>

#include "core/plan.h"

namespace sb {

// Grows group by group; their operands, and the copies of them that put the caches into a state,
// stay in memory until the block has been measured. Rows come out at its end, so it is kept short:
// what a crash of this process can lose.
class Block {
 public:
  explicit Block(double longest_s) : longest_s_(longest_s) {}

  // Do `groups`, all of them, belong with those added so far? The first always do. Afterwards only
  // groups on the CPU without external peers (a GPU's memory and a peer's process are left to one
  // group at a time), while memory and time suffice.
  bool takes(std::span<const Group> groups) const;
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

// What has to fit a block for groups[next] to begin or join it: the whole workload at its first
// group, so that cases to be compared are not cut apart where they need not be; then each alone.
std::span<const Group> joining(std::span<const Group> groups, std::size_t next);

// At most what the group's operands take, in all the places that a cache state wants.
double expected_bytes(const Group& group, std::int64_t last_level_bytes);

}  // namespace sb

// One group of a workload, ready to be sampled case by case by somebody else's clockwork: the gate
// gives the turns, of this process and of another build's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/plan.h"
#include "machine/gpu.h"
#include "measure/cache_state.h"
#include "measure/contestants.h"
#include "measure/operand_set.h"

namespace sb {

class PreparedGroup {
 public:
  // Makes and fills the operands, pins the team. `gpu`: as Contestants takes it.
  PreparedGroup(const Group& group, std::unique_ptr<Gpu>& gpu);

  // Makes the kernel of variant `which` of the group and, if asked, verifies it. Empty, or what is
  // wrong: "incorrect: y[3] = 1, expected 0.5", "crashed: out of luck". DeviceLost passes through.
  // All are prepared before the first sample.
  std::string prepare(std::size_t which, bool verify);

  // Nanoseconds for all calls together, in the group's cache state, by the clock of the device.
  // Throws std::logic_error for a variant without a kernel; exceptions of the kernel pass through.
  double sample_ns(std::size_t which, std::int64_t iterations);

  // The same, as the last sample that does not count: those that do take as many calls.
  double warm_up_ns(std::size_t which, std::int64_t iterations);

  // One bare call in the same cache state, on the host's operands.
  void call(std::size_t which);

 private:
  const std::vector<Expected>& expected();
  Kernel& kernel(std::size_t which);
  Contestant& contestant(std::size_t which);
  Rotation& rotation();

  Group group_;
  std::unique_ptr<Gpu>& gpu_;
  OperandSet master_;
  std::optional<std::vector<Expected>> expected_;
  std::optional<Rotation> rotation_;
  std::vector<std::unique_ptr<Kernel>> kernels_;  // as group.variants; null: not prepared
  std::optional<Contestants> contestants_;        // of those that are
  std::vector<std::size_t> turn_of_;              // in contestants_, as group.variants
};

}  // namespace sb

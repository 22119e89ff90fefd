// One group of a workload, ready to be sampled case by case by somebody else's clockwork: the gate
// gives the turns, of this process and of another build's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/plan.h"
#include "measure/cache_state.h"
#include "measure/operand_set.h"

namespace sb {

class PreparedGroup {
 public:
  explicit PreparedGroup(const Group& group);  // makes and fills the operands, pins the team

  // Makes the kernel of variant `which` of the group and, if asked, verifies it. Empty, or what is
  // wrong: "incorrect: y[3] = 1, expected 0.5", "crashed: out of luck".
  std::string prepare(std::size_t which, bool verify);

  // Nanoseconds for all calls together, in the group's cache state. Throws std::logic_error for a
  // variant without a kernel; exceptions of the kernel pass through.
  double sample_ns(std::size_t which, std::int64_t iterations);

  // One bare call in the same cache state.
  void call(std::size_t which);

 private:
  const std::vector<Expected>& expected();
  Kernel& kernel(std::size_t which);
  Rotation& rotation();

  Group group_;
  OperandSet master_;
  std::optional<std::vector<Expected>> expected_;
  std::optional<Rotation> rotation_;
  std::vector<std::unique_ptr<Kernel>> kernels_;  // as group.variants; null: not prepared
};

}  // namespace sb

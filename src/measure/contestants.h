// The kernels of a group, ready to take turns: on the CPU with operands in its memory, on a GPU
// with operands in the device's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/plan.h"
#include "core/variant.h"
#include "machine/gpu.h"
#include "measure/cache_state.h"
#include "measure/gpu_sampling.h"
#include "measure/operand_set.h"
#include "measure/rounds.h"

namespace sb {

struct Entrant {
  std::string name;  // of the case
  Kernel* kernel;
};

class Contestants {
 public:
  // `gpu` is opened for the first kernel that has device work, and stays open for later groups.
  // What fails on its way (no device, too little of its memory) fails the contestants that need it.
  Contestants(const std::vector<Entrant>& entrants, OperandSet& master, CacheState cache,
              std::unique_ptr<Gpu>& gpu);

  const std::vector<Contestant*>& turns() const { return turns_; }  // in the order of the entrants

  void begin_round(int round);  // the operands move to the round's place

  // Memory is too small to push the operands of this one out of its last-level cache.
  bool lukewarm(std::size_t i) const;

 private:
  std::unique_ptr<Contestant> contestant_of(Kernel& kernel, OperandSet& master, CacheState cache,
                                            std::unique_ptr<Gpu>& gpu);

  std::optional<Rotation> rotation_;
  std::optional<GpuOperands> on_gpu_;
  std::vector<std::unique_ptr<Contestant>> contestants_;
  std::vector<Contestant*> turns_;
  std::vector<bool> is_on_gpu_;
};

}  // namespace sb

// How a GPU is timed: all that is decided about a sample, over the primitives of machine/gpu.h.
//
// Calls are enqueued behind a blocking kernel, so that the device finds them waiting and launches
// cost nothing between two events. Short kernels are replayed as a graph. During warm-up nothing
// blocks: the first call may load code, which waits for the device. A sample during which the clock
// was low is thrown away and counted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/device_work.h"
#include "core/plan.h"
#include "machine/gpu.h"
#include "machine/throttle.h"
#include "measure/operand_set.h"
#include "measure/rounds.h"

namespace sb {

struct GpuTiming {
  ThrottleRule throttle;
  double graph_below_ns = 20e3;  // a launch takes 2 to 10 us of the host
  int calls_ahead = 256;         // enqueued while blocked: the queue holds about 1024 launches
};

// Seconds after which the blocking kernel gives up: a hundred times what enqueuing took without it,
// within 0.5 s and 10 s. Only work that waits for the device while it enqueues takes that long.
double block_limit_s(double enqueue_s);

// What puts the second-level cache into a group's state.
struct GpuCachePlan {
  std::int64_t sets = 1;  // operand sets that calls go through in turn
  bool flush = false;     // before each call, which is then timed by itself
  bool lukewarm = false;  // neither is possible: memory is too small
};
// `set_bytes` of what rotates. A rotation takes at most 40 % of the free memory and 4096 sets.
GpuCachePlan plan_gpu_cache(CacheState state, std::int64_t set_bytes, std::int64_t l2_bytes,
                            std::int64_t free_bytes);

// Operand sets in device memory: one allocation, inputs copied from `master` once.
class GpuOperands {
 public:
  GpuOperands(Gpu& gpu, const OperandSet& master, CacheState state);
  const std::vector<Operands>& sets() const { return sets_; }
  bool flush() const { return plan_.flush; }
  bool lukewarm() const { return plan_.lukewarm; }
  std::size_t next = 0;  // shared by all contestants, so that each starts on the coldest set

 private:
  GpuCachePlan plan_;
  std::unique_ptr<GpuMemory> memory_;
  std::vector<Operands> sets_;
};

class GpuContestant final : public Contestant {
 public:
  GpuContestant(Gpu& gpu, DeviceWork& work, GpuOperands& operands, GpuTiming timing = {})
      : gpu_(gpu), work_(work), operands_(operands), timing_(timing) {}

  double sample_ns(std::int64_t iterations) override;
  void warmed_up(std::int64_t iterations, double ns_per_call) override;
  std::string timer() const override;
  int rejected() const override { return rejected_; }

 private:
  Stamps take(std::int64_t iterations);
  Stamps take_once(std::int64_t iterations);
  Stamps take_batch(std::int64_t iterations);
  Stamps take_graph(std::int64_t iterations);
  Stamps take_flushed(std::int64_t iterations);
  void enqueue_one();
  void block();
  void record(std::int64_t iterations);

  Gpu& gpu_;
  DeviceWork& work_;
  GpuOperands& operands_;
  GpuTiming timing_;
  bool warm_ = false;
  bool waits_for_host_ = false;  // the work does not run behind a blocking kernel
  double enqueue_s_ = 0;         // of one sample's calls, longest seen in warm-up
  std::unique_ptr<GpuRecording> graph_;
  std::int64_t calls_in_graph_ = 0;
  int rejected_ = 0;
};

}  // namespace sb

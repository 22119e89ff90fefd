// Runs a CUDA kernel on the CPU, a fiber per CUDA thread, in a chosen schedule, and reports what it
// did wrong. Proves answers and synchronisation; says nothing about time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sb::simt {

// Which ready thread runs next. kSkewed gives warps priorities, drawn anew at barriers and now and
// then, so that one warp runs as far ahead as synchronisation lets it: uniform random choice keeps
// all warps at about the same place and misses bugs that need a distance.
enum class Order { kInOrder, kReverse, kRandom, kSkewed };
inline constexpr std::array kAllOrders = {Order::kInOrder, Order::kReverse, Order::kRandom,
                                          Order::kSkewed};
std::string_view name_of(Order order);  // "in_order", "reverse", "random", "skewed"

struct Schedule {
  Order order = Order::kInOrder;
  std::uint64_t seed = 1;  // of kRandom and kSkewed
  unsigned resident = 4;   // blocks alive at a time
  // What kernels are told of the GPU; few, so that small problems are cut as large ones are on it.
  int multiprocessors = 16;
};

// The schedule of the launches that device variants make. Skewed, unless a test says otherwise.
Schedule& current_schedule();

struct Extent {
  unsigned x = 1, y = 1, z = 1;
  std::uint64_t count() const { return std::uint64_t{x} * y * z; }
};

struct LaunchShape {
  Extent grid, block;
  std::size_t shared_bytes = 0;  // of the array whose size the launch gives
  bool together = false;         // all blocks alive at a time, whatever the schedule says
};

struct Report {
  std::vector<std::string> errors;  // each kind once, with the first thread that made it
  std::uint64_t error_count = 0;
  std::uint64_t barriers = 0;     // __syncthreads passed, per block
  std::uint64_t collectives = 0;  // shuffles, votes, __syncwarp, per warp
  std::size_t shared_bytes = 0;   // of the block that used most
  bool ok() const { return error_count == 0; }
};

// `body` is what every thread does; it finds its indices in self(). Not reentrant. Throws
// std::invalid_argument for a shape that no GPU takes.
Report launch(const LaunchShape& shape, const Schedule& schedule,
              const std::function<void()>& body);

// Throws std::runtime_error with what the kernel did wrong.
void demand_ok(const Report& report);

// Are the kernels' memory accesses looked at? Then a missing barrier shows in every schedule, else
// only where it makes an answer wrong.
bool memory_is_checked();

// While it lives they are not: for launches that would take too long.
class Observer;
class UncheckedMemory {
 public:
  UncheckedMemory();
  ~UncheckedMemory();
  UncheckedMemory(const UncheckedMemory&) = delete;

 private:
  Observer* before_;
};

// Memory for kernels' operands: zones around it are inaccessible pages, contents are 0xff bytes.
void* device_allocate(std::size_t bytes);  // aligned to 16; throws std::bad_alloc
bool device_free(void* memory);            // false, and nothing done, if it is not from there

// At most this much shared memory per block: what sm_80 has, and less than sm_90 (sm_86 and sm_89
// have 99 KiB: kernels that need more must ask, most_shared_bytes()).
inline constexpr std::size_t kSharedLimit = 163 * 1024;

}  // namespace sb::simt

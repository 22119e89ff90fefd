// Reports what a kernel's memory accesses may not do, in every schedule, lucky ones included.
//
//   shared memory: races between threads of a block, reads of bytes nobody wrote, accesses outside
//     of every array. __syncthreads orders the block, __syncwarp its lanes; shuffles and votes
//     order nothing, because CUDA promises nothing.
//   global memory: races within a block and between the blocks of a launch, accesses outside of
//     every buffer. Blocks are ordered by the end of a launch and by flags: what a thread, and its
//     block up to the last barrier, did before a release comes before what a thread that acquired
//     it, and its block after the next barrier, does.
//
// Accesses come from code compiled with -fsanitize=thread: the compiler then calls a function at
// every access, and memory_hooks.cpp defines these functions in place of ThreadSanitizer's. Or from
// the interpreter of ptx/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "simt/observer.h"

namespace sb::simt {

class MemoryChecker final : public Observer {
 public:
  // Compiled code reads memory of the host as well: constants, operands that a launch captured.
  enum class HostMemory { kReadable, kForbidden };
  // What an access's `place` is, in words.
  using Describe = std::string (*)(std::uintptr_t place);
  explicit MemoryChecker(HostMemory host, Describe describe) : host_(host), describe_(describe) {}

  // An access outside of everything ends the thread.
  void access(const void* address, unsigned bytes, bool write, std::uintptr_t place) override;

  void launch_begins(unsigned slots) override;
  void block_begins(unsigned slot, std::uint64_t block, unsigned threads) override;
  void block_syncs(unsigned slot) override;
  void warp_syncs(unsigned slot, unsigned warp, std::uint32_t mask) override;
  void fences() override {}
  void acquires(const void* address) override;
  void releases(const void* address) override;
  void atomic(const void* address, unsigned bytes) override;
  void shared_added(unsigned slot, const void* base, std::size_t bytes) override;
  void shared_removed(unsigned slot, const void* base) override;
  void global_added(const void* base, std::size_t bytes) override;
  void global_removed(const void* base) override;

 private:
  // When and by whom a cell was touched: enough to decide whether a later access is ordered.
  struct Touch {
    std::uintptr_t place = 0;
    std::uint32_t block = 0;
    std::uint32_t epoch = 0;  // barriers that the block had passed
    std::uint32_t clock = 0;  // of the lane: __syncwarps it had passed
    std::uint16_t thread = 0;
    bool atomic = false, happened = false;
  };
  struct Cell {
    Touch write;
    Touch reads[2];  // of different warps, if two warps read
  };
  // A cell is as wide as the narrowest access so far: all of its bytes have one history.
  struct Region {
    std::size_t bytes = 0;
    std::size_t width = kWidest;
    std::vector<Cell> cells;  // made at the first access

    void narrow_cells_to(std::size_t offset, std::size_t size);
  };
  static constexpr std::size_t kWidest = 16, kNarrowest = 2;  // no kernel has smaller elements
  using Regions = std::map<std::uintptr_t, Region>;
  // What is known of other blocks, by (block, thread): accesses up to an epoch; of thread kAll:
  // every thread's below one.
  using Known = std::map<std::pair<std::uint32_t, unsigned>, std::uint32_t>;
  static constexpr unsigned kAll = ~0u;
  static void join(Known& to, const Known& from);
  struct BlockClock {
    std::uint32_t block = 0;
    std::uint32_t epoch = 1;
    Known known;                                    // to all threads
    std::vector<Known> of_threads;                  // acquired since the last barrier
    std::vector<std::vector<std::uint32_t>> lanes;  // [thread][lane of its warp]: clock known of it
  };

  void look(const void* address, unsigned bytes, bool write, bool atomic, std::uintptr_t place);
  void touch(Cell& cell, const Touch& now, bool write, bool shared);
  void demand_order(const Touch& earlier, const Touch& now, bool shared, const char* kind) const;
  bool ordered(const Touch& earlier) const;
  static bool holds(const Known& known, const Touch& earlier);
  Touch now(bool atomic, std::uintptr_t place) const;
  static Regions::value_type* holding(Regions& regions, std::uintptr_t at, unsigned bytes);
  bool report_stray(std::uintptr_t at, bool write, std::uintptr_t place) const;
  static bool nearby(const Regions& regions, std::uintptr_t at);

  const std::string& text_of(std::uintptr_t place) const;

  HostMemory host_;
  Describe describe_;
  mutable std::map<std::uintptr_t, std::string> texts_;
  // What was reported of the launch: places, kind, in one block? A race is met a million times.
  mutable std::set<std::tuple<std::uintptr_t, std::uintptr_t, const char*, bool>> faults_;
  Regions shared_, global_;
  std::map<const void*, Known> released_;
  std::vector<BlockClock> blocks_;  // by slot
};

// While it lives, launches are checked by a checker of their own; `describe` as above.
class CheckedLaunch {
 public:
  explicit CheckedLaunch(MemoryChecker::Describe describe)
      : checker_(MemoryChecker::HostMemory::kForbidden, describe), before_(observer) {
    announce_memory(checker_);
    observer = &checker_;
  }
  ~CheckedLaunch() { observer = before_; }
  CheckedLaunch(const CheckedLaunch&) = delete;

 private:
  MemoryChecker checker_;
  Observer* before_;
};

}  // namespace sb::simt

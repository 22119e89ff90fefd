// Who wants to see memory accesses and synchronisation: the memory checker.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sb::simt {

// `slot` is the place of a resident block. All calls come from the one thread that runs the grid.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void launch_begins(unsigned slots) = 0;
  virtual void block_begins(unsigned slot, std::uint64_t block, unsigned threads) = 0;
  virtual void block_syncs(unsigned slot) = 0;
  virtual void warp_syncs(unsigned slot, unsigned warp, std::uint32_t mask) = 0;
  virtual void fences() = 0;
  virtual void acquires(const void* address) = 0;  // after the load
  virtual void releases(const void* address) = 0;  // before the store
  // A plain access of the running thread; `place` names the code, or is one of:
  enum Place : std::uintptr_t { kAtomic, kLoadMatrices, kCopyAsync };
  virtual void access(const void* address, unsigned bytes, bool write, std::uintptr_t place) = 0;
  virtual void atomic(const void* address, unsigned bytes) = 0;
  virtual void shared_added(unsigned slot, const void* base, std::size_t bytes) = 0;
  virtual void shared_removed(unsigned slot, const void* base) = 0;
  virtual void global_added(const void* base, std::size_t bytes) = 0;
  virtual void global_removed(const void* base) = 0;
};

// Tells of all memory that is allocated.
void announce_memory(Observer& to);

extern Observer* observer;     // null: nobody looks
extern unsigned running_slot;  // of the running thread's block

}  // namespace sb::simt

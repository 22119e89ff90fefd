// Fibers: stacks of their own that hand the processor to each other by name. x86-64, System V.
#pragma once

#include <sys/mman.h>

#include <cstddef>

namespace sb::simt {

struct Fiber {
  void* stack_pointer = nullptr;  // where it left off; meaningless while it runs
  std::byte* low = nullptr;       // its stack, for AddressSanitizer and for on_stack_of()
  std::byte* high = nullptr;
  void* fake_stack = nullptr;  // AddressSanitizer's handle
};

inline bool on_stack_of(const Fiber& fiber, const void* address) {
  return address >= fiber.low && address < fiber.high;
}

// Runs `to` from where it left off. Returns when somebody switches back to `from`; never, if
// `for_good`: its stack may then be used anew.
void switch_fiber(Fiber& from, Fiber& to, bool for_good = false);

// The first thing that a fiber's entry calls: AddressSanitizer wants every arrival announced.
void arrive_first_time();

// Stacks with an inaccessible page below each, mapped once and reused.
class StackPool {
 public:
  using Protect = int(void* page, std::size_t bytes, int protection);
  // Tests put a function that fails in mprotect's place.
  explicit StackPool(Protect* protect = mprotect) : protect_(protect) {}
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  // Invalidates all stacks handed out. Throws std::bad_alloc, and std::system_error where a page
  // cannot be made inaccessible: a thread that overran its stack would write over another's.
  void reserve(std::size_t count);

  // `fiber` will begin with `entry`, which must not return, on stack number `index`.
  void prepare(Fiber& fiber, std::size_t index, void (*entry)()) const;

 private:
  void release();

  Protect* protect_;
  std::byte* stacks_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace sb::simt

#include "simt/fiber.h"

#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <system_error>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// Saves what the System V ABI asks a callee to preserve, changes stacks, restores. 9 ns, where
// swapcontext takes 290 because it asks the operating system for the signal mask.
extern "C" void sb_simt_switch(void** save, void* load);
asm(R"(
  .text
  .type sb_simt_switch, @function
sb_simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size sb_simt_switch, .-sb_simt_switch
)");

namespace sb::simt {
namespace {

constexpr std::size_t kGuard = 4096;
constexpr std::size_t kSavedRegisters = 6;
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kStack = 256 * 1024;  // red zones make frames several times larger
#else
constexpr std::size_t kStack = 64 * 1024;
#endif
constexpr std::size_t kStride = kStack + kGuard;

#if defined(__SANITIZE_ADDRESS__)
Fiber* last_left = nullptr;

// The bounds of the thread's own stack are known to nobody but AddressSanitizer.
void learn_bounds_of_last_left(void* fake_stack) {
  const void* low = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(fake_stack, &low, &bytes);
  last_left->low = static_cast<std::byte*>(const_cast<void*>(low));
  last_left->high = last_left->low + bytes;
}

// The lowest byte of a stack: did a fiber begin there that has not ended?
bool& is_taken(const Fiber& fiber) { return *reinterpret_cast<bool*>(fiber.low); }

// A thread that ends leaves the red zones of the frames that it never returned from. They lie above
// this frame, give or take what the functions on the way hold; all of the stack would be 30 KiB of
// shadow memory for every thread.
void clear_red_zones_of(Fiber& ending) {
  constexpr std::ptrdiff_t kBelow = 4096;
  std::byte* here = static_cast<std::byte*>(__builtin_frame_address(0));
  std::byte* from = here - ending.low > kBelow ? here - kBelow : ending.low;
  __asan_unpoison_memory_region(from, static_cast<std::size_t>(ending.high - from));
  is_taken(ending) = false;
}
#endif

}  // namespace

void switch_fiber(Fiber& from, Fiber& to, [[maybe_unused]] bool for_good) {
#if defined(__SANITIZE_ADDRESS__)
  last_left = &from;
  if (for_good) clear_red_zones_of(from);
  __sanitizer_start_switch_fiber(for_good ? nullptr : &from.fake_stack, to.low,
                                 static_cast<std::size_t>(to.high - to.low));
#endif
  sb_simt_switch(&from.stack_pointer, to.stack_pointer);
#if defined(__SANITIZE_ADDRESS__)
  learn_bounds_of_last_left(from.fake_stack);
#endif
}

void arrive_first_time() {
#if defined(__SANITIZE_ADDRESS__)
  learn_bounds_of_last_left(nullptr);
#endif
}

StackPool::~StackPool() { release(); }

void StackPool::release() {
  if (stacks_ != nullptr) munmap(stacks_, count_ * kStride);
  stacks_ = nullptr;
  count_ = 0;
}

void StackPool::reserve(std::size_t count) {
  if (count <= count_) return;
  release();
  void* memory = mmap(nullptr, count * kStride, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  stacks_ = static_cast<std::byte*>(memory);
  count_ = count;
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(memory,
                                count * kStride);  // what lay there before may have marked it
#endif
  for (std::size_t i = 0; i < count; ++i) {
    if (protect_(stacks_ + i * kStride, kGuard, PROT_NONE) == 0) continue;
    const int error = errno;
    release();
    throw std::system_error(error, std::generic_category(),
                            "no guard page below stack " + std::to_string(i + 1) + " of " +
                                std::to_string(count) +
                                " (each takes two mappings of sysctl vm.max_map_count)");
  }
}

void StackPool::prepare(Fiber& fiber, std::size_t index, void (*entry)()) const {
  fiber = {};
  fiber.low = stacks_ + index * kStride + kGuard;
  fiber.high = fiber.low + kStack;
#if defined(__SANITIZE_ADDRESS__)
  if (is_taken(fiber)) __asan_unpoison_memory_region(fiber.low, kStack);  // by one that hung
  is_taken(fiber) = true;
#endif
  // Tops spread over cache sets, or all threads' hot frames would compete for the same ones.
  std::byte* top = fiber.high - 64 * (1 + index % 61);
  // As if a call had just pushed a return address: 8 below a multiple of 16, nowhere to go.
  auto* frame = reinterpret_cast<void**>(top) - 2;
  frame[1] = nullptr;
  frame[0] = reinterpret_cast<void*>(entry);
  std::memset(frame - kSavedRegisters, 0, kSavedRegisters * sizeof(void*));
  fiber.stack_pointer = frame - kSavedRegisters;
}

}  // namespace sb::simt

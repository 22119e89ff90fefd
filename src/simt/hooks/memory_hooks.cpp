// The functions that g++ -fsanitize=thread calls at every access of instrumented code, in place of
// ThreadSanitizer's own: the runtime library must not be linked. Goes with the instrumented .cu
// files (cmake/Rooms.cmake), and is never instrumented itself.
#include <cstdio>
#include <string>

#include "simt/device_runtime.h"
#include "simt/memory_checker.h"

extern "C" char __executable_start;  // the linker's: program counters are reported relative to it

namespace sb::simt {
namespace {

// For addr2line -Cife PROGRAM.
std::string program_counter(std::uintptr_t place) {
  char text[32];
  std::snprintf(text, sizeof text, "%#zx", static_cast<std::size_t>(place));
  return text;
}

[[maybe_unused]] const bool installed = [] {
  static MemoryChecker checker(MemoryChecker::HostMemory::kReadable, program_counter);
  observer = &checker;
  return true;
}();

// `return_address` follows the access: one byte less lies within it.
void hook(const void* address, std::size_t bytes, bool write, const void* return_address) {
  if (running == nullptr || runtime_depth > 0 || observer == nullptr) return;
  const InRuntime in_runtime;
  const auto place = static_cast<std::uintptr_t>(static_cast<const char*>(return_address) -
                                                 &__executable_start - 1);
  observer->access(address, static_cast<unsigned>(bytes), write, place);
}

}  // namespace
}  // namespace sb::simt

#define SB_HOOK(bytes)                                            \
  void __tsan_read##bytes(void* p) {                              \
    sb::simt::hook(p, bytes, false, __builtin_return_address(0)); \
  }                                                               \
  void __tsan_write##bytes(void* p) {                             \
    sb::simt::hook(p, bytes, true, __builtin_return_address(0));  \
  }                                                               \
  void __tsan_unaligned_read##bytes(void* p) {                    \
    sb::simt::hook(p, bytes, false, __builtin_return_address(0)); \
  }                                                               \
  void __tsan_unaligned_write##bytes(void* p) {                   \
    sb::simt::hook(p, bytes, true, __builtin_return_address(0));  \
  }

extern "C" {
SB_HOOK(1)
SB_HOOK(2)
SB_HOOK(4)
SB_HOOK(8)
SB_HOOK(16)
void __tsan_read_range(void* p, std::size_t bytes) {
  sb::simt::hook(p, bytes, false, __builtin_return_address(0));
}
void __tsan_write_range(void* p, std::size_t bytes) {
  sb::simt::hook(p, bytes, true, __builtin_return_address(0));
}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
// What test code itself does with <atomic>; kernels use atomicAdd and its like.
char __tsan_atomic8_load(const volatile char* p, int) { return __atomic_load_n(p, 5); }
int __tsan_atomic32_load(const volatile int* p, int) { return __atomic_load_n(p, 5); }
int __tsan_atomic32_fetch_add(volatile int* p, int v, int) { return __atomic_fetch_add(p, v, 5); }
int __tsan_atomic32_fetch_sub(volatile int* p, int v, int) { return __atomic_fetch_sub(p, v, 5); }
long __tsan_atomic64_load(const volatile long* p, int) { return __atomic_load_n(p, 5); }
void __tsan_atomic64_store(volatile long* p, long v, int) { __atomic_store_n(p, v, 5); }
}

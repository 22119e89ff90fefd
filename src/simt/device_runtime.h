// What device code asks of the machine below it: who am I, wait for the others, talk to my warp.
// Called through the words of simt/cuda_language.h; `site` is "file:line" of the call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simt/launch.h"

namespace sb::simt {

inline constexpr unsigned kWarpSize = 32;

struct Self {
  Extent thread, block, block_extent, grid_extent;
  unsigned lane = 0, warp = 0;
  unsigned flat = 0;  // thread within its block
};

extern Self* running;  // null outside of kernels
inline const Self& self() { return *running; }

// Positive while the runtime itself works: its memory accesses are not the kernel's, though they
// may happen in library templates of which the linker kept an instrumented copy.
extern unsigned runtime_depth;
struct InRuntime {
  InRuntime() { ++runtime_depth; }
  ~InRuntime() { --runtime_depth; }
};

void sync_threads(const char* site);
void sync_warp(std::uint32_t mask, const char* site);

enum class Shuffle { kIndex, kUp, kDown, kXor };
// Every lane of `mask` hands in `bytes` at `value` and gets those of the lane that `argument`
// points to within its segment of `width` lanes.
void shuffle(Shuffle kind, std::uint32_t mask, const void* value, void* result, unsigned bytes,
             int argument, int width, const char* site);
std::uint32_t ballot(std::uint32_t mask, bool predicate, const char* site);

// Before an atomic operation: lets others go first in some schedules, tells the observer.
void before_atomic(const volatile void* address, unsigned bytes);
void thread_fence();

// A word by which blocks tell each other that data is there: what happened before a release is
// seen after the acquire that reads its value. Acquiring lets others go first; a launch that
// acquires kMostAcquires times without an end is reported as a livelock.
unsigned load_acquire(const unsigned* address, const char* site);
void store_release(unsigned* address, unsigned value);
inline constexpr std::uint64_t kMostAcquires = 1'000'000;

// The block's array for this declaration; filled with 0xff bytes (NaN) when the block starts.
void* shared_array(const void* declaration, std::size_t bytes);

// The block's array whose size the launch gave.
void* shared_array_of_launch();

// All arrays of the running block lie in the window of this many bytes that starts here.
inline constexpr std::size_t kSharedWindow = 256 * 1024;
std::byte* shared_window();

// Matrix instructions of a whole warp (PTX ISA, "warp level matrix instructions"): fragments lie in
// the lanes as documented there for mma.m16n8k16 and ldmatrix.
enum class Half { kBf16, kF16 };
void multiply_matrices(Half format, const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                       float (&c)[4], const char* site);  // c += a b
// Four 8x8 matrices of 16-bit numbers, a row at each lane's `row`, in shared memory.
void load_matrices(const void* row, bool transposed, std::uint32_t (&to)[4], const char* site);

// cp.async: 16 bytes from global to shared memory, zeros if `from` is null. The destination holds
// garbage until the copy is waited for: it happens as late as the program allows.
void copy_async(void* to, const void* from);
void commit_copies();
void wait_for_copies(int pending_groups);

void report_error(const std::string& what);  // against the running thread
[[noreturn]] void end_thread();              // without unwinding: device code has no destructors

}  // namespace sb::simt

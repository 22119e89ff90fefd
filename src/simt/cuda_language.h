// The words of CUDA for compilers that do not know them: kernels compiled by g++ run on fibers.
// Included by backend/device.cuh only, which is what kernels include. Needs no CUDA toolkit.
#pragma once
#if defined(__CUDACC__)
#error "nvcc brings its own words: include backend/device.cuh"
#endif

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "simt/device_runtime.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline  // always_inline makes g++ four times as slow on the larger kernels
#define __launch_bounds__(...)
// __noinline__ stays undefined: libstdc++ writes __attribute__((__noinline__)).

#define SB_SIMT_TEXT_OF(x) #x
#define SB_SIMT_TEXT(x) SB_SIMT_TEXT_OF(x)
#define SB_SIMT_SITE __FILE__ ":" SB_SIMT_TEXT(__LINE__)

#define SB_UNROLL
#define SB_NO_UNROLL
// The address of the lambda's static is the declaration's name: one per place and instantiation.
#define SB_SHARED(type, name, dims)                                          \
  using name##_array = type dims;                                            \
  name##_array& name = *static_cast<name##_array*>(::sb::simt::shared_array( \
      []() -> const void* {                                                  \
        static const char declaration = 0;                                   \
        return &declaration;                                                 \
      }(),                                                                   \
      sizeof(name##_array)))

#define SB_SHARED_OF_LAUNCH(type, name) \
  type* name = static_cast<type*>(::sb::simt::shared_array_of_launch())

struct alignas(8) float2 {
  float x, y;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
struct alignas(16) float4 {
  float x, y, z, w;
};
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
// Words of memory that hold anything.
struct alignas(16) [[gnu::may_alias]] uint4 {
  unsigned x, y, z, w;
};
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

#define threadIdx (::sb::simt::self().thread)
#define blockIdx (::sb::simt::self().block)
#define blockDim (::sb::simt::self().block_extent)
#define gridDim (::sb::simt::self().grid_extent)

#define __syncthreads() ::sb::simt::sync_threads(SB_SIMT_SITE)
#define __syncwarp() ::sb::simt::sync_warp(~0u, SB_SIMT_SITE)
#define __shfl_sync(mask, value, ...) \
  ::sb::simt::shuffled(::sb::simt::Shuffle::kIndex, mask, value, SB_SIMT_SITE, __VA_ARGS__)
#define __shfl_down_sync(mask, value, ...) \
  ::sb::simt::shuffled(::sb::simt::Shuffle::kDown, mask, value, SB_SIMT_SITE, __VA_ARGS__)
#define __shfl_up_sync(mask, value, ...) \
  ::sb::simt::shuffled(::sb::simt::Shuffle::kUp, mask, value, SB_SIMT_SITE, __VA_ARGS__)
#define __shfl_xor_sync(mask, value, ...) \
  ::sb::simt::shuffled(::sb::simt::Shuffle::kXor, mask, value, SB_SIMT_SITE, __VA_ARGS__)
#define __ballot_sync(mask, predicate) ::sb::simt::ballot(mask, predicate, SB_SIMT_SITE)

namespace sb::simt {

template <typename T>
T shuffled(Shuffle kind, std::uint32_t mask, T value, const char* site, int argument,
           int width = 32) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
  T result;
  shuffle(kind, mask, &value, &result, sizeof(T), argument, width, site);
  return result;
}

}  // namespace sb::simt

inline int sb_forgotten(int x) { return x; }
inline int __popc(unsigned word) { return __builtin_popcount(word); }
inline void __threadfence() { ::sb::simt::thread_fence(); }
#define sb_load_acquire(address) ::sb::simt::load_acquire(address, SB_SIMT_SITE)
#define sb_store_release(address, value) ::sb::simt::store_release(address, value)

// Atomics are never seen as plain accesses by an instrumented build; the observer hears of them.
template <typename T>
__attribute__((noinline, no_sanitize("thread"))) T atomicAdd(T* address,
                                                             std::type_identity_t<T> value) {
  ::sb::simt::before_atomic(address, sizeof(T));
  const T old = *address;
  *address = static_cast<T>(old + value);
  return old;
}
template <typename T>
__attribute__((noinline, no_sanitize("thread"))) T atomicCAS(T* address,
                                                             std::type_identity_t<T> expected,
                                                             std::type_identity_t<T> value) {
  ::sb::simt::before_atomic(address, sizeof(T));
  const T old = *address;
  if (old == expected) *address = value;
  return old;
}

// The one header that device code includes. nvcc brings CUDA's words, any other compiler gets them
// from the fibers of simt/. Kernels live in anonymous namespaces of .cu files, because a .cu file
// is compiled twice into one program: by nvcc for the GPU and by the host compiler for fibers.
#pragma once

#if defined(__CUDACC__)
#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#define SB_UNROLL _Pragma("unroll")
#define SB_NO_UNROLL _Pragma("unroll 1")
#define SB_SHARED(type, name, dims) __shared__ __align__(16) type name dims
// An array whose size the launch gives (Blocks::shared_bytes); one per kernel.
#define SB_SHARED_OF_LAUNCH(type, name)                                \
  extern __shared__ __align__(16) unsigned char sb_shared_of_launch[]; \
  type* name = reinterpret_cast<type*>(sb_shared_of_launch)
// x, of which the compiler is to know nothing: what depends on it is worked out anew, not kept.
__device__ __forceinline__ int sb_forgotten(int x) {
  int y;
  asm volatile("mov.b32 %0, %1;" : "=r"(y) : "r"(x));
  return y;
}
// Words by which blocks of one launch tell each other that data is there (PTX ISA, memory model).
__device__ __forceinline__ unsigned sb_load_acquire(const unsigned* address) {
  unsigned value;
  asm volatile("ld.acquire.gpu.global.u32 %0, [%1];"
               : "=r"(value)
               : "l"(__cvta_generic_to_global(address))
               : "memory");
  return value;
}
__device__ __forceinline__ void sb_store_release(unsigned* address, unsigned value) {
  asm volatile("st.release.gpu.global.u32 [%0], %1;" ::"l"(__cvta_generic_to_global(address)),
               "r"(value)
               : "memory");
}
#else
#include "simt/cuda_language.h"
#endif

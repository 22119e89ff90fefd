// Tensor-core instructions of a warp and copies that do not wait, for sm_80 and later: fragments
// lie in the lanes as the PTX ISA says for mma.m16n8k16 (lane = 4 * row + pair of columns).
#pragma once

#include "backend/device_types.cuh"

namespace sb {
inline namespace
#if defined(__CUDACC__)
    on_gpu
#else
    on_fibers
#endif
{

using FragmentA = std::uint32_t[4];  // 16 rows x 16
using FragmentB = std::uint32_t[2];  // 16 x 8 columns
using FragmentC = float[4];          // 16 rows x 8 columns

#if defined(__CUDACC__)
template <typename T>
__device__ __forceinline__ void multiply(FragmentC& c, const FragmentA& a, std::uint32_t b0,
                                         std::uint32_t b1) {
  if constexpr (std::is_same_v<T, Bf16>) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
}

__device__ __forceinline__ std::uint32_t shared_address(const void* address) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(address));
}

// Four 8x8 matrices; lane i gives the address of row i % 8 of matrix i / 8.
template <bool kTransposed>
__device__ __forceinline__ void load_matrices(FragmentA& to, const void* row) {
  if constexpr (kTransposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared_address(row))
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared_address(row))
                 : "memory");
  }
}

// 16 bytes to shared memory, past the first level of cache; zeros unless `inside`.
__device__ __forceinline__ void copy_async(void* to, const void* from, bool inside) {
  const int bytes = inside ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)),
               "l"(__cvta_generic_to_global(from)), "r"(bytes)
               : "memory");
}
__device__ __forceinline__ void commit_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int kPendingGroups>
__device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPendingGroups) : "memory");
}
// 2^x, off by 2 units in the last place; 0 for -inf.
__device__ __forceinline__ float fast_exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
#else
template <typename T>
void multiply(FragmentC& c, const FragmentA& a, std::uint32_t b0, std::uint32_t b1) {
  const FragmentB b = {b0, b1};
  simt::multiply_matrices(std::is_same_v<T, Bf16> ? simt::Half::kBf16 : simt::Half::kF16, a, b, c,
                          SB_SIMT_SITE);
}
template <bool kTransposed>
void load_matrices(FragmentA& to, const void* row) {
  simt::load_matrices(row, kTransposed, to, SB_SIMT_SITE);
}
inline void copy_async(void* to, const void* from, bool inside) {
  simt::copy_async(to, inside ? from : nullptr);
}
inline void commit_copies() { simt::commit_copies(); }
template <int kPendingGroups>
void wait_for_copies() {
  simt::wait_for_copies(kPendingGroups);
}
inline float fast_exp2(float x) { return exp2f(x); }
#endif

}  // namespace on_gpu
}  // namespace sb

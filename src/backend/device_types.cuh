// 16-bit numbers in device code, stored as their bits; arithmetic happens in float. Two of them to
// a 32-bit word, the one at the lower address in its lower half. Both builds round alike: to
// nearest, ties to even.
#pragma once

#include "backend/device.cuh"

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#else
#include <bit>

#include "core/dtype.h"
#endif

namespace sb {
inline namespace
#if defined(__CUDACC__)
    on_gpu
#else
    on_fibers
#endif
{

struct Bf16 {
  std::uint16_t bits;
};
struct F16 {
  std::uint16_t bits;
};

#if defined(__CUDACC__)
__device__ __forceinline__ float float_of_bits(std::uint32_t bits) { return __uint_as_float(bits); }
__device__ __forceinline__ std::uint32_t bits_of_float(float x) { return __float_as_uint(x); }

__device__ __forceinline__ float to_float(F16 x) { return __half2float(__ushort_as_half(x.bits)); }
__device__ __forceinline__ void narrow(float x, F16& to) {
  to.bits = __half_as_ushort(__float2half_rn(x));
}
__device__ __forceinline__ void narrow(float x, Bf16& to) {
  to.bits = __bfloat16_as_ushort(__float2bfloat16_rn(x));
}
// One instruction for two numbers: cvt.rn.f16x2.f32, cvt.rn.bf16x2.f32.
template <typename T>
__device__ __forceinline__ std::uint32_t packed(float low, float high) {
  std::uint32_t word;
  if constexpr (std::is_same_v<T, F16>) {
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  } else {
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  }
  return word;
}
#else
inline float float_of_bits(std::uint32_t bits) { return std::bit_cast<float>(bits); }
inline std::uint32_t bits_of_float(float x) { return std::bit_cast<std::uint32_t>(x); }

inline float to_float(F16 x) { return f16_to_float(x.bits); }
inline void narrow(float x, F16& to) { to.bits = float_to_f16(x); }
inline void narrow(float x, Bf16& to) { to.bits = float_to_bf16(x); }
template <typename T>
std::uint32_t packed(float low, float high) {
  T halves[2];
  narrow(low, halves[0]);
  narrow(high, halves[1]);
  return std::uint32_t{halves[1].bits} << 16 | halves[0].bits;
}
#endif

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(Bf16 x) {
  return float_of_bits(std::uint32_t{x.bits} << 16);
}
__device__ __forceinline__ void narrow(float x, float& to) { to = x; }

template <typename T>
__device__ __forceinline__ float lower_half(std::uint32_t word) {
  return to_float(T{static_cast<std::uint16_t>(word)});
}
template <typename T>
__device__ __forceinline__ float upper_half(std::uint32_t word) {
  return to_float(T{static_cast<std::uint16_t>(word >> 16)});
}

// Numbers of T in a 16-byte access.
template <typename T>
inline constexpr int kWidth = 16 / static_cast<int>(sizeof(T));

// 16 bytes of T as floats.
template <typename T>
struct Group {
  float v[kWidth<T>];
};

// `from`, `to`: multiples of 16 bytes.
template <typename T>
__device__ __forceinline__ Group<T> load_group(const T* from) {
  const uint4 four = *reinterpret_cast<const uint4*>(from);
  const std::uint32_t words[4] = {four.x, four.y, four.z, four.w};
  Group<T> group;
  SB_UNROLL
  for (int i = 0; i < 4; ++i) {
    if constexpr (sizeof(T) == 4) {
      group.v[i] = float_of_bits(words[i]);
    } else {
      group.v[2 * i] = lower_half<T>(words[i]);
      group.v[2 * i + 1] = upper_half<T>(words[i]);
    }
  }
  return group;
}

template <typename T>
__device__ __forceinline__ void store_group(T* to, const Group<T>& group) {
  std::uint32_t words[4];
  SB_UNROLL
  for (int i = 0; i < 4; ++i) {
    if constexpr (sizeof(T) == 4) {
      words[i] = bits_of_float(group.v[i]);
    } else {
      words[i] = packed<T>(group.v[2 * i], group.v[2 * i + 1]);
    }
  }
  *reinterpret_cast<uint4*>(to) = make_uint4(words[0], words[1], words[2], words[3]);
}

}  // namespace on_gpu
}  // namespace sb

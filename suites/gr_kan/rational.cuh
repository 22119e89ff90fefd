// The group-rational function and its gradient on a GPU, and sums of its ten coefficient terms.
// Formulas: rational.h and backward_op.cpp.
#pragma once

#include "backend/device.cuh"

namespace sb::gr_kan {
namespace {

inline constexpr int kTermsOnDevice =
    10;  // g x^i / Q, i = 0 ... 5, then g P / Q^2 |x|^i, i = 1 ... 4

// Planted bugs that the tests must see fail; kNone is the kernel.
enum class Bug {
  kNone,
  kNoBarrierBeforeRead,
  kDroppedLastRow,
  kLastSumNotCleared,
  kLastCoefficientNotWritten,
  kFirstGroupForAll,
};

struct DeviceShape {
  std::int64_t rows, d, group_size;
  int groups;
  bool shared_numerator;
};

struct Coefficients {
  float a[6], b[4];  // b: magnitudes
};

template <Bug kBug>
__device__ __forceinline__ Coefficients coefficients_of(const float* a, const float* b,
                                                        std::int64_t group, bool shared_numerator) {
  if (kBug == Bug::kFirstGroupForAll) group = 0;
  Coefficients c;
  SB_UNROLL
  for (int i = 0; i < 6; ++i) c.a[i] = a[(shared_numerator ? 0 : group * 6) + i];
  SB_UNROLL
  for (int i = 0; i < 4; ++i) c.b[i] = fabsf(b[group * 4 + i]);
  return c;
}

__device__ __forceinline__ float numerator(float x, const Coefficients& c) {
  return ((((c.a[5] * x + c.a[4]) * x + c.a[3]) * x + c.a[2]) * x + c.a[1]) * x + c.a[0];
}
__device__ __forceinline__ float denominator(float magnitude, const Coefficients& c) {
  return (((c.b[3] * magnitude + c.b[2]) * magnitude + c.b[1]) * magnitude + c.b[0]) * magnitude +
         1;
}

// Adds the element's terms to `sums` and gives dx.
__device__ __forceinline__ float add_element(float x, float g, const Coefficients& c,
                                             float (&sums)[kTermsOnDevice]) {
  const float magnitude = fabsf(x);
  const float p = numerator(x, c);
  const float q = denominator(magnitude, c);
  const float dp = (((5 * c.a[5] * x + 4 * c.a[4]) * x + 3 * c.a[3]) * x + 2 * c.a[2]) * x + c.a[1];
  const float dq =
      ((4 * c.b[3] * magnitude + 3 * c.b[2]) * magnitude + 2 * c.b[1]) * magnitude + c.b[0];
  const float over_q = g / q;
  const float t = over_q * (p / q);
  float power = over_q;
  SB_UNROLL
  for (int i = 0; i < 6; ++i, power *= x) sums[i] += power;
  power = t * magnitude;
  SB_UNROLL
  for (int i = 6; i < kTermsOnDevice; ++i, power *= magnitude) sums[i] += power;
  return over_q * dp - (x < 0 ? -dq : dq) * t;
}

// Adds up every thread's sums; the block's, in `total` of thread i for term i. For one call in a
// kernel. The order is fixed: lanes by halves, then warps one after the other.
template <int kThreads, Bug kBug = Bug::kNone>
__device__ __forceinline__ float block_total(float (&sums)[kTermsOnDevice]) {
  constexpr int kWarps = kThreads / 32;
  SB_SHARED(float, of_warp, [kWarps * kTermsOnDevice]);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  SB_UNROLL
  for (int i = 0; i < kTermsOnDevice; ++i) {
    for (int distance = 16; distance > 0; distance /= 2) {
      sums[i] += __shfl_down_sync(~0u, sums[i], distance);
    }
    if (lane == 0) of_warp[warp * kTermsOnDevice + i] = sums[i];
  }
  if constexpr (kBug != Bug::kNoBarrierBeforeRead) __syncthreads();
  float total = 0;
  if (threadIdx.x < kTermsOnDevice) {
    for (int w = 0; w < kWarps; ++w) total += of_warp[w * kTermsOnDevice + threadIdx.x];
  }
  return total;
}

}  // namespace
}  // namespace sb::gr_kan

// The softmax between the two products of standard attention on a GPU, with its mask.
#pragma once

#include "backend/device_types.cuh"

namespace sb::attention {
namespace {

// Planted bugs that the tests must see fail; kNone is the kernel.
enum class MaskedBug { kNone, kNoBarrier, kNoMask };

struct MaskedRows {
  const float* scores;  // [heads * m][n], natural logarithms of weights
  void* weights;        // alike, in the storage type
  float* lse;           // [heads * m], null if not asked for
  int m, n;
  int diagonal;  // row i sees keys [0, i + diagonal)
};

inline constexpr int kMaskedThreads = 256;

// Same result in every thread. `scratch`: a float a warp, used by nobody else; ends with a barrier.
template <MaskedBug kBug, typename Join>
__device__ __forceinline__ float joined_over_block(float x, float (&scratch)[kMaskedThreads / 32],
                                                   const Join& join) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  SB_UNROLL
  for (int distance = 16; distance > 0; distance /= 2) {
    x = join(x, __shfl_xor_sync(~0u, x, distance));
  }
  if (lane == 0) scratch[warp] = x;
  if constexpr (kBug != MaskedBug::kNoBarrier) __syncthreads();
  x = scratch[0];
  SB_UNROLL
  for (int w = 1; w < kMaskedThreads / 32; ++w) x = join(x, scratch[w]);
  return x;
}

// Grid: heads * m. Keys that a row does not see get zeros; one that sees nothing a log-sum-exp of
// -inf.
template <typename T, MaskedBug kBug = MaskedBug::kNone>
__global__ void __launch_bounds__(kMaskedThreads) masked_softmax(MaskedRows rows) {
  SB_SHARED(float, maxima, [kMaskedThreads / 32]);
  SB_SHARED(float, sums, [kMaskedThreads / 32]);
  const std::int64_t at = std::int64_t{blockIdx.x} * rows.n;
  const int limit = static_cast<int>(blockIdx.x % static_cast<unsigned>(rows.m)) + rows.diagonal;
  const int bounded = limit < 0 ? 0 : limit < rows.n ? limit : rows.n;
  const int seen = kBug == MaskedBug::kNoMask ? rows.n : bounded;
  const int thread = static_cast<int>(threadIdx.x);
  float maximum = -INFINITY;
  for (int c = thread; c < seen; c += kMaskedThreads) {
    maximum = fmaxf(maximum, rows.scores[at + c]);
  }
  maximum = joined_over_block<kBug>(maximum, maxima, [](float a, float b) { return fmaxf(a, b); });
  const float origin = maximum == -INFINITY ? 0.0f : maximum;
  float sum = 0;
  for (int c = thread; c < seen; c += kMaskedThreads) sum += expf(rows.scores[at + c] - origin);
  sum = joined_over_block<kBug>(sum, sums, [](float a, float b) { return a + b; });
  const float inverse = sum == 0 ? 0.0f : 1 / sum;
  for (int c = thread; c < rows.n; c += kMaskedThreads) {
    const float weight = c < seen ? expf(rows.scores[at + c] - origin) * inverse : 0.0f;
    narrow(weight, static_cast<T*>(rows.weights)[at + c]);
  }
  if (thread == 0 && rows.lse != nullptr) {
    rows.lse[blockIdx.x] = sum == 0 ? -INFINITY : maximum + logf(sum);
  }
}

}  // namespace
}  // namespace sb::attention

// A piece of a row on the way to its softmax, and how threads, warps and blocks add pieces up.
#pragma once

#include "backend/device.cuh"

namespace sb::softmax {
namespace {

// Planted bugs that the tests must see fail; kNone is the kernel.
enum class Bug { kNone, kNoBarrierBeforeRead, kNoBarrierBeforeReuse, kDroppedTail };

// sum is of exp(x - maximum) over the piece; an empty or fully masked piece is {-inf, 0}.
struct RowSum {
  float maximum = -INFINITY;
  double sum = 0;  // so that a thread's share may have any length
};

// -inf elements of a piece with finite maximum, and all of one without, weigh nothing; NaN stays.
__device__ __forceinline__ float weight(float x, float maximum) {
  return x == -INFINITY ? (maximum == INFINITY ? NAN : 0.0f) : expf(x - maximum);
}

__device__ __forceinline__ double rescaled(const RowSum& piece, float maximum) {
  return piece.maximum == maximum ? piece.sum : piece.sum * expf(piece.maximum - maximum);
}

__device__ __forceinline__ RowSum merged(const RowSum& a, const RowSum& b) {
  const float maximum = fmaxf(a.maximum, b.maximum);
  return {maximum, rescaled(a, maximum) + rescaled(b, maximum)};
}

__device__ __forceinline__ RowSum merged_over_warp(RowSum piece) {
  for (int distance = 16; distance > 0; distance /= 2) {
    const float maximum = __shfl_xor_sync(~0u, piece.maximum, distance);
    const double sum = __shfl_xor_sync(~0u, piece.sum, distance);
    piece = merged(piece, {maximum, sum});
  }
  return piece;
}

// Same result in every thread. The block has kThreads threads, a multiple of 32.
template <int kThreads, Bug kBug = Bug::kNone>
__device__ __forceinline__ RowSum merged_over_block(RowSum piece) {
  constexpr int kWarps = kThreads / 32;
  SB_SHARED(float, maxima, [kWarps]);
  SB_SHARED(double, sums, [kWarps]);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  piece = merged_over_warp(piece);
  if constexpr (kBug != Bug::kNoBarrierBeforeReuse) __syncthreads();  // of an earlier call
  if (lane == 0) {
    maxima[warp] = piece.maximum;
    sums[warp] = piece.sum;
  }
  if constexpr (kBug != Bug::kNoBarrierBeforeRead) __syncthreads();
  return merged_over_warp(lane < kWarps ? RowSum{maxima[lane], sums[lane]} : RowSum{});
}

// y = exp(x - m) / sum: -inf gives exactly 0 in a row that has a finite maximum, a NaN or an
// infinite maximum makes the row NaN.
__device__ __forceinline__ float normalised(float x, float maximum, float inverse) {
  return expf(x - maximum) * inverse;
}

__device__ __forceinline__ float inverse_of(const RowSum& total) {
  return static_cast<float>(1.0 / total.sum);
}

// Elements of a row in groups of four where 16-byte access is possible, then one by one.
__device__ __forceinline__ std::int64_t groups_of_four(std::int64_t cols, std::int64_t stride) {
  return stride % 4 == 0 ? cols / 4 : 0;
}

// What thread `first` of `step` threads sees of elements [4 * from4, 4 * to4) and of the ungrouped
// [from, to): the online algorithm, a new maximum rescales the sum.
__device__ __forceinline__ void add_group(RowSum& piece, const float4& v) {
  const float maximum = fmaxf(fmaxf(fmaxf(v.x, v.y), fmaxf(v.z, v.w)), piece.maximum);
  const float sum = (weight(v.x, maximum) + weight(v.y, maximum)) +
                    (weight(v.z, maximum) + weight(v.w, maximum));
  piece = {maximum, rescaled(piece, maximum) + sum};
}
__device__ __forceinline__ void add_element(RowSum& piece, float x) {
  const float maximum = fmaxf(x, piece.maximum);
  piece = {maximum, rescaled(piece, maximum) + weight(x, maximum)};
}

}  // namespace
}  // namespace sb::softmax

// A piece of a row on the way to its softmax, and how threads, warps and blocks add pieces up.
#pragma once

#include "backend/device.cuh"

namespace sb::softmax {
namespace {

// Planted bugs that the tests must see fail; kNone is the kernel.
enum class Bug { kNone, kNoBarrierBeforeRead, kDroppedTail };

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

// Same result in every thread. The block has kThreads threads, a multiple of 32. To be called once
// in a kernel: nothing keeps a second call from overwriting what the first still reads.
template <int kThreads, Bug kBug = Bug::kNone>
__device__ __forceinline__ RowSum merged_over_block(RowSum piece) {
  constexpr int kWarps = kThreads / 32;
  SB_SHARED(float, maxima, [kWarps]);
  SB_SHARED(double, sums, [kWarps]);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  piece = merged_over_warp(piece);
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

// Elements [first, first + 4) of a row of `cols`; beyond its end -inf, which weighs nothing.
// `wide`: the row begins at a multiple of 16 bytes, so that whole groups move with one access.
template <Bug kBug = Bug::kNone>
__device__ __forceinline__ float4 load_four(const float* x, std::int64_t first, std::int64_t cols,
                                            bool wide) {
  if (wide && first + 4 <= cols) return *reinterpret_cast<const float4*>(x + first);
  if constexpr (kBug == Bug::kDroppedTail) {
    return make_float4(-INFINITY, -INFINITY, -INFINITY, -INFINITY);
  }
  return make_float4(
      first < cols ? x[first] : -INFINITY, first + 1 < cols ? x[first + 1] : -INFINITY,
      first + 2 < cols ? x[first + 2] : -INFINITY, first + 3 < cols ? x[first + 3] : -INFINITY);
}

__device__ __forceinline__ void store_four(float* y, std::int64_t first, std::int64_t cols,
                                           bool wide, const float4& v) {
  if (wide && first + 4 <= cols) {
    *reinterpret_cast<float4*>(y + first) = v;
    return;
  }
  if (first < cols) y[first] = v.x;
  if (first + 1 < cols) y[first + 1] = v.y;
  if (first + 2 < cols) y[first + 2] = v.z;
  if (first + 3 < cols) y[first + 3] = v.w;
}

__device__ __forceinline__ float4 normalised(const float4& v, float maximum, float inverse) {
  return make_float4(normalised(v.x, maximum, inverse), normalised(v.y, maximum, inverse),
                     normalised(v.z, maximum, inverse), normalised(v.w, maximum, inverse));
}

// The online algorithm: a new maximum rescales the sum.
__device__ __forceinline__ void add_four(RowSum& piece, const float4& v) {
  const float maximum = fmaxf(fmaxf(fmaxf(v.x, v.y), fmaxf(v.z, v.w)), piece.maximum);
  const float sum =
      (weight(v.x, maximum) + weight(v.y, maximum)) + (weight(v.z, maximum) + weight(v.w, maximum));
  piece = {maximum, rescaled(piece, maximum) + sum};
}

// Sum of what a thread holds in registers: all maxima first, then one exponential per element.
template <int kGroups>
__device__ __forceinline__ RowSum sum_of_resident(const float4 (&v)[kGroups]) {
  float maximum = -INFINITY;
  SB_UNROLL
  for (int i = 0; i < kGroups; ++i) {
    maximum = fmaxf(maximum, fmaxf(fmaxf(v[i].x, v[i].y), fmaxf(v[i].z, v[i].w)));
  }
  float sum = 0;
  SB_UNROLL
  for (int i = 0; i < kGroups; ++i) {
    sum += (weight(v[i].x, maximum) + weight(v[i].y, maximum)) +
           (weight(v[i].z, maximum) + weight(v[i].w, maximum));
  }
  return {maximum, sum};
}

}  // namespace
}  // namespace sb::softmax

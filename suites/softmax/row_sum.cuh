// A piece of a row on the way to its softmax, and how threads, warps and blocks add pieces up.
#pragma once

#include "backend/device_types.cuh"

namespace sb::softmax {
namespace {

// Planted bugs that the tests must see fail; kNone is the kernel.
enum class Bug {
  kNone,
  kNoBarrierBeforeRead,
  kDroppedTail,
  kDroppedPieces,
  kExponentStays,  // two_pass: the sum is not moved when exponents outgrow its own
  kNoFallback,     // two_pass: rows out of reach are left as they are
};

// What is written of a row.
enum class Result { kSoftmax, kLogSoftmax };

// sum is of exp(x - maximum) over the piece; an empty or fully masked piece is {-inf, 0}.
struct RowSum {
  float maximum = -INFINITY;
  double sum = 0;  // so that a thread's share may have any length
};

// What exponents of a piece are taken relative to: a piece of nothing but -inf weighs nothing (not
// NaN); an infinite maximum gives NaN by itself.
__device__ __forceinline__ float origin(float maximum) {
  return maximum == -INFINITY ? 0.0f : maximum;
}

__device__ __forceinline__ double rescaled(const RowSum& piece, float maximum) {
  return piece.maximum == maximum ? piece.sum : piece.sum * expf(piece.maximum - maximum);
}

// Sum: RowSum, or what has its members and a rescaled() of its own.
template <typename Sum>
__device__ __forceinline__ Sum merged(const Sum& a, const Sum& b) {
  const float maximum = fmaxf(a.maximum, b.maximum);
  return {maximum, rescaled(a, maximum) + rescaled(b, maximum)};
}

template <typename Sum>
__device__ __forceinline__ Sum merged_over_warp(Sum piece) {
  for (int distance = 16; distance > 0; distance /= 2) {
    const float maximum = __shfl_xor_sync(~0u, piece.maximum, distance);
    const double sum = __shfl_xor_sync(~0u, piece.sum, distance);
    piece = merged(piece, Sum{maximum, sum});
  }
  return piece;
}

// Same result in every thread. The block has kThreads threads, a multiple of 32. To be called once
// in a kernel: nothing keeps a second call from overwriting what the first still reads.
template <int kThreads, Bug kBug = Bug::kNone, typename Sum>
__device__ __forceinline__ Sum merged_over_block(Sum piece) {
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
  return merged_over_warp(lane < kWarps ? Sum{maxima[lane], sums[lane]} : Sum{});
}

// What turns an element into its result: softmax y = exp(x - m) / sum, log_softmax
// y = (x - m) - log sum. -inf gives exactly 0 (or -inf) in a row that has a finite maximum; a NaN
// or an infinite maximum makes the row NaN.
template <Result kResult>
struct Normaliser {
  float maximum, factor;

  __device__ __forceinline__ explicit Normaliser(const RowSum& total)
      : maximum(total.maximum),
        factor(kResult == Result::kSoftmax ? static_cast<float>(1.0 / total.sum)
                                           : logf(static_cast<float>(total.sum))) {}

  __device__ __forceinline__ float operator()(float x) const {
    return kResult == Result::kSoftmax ? expf(x - maximum) * factor : (x - maximum) - factor;
  }
};

// A place in a row that ends `left` elements further (a number that says as much, if it is far).
// `wide`: the row begins at a multiple of 16 bytes, so that whole groups move with one access.
struct Place {
  std::int64_t first;
  int left;
  bool wide;

  __device__ __forceinline__ Place(std::int64_t at, std::int64_t cols, bool row_is_aligned)
      : first(at), left(static_cast<int>(at + 16 < cols ? 16 : cols - at)), wide(row_is_aligned) {}
  // One from which a whole group is in the row in any case: nobody asks.
  __device__ __forceinline__ Place(std::int64_t at, bool row_is_aligned)
      : first(at), left(16), wide(row_is_aligned) {}
};

// A group of a row; beyond the row's end -inf, which weighs nothing.
template <Bug kBug = Bug::kNone, typename T>
__device__ __forceinline__ Group<T> load(const T* x, const Place& at) {
  if (at.wide && kWidth<T> <= at.left) return load_group(x + at.first);
  Group<T> group;
  SB_UNROLL
  for (int i = 0; i < kWidth<T>; ++i) {
    const bool inside = kBug != Bug::kDroppedTail && i < at.left;
    group.v[i] = inside ? to_float(x[at.first + i]) : -INFINITY;
  }
  return group;
}

template <typename T, typename Normalised>
__device__ __forceinline__ void store(T* y, const Place& at, Group<T> group,
                                      const Normalised& normalised) {
  SB_UNROLL
  for (int i = 0; i < kWidth<T>; ++i) group.v[i] = normalised(group.v[i]);
  if (at.wide && kWidth<T> <= at.left) return store_group(y + at.first, group);
  SB_UNROLL
  for (int i = 0; i < kWidth<T>; ++i) {
    if (i < at.left) narrow(group.v[i], y[at.first + i]);
  }
}

// Maximum and sum of what a thread holds in registers: all maxima first, then one exponential per
// element; `before` is what it has seen of the row already.
template <typename T, int kGroups>
__device__ __forceinline__ RowSum with_groups(const RowSum& before,
                                              const Group<T> (&groups)[kGroups]) {
  float maximum = before.maximum;
  SB_UNROLL
  for (int g = 0; g < kGroups; ++g) {
    SB_UNROLL
    for (int i = 0; i < kWidth<T>; ++i) maximum = fmaxf(maximum, groups[g].v[i]);
  }
  const float zero = origin(maximum);
  float sum = 0;
  SB_UNROLL
  for (int g = 0; g < kGroups; ++g) {
    SB_UNROLL
    for (int i = 0; i < kWidth<T>; i += 4) {
      const float* v = groups[g].v + i;
      sum += (expf(v[0] - zero) + expf(v[1] - zero)) + (expf(v[2] - zero) + expf(v[3] - zero));
    }
  }
  return {maximum, rescaled(before, maximum) + sum};
}

// The online algorithm: a new maximum rescales the sum.
template <typename T>
__device__ __forceinline__ RowSum with_group(const RowSum& before, const Group<T>& group) {
  const Group<T> one[1] = {group};
  return with_groups(before, one);
}

}  // namespace
}  // namespace sb::softmax

// Softmax, a warp per row: the row lies in the registers of 32 lanes, read once, written once.
#pragma once

#include "suites/softmax/row_sum.cuh"

namespace sb::softmax {
namespace {

inline constexpr int kRowsPerBlock = 4;  // a warp each

// Rows of up to 32 kWidth<T>, 512 and 1024 columns have a form each.
template <typename T>
__host__ __device__ constexpr int less_in_warp(int each) {
  return each == kWidth<T> ? 0 : each == 16 ? 32 * kWidth<T> : 512;
}

// less_in_warp<T>(kEach) < cols <= 32 * kEach. Block: 32 * kRowsPerBlock threads; grid:
// rows / kRowsPerBlock, rounded up.
template <typename T, Result kResult, int kEach, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(32 * kRowsPerBlock)
    warp_per_row(const T* __restrict__ x, T* __restrict__ y, std::int64_t rows, std::int64_t cols,
                 std::int64_t stride) {
  constexpr int kGroups = kEach / kWidth<T>, kLess = less_in_warp<T>(kEach);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const std::int64_t row = std::int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.x / 32;
  if (row >= rows) return;
  x += row * stride;
  y += row * stride;
  const auto place = [&](int i) {
    const bool wide = stride % kWidth<T> == 0;
    const std::int64_t first = kWidth<T> * (lane + 32 * i);
    return 32 * kWidth<T> * (i + 1) <= kLess ? Place(first, wide) : Place(first, cols, wide);
  };
  Group<T> groups[kGroups];
  SB_UNROLL
  for (int i = 0; i < kGroups; ++i) groups[i] = load<kBug>(x, place(i));
  const Normaliser<kResult> normalised(merged_over_warp(with_groups({}, groups)));
  SB_UNROLL
  for (int i = 0; i < kGroups; ++i) store(y, place(i), groups[i], normalised);
}

}  // namespace
}  // namespace sb::softmax

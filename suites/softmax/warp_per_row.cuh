// Softmax, a warp per row: the row lies in the registers of 32 lanes, read once, written once.
#pragma once

#include "suites/softmax/row_sum.cuh"

namespace sb::softmax {
namespace {

inline constexpr int kRowsPerBlock = 4;  // a warp each

// cols <= 128 * kGroups. Block: 32 * kRowsPerBlock threads; grid: rows / kRowsPerBlock, rounded up.
template <int kGroups, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(32 * kRowsPerBlock)
    warp_per_row(const float* __restrict__ x, float* __restrict__ y, std::int64_t rows,
                 std::int64_t cols, std::int64_t stride) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const std::int64_t row = std::int64_t{blockIdx.x} * kRowsPerBlock + threadIdx.x / 32;
  if (row >= rows) return;
  x += row * stride;
  y += row * stride;
  const bool wide = stride % 4 == 0;
  float4 v[kGroups];
  SB_UNROLL
  for (int i = 0; i < kGroups; ++i) v[i] = load_four<kBug>(x, 4 * (lane + 32 * i), cols, wide);
  const RowSum total = merged_over_warp(sum_of_resident(v));
  const float inverse = inverse_of(total);
  SB_UNROLL
  for (int i = 0; i < kGroups; ++i) {
    store_four(y, 4 * (lane + 32 * i), cols, wide, normalised(v[i], total.maximum, inverse));
  }
}

}  // namespace
}  // namespace sb::softmax

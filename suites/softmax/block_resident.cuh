// Softmax, a block per row: the row lies in the registers of a block, read once, written once.
#pragma once

#include "suites/softmax/row_sum.cuh"

namespace sb::softmax {
namespace {

// cols <= 4 * kThreads * kGroups. Grid: rows.
template <int kThreads, int kGroups, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads)
    block_resident(const float* __restrict__ x, float* __restrict__ y, std::int64_t cols,
                   std::int64_t stride) {
  const int thread = static_cast<int>(threadIdx.x);
  x += std::int64_t{blockIdx.x} * stride;
  y += std::int64_t{blockIdx.x} * stride;
  const bool wide = stride % 4 == 0;
  float4 v[kGroups];
  SB_UNROLL
  for (int i = 0; i < kGroups; ++i)
    v[i] = load_four<kBug>(x, 4 * (thread + kThreads * i), cols, wide);
  const RowSum total = merged_over_block<kThreads, kBug>(sum_of_resident(v));
  const float inverse = inverse_of(total);
  SB_UNROLL
  for (int i = 0; i < kGroups; ++i) {
    store_four(y, 4 * (thread + kThreads * i), cols, wide,
               normalised(v[i], total.maximum, inverse));
  }
}

}  // namespace
}  // namespace sb::softmax

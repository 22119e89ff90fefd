// Softmax, a block per row: the row lies in the registers of a block, read once, written once.
#pragma once

#include "suites/softmax/row_sum.cuh"

namespace sb::softmax {
namespace {

// Rows of up to 2048, 8192 and 32768 columns have a form each.
__host__ __device__ constexpr int less_in_block(int threads, int each) {
  return threads == 1024 ? 256 * 32 : each == 32 ? 256 * 8 : 0;
}

// less_in_block(kThreads, kEach) < cols <= kThreads * kEach. Grid: rows.
template <typename T, Result kResult, int kThreads, int kEach, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads)
    block_resident(const T* __restrict__ x, T* __restrict__ y, std::int64_t cols,
                   std::int64_t stride) {
  constexpr int kGroups = kEach / kWidth<T>, kLess = less_in_block(kThreads, kEach);
  const int thread = static_cast<int>(threadIdx.x);
  x += std::int64_t{blockIdx.x} * stride;
  y += std::int64_t{blockIdx.x} * stride;
  const auto place = [&](int i) {
    const bool wide = stride % kWidth<T> == 0;
    const std::int64_t first = kWidth<T> * (thread + kThreads * i);
    return kThreads * kWidth<T> * (i + 1) <= kLess ? Place(first, wide) : Place(first, cols, wide);
  };
  Group<T> groups[kGroups];
  SB_UNROLL
  for (int i = 0; i < kGroups; ++i) groups[i] = load<kBug>(x, place(i));
  const Normaliser<kResult> normalised(merged_over_block<kThreads, kBug>(with_groups({}, groups)));
  SB_UNROLL
  for (int i = 0; i < kGroups; ++i) store(y, place(i), groups[i], normalised);
}

}  // namespace
}  // namespace sb::softmax

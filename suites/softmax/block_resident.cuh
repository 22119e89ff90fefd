// Softmax, a block per row: the row lies in the registers of a block, read once, written once.
#pragma once

#include "suites/softmax/row_sum.cuh"

namespace sb::softmax {
namespace {

// cols <= kThreads * kEach, a multiple of kWidth<T>. Grid: rows.
template <typename T, Result kResult, int kThreads, int kEach, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads)
    block_resident(const T* __restrict__ x, T* __restrict__ y, std::int64_t cols,
                   std::int64_t stride) {
  constexpr int kGroups = kEach / kWidth<T>;
  const int thread = static_cast<int>(threadIdx.x);
  x += std::int64_t{blockIdx.x} * stride;
  y += std::int64_t{blockIdx.x} * stride;
  const auto place = [&](int i) {
    return Place(kWidth<T> * (thread + kThreads * i), cols, stride % kWidth<T> == 0);
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

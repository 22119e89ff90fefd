// Softmax, a block per row of any length: a pass that finds maximum and sum together (Milakov and
// Gimelshein, arXiv:1805.02867, algorithm 3), a pass that writes.
#pragma once

#include "suites/softmax/row_sum.cuh"

namespace sb::softmax {
namespace {

// Grid: rows.
template <typename T, Result kResult, int kThreads, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads)
    online(const T* __restrict__ x, T* __restrict__ y, std::int64_t cols, std::int64_t stride) {
  x += std::int64_t{blockIdx.x} * stride;
  y += std::int64_t{blockIdx.x} * stride;
  const bool wide = stride % kWidth<T> == 0;
  const std::int64_t begin = kWidth<T> * static_cast<std::int64_t>(threadIdx.x);
  constexpr std::int64_t kStep = kWidth<T> * kThreads;
  RowSum own;
  for (std::int64_t c = begin; c < cols; c += kStep) {
    own = with_group(own, load<kBug>(x, {c, cols, wide}));
  }
  const Normaliser<kResult> normalised(merged_over_block<kThreads, kBug>(own));
  for (std::int64_t c = begin; c < cols; c += kStep) {
    store(y, {c, cols, wide}, load(x, {c, cols, wide}), normalised);
  }
}

}  // namespace
}  // namespace sb::softmax

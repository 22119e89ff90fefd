// Softmax, a block per row of any length: a pass that finds maximum and sum together (Milakov and
// Gimelshein, arXiv:1805.02867, algorithm 3), a pass that writes.
#pragma once

#include "suites/softmax/row_sum.cuh"

namespace sb::softmax {
namespace {

// Grid: rows.
template <int kThreads, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads)
    online(const float* __restrict__ x, float* __restrict__ y, std::int64_t cols,
           std::int64_t stride) {
  x += std::int64_t{blockIdx.x} * stride;
  y += std::int64_t{blockIdx.x} * stride;
  const bool wide = stride % 4 == 0;
  const std::int64_t begin = 4 * static_cast<std::int64_t>(threadIdx.x);
  RowSum piece;
  for (std::int64_t c = begin; c < cols; c += 4 * kThreads) {
    add_four(piece, load_four<kBug>(x, c, cols, wide));
  }
  const RowSum total = merged_over_block<kThreads, kBug>(piece);
  const float inverse = inverse_of(total);
  for (std::int64_t c = begin; c < cols; c += 4 * kThreads) {
    store_four(y, c, cols, wide, normalised(load_four(x, c, cols, wide), total.maximum, inverse));
  }
}

}  // namespace
}  // namespace sb::softmax

// Softmax of few long rows: a row is split across blocks. One launch sums the pieces, one merges
// the sums and writes; nothing between blocks but the end of a launch, so the result is
// reproducible.
#pragma once

#include "suites/softmax/row_sum.cuh"

namespace sb::softmax {
namespace {

struct Split {
  std::int64_t cols, stride;
  std::int64_t piece;  // elements of a piece, a multiple of 4
  int pieces;          // of a row; block b has piece b % pieces of row b / pieces
};

// maxima, sums: [rows][pieces]. Grid: rows * pieces.
template <int kThreads, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads)
    sum_pieces(const float* __restrict__ x, float* __restrict__ maxima, double* __restrict__ sums,
               Split split) {
  x += blockIdx.x / split.pieces * split.stride;
  const std::int64_t begin = blockIdx.x % split.pieces * split.piece;
  const std::int64_t end = begin + split.piece < split.cols ? begin + split.piece : split.cols;
  RowSum own;
  for (std::int64_t c = begin + 4 * threadIdx.x; c < end; c += 4 * kThreads) {
    add_four(own, load_four<kBug>(x, c, end, split.stride % 4 == 0));
  }
  const RowSum total = merged_over_block<kThreads, kBug>(own);
  if (threadIdx.x == 0) {
    maxima[blockIdx.x] = total.maximum;
    sums[blockIdx.x] = total.sum;
  }
}

// Grid: rows * pieces.
template <int kThreads>
__global__ void __launch_bounds__(kThreads)
    write_pieces(const float* __restrict__ x, float* __restrict__ y,
                 const float* __restrict__ maxima, const double* __restrict__ sums, Split split) {
  const std::int64_t row = blockIdx.x / split.pieces;
  x += row * split.stride;
  y += row * split.stride;
  RowSum own;  // each warp merges the row's sums for itself: no barrier
  for (int i = static_cast<int>(threadIdx.x) % 32; i < split.pieces; i += 32) {
    own = merged(own, {maxima[row * split.pieces + i], sums[row * split.pieces + i]});
  }
  const RowSum total = merged_over_warp(own);
  const float inverse = inverse_of(total);
  const bool wide = split.stride % 4 == 0;
  const std::int64_t begin = blockIdx.x % split.pieces * split.piece;
  const std::int64_t end = begin + split.piece < split.cols ? begin + split.piece : split.cols;
  for (std::int64_t c = begin + 4 * threadIdx.x; c < end; c += 4 * kThreads) {
    store_four(y, c, end, wide, normalised(load_four(x, c, end, wide), total.maximum, inverse));
  }
}

}  // namespace
}  // namespace sb::softmax

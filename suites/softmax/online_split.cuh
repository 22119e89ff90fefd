// Softmax of few long rows: a row is split across blocks. One launch sums the pieces, one merges
// the sums and writes; nothing between blocks but the end of a launch, so the result is
// reproducible.
#pragma once

#include "suites/softmax/row_sum.cuh"

namespace sb::softmax {
namespace {

struct Split {
  std::int64_t cols, stride;
  std::int64_t piece;  // elements of a piece, a multiple of 8
  int pieces;          // of a row; block b has piece b % pieces of row b / pieces
};

// maxima, sums: [rows][pieces]. Grid: rows * pieces.
template <typename T, int kThreads, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads)
    sum_pieces(const T* __restrict__ x, float* __restrict__ maxima, double* __restrict__ sums,
               Split split) {
  x += blockIdx.x / split.pieces * split.stride;
  const bool wide = split.stride % kWidth<T> == 0;
  const std::int64_t begin = blockIdx.x % split.pieces * split.piece;
  const std::int64_t end = begin + split.piece < split.cols ? begin + split.piece : split.cols;
  RowSum own;
  for (std::int64_t c = begin + kWidth<T> * threadIdx.x; c < end; c += kWidth<T> * kThreads) {
    own = with_group(own, load<kBug>(x, {c, end, wide}));
  }
  const RowSum total = merged_over_block<kThreads, kBug>(own);
  if (threadIdx.x == 0) {
    maxima[blockIdx.x] = total.maximum;
    sums[blockIdx.x] = total.sum;
  }
}

// Grid: rows * pieces.
template <typename T, Result kResult, int kThreads, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads)
    write_pieces(const T* __restrict__ x, T* __restrict__ y, const float* __restrict__ maxima,
                 const double* __restrict__ sums, Split split) {
  const std::int64_t row = blockIdx.x / split.pieces;
  x += row * split.stride;
  y += row * split.stride;
  const int merged_pieces = kBug == Bug::kDroppedPieces ? split.pieces - 32 : split.pieces;
  RowSum own;  // each warp merges the row's sums for itself: no barrier
  for (int i = static_cast<int>(threadIdx.x) % 32; i < merged_pieces; i += 32) {
    own = merged(own, {maxima[row * split.pieces + i], sums[row * split.pieces + i]});
  }
  const Normaliser<kResult> normalised(merged_over_warp(own));
  const bool wide = split.stride % kWidth<T> == 0;
  const std::int64_t begin = blockIdx.x % split.pieces * split.piece;
  const std::int64_t end = begin + split.piece < split.cols ? begin + split.piece : split.cols;
  for (std::int64_t c = begin + kWidth<T> * threadIdx.x; c < end; c += kWidth<T> * kThreads) {
    store(y, {c, end, wide}, load(x, {c, end, wide}), normalised);
  }
}

}  // namespace
}  // namespace sb::softmax

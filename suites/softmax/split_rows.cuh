// Softmax of few long rows: a row is split across blocks. One launch sums the pieces, one merges
// the sums and writes; nothing between blocks but the end of a launch, so the result is
// reproducible. How a sum is kept is the method's: online (a maximum) or two_pass (an exponent).
#pragma once

#include "suites/softmax/pair_sum.cuh"

namespace sb::softmax {
namespace {

struct OnlineMethod {
  using Sum = RowSum;
  template <Result kResult>
  using Normalised = Normaliser<kResult>;

  template <Bug, typename T>
  __device__ __forceinline__ static RowSum add(const RowSum& sum, const Group<T>& group) {
    return with_group(sum, group);
  }
  __device__ __forceinline__ static bool out_of_reach(const RowSum&) { return false; }
};

struct TwoPassMethod {
  using Sum = PairSum;
  template <Result kResult>
  using Normalised = PairNormaliser<kResult>;

  template <Bug kBug, typename T>
  __device__ __forceinline__ static PairSum add(const PairSum& sum, const Group<T>& group) {
    return with_group<kBug>(sum, group);
  }
  // An element that its exponent cannot hold, a NaN, nothing but -inf.
  __device__ __forceinline__ static bool out_of_reach(const PairSum& row) {
    return !(fabsf(row.maximum) < INFINITY && row.sum > 0);
  }
};

struct Split {
  std::int64_t cols, stride;
  std::int64_t piece;  // elements of a piece, a multiple of 8
  int pieces;          // of a row; block b has piece b % pieces of row b / pieces
};

struct Piece {
  std::int64_t begin, end;

  __device__ __forceinline__ explicit Piece(const Split& split)
      : begin(blockIdx.x % split.pieces * split.piece),
        end(begin + split.piece < split.cols ? begin + split.piece : split.cols) {}
};

// maxima, sums: [rows][pieces]. Grid: rows * pieces.
template <typename Method, typename T, int kThreads, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads)
    sum_pieces(const T* __restrict__ x, float* __restrict__ maxima, double* __restrict__ sums,
               Split split) {
  x += blockIdx.x / split.pieces * split.stride;
  const bool wide = split.stride % kWidth<T> == 0;
  const Piece piece(split);
  typename Method::Sum own;
  for (std::int64_t c = piece.begin + kWidth<T> * threadIdx.x; c < piece.end;
       c += kWidth<T> * kThreads) {
    own = Method::template add<kBug>(own, load<kBug>(x, {c, piece.end, wide}));
  }
  const auto total = merged_over_block<kThreads, kBug>(own);
  if (threadIdx.x == 0) {
    maxima[blockIdx.x] = total.maximum;
    sums[blockIdx.x] = total.sum;
  }
}

// Writes a block's piece of a row.
template <int kThreads, typename T, typename Normalised>
__device__ __forceinline__ void write_piece(const T* x, T* y, const Split& split,
                                            const Normalised& normalised) {
  const bool wide = split.stride % kWidth<T> == 0;
  const Piece piece(split);
  for (std::int64_t c = piece.begin + kWidth<T> * threadIdx.x; c < piece.end;
       c += kWidth<T> * kThreads) {
    store(y, {c, piece.end, wide}, load(x, {c, piece.end, wide}), normalised);
  }
}

// Grid: rows * pieces. A row out of the method's reach is summed again by each of its blocks,
// online.
template <typename Method, typename T, Result kResult, int kThreads, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads)
    write_pieces(const T* __restrict__ x, T* __restrict__ y, const float* __restrict__ maxima,
                 const double* __restrict__ sums, Split split) {
  const std::int64_t row = blockIdx.x / split.pieces;
  x += row * split.stride;
  y += row * split.stride;
  const int merged_pieces = kBug == Bug::kDroppedPieces ? split.pieces - 32 : split.pieces;
  typename Method::Sum own;  // each warp merges the row's sums for itself: no barrier
  // Up to 32 pieces it is one trip.
  SB_NO_UNROLL
  for (int i = static_cast<int>(threadIdx.x) % 32; i < merged_pieces; i += 32) {
    own = merged(own, {maxima[row * split.pieces + i], sums[row * split.pieces + i]});
  }
  const auto total = merged_over_warp(own);
  if (kBug != Bug::kNoFallback && Method::out_of_reach(total)) {
    RowSum again;
    for (std::int64_t c = kWidth<T> * threadIdx.x; c < split.cols; c += kWidth<T> * kThreads) {
      again = with_group(again, load(x, {c, split.cols, split.stride % kWidth<T> == 0}));
    }
    const Normaliser<kResult> normalised(merged_over_block<kThreads>(again));
    write_piece<kThreads>(x, y, split, normalised);
    return;
  }
  write_piece<kThreads>(x, y, split, typename Method::template Normalised<kResult>(total));
}

}  // namespace
}  // namespace sb::softmax

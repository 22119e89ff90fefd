// Tiles of 16-bit heads in shared memory and products of them in a warp's registers: what the flash
// kernels, forward and backward, are made of. A block has four warps.
#pragma once

#include "backend/device_matrix.cuh"
#include "suites/attention/head_layout.cuh"

namespace sb::attention {
namespace {

inline constexpr int kTileWarps = 4, kTileThreads = 32 * kTileWarps;

// An odd number of 16-byte chunks from row to row: eight rows of a matrix lie in different banks.
template <int kD>
inline constexpr int kPitch = kD + 8;

// Keys that a query row sees: of a call with `diagonal` and `n`.
__device__ __forceinline__ int visible_keys(const auto& call, int row) {
  const int keys = row + call.diagonal;
  return keys < 0 ? 0 : keys < call.n ? keys : call.n;
}

// Over the four lanes that have a fragment's row.
__device__ __forceinline__ float maximum_of_four_lanes(float x) {
  x = fmaxf(x, __shfl_xor_sync(~0u, x, 1));
  return fmaxf(x, __shfl_xor_sync(~0u, x, 2));
}
__device__ __forceinline__ float sum_of_four_lanes(float x) {
  x += __shfl_xor_sync(~0u, x, 1);
  return x + __shfl_xor_sync(~0u, x, 2);
}

// Rows [first, first + kCount) of a head to shared memory; zeros from row `end` on.
template <int kD, int kCount, typename T>
__device__ __forceinline__ void copy_rows(T* to, const T* head, std::int64_t stride, int first,
                                          int end) {
  constexpr int kChunks = kD / 8;
  if constexpr (kTileThreads % kChunks == 0) {  // a thread keeps its column
    static_assert(kCount * kChunks % kTileThreads == 0);
    constexpr int kStep = kTileThreads / kChunks;
    int row = static_cast<int>(threadIdx.x) / kChunks;
    const int column = static_cast<int>(threadIdx.x) % kChunks * 8;
    const T* from = head + static_cast<std::int64_t>(first + row) * stride + column;
    to += row * kPitch<kD> + column;
    SB_NO_UNROLL
    for (int i = 0; i < kCount / kStep; ++i, row += kStep, from += kStep * stride) {
      copy_async(to + i * kStep * kPitch<kD>, from, first + row < end);
    }
  } else {
    SB_NO_UNROLL
    for (int chunk = static_cast<int>(threadIdx.x); chunk < kCount * kChunks;
         chunk += kTileThreads) {
      const int row = chunk / kChunks, column = chunk % kChunks * 8;
      copy_async(to + row * kPitch<kD> + column,
                 head + static_cast<std::int64_t>(first + row) * stride + column,
                 first + row < end);
    }
  }
}

// Where a lane points to for a matrix of 16 rows x 16 columns in the order of A's fragments.
template <int kD, typename T>
__device__ __forceinline__ const T* in_block(const T* tile, int row, int column) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  return tile + (row + lane % 16) * kPitch<kD> + column + lane / 16 * 8;
}

template <int kD, int kRowBlocks, typename T>
__device__ __forceinline__ void load_rows(FragmentA (&to)[kRowBlocks], const T* rows, int column) {
  SB_UNROLL
  for (int i = 0; i < kRowBlocks; ++i) {
    load_matrices<false>(to[i], in_block<kD>(rows, 16 * i, column));
  }
}

// to = A B^T over kD columns: `load_a(a, c)` gives the fragments of columns c ... c + 15 of the
// warp's rows, `b` is a tile of as many rows as `to` has columns.
template <typename T, int kD, int kRowBlocks, int kColumns, typename LoadA>
__device__ __forceinline__ void multiply_rows(FragmentC (&to)[kRowBlocks][kColumns],
                                              const LoadA& load_a, const T* b) {
  SB_UNROLL
  for (int i = 0; i < kRowBlocks; ++i) {
    SB_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      SB_UNROLL
      for (int e = 0; e < 4; ++e) to[i][j][e] = 0;
    }
  }
  SB_UNROLL
  for (int c = 0; c < kD; c += 16) {
    FragmentA a[kRowBlocks];
    load_a(a, c);
    SB_UNROLL
    for (int j = 0; j < kColumns / 2; ++j) {
      FragmentA pair;  // of 16 rows of b: words 0 and 2 are the first eight's
      load_matrices<false>(pair, in_block<kD>(b, 16 * j, c));
      SB_UNROLL
      for (int i = 0; i < kRowBlocks; ++i) {
        multiply<T>(to[i][2 * j], a[i], pair[0], pair[2]);
        multiply<T>(to[i][2 * j + 1], a[i], pair[1], pair[3]);
      }
    }
  }
}

// to += W B: a fragment of a product, rounded to T, is the fragment of a left operand. `b` is a
// tile of as many rows as `weights` has columns.
template <typename T, int kD, int kRowBlocks, int kColumns>
__device__ __forceinline__ void add_product(FragmentC (&to)[kRowBlocks][kD / 8],
                                            const FragmentC (&weights)[kRowBlocks][kColumns],
                                            const T* b) {
  SB_UNROLL
  for (int k = 0; k < kColumns / 2; ++k) {
    FragmentA a[kRowBlocks];
    SB_UNROLL
    for (int i = 0; i < kRowBlocks; ++i) {
      SB_UNROLL
      for (int e = 0; e < 4; ++e) {
        const FragmentC& from = weights[i][2 * k + e / 2];
        a[i][e] = packed<T>(from[2 * (e % 2)], from[2 * (e % 2) + 1]);
      }
    }
    SB_UNROLL
    for (int j = 0; j < kD / 16; ++j) {
      FragmentA pair;
      load_matrices<true>(pair, in_block<kD>(b, 16 * k, 16 * j));
      SB_UNROLL
      for (int i = 0; i < kRowBlocks; ++i) {
        multiply<T>(to[i][2 * j], a[i], pair[0], pair[1]);
        multiply<T>(to[i][2 * j + 1], a[i], pair[2], pair[3]);
      }
    }
  }
}

// The warp's first `count` rows from shared to global memory, 16 bytes a lane.
template <int kD, typename T>
__device__ __forceinline__ void store_rows(T* to, std::int64_t stride, const T* rows, int count) {
  constexpr int kChunks = kD / 8;
  for (int chunk = static_cast<int>(threadIdx.x) % 32; chunk < count * kChunks; chunk += 32) {
    const int row = chunk / kChunks, column = chunk % kChunks * 8;
    *reinterpret_cast<uint4*>(to + row * stride + column) =
        *reinterpret_cast<const uint4*>(rows + row * kPitch<kD> + column);
  }
}

}  // namespace
}  // namespace sb::attention

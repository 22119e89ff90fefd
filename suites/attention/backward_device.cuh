// FlashAttention-2 backward (arXiv:2307.08691, algorithm 2) on tensor cores, in the deterministic
// form: one kernel keeps dK and dV of its keys in registers and walks over the queries of all heads
// of the group, one keeps dQ of its queries and walks over the keys. Both compute scores again:
// seven products, no atomics, the same bits every time. A third kernel before them leaves
// delta = rowsum(dO O).
#pragma once

#include "suites/attention/tile_device.cuh"

namespace sb::attention {
namespace {

// Planted bugs that the tests must see fail; kNone is the kernel.
enum class BackwardBug {
  kNone,
  kNoBarrier,  // a warp's tile is overwritten while others still multiply with it
  kNoWait,     // a tile is used before it has arrived
  kNoMask,
  kNoDelta,
  kLastDeltaLeftOut,
  kLastHeadOnly,  // of the group
};

struct BackwardCall {
  const void *q, *k, *v, *o, *d_o;
  const float* lse;  // [b][h][m]
  float* delta;      // [b][h][m]
  void *dq, *dk, *dv;
  HeadLayout queries, keys;
  int h, hkv, group, m, n, d;
  int diagonal;  // row i sees keys [0, i + diagonal)
  float scale, scale_log2e;
  int tiles;  // of rows that stay, per head
};

template <int kD>
struct BackwardTile {
  // Rows that stay with a warp, in units of 16, and rows that pass by at a time. Two outputs of 16
  // rows at 128 columns take 128 registers.
  static constexpr int kRowBlocks = kD <= 64 ? 2 : 1;
  static constexpr int kWarpRows = 16 * kRowBlocks, kRows = kTileWarps * kWarpRows;
  static constexpr int kPassing = 32;
  static constexpr int kStageElements = 2 * kPassing * kPitch<kD>;  // of both operands
  static constexpr int kStageFloats = 2 * kPassing;                 // log-sum-exp and delta
  static constexpr int kSharedBytes =
      2 * (2 * kRows + 2 * 2 * kPassing) * kPitch<kD> + 4 * 2 * kStageFloats;
};

// delta[row] = sum of dO O over a row, a warp per row. Grid: b * h * m / 4 rounded up.
template <typename T, BackwardBug kBug>
__global__ void __launch_bounds__(kTileThreads) backward_delta(BackwardCall call, int rows) {
  const int row = static_cast<int>(blockIdx.x) * kTileWarps + static_cast<int>(threadIdx.x) / 32;
  if (row >= rows - (kBug == BackwardBug::kLastDeltaLeftOut)) return;
  const int head = row / call.m, lane = static_cast<int>(threadIdx.x) % 32;
  const std::int64_t at = head / call.h * call.queries.b + head % call.h * call.queries.h +
                          row % call.m * call.queries.row;
  float sum = 0;
  if (const int c = lane * kWidth<T>; c < call.d) {  // of up to 256
    const Group<T> o = load_group(static_cast<const T*>(call.o) + at + c);
    const Group<T> d_o = load_group(static_cast<const T*>(call.d_o) + at + c);
    SB_UNROLL
    for (int i = 0; i < kWidth<T>; ++i) sum = fmaf(o.v[i], d_o.v[i], sum);
  }
  SB_UNROLL
  for (int distance = 16; distance > 0; distance /= 2) {
    sum += __shfl_xor_sync(~0u, sum, distance);
  }
  if (lane == 0) call.delta[row] = sum;
}

// What a row subtracts before its exponential, in the log2 domain: one that sees nothing, or does
// not exist, weighs nothing.
__device__ __forceinline__ float row_origin(const BackwardCall& call, int head, int row) {
  constexpr float kLog2E = 1.4426950408889634f;
  const float lse = row < call.m ? call.lse[std::int64_t{head} * call.m + row] : -INFINITY;
  return lse == -INFINITY ? INFINITY : lse * kLog2E;
}
__device__ __forceinline__ float row_delta(const BackwardCall& call, int head, int row) {
  return row < call.m ? call.delta[std::int64_t{head} * call.m + row] : 0.0f;
}

// What a pair of query and key needs beside its score.
struct PairStatistics {
  float origin, delta;
  bool seen;
};

// Turns scores into weights p and gradients of weights into those of scores / scale.
// `statistics(i, half, j, e)`: of row 16 i + 8 half + lane / 4 and column 8 j + 2 (lane % 4) + e.
template <BackwardBug kBug, int kRowBlocks, int kColumns, typename Statistics>
__device__ __forceinline__ void differentiate(FragmentC (&scores)[kRowBlocks][kColumns],
                                              FragmentC (&gradients)[kRowBlocks][kColumns],
                                              float scale, const Statistics& statistics) {
  SB_UNROLL
  for (int i = 0; i < kRowBlocks; ++i) {
    SB_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      SB_UNROLL
      for (int e = 0; e < 4; ++e) {
        const PairStatistics at = statistics(i, e / 2, j, e % 2);
        const bool seen = at.seen || kBug == BackwardBug::kNoMask;
        const float p = seen ? fast_exp2(fmaf(scores[i][j][e], scale, -at.origin)) : 0.0f;
        const float delta = kBug == BackwardBug::kNoDelta ? 0.0f : at.delta;
        scores[i][j][e] = p;
        gradients[i][j][e] = p * (gradients[i][j][e] - delta);
      }
    }
  }
}

// The warp's rows of a gradient, times `factor`, by way of `rows` (shared, done with) to `to`.
template <int kD, int kRowBlocks, typename T>
__device__ __forceinline__ void store_gradient(const FragmentC (&from)[kRowBlocks][kD / 8],
                                               float factor, T* rows, T* to, std::int64_t stride,
                                               int count) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  __syncwarp();
  SB_UNROLL
  for (int i = 0; i < kRowBlocks; ++i) {
    SB_UNROLL
    for (int j = 0; j < kD / 8; ++j) {
      SB_UNROLL
      for (int half = 0; half < 2; ++half) {
        T* const at = rows + (16 * i + 8 * half + lane / 4) * kPitch<kD> + 8 * j + 2 * (lane % 4);
        *reinterpret_cast<std::uint32_t*>(at) =
            packed<T>(from[i][j][2 * half] * factor, from[i][j][2 * half + 1] * factor);
      }
    }
  }
  __syncwarp();
  store_rows<kD>(to, stride, rows, count);
}

template <int kRowBlocks, int kColumns>
__device__ __forceinline__ void set_to_zero(FragmentC (&to)[kRowBlocks][kColumns]) {
  SB_UNROLL
  for (int i = 0; i < kRowBlocks; ++i) {
    SB_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      SB_UNROLL
      for (int e = 0; e < 4; ++e) to[i][j][e] = 0;
    }
  }
}

// Offsets of a head's first row.
__device__ __forceinline__ std::int64_t query_head(const BackwardCall& call, int head) {
  return head / call.h * call.queries.b + head % call.h * call.queries.h;
}
__device__ __forceinline__ std::int64_t key_head(const BackwardCall& call, int head) {
  return head / call.hkv * call.keys.b + head % call.hkv * call.keys.h;
}

// Waits for the tile that comes next and for those who still read the one before it.
template <BackwardBug kBug>
__device__ __forceinline__ void turn_to_next_tile() {
  if constexpr (kBug != BackwardBug::kNoWait) wait_for_copies<0>();
  if constexpr (kBug != BackwardBug::kNoBarrier) __syncthreads();
}

// dK and dV. Grid: tiles * b * hkv; shared memory: BackwardTile<kD>::kSharedBytes.
template <typename T, int kD, BackwardBug kBug = BackwardBug::kNone>
__global__ void __launch_bounds__(kTileThreads) backward_keys(BackwardCall call) {
  using Size = BackwardTile<kD>;
  SB_SHARED_OF_LAUNCH(T, keys);
  T* const values = keys + Size::kRows * kPitch<kD>;
  T* const stages = values + Size::kRows * kPitch<kD>;
  float* const stage_floats = reinterpret_cast<float*>(stages + 2 * Size::kStageElements);
  const int head = static_cast<int>(blockIdx.x) / call.tiles;
  const int first_key = static_cast<int>(blockIdx.x) % call.tiles * Size::kRows;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int warp_key = first_key + warp * Size::kWarpRows;
  T* const warp_keys = keys + warp * Size::kWarpRows * kPitch<kD>;
  T* const warp_values = values + warp * Size::kWarpRows * kPitch<kD>;

  const int sees_first = first_key - call.diagonal + 1;  // the first query that sees a key here
  const int first_query = sees_first < 0 ? 0 : sees_first / Size::kPassing * Size::kPassing;
  const int passing =
      first_query < call.m ? (call.m - first_query + Size::kPassing - 1) / Size::kPassing : 0;
  const int total = passing * call.group;
  const auto query_of = [&](int t) { return first_query + t % passing * Size::kPassing; };
  const auto fetch = [&](int t) {
    const int of_group = kBug == BackwardBug::kLastHeadOnly ? call.group - 1 : t / passing;
    const int from_head = head * call.group + of_group, first = query_of(t);
    const std::int64_t from = query_head(call, from_head);
    T* const stage = stages + t % 2 * Size::kStageElements;
    copy_rows<kD, Size::kPassing>(stage, static_cast<const T*>(call.q) + from, call.queries.row,
                                  first, call.m);
    copy_rows<kD, Size::kPassing>(stage + Size::kPassing * kPitch<kD>,
                                  static_cast<const T*>(call.d_o) + from, call.queries.row, first,
                                  call.m);
    commit_copies();
    float* const floats = stage_floats + t % 2 * Size::kStageFloats;
    const int row = static_cast<int>(threadIdx.x);
    if (row < Size::kPassing) {
      floats[row] = row_origin(call, from_head, first + row);
      floats[Size::kPassing + row] = row_delta(call, from_head, first + row);
    }
  };

  const std::int64_t at = key_head(call, head);
  copy_rows<kD, Size::kRows>(keys, static_cast<const T*>(call.k) + at, call.keys.row, first_key,
                             call.n);
  copy_rows<kD, Size::kRows>(values, static_cast<const T*>(call.v) + at, call.keys.row, first_key,
                             call.n);
  commit_copies();
  if (total > 0) fetch(0);

  FragmentC dk[Size::kRowBlocks][kD / 8], dv[Size::kRowBlocks][kD / 8];
  set_to_zero(dk);
  set_to_zero(dv);
  for (int t = 0; t < total; ++t) {
    turn_to_next_tile<kBug>();
    if (t + 1 < total) fetch(t + 1);
    const T* const queries = stages + t % 2 * Size::kStageElements;
    const T* const d_o = queries + Size::kPassing * kPitch<kD>;
    const float* const floats = stage_floats + t % 2 * Size::kStageFloats;
    FragmentC scores[Size::kRowBlocks][Size::kPassing / 8];
    FragmentC gradients[Size::kRowBlocks][Size::kPassing / 8];
    multiply_rows<T, kD>(
        scores, [&](auto& a, int c) { load_rows<kD>(a, warp_keys, c); }, queries);
    multiply_rows<T, kD>(
        gradients, [&](auto& a, int c) { load_rows<kD>(a, warp_values, c); }, d_o);
    const bool all_seen = visible_keys(call, query_of(t)) >= warp_key + Size::kWarpRows;
    differentiate<kBug>(scores, gradients, call.scale_log2e, [&](int i, int half, int j, int e) {
      const int key = warp_key + 16 * i + 8 * half + lane / 4, query = 8 * j + 2 * (lane % 4) + e;
      const bool seen = all_seen || key < visible_keys(call, query_of(t) + query);
      return PairStatistics{floats[query], floats[Size::kPassing + query], seen};
    });
    add_product<T, kD>(dv, scores, d_o);
    add_product<T, kD>(dk, gradients, queries);
  }
  wait_for_copies<0>();
  __syncthreads();  // where no query passed, the rows may still be on their way
  const int count = call.n - warp_key < Size::kWarpRows ? call.n - warp_key : Size::kWarpRows;
  const std::int64_t to = at + warp_key * call.keys.row;
  store_gradient<kD>(dk, call.scale, warp_keys, static_cast<T*>(call.dk) + to, call.keys.row,
                     count);
  store_gradient<kD>(dv, 1.0f, warp_values, static_cast<T*>(call.dv) + to, call.keys.row, count);
}

// dQ. Grid: tiles * b * h, those that see most keys first; shared memory as above.
template <typename T, int kD, BackwardBug kBug = BackwardBug::kNone>
__global__ void __launch_bounds__(kTileThreads) backward_queries(BackwardCall call) {
  using Size = BackwardTile<kD>;
  SB_SHARED_OF_LAUNCH(T, queries);
  T* const d_o = queries + Size::kRows * kPitch<kD>;
  T* const stages = d_o + Size::kRows * kPitch<kD>;
  const int head = static_cast<int>(blockIdx.x) / call.tiles;
  const int tile = call.tiles - 1 - static_cast<int>(blockIdx.x) % call.tiles;
  const int first_row = tile * Size::kRows;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int warp_row = first_row + warp * Size::kWarpRows;
  T* const warp_queries = queries + warp * Size::kWarpRows * kPitch<kD>;
  T* const warp_d_o = d_o + warp * Size::kWarpRows * kPitch<kD>;
  const int last_row = first_row + Size::kRows < call.m ? first_row + Size::kRows : call.m;
  const int end = visible_keys(call, last_row - 1);

  const std::int64_t from = key_head(call, head / call.group);
  const auto fetch = [&](int first) {
    T* const stage = stages + first / Size::kPassing % 2 * Size::kStageElements;
    copy_rows<kD, Size::kPassing>(stage, static_cast<const T*>(call.k) + from, call.keys.row, first,
                                  call.n);
    copy_rows<kD, Size::kPassing>(stage + Size::kPassing * kPitch<kD>,
                                  static_cast<const T*>(call.v) + from, call.keys.row, first,
                                  call.n);
    commit_copies();
  };
  const std::int64_t at = query_head(call, head);
  copy_rows<kD, Size::kRows>(queries, static_cast<const T*>(call.q) + at, call.queries.row,
                             first_row, call.m);
  copy_rows<kD, Size::kRows>(d_o, static_cast<const T*>(call.d_o) + at, call.queries.row, first_row,
                             call.m);
  commit_copies();
  fetch(0);

  float origin[Size::kRowBlocks][2], delta[Size::kRowBlocks][2];
  SB_UNROLL
  for (int i = 0; i < Size::kRowBlocks; ++i) {
    SB_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int row = warp_row + 16 * i + 8 * half + lane / 4;
      origin[i][half] = row_origin(call, head, row);
      delta[i][half] = row_delta(call, head, row);
    }
  }
  FragmentC dq[Size::kRowBlocks][kD / 8];
  set_to_zero(dq);
  for (int first = 0; first < end; first += Size::kPassing) {
    turn_to_next_tile<kBug>();
    if (first + Size::kPassing < end) fetch(first + Size::kPassing);
    const T* const keys = stages + first / Size::kPassing % 2 * Size::kStageElements;
    const T* const values = keys + Size::kPassing * kPitch<kD>;
    FragmentC scores[Size::kRowBlocks][Size::kPassing / 8];
    FragmentC gradients[Size::kRowBlocks][Size::kPassing / 8];
    multiply_rows<T, kD>(
        scores, [&](auto& a, int c) { load_rows<kD>(a, warp_queries, c); }, keys);
    multiply_rows<T, kD>(
        gradients, [&](auto& a, int c) { load_rows<kD>(a, warp_d_o, c); }, values);
    const bool all_seen = visible_keys(call, warp_row) >= first + Size::kPassing;
    differentiate<kBug>(scores, gradients, call.scale_log2e, [&](int i, int half, int j, int e) {
      const int row = warp_row + 16 * i + 8 * half + lane / 4;
      const bool seen = all_seen || first + 8 * j + 2 * (lane % 4) + e < visible_keys(call, row);
      return PairStatistics{origin[i][half], delta[i][half], seen};
    });
    add_product<T, kD>(dq, gradients, keys);
  }
  wait_for_copies<0>();
  __syncthreads();  // where no key passed, the rows may still be on their way
  const int count = last_row - warp_row < Size::kWarpRows ? last_row - warp_row : Size::kWarpRows;
  store_gradient<kD>(dq, call.scale, warp_queries,
                     static_cast<T*>(call.dq) + at + warp_row * call.queries.row, call.queries.row,
                     count);
}

}  // namespace
}  // namespace sb::attention

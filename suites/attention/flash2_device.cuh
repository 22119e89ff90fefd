// FlashAttention-2 forward (arXiv:2307.08691, algorithm 1) on tensor cores. A block of four warps
// has a tile of query rows of one head and walks over the keys. Scores, weights and the output stay
// in registers; a warp has 32 query rows, so that every fragment of K and V that it loads is used
// twice. K and V have one buffer each: V comes while scores are computed, the next K while values
// are.
#pragma once

#include "backend/device_matrix.cuh"
#include "suites/attention/head_layout.cuh"

namespace sb::attention {
namespace {

// Planted bugs that the tests must see fail; kNone is the kernel.
enum class Bug {
  kNone,
  kNoBarrierBeforeKeys,    // the next keys overwrite those that other warps still multiply with
  kNoBarrierBeforeValues,  // values are used before other threads' copies have arrived
  kNoWaitForValues,
  kNoRescale,
  kNoMask,
};

struct FlashCall {
  const void *q, *k, *v;
  void* o;
  float* lse;  // [b][h][m], null if not asked for
  HeadLayout queries, keys;
  int h, group, m, n;
  int diagonal;       // row i sees keys [0, i + diagonal)
  float scale_log2e;  // of scores, in the log2 domain
  int row_tiles;      // blocks per head
};

template <int kD>
struct Tile {
  static constexpr int kWarps = 4, kThreads = 32 * kWarps;
  // In units of 16. At 128 columns the output takes 128 of 255 registers, scores of 48 keys another
  // 48; with 64 keys ptxas spills.
  static constexpr int kRowBlocks = kD <= 128 ? 2 : 1;
  static constexpr int kWarpRows = 16 * kRowBlocks, kRows = kWarps * kWarpRows;
  static constexpr int kKeys = kD < 128 ? 64 : kD == 128 ? 48 : 32;
  // An odd number of 16-byte chunks from row to row: eight rows of a matrix lie in different banks.
  static constexpr int kPitch = kD + 8;
  static constexpr bool kQueriesStay = kD <= 64;  // in registers, else read again per key tile
  static constexpr int kSharedBytes = (kRows + 2 * kKeys) * kPitch * 2;
};

// The part of a warp; row r of block i is that of lanes 4 (r % 8) ... + 3, half r / 8.
template <int kD>
struct WarpState {
  FragmentC output[Tile<kD>::kRowBlocks][kD / 8];
  FragmentC scores[Tile<kD>::kRowBlocks][Tile<kD>::kKeys / 8];
  float maximum[Tile<kD>::kRowBlocks][2];
  float sum[Tile<kD>::kRowBlocks][2];  // of this lane's columns
};

// Rows [first, first + kCount) of a head to shared memory; zeros from row `end` on.
template <int kD, int kCount, typename T>
__device__ __forceinline__ void copy_rows(T* to, const T* head, std::int64_t stride, int first,
                                          int end) {
  constexpr int kChunks = kD / 8;
  constexpr int kThreads = Tile<kD>::kThreads;
  static_assert(kCount * kChunks % kThreads == 0);
  if constexpr (kThreads % kChunks == 0) {  // a thread keeps its column
    constexpr int kStep = kThreads / kChunks;
    int row = static_cast<int>(threadIdx.x) / kChunks;
    const int column = static_cast<int>(threadIdx.x) % kChunks * 8;
    const T* from = head + static_cast<std::int64_t>(first + row) * stride + column;
    to += row * Tile<kD>::kPitch + column;
    SB_NO_UNROLL
    for (int i = 0; i < kCount / kStep; ++i, row += kStep, from += kStep * stride) {
      copy_async(to + i * kStep * Tile<kD>::kPitch, from, first + row < end);
    }
  } else {
    SB_NO_UNROLL
    for (int i = 0; i < kCount * kChunks / kThreads; ++i) {
      const int chunk = static_cast<int>(threadIdx.x) + i * kThreads;
      const int row = chunk / kChunks, column = chunk % kChunks * 8;
      copy_async(to + row * Tile<kD>::kPitch + column,
                 head + static_cast<std::int64_t>(first + row) * stride + column,
                 first + row < end);
    }
  }
}

// Where a lane points to for a matrix of 16 rows x 16 columns in the order of A's fragments.
template <int kD, typename T>
__device__ __forceinline__ const T* in_block(const T* tile, int row, int column) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  return tile + (row + lane % 16) * Tile<kD>::kPitch + column + lane / 16 * 8;
}

template <int kD, typename T>
__device__ __forceinline__ void load_queries(FragmentA (&to)[Tile<kD>::kRowBlocks], const T* rows,
                                             int column) {
  SB_UNROLL
  for (int i = 0; i < Tile<kD>::kRowBlocks; ++i) {
    load_matrices<false>(to[i], in_block<kD>(rows, 16 * i, column));
  }
}

template <int kCount>
__device__ __forceinline__ void copy_fragments(const FragmentA (&from)[kCount],
                                               FragmentA (&to)[kCount]) {
  SB_UNROLL
  for (int i = 0; i < kCount; ++i) {
    SB_UNROLL
    for (int e = 0; e < 4; ++e) to[i][e] = from[i][e];
  }
}

// scores = Q K^T. `rows`: the warp's; `resident`: their fragments, where they stay in registers.
template <int kD, typename T, int kResident>
__device__ __forceinline__ void multiply_keys(
    WarpState<kD>& state, const FragmentA (&resident)[kResident][Tile<kD>::kRowBlocks],
    const T* rows, const T* keys) {
  using Size = Tile<kD>;
  SB_UNROLL
  for (int i = 0; i < Size::kRowBlocks; ++i) {
    SB_UNROLL
    for (int j = 0; j < Size::kKeys / 8; ++j) {
      SB_UNROLL
      for (int e = 0; e < 4; ++e) state.scores[i][j][e] = 0;
    }
  }
  SB_UNROLL
  for (int c = 0; c < kD / 16; ++c) {
    FragmentA a[Size::kRowBlocks];
    if constexpr (Size::kQueriesStay) {
      copy_fragments(resident[c], a);
    } else {
      load_queries<kD>(a, rows, 16 * c);
    }
    SB_UNROLL
    for (int j = 0; j < Size::kKeys / 16; ++j) {
      FragmentA b;  // of 16 keys: words 0 and 2 are the first eight's
      load_matrices<false>(b, in_block<kD>(keys, 16 * j, 16 * c));
      SB_UNROLL
      for (int i = 0; i < Size::kRowBlocks; ++i) {
        multiply<T>(state.scores[i][2 * j], a[i], b[0], b[2]);
        multiply<T>(state.scores[i][2 * j + 1], a[i], b[1], b[3]);
      }
    }
  }
}

__device__ __forceinline__ int visible_keys(const FlashCall& call, int row) {
  const int keys = row + call.diagonal;
  return keys < 0 ? 0 : keys < call.n ? keys : call.n;
}

// -inf where row `first_row` + r does not see key `first_key` + c.
template <int kD>
__device__ __forceinline__ void mask_scores(WarpState<kD>& state, const FlashCall& call,
                                            int first_row, int first_key) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  SB_UNROLL
  for (int i = 0; i < Tile<kD>::kRowBlocks; ++i) {
    SB_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int seen = visible_keys(call, first_row + 16 * i + 8 * half + lane / 4) - first_key;
      SB_UNROLL
      for (int j = 0; j < Tile<kD>::kKeys / 8; ++j) {
        SB_UNROLL
        for (int e = 0; e < 2; ++e) {
          if (8 * j + 2 * (lane % 4) + e >= seen) state.scores[i][j][2 * half + e] = -INFINITY;
        }
      }
    }
  }
}

__device__ __forceinline__ float maximum_of_four_lanes(float x) {
  x = fmaxf(x, __shfl_xor_sync(~0u, x, 1));
  return fmaxf(x, __shfl_xor_sync(~0u, x, 2));
}
__device__ __forceinline__ float sum_of_four_lanes(float x) {
  x += __shfl_xor_sync(~0u, x, 1);
  return x + __shfl_xor_sync(~0u, x, 2);
}

// Turns scores into weights 2^(scale score - maximum); sums and output follow a new maximum.
template <int kD, Bug kBug>
__device__ __forceinline__ void weigh_scores(WarpState<kD>& state, float scale) {
  using Size = Tile<kD>;
  SB_UNROLL
  for (int i = 0; i < Size::kRowBlocks; ++i) {
    SB_UNROLL
    for (int half = 0; half < 2; ++half) {
      float maximum = -INFINITY;
      SB_UNROLL
      for (int j = 0; j < Size::kKeys / 8; ++j) {
        maximum =
            fmaxf(maximum, fmaxf(state.scores[i][j][2 * half], state.scores[i][j][2 * half + 1]));
      }
      maximum = fmaxf(maximum_of_four_lanes(maximum) * scale, state.maximum[i][half]);
      const float origin = maximum == -INFINITY ? 0.0f : maximum;
      const float factor =
          kBug == Bug::kNoRescale ? 1.0f : fast_exp2(state.maximum[i][half] - origin);
      state.maximum[i][half] = maximum;
      float sum = 0;
      SB_UNROLL
      for (int j = 0; j < Size::kKeys / 8; ++j) {
        SB_UNROLL
        for (int e = 2 * half; e < 2 * half + 2; ++e) {
          float& weight = state.scores[i][j][e];
          weight = fast_exp2(fmaf(weight, scale, -origin));
          sum += weight;
        }
      }
      state.sum[i][half] = state.sum[i][half] * factor + sum;
      SB_UNROLL
      for (int j = 0; j < kD / 8; ++j) {
        state.output[i][j][2 * half] *= factor;
        state.output[i][j][2 * half + 1] *= factor;
      }
    }
  }
}

// output += weights V. A fragment of scores is, rounded to T, the fragment of a left operand.
template <int kD, typename T>
__device__ __forceinline__ void multiply_values(WarpState<kD>& state, const T* values) {
  using Size = Tile<kD>;
  SB_UNROLL
  for (int k = 0; k < Size::kKeys / 16; ++k) {
    FragmentA weights[Size::kRowBlocks];
    SB_UNROLL
    for (int i = 0; i < Size::kRowBlocks; ++i) {
      SB_UNROLL
      for (int e = 0; e < 4; ++e) {
        const FragmentC& from = state.scores[i][2 * k + e / 2];
        weights[i][e] = packed<T>(from[2 * (e % 2)], from[2 * (e % 2) + 1]);
      }
    }
    SB_UNROLL
    for (int j = 0; j < kD / 16; ++j) {
      FragmentA b;
      load_matrices<true>(b, in_block<kD>(values, 16 * k, 16 * j));
      SB_UNROLL
      for (int i = 0; i < Size::kRowBlocks; ++i) {
        multiply<T>(state.output[i][2 * j], weights[i], b[0], b[1]);
        multiply<T>(state.output[i][2 * j + 1], weights[i], b[2], b[3]);
      }
    }
  }
}

// Divides by the sums, puts the rows into `rows` (the warp's queries, done with) and the
// log-sum-exp of row r into lse[r].
template <int kD, typename T>
__device__ __forceinline__ void finish_rows(WarpState<kD>& state, T* rows, float* lse, int count) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  SB_UNROLL
  for (int i = 0; i < Tile<kD>::kRowBlocks; ++i) {
    SB_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int row = 16 * i + 8 * half + lane / 4;
      const float sum = sum_of_four_lanes(state.sum[i][half]);
      const float inverse = sum == 0 ? 0.0f : 1 / sum;
      SB_UNROLL
      for (int j = 0; j < kD / 8; ++j) {
        const FragmentC& c = state.output[i][j];
        *reinterpret_cast<std::uint32_t*>(rows + row * Tile<kD>::kPitch + 8 * j + 2 * (lane % 4)) =
            packed<T>(c[2 * half] * inverse, c[2 * half + 1] * inverse);
      }
      if (lse != nullptr && lane % 4 == 0 && row < count) {
        constexpr float kLn2 = 0.6931471805599453f;
        lse[row] = sum == 0 ? -INFINITY : state.maximum[i][half] * kLn2 + logf(sum);
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
        *reinterpret_cast<const uint4*>(rows + row * Tile<kD>::kPitch + column);
  }
}

// Grid: row_tiles * b * h; the tiles that see most keys come first. Shared memory:
// Tile<kD>::kSharedBytes. Rows that see nothing give zeros and a log-sum-exp of -inf.
template <typename T, int kD, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(Tile<kD>::kThreads) flash2_forward(FlashCall call) {
  using Size = Tile<kD>;
  SB_SHARED_OF_LAUNCH(T, queries);
  T* const keys = queries + Size::kRows * Size::kPitch;
  T* const values = keys + Size::kKeys * Size::kPitch;
  const int head = static_cast<int>(blockIdx.x) / call.row_tiles;
  const int tile = call.row_tiles - 1 - static_cast<int>(blockIdx.x) % call.row_tiles;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int first_row = tile * Size::kRows;
  const int warp_row = first_row + warp * Size::kWarpRows;
  T* const warp_queries = queries + warp * Size::kWarpRows * Size::kPitch;
  const std::int64_t query_head = head / call.h * call.queries.b + head % call.h * call.queries.h;
  const std::int64_t key_head =
      head / call.h * call.keys.b + head % call.h / call.group * call.keys.h;
  const T* const k = static_cast<const T*>(call.k) + key_head;
  const T* const v = static_cast<const T*>(call.v) + key_head;
  const int last_row = first_row + Size::kRows < call.m ? first_row + Size::kRows : call.m;
  const int end = visible_keys(call, last_row - 1);

  copy_rows<kD, Size::kRows>(queries, static_cast<const T*>(call.q) + query_head, call.queries.row,
                             first_row, call.m);
  copy_rows<kD, Size::kKeys>(keys, k, call.keys.row, 0, call.n);
  commit_copies();

  WarpState<kD> state;
  SB_UNROLL
  for (int i = 0; i < Size::kRowBlocks; ++i) {
    SB_UNROLL
    for (int half = 0; half < 2; ++half) {
      state.maximum[i][half] = -INFINITY;
      state.sum[i][half] = 0;
    }
    SB_UNROLL
    for (int j = 0; j < kD / 8; ++j) {
      SB_UNROLL
      for (int e = 0; e < 4; ++e) state.output[i][j][e] = 0;
    }
  }
  constexpr int kResident = Size::kQueriesStay ? kD / 16 : 1;
  FragmentA resident[kResident][Size::kRowBlocks];
  if constexpr (Size::kQueriesStay) {
    wait_for_copies<0>();
    __syncthreads();
    SB_UNROLL
    for (int c = 0; c < kResident; ++c) load_queries<kD>(resident[c], warp_queries, 16 * c);
  }
  for (int first_key = 0; first_key < end; first_key += Size::kKeys) {
    wait_for_copies<0>();
    __syncthreads();  // keys are there, and nobody reads the last values
    copy_rows<kD, Size::kKeys>(values, v, call.keys.row, first_key, call.n);
    commit_copies();
    multiply_keys<kD>(state, resident, warp_queries, keys);
    if (kBug != Bug::kNoMask && first_key + Size::kKeys > visible_keys(call, warp_row)) {
      mask_scores<kD>(state, call, warp_row, first_key);
    }
    weigh_scores<kD, kBug>(state, call.scale_log2e);
    if constexpr (kBug == Bug::kNoBarrierBeforeKeys) {
      copy_rows<kD, Size::kKeys>(keys, k, call.keys.row, first_key + Size::kKeys, call.n);
    }
    if constexpr (kBug != Bug::kNoWaitForValues) wait_for_copies<0>();
    if constexpr (kBug != Bug::kNoBarrierBeforeValues) __syncthreads();
    if (kBug != Bug::kNoBarrierBeforeKeys && first_key + Size::kKeys < end) {
      copy_rows<kD, Size::kKeys>(keys, k, call.keys.row, first_key + Size::kKeys, call.n);
      commit_copies();
    }
    multiply_values<kD>(state, values);
  }

  const int count = last_row - warp_row < Size::kWarpRows ? last_row - warp_row : Size::kWarpRows;
  if (count <= 0) return;
  __syncwarp();
  float* const lse =
      call.lse == nullptr ? nullptr : call.lse + std::int64_t{head} * call.m + warp_row;
  finish_rows<kD>(state, warp_queries, lse, count);
  __syncwarp();
  store_rows<kD>(static_cast<T*>(call.o) + query_head + warp_row * call.queries.row,
                 call.queries.row, warp_queries, count);
}

}  // namespace
}  // namespace sb::attention

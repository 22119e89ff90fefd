// FlashAttention-2 forward (arXiv:2307.08691, algorithm 1) on tensor cores. A block of four warps
// has a tile of query rows of one head and walks over the keys. Scores, weights and the output stay
// in registers; a warp has 32 query rows, so that every fragment of K and V that it loads is used
// twice. K and V have one buffer each: V comes while scores are computed, the next K while values
// are.
#pragma once

#include "suites/attention/tile_device.cuh"

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
  // In units of 16. At 128 columns the output takes 128 of 255 registers, scores of 48 keys another
  // 48; with 64 keys ptxas spills.
  static constexpr int kRowBlocks = kD <= 128 ? 2 : 1;
  static constexpr int kWarpRows = 16 * kRowBlocks, kRows = kTileWarps * kWarpRows;
  static constexpr int kKeys = kD < 128 ? 64 : kD == 128 ? 48 : 32;
  static constexpr bool kQueriesStay = kD <= 64;  // in registers, else read again per key tile
  static constexpr int kSharedBytes = (kRows + 2 * kKeys) * kPitch<kD> * 2;
};

// The part of a warp; row r of block i is that of lanes 4 (r % 8) ... + 3, half r / 8.
template <int kD>
struct WarpState {
  FragmentC output[Tile<kD>::kRowBlocks][kD / 8];
  FragmentC scores[Tile<kD>::kRowBlocks][Tile<kD>::kKeys / 8];
  float maximum[Tile<kD>::kRowBlocks][2];
  float sum[Tile<kD>::kRowBlocks][2];  // of this lane's columns
};

template <int kCount>
__device__ __forceinline__ void copy_fragments(const FragmentA (&from)[kCount],
                                               FragmentA (&to)[kCount]) {
  SB_UNROLL
  for (int i = 0; i < kCount; ++i) {
    SB_UNROLL
    for (int e = 0; e < 4; ++e) to[i][e] = from[i][e];
  }
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
        *reinterpret_cast<std::uint32_t*>(rows + row * kPitch<kD> + 8 * j + 2 * (lane % 4)) =
            packed<T>(c[2 * half] * inverse, c[2 * half + 1] * inverse);
      }
      if (lse != nullptr && lane % 4 == 0 && row < count) {
        constexpr float kLn2 = 0.6931471805599453f;
        lse[row] = sum == 0 ? -INFINITY : state.maximum[i][half] * kLn2 + logf(sum);
      }
    }
  }
}

// Grid: row_tiles * b * h; the tiles that see most keys come first. Shared memory:
// Tile<kD>::kSharedBytes. Rows that see nothing give zeros and a log-sum-exp of -inf.
template <typename T, int kD, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kTileThreads) flash2_forward(FlashCall call) {
  using Size = Tile<kD>;
  SB_SHARED_OF_LAUNCH(T, queries);
  T* const keys = queries + Size::kRows * kPitch<kD>;
  T* const values = keys + Size::kKeys * kPitch<kD>;
  const int head = static_cast<int>(blockIdx.x) / call.row_tiles;
  const int tile = call.row_tiles - 1 - static_cast<int>(blockIdx.x) % call.row_tiles;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int first_row = tile * Size::kRows;
  const int warp_row = first_row + warp * Size::kWarpRows;
  T* const warp_queries = queries + warp * Size::kWarpRows * kPitch<kD>;
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
    for (int c = 0; c < kResident; ++c) load_rows<kD>(resident[c], warp_queries, 16 * c);
  }
  for (int first_key = 0; first_key < end; first_key += Size::kKeys) {
    wait_for_copies<0>();
    __syncthreads();  // keys are there, and nobody reads the last values
    copy_rows<kD, Size::kKeys>(values, v, call.keys.row, first_key, call.n);
    commit_copies();
    multiply_rows<T, kD>(
        state.scores,
        [&](FragmentA(&a)[Size::kRowBlocks], int c) {
          if constexpr (Size::kQueriesStay) {
            copy_fragments(resident[c / 16], a);
          } else {
            load_rows<kD>(a, warp_queries, c);
          }
        },
        keys);
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
    add_product<T, kD>(state.output, state.scores, values);
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

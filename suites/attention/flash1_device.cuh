// FlashAttention-1 forward (arXiv:2205.14135, algorithm 1) on tensor cores, as a baseline: a block
// per head, keys in the outer loop and queries in the inner one, warps share the keys of a tile, so
// that their parts of the output meet in shared memory; after every tile of keys a row of the
// output is normalised and put back.
#pragma once

#include "suites/attention/tile_device.cuh"

namespace sb::attention {
namespace {

// Planted bugs that the tests must see fail; kNone is the kernel.
enum class Flash1Bug { kNone, kNoBarrier, kNoRescale, kOneWarpOnly };

struct Flash1Call {
  const void *q, *k, *v;
  void* o;
  float* lse;                      // [b][h][m], null if not asked for
  float *partial, *maximum, *sum;  // [b][h][m][d]; [b][h][m], in the log2 domain
  HeadLayout queries, keys;
  int h, group, m, n;
  int diagonal;       // row i sees keys [0, i + diagonal)
  float scale_log2e;  // of scores, in the log2 domain
};

template <int kD>
struct Flash1Tile {
  static constexpr int kRows = 16, kWarpKeys = 16, kKeys = kTileWarps * kWarpKeys;
  static constexpr int kFloatPitch = kD + 8;  // two columns of eight rows lie in different banks
  static constexpr int kSharedBytes =
      2 * (kRows + 2 * kKeys) * kPitch<kD> + 4 * kTileWarps * kRows * kFloatPitch;
};

// What the warps tell each other about the rows of a tile.
struct Flash1Statistics {
  float maximum[kTileWarps][16], sum[kTileWarps][16];

  __device__ __forceinline__ float largest(int row, float before) const {
    SB_UNROLL
    for (int w = 0; w < kTileWarps; ++w) before = fmaxf(before, maximum[w][row]);
    return before;
  }
};

__device__ __forceinline__ float not_infinite(float maximum) {
  return maximum == -INFINITY ? 0.0f : maximum;
}

// Scores of the warp's keys in the log2 domain, -inf where a row does not see one; leaves their
// maxima.
template <int kD, typename T>
__device__ __forceinline__ void score_rows(FragmentC (&scores)[1][2], const Flash1Call& call,
                                           const T* queries, const T* keys, int first_row,
                                           int first_key, float (&maxima)[16]) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  multiply_rows<T, kD>(
      scores, [&](FragmentA(&a)[1], int c) { load_rows<kD>(a, queries, c); }, keys);
  SB_UNROLL
  for (int half = 0; half < 2; ++half) {
    const int row = 8 * half + lane / 4;
    const int seen = visible_keys(call, first_row + row) - first_key;
    float maximum = -INFINITY;
    SB_UNROLL
    for (int j = 0; j < 2; ++j) {
      SB_UNROLL
      for (int e = 0; e < 2; ++e) {
        float& score = scores[0][j][2 * half + e];
        score = 8 * j + 2 * (lane % 4) + e < seen ? score * call.scale_log2e : -INFINITY;
        maximum = fmaxf(maximum, score);
      }
    }
    maximum = maximum_of_four_lanes(maximum);
    if (lane % 4 == 0) maxima[row] = maximum;
  }
}

// Scores become weights; leaves their sums and the warp's part of the output, unscaled.
template <int kD, typename T>
__device__ __forceinline__ void weigh_rows(FragmentC (&scores)[1][2],
                                           const Flash1Statistics& statistics,
                                           const float (&before)[2], const T* values,
                                           float (&sums)[16], float* part) {
  using Size = Flash1Tile<kD>;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  SB_UNROLL
  for (int half = 0; half < 2; ++half) {
    const int row = 8 * half + lane / 4;
    const float origin = not_infinite(statistics.largest(row, before[half]));
    float sum = 0;
    SB_UNROLL
    for (int j = 0; j < 2; ++j) {
      SB_UNROLL
      for (int e = 0; e < 2; ++e) {
        float& weight = scores[0][j][2 * half + e];
        weight = fast_exp2(weight - origin);
        sum += weight;
      }
    }
    sum = sum_of_four_lanes(sum);
    if (lane % 4 == 0) sums[row] = sum;
  }
  FragmentC output[1][kD / 8] = {};
  add_product<T, kD>(output, scores, values);
  SB_UNROLL
  for (int j = 0; j < kD / 8; ++j) {
    SB_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int row = 8 * half + lane / 4;
      *reinterpret_cast<float2*>(part + row * Size::kFloatPitch + 8 * j + 2 * (lane % 4)) =
          make_float2(output[0][j][2 * half], output[0][j][2 * half + 1]);
    }
  }
}

// The rows' outputs after this tile of keys, eight threads a row. `last`: they see no more keys.
template <int kD, Flash1Bug kBug, typename T>
__device__ __forceinline__ void put_back(const Flash1Call& call, const Flash1Statistics& statistics,
                                         const float* parts, int head, int first_row, T* o,
                                         bool first, bool last) {
  using Size = Flash1Tile<kD>;
  const int row = static_cast<int>(threadIdx.x) / 8, thread = static_cast<int>(threadIdx.x) % 8;
  const bool inside = first_row + row < call.m;
  const std::int64_t at = std::int64_t{head} * call.m + first_row + row;
  const float old_maximum = first || !inside ? -INFINITY : call.maximum[at];
  const float maximum = statistics.largest(row, old_maximum);
  float old_sum = first || !inside ? 0.0f : call.sum[at];
  if (kBug != Flash1Bug::kNoRescale) old_sum *= fast_exp2(old_maximum - not_infinite(maximum));
  float sum = old_sum;
  constexpr int kWarps = kBug == Flash1Bug::kOneWarpOnly ? 1 : kTileWarps;
  SB_UNROLL
  for (int w = 0; w < kWarps; ++w) sum += statistics.sum[w][row];
  const float inverse = sum == 0 ? 0.0f : 1 / sum;
  for (int c = 2 * thread; inside && c < kD; c += 16) {
    float2* const kept = reinterpret_cast<float2*>(call.partial + at * kD + c);
    float2 value = first ? make_float2(0.0f, 0.0f) : *kept;
    value = make_float2(value.x * old_sum, value.y * old_sum);
    SB_UNROLL
    for (int w = 0; w < kWarps; ++w) {
      const float2 part =
          *reinterpret_cast<const float2*>(parts + (w * Size::kRows + row) * Size::kFloatPitch + c);
      value = make_float2(value.x + part.x, value.y + part.y);
    }
    value = make_float2(value.x * inverse, value.y * inverse);
    if (last) {
      *reinterpret_cast<std::uint32_t*>(o + row * call.queries.row + c) =
          packed<T>(value.x, value.y);
    } else {
      *kept = value;
    }
  }
  __syncwarp();  // the row's other threads have read what comes next
  if (thread > 0 || !inside) return;
  call.maximum[at] = maximum;
  call.sum[at] = sum;
  if (!last || call.lse == nullptr) return;
  constexpr float kLn2 = 0.6931471805599453f;
  call.lse[at] = sum == 0 ? -INFINITY : maximum * kLn2 + logf(sum);
}

// Grid: b * h. Shared memory: Flash1Tile<kD>::kSharedBytes.
template <typename T, int kD, Flash1Bug kBug = Flash1Bug::kNone>
__global__ void __launch_bounds__(kTileThreads) flash1_forward(Flash1Call call) {
  using Size = Flash1Tile<kD>;
  SB_SHARED_OF_LAUNCH(T, keys);
  SB_SHARED(Flash1Statistics, statistics, [1]);
  T* const values = keys + Size::kKeys * kPitch<kD>;
  T* const queries = values + Size::kKeys * kPitch<kD>;
  float* const parts = reinterpret_cast<float*>(queries + Size::kRows * kPitch<kD>);
  const int head = static_cast<int>(blockIdx.x);
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const std::int64_t query_head = head / call.h * call.queries.b + head % call.h * call.queries.h;
  const std::int64_t key_head =
      head / call.h * call.keys.b + head % call.h / call.group * call.keys.h;
  const int end = visible_keys(call, call.m - 1);

  for (int first_key = 0; first_key == 0 || first_key < end; first_key += Size::kKeys) {
    __syncthreads();  // nobody reads the tile before
    copy_rows<kD, Size::kKeys>(keys, static_cast<const T*>(call.k) + key_head, call.keys.row,
                               first_key, call.n);
    copy_rows<kD, Size::kKeys>(values, static_cast<const T*>(call.v) + key_head, call.keys.row,
                               first_key, call.n);
    for (int first_row = 0; first_row < call.m; first_row += Size::kRows) {
      const int seen = visible_keys(call, first_row + Size::kRows - 1);
      if (first_key > 0 && seen <= first_key) continue;
      copy_rows<kD, Size::kRows>(queries, static_cast<const T*>(call.q) + query_head,
                                 call.queries.row, first_row, call.m);
      commit_copies();
      wait_for_copies<0>();
      __syncthreads();
      float before[2];
      SB_UNROLL
      for (int half = 0; half < 2; ++half) {
        const int row = first_row + 8 * half + lane / 4;
        before[half] = first_key == 0 || row >= call.m
                           ? -INFINITY
                           : call.maximum[std::int64_t{head} * call.m + row];
      }
      FragmentC scores[1][2];
      const int warp_row = warp * Size::kWarpKeys;
      score_rows<kD>(scores, call, queries, keys + warp_row * kPitch<kD>, first_row,
                     first_key + warp_row, statistics[0].maximum[warp]);
      if constexpr (kBug != Flash1Bug::kNoBarrier) __syncthreads();
      weigh_rows<kD>(scores, statistics[0], before, values + warp_row * kPitch<kD>,
                     statistics[0].sum[warp], parts + warp * Size::kRows * Size::kFloatPitch);
      __syncthreads();
      put_back<kD, kBug>(call, statistics[0], parts, head, first_row,
                         static_cast<T*>(call.o) + query_head + first_row * call.queries.row,
                         first_key == 0, first_key + Size::kKeys >= seen);
    }
  }
}

}  // namespace
}  // namespace sb::attention

// Decoding on a GPU: one query row per head against the keys and values so far. A block has a range
// of one key head's context and up to kRows query heads of its group, so that keys and values are
// read once for them; a second launch merges the ranges. Memory decides, so plain float arithmetic
// does.
#pragma once

#include "backend/device_matrix.cuh"
#include "suites/attention/head_layout.cuh"

namespace sb::attention {
namespace {

// Planted bugs that the tests must see fail; kNone is the kernel.
enum class DecodeBug {
  kNone,
  kNoBarrier,
  kDroppedKey,
  kNoRescale,
  kNoFallback,
  kEarlyFlag,  // lean: set before the other threads of the block have written
  kNoWait,     // lean: the owner does not wait for the others' parts
  kFlagStays,  // lean: not lowered for the next launch
};

struct DeviceRange {
  int head;  // batch * hkv + key head
  int first, end;
};

struct DecodeCall {
  const void *q, *k, *v;
  void* o;
  const DeviceRange* ranges;  // those of a head one after the other
  const int* first_range;     // per head, and one past the last
  float* parts;               // [range][group][2 + d]: maximum (log2 domain), sum, values
  HeadLayout queries, keys;
  int hkv, group, d;
  float scale_log2e;
  float reach;  // of a fixed maximum: how far from 0 a row's largest score may lie
};

inline constexpr int kDecodeWarps = 4, kDecodeThreads = 32 * kDecodeWarps;
inline constexpr int kMostColumns = 256;

// A row of d elements lies in kLanes lanes, kChunks times 16 bytes in each.
template <typename Storage, int kLaneCount, int kChunkCount>
struct RowSplit {
  using T = Storage;
  static constexpr int kLanes = kLaneCount, kChunks = kChunkCount;
  static constexpr int kEach = kChunks * kWidth<T>;  // elements of a lane
  static constexpr int kKeysAtOnce = 32 / kLanes;    // of a warp

  __device__ __forceinline__ static int column(int chunk) {
    return (static_cast<int>(threadIdx.x) % kLanes + chunk * kLanes) * kWidth<T>;
  }
  // This lane's elements of a row; zeros outside.
  __device__ __forceinline__ static void load(const T* row, int d, bool inside,
                                              float (&to)[kEach]) {
    SB_UNROLL
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      Group<T> group = {};
      if (inside && column(chunk) < d) group = load_group(row + column(chunk));
      SB_UNROLL
      for (int i = 0; i < kWidth<T>; ++i) to[chunk * kWidth<T> + i] = group.v[i];
    }
  }
};

// What is subtracted from scores, so that a row without any is no NaN.
__device__ __forceinline__ float origin_of(float maximum) {
  return maximum == -INFINITY ? 0.0f : maximum;
}

// The share of some lanes in a row. kFixed: nothing is subtracted, and `maximum` only looked at.
template <typename Split, bool kFixed, DecodeBug kBug>
struct RowPart {
  float maximum = -INFINITY, sum = 0;
  float values[Split::kEach] = {};

  __device__ __forceinline__ void scale(float to_maximum) {
    if (!kFixed && kBug != DecodeBug::kNoRescale) {
      const float factor = fast_exp2(maximum - origin_of(to_maximum));
      sum *= factor;
      SB_UNROLL
      for (int i = 0; i < Split::kEach; ++i) values[i] *= factor;
    }
    maximum = to_maximum;
  }
  __device__ __forceinline__ float weight(float score) const {
    return fast_exp2(kFixed ? score : score - origin_of(maximum));
  }
  // The same with the lanes that lie `distance` away.
  __device__ __forceinline__ void merge_across(int distance) {
    const float other = __shfl_xor_sync(~0u, maximum, distance);
    scale(fmaxf(maximum, other));
    sum += __shfl_xor_sync(~0u, sum, distance);
    SB_UNROLL
    for (int i = 0; i < Split::kEach; ++i) {
      values[i] += __shfl_xor_sync(~0u, values[i], distance);
    }
  }
};

template <int kLanes>
__device__ __forceinline__ float sum_over_lanes(float x) {
  SB_UNROLL
  for (int distance = kLanes / 2; distance > 0; distance /= 2) {
    x += __shfl_xor_sync(~0u, x, distance);
  }
  return x;
}

// kAtOnce keys per kLanes lanes: scores first, one change of maximum, then values.
template <typename Split, int kRows, int kAtOnce, typename Part>
__device__ __forceinline__ void attend_keys(Part (&parts)[kRows],
                                            const float (&queries)[kRows][Split::kEach],
                                            const DecodeCall& call, std::int64_t head, int key,
                                            int step, int end) {
  using T = typename Split::T;
  float scores[kRows][kAtOnce];
  SB_UNROLL
  for (int u = 0; u < kAtOnce; ++u) {
    const int at = key + u * step;
    float k[Split::kEach];
    Split::load(static_cast<const T*>(call.k) + head + at * call.keys.row, call.d, at < end, k);
    SB_UNROLL
    for (int r = 0; r < kRows; ++r) {
      float dot = 0;
      SB_UNROLL
      for (int i = 0; i < Split::kEach; ++i) dot = fmaf(queries[r][i], k[i], dot);
      dot = sum_over_lanes<Split::kLanes>(dot);
      scores[r][u] = at < end ? dot * call.scale_log2e : -INFINITY;
    }
  }
  SB_UNROLL
  for (int r = 0; r < kRows; ++r) {
    float maximum = parts[r].maximum;
    SB_UNROLL
    for (int u = 0; u < kAtOnce; ++u) maximum = fmaxf(maximum, scores[r][u]);
    parts[r].scale(maximum);
    SB_UNROLL
    for (int u = 0; u < kAtOnce; ++u) parts[r].sum += scores[r][u] = parts[r].weight(scores[r][u]);
  }
  SB_UNROLL
  for (int u = 0; u < kAtOnce; ++u) {
    const int at = key + u * step;
    float v[Split::kEach];
    Split::load(static_cast<const T*>(call.v) + head + at * call.keys.row, call.d, at < end, v);
    SB_UNROLL
    for (int r = 0; r < kRows; ++r) {
      SB_UNROLL
      for (int i = 0; i < Split::kEach; ++i) {
        parts[r].values[i] = fmaf(scores[r][u], v[i], parts[r].values[i]);
      }
    }
  }
}

// Where column c lies in shared memory: lanes write columns 4, 8 or 16 apart, threads read
// neighbours, and neither meets a bank twice.
__device__ __forceinline__ int swizzled(int c) { return c ^ (c >> 5 & 7); }

// Adds up `count` parts that lie `stride` apart: of thread c, the place of its column and the
// statistics.
template <bool kFixed>
struct Merged {
  float maximum = -INFINITY, sum = 0, value = 0;

  // Four at a time, because loads take long; missing ones are the last one again, and weigh
  // nothing. So there is one copy of the code, whatever the count.
  __device__ __forceinline__ Merged(const float* parts, int count, std::int64_t stride,
                                    int column) {
    const auto part = [&](int i) { return parts + (i < count ? i : count - 1) * stride; };
    SB_NO_UNROLL
    for (int first = 0; first < count; first += 4) {
      SB_UNROLL
      for (int i = first; i < first + 4; ++i) maximum = fmaxf(maximum, *part(i));
    }
    SB_NO_UNROLL
    for (int first = 0; first < count; first += 4) {
      SB_UNROLL
      for (int i = first; i < first + 4; ++i) {
        const float weight = kFixed ? 1.0f : fast_exp2(part(i)[0] - origin_of(maximum));
        const float factor = i < count ? weight : 0.0f;
        sum += factor * part(i)[1];
        value += factor * part(i)[2 + column];
      }
    }
  }
};

// A range of keys for query heads first_row ... of its group; the block's warps take turns. Leaves
// the warps' parts in shared memory, [warp][row][2 + kMostColumns], for everybody to read.
template <typename Split, int kRows, bool kFixed, DecodeBug kBug>
__device__ __forceinline__ void attend_range(
    const DecodeCall& call, const DeviceRange& range, int first_row,
    float (&of_warps)[kDecodeWarps][kRows][2 + kMostColumns]) {
  using T = typename Split::T;
  constexpr int kAtOnce = 4;
  const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
  const int batch = range.head / call.hkv, key_head = range.head % call.hkv;
  float queries[kRows][Split::kEach];
  SB_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const int query_head = key_head * call.group + first_row + r;
    Split::load(
        static_cast<const T*>(call.q) + batch * call.queries.b + query_head * call.queries.h,
        call.d, first_row + r < call.group, queries[r]);
  }
  RowPart<Split, kFixed, kBug> parts[kRows];
  constexpr int kStep = kDecodeWarps * Split::kKeysAtOnce;
  const int own = warp * Split::kKeysAtOnce + lane / Split::kLanes;
  const int end = kBug == DecodeBug::kDroppedKey ? range.end - 1 : range.end;
  const std::int64_t head = batch * call.keys.b + key_head * call.keys.h;
  for (int key = range.first; key < end; key += kAtOnce * kStep) {
    attend_keys<Split, kRows, kAtOnce>(parts, queries, call, head, key + own, kStep, end);
  }
  SB_UNROLL
  for (int r = 0; r < kRows; ++r) {
    for (int distance = Split::kLanes; distance < 32; distance *= 2) {
      parts[r].merge_across(distance);
    }
    if (lane == 0) {
      of_warps[warp][r][0] = parts[r].maximum;
      of_warps[warp][r][1] = parts[r].sum;
    }
    SB_UNROLL
    for (int i = 0; i < Split::kEach; ++i) {
      const int column = swizzled(Split::column(i / kWidth<T>) + i % kWidth<T>);
      if (lane < Split::kLanes) of_warps[warp][r][2 + column] = parts[r].values[i];
    }
  }
  if constexpr (kBug != DecodeBug::kNoBarrier) __syncthreads();
}

// The block's part of range `at`: what its warps have, merged, to where others find it.
template <int kRows, bool kFixed>
__device__ __forceinline__ void store_parts(
    const DecodeCall& call, int at, int first_row,
    const float (&of_warps)[kDecodeWarps][kRows][2 + kMostColumns]) {
  constexpr int kStride = kRows * (2 + kMostColumns);
  for (int r = 0; r < kRows && first_row + r < call.group; ++r) {
    float* const part = call.parts + (std::int64_t{at} * call.group + first_row + r) * (2 + call.d);
    SB_NO_UNROLL
    for (int c = static_cast<int>(threadIdx.x); c < call.d; c += kDecodeThreads) {
      const Merged<kFixed> all(of_warps[0][r], kDecodeWarps, kStride, swizzled(c));
      part[2 + c] = all.value;
      if (c > 0) continue;
      part[0] = all.maximum;
      part[1] = all.sum;
    }
  }
}

// Where the output of query head `row` of key head `head` lies.
template <typename T>
__device__ __forceinline__ T* output_row(const DecodeCall& call, int head, int row) {
  return static_cast<T*>(call.o) + head / call.hkv * call.queries.b +
         (head % call.hkv * call.group + row) * call.queries.h;
}

// Grid: ranges, group / kRows rounded up.
template <typename Split, int kRows, bool kFixed, DecodeBug kBug = DecodeBug::kNone>
__global__ void __launch_bounds__(kDecodeThreads) decode_ranges(DecodeCall call) {
  SB_SHARED(float, of_warps, [kDecodeWarps][kRows][2 + kMostColumns]);
  const int first_row = static_cast<int>(blockIdx.y) * kRows;
  attend_range<Split, kRows, kFixed, kBug>(call, call.ranges[blockIdx.x], first_row, of_warps);
  store_parts<kRows, kFixed>(call, static_cast<int>(blockIdx.x), first_row, of_warps);
}

// Merges the ranges of a row and writes it. A row whose largest score lies out of a fixed maximum's
// reach is done again (FlashDecoding++, arXiv:2311.01282). Grid: b * hkv, group.
template <typename Split, bool kFixed, DecodeBug kBug = DecodeBug::kNone>
__global__ void __launch_bounds__(kDecodeThreads) finish_decode(DecodeCall call) {
  using T = typename Split::T;
  const int head = static_cast<int>(blockIdx.x), row = static_cast<int>(blockIdx.y);
  const int first = call.first_range[head], count = call.first_range[head + 1] - first;
  const float* const parts = call.parts + (std::int64_t{first} * call.group + row) * (2 + call.d);
  const std::int64_t stride = std::int64_t{call.group} * (2 + call.d);
  T* const o = output_row<T>(call, head, row);
  SB_SHARED(float, of_warps, [kDecodeWarps][1][2 + kMostColumns]);
  if constexpr (kFixed && kBug != DecodeBug::kNoFallback) {
    const float top = Merged<true>(parts, count, stride, 0).maximum;
    if (!(fabsf(top) <= call.reach)) {  // the same in all threads
      const DeviceRange whole = {head, call.ranges[first].first,
                                 call.ranges[first + count - 1].end};
      attend_range<Split, 1, false, DecodeBug::kNone>(call, whole, row, of_warps);
      SB_NO_UNROLL
      for (int c = static_cast<int>(threadIdx.x); c < call.d; c += kDecodeThreads) {
        const Merged<false> all(of_warps[0][0], kDecodeWarps, 2 + kMostColumns, swizzled(c));
        narrow(all.sum == 0 ? 0.0f : all.value / all.sum, o[c]);
      }
      return;
    }
  }
  SB_NO_UNROLL
  for (int c = static_cast<int>(threadIdx.x); c < call.d; c += kDecodeThreads) {
    const Merged<kFixed> all(parts, count, stride, c);
    narrow(all.sum == 0 ? 0.0f : all.value / all.sum, o[c]);
  }
}

}  // namespace
}  // namespace sb::attention

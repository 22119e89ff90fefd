// LeanAttention's decode (arXiv:2405.10480, stream-K): as many blocks as the GPU holds at a time
// share all tiles of all heads evenly, so a block's share may begin inside a head. The block with a
// head's first range owns it: it waits for the others' parts, merges them in order and writes; one
// launch, the same bits every time.
#pragma once

#include "suites/attention/decode_device.cuh"

namespace sb::attention {
namespace {

struct LeanWork {
  const int* first_of_block;  // range that block x begins with, and one past the last
  unsigned* flags;            // [range][grid.y]: 1 when the part is there; 0 between launches
};

// Until the parts of ranges (first, end) are there; lowers their flags again.
template <DecodeBug kBug>
__device__ __forceinline__ void await_parts(const LeanWork& work, int first, int end) {
  if (threadIdx.x == 0) {
    for (int at = first + 1; at < end; ++at) {
      unsigned* const flag = &work.flags[at * static_cast<int>(gridDim.y) + blockIdx.y];
      while (kBug != DecodeBug::kNoWait && sb_load_acquire(flag) == 0) {
      }
      if constexpr (kBug != DecodeBug::kFlagStays) sb_store_release(flag, 0u);
    }
  }
  __syncthreads();
}

// Rows of the head whose ranges are [first, end): the owner's own part, then the others'.
template <typename T, int kRows>
__device__ __forceinline__ void finish_head(
    const DecodeCall& call, int first, int end, int first_row,
    const float (&of_warps)[kDecodeWarps][kRows][2 + kMostColumns]) {
  const std::int64_t stride = std::int64_t{call.group} * (2 + call.d);
  for (int r = 0; r < kRows && first_row + r < call.group; ++r) {
    const float* const others =
        call.parts + (std::int64_t{first + 1} * call.group + first_row + r) * (2 + call.d);
    T* const o = output_row<T>(call, call.ranges[first].head, first_row + r);
    SB_NO_UNROLL
    for (int c = static_cast<int>(threadIdx.x); c < call.d; c += kDecodeThreads) {
      const Merged<false> own(of_warps[0][r], kDecodeWarps, kRows * (2 + kMostColumns),
                              swizzled(c));
      const Merged<false> rest(others, end - first - 1, stride, c);
      const float origin = origin_of(fmaxf(own.maximum, rest.maximum));
      const float ours = fast_exp2(own.maximum - origin), theirs = fast_exp2(rest.maximum - origin);
      const float sum = own.sum * ours + rest.sum * theirs;
      narrow(sum == 0 ? 0.0f : (own.value * ours + rest.value * theirs) / sum, o[c]);
    }
  }
}

// Grid: blocks that can be alive together / grid.y, group / kRows rounded up. Only the first range
// of a block can be another's head's, and nobody waits before its own is done: no deadlock.
// Bounds: left to itself, ptxas stops at 128 registers for a fourth block and spills.
template <typename Split, int kRows, DecodeBug kBug = DecodeBug::kNone>
__global__ void __launch_bounds__(kDecodeThreads, 3) decode_lean(DecodeCall call, LeanWork work) {
  SB_SHARED(float, of_warps, [kDecodeWarps][kRows][2 + kMostColumns]);
  const int first_row = static_cast<int>(blockIdx.y) * kRows;
  const int end_of_block = work.first_of_block[blockIdx.x + 1];
  for (int at = work.first_of_block[blockIdx.x]; at < end_of_block; ++at) {
    const DeviceRange range = call.ranges[at];
    const int first = call.first_range[range.head], end = call.first_range[range.head + 1];
    attend_range<Split, kRows, false, kBug>(call, range, first_row, of_warps);
    if (at == first) {
      if (first + 1 < end) await_parts<kBug>(work, first, end);
      finish_head<typename Split::T, kRows>(call, first, end, first_row, of_warps);
    } else {
      store_parts<kRows, false>(call, at, first_row, of_warps);
      if constexpr (kBug != DecodeBug::kEarlyFlag) __syncthreads();
      if (threadIdx.x == 0) {
        sb_store_release(&work.flags[at * static_cast<int>(gridDim.y) + blockIdx.y], 1u);
      }
    }
    __syncthreads();  // the warps' parts are read
  }
}

}  // namespace
}  // namespace sb::attention

// Rows of tokens without their pads, on a GPU.
#pragma once

#include "backend/device.cuh"

namespace sb::tensor_bleu {
namespace {

// The row without pads, by one warp; gives its length.
__device__ __forceinline__ int without_pads(const std::int64_t* row, int s, std::int64_t pad,
                                            std::int64_t* to) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  int length = 0;
  for (int first = 0; first < s; first += 32) {
    const std::int64_t token = first + lane < s ? row[first + lane] : pad;
    const unsigned kept = __ballot_sync(~0u, token != pad);
    if (token != pad) to[length + __popc(kept & ((1u << lane) - 1))] = token;
    length += __popc(kept);
  }
  return length;
}

}  // namespace
}  // namespace sb::tensor_bleu

// gr_kan_backward on a GPU: dx element by element, and four ways to add up the coefficients'
// gradients. All leave `partials` rows of ten sums per group: [group][part][term].
#pragma once

#include "suites/gr_kan/rational.cuh"

namespace sb::gr_kan {
namespace {

struct Backward {
  const float *x, *g, *a, *b;
  float* dx;
  float* partials;
  DeviceShape shape;
};

// Elements of rows [begin, end) of a group, `step` threads side by side; returns this thread's
// sums.
template <Bug kBug = Bug::kNone>
__device__ __forceinline__ void add_rows(const Backward& call, std::int64_t group,
                                         std::int64_t begin, std::int64_t end, int step,
                                         float (&sums)[kTermsOnDevice]) {
  const DeviceShape& s = call.shape;
  const Coefficients c = coefficients_of<kBug>(call.a, call.b, group, s.shared_numerator);
  if (kBug == Bug::kDroppedLastRow && end == s.rows) --end;
  const std::int64_t elements = (end - begin) * s.group_size;
  for (std::int64_t e = threadIdx.x; e < elements; e += step) {
    const std::int64_t at =
        (begin + e / s.group_size) * s.d + group * s.group_size + e % s.group_size;
    call.dx[at] = add_element(call.x[at], call.g[at], c, sums);
  }
}

// Every element adds its ten terms to global memory (KAT's released kernel). Grid-stride.
template <Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(256) backward_atomic(Backward call) {
  const DeviceShape& s = call.shape;
  const std::int64_t elements = (s.rows - (kBug == Bug::kDroppedLastRow)) * s.d;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t e = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; e < elements;
       e += step) {
    const std::int64_t group = e % s.d / s.group_size;
    const Coefficients c = coefficients_of<kBug>(call.a, call.b, group, s.shared_numerator);
    float sums[kTermsOnDevice] = {};
    call.dx[e] = add_element(call.x[e], call.g[e], c, sums);
    SB_UNROLL
    for (int i = 0; i < kTermsOnDevice; ++i) {
      atomicAdd(&call.partials[group * kTermsOnDevice + i], sums[i]);
    }
  }
}

// A tile of rows and a group per block; every thread adds its sums to the block's in shared memory,
// the block adds them to global memory. Grid: row tiles, groups.
template <int kThreads, int kRows, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads) backward_block_shared(Backward call) {
  SB_SHARED(float, of_block, [kTermsOnDevice]);
  if (threadIdx.x < kTermsOnDevice) of_block[threadIdx.x] = 0;
  __syncthreads();
  const std::int64_t begin = std::int64_t{blockIdx.x} * kRows;
  const std::int64_t end = begin + kRows < call.shape.rows ? begin + kRows : call.shape.rows;
  float sums[kTermsOnDevice] = {};
  add_rows<kBug>(call, blockIdx.y, begin, end, kThreads, sums);
  SB_UNROLL
  for (int i = 0; i < kTermsOnDevice; ++i) atomicAdd(&of_block[i], sums[i]);
  if constexpr (kBug != Bug::kNoBarrierBeforeRead) __syncthreads();
  if (threadIdx.x < kTermsOnDevice) {
    atomicAdd(&call.partials[blockIdx.y * kTermsOnDevice + threadIdx.x], of_block[threadIdx.x]);
  }
}

// FlashKAT (arXiv:2505.13813, algorithm 2): the tile's sums stay in registers, shuffles add them
// up, ten atomic additions per block. Grid: row tiles, groups.
template <int kThreads, int kRows, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads) backward_flashkat(Backward call) {
  const std::int64_t begin = std::int64_t{blockIdx.x} * kRows;
  const std::int64_t end = begin + kRows < call.shape.rows ? begin + kRows : call.shape.rows;
  float sums[kTermsOnDevice] = {};
  add_rows<kBug>(call, blockIdx.y, begin, end, kThreads, sums);
  const float total = block_total<kThreads, kBug>(sums);
  if (threadIdx.x < kTermsOnDevice) {
    atomicAdd(&call.partials[blockIdx.y * kTermsOnDevice + threadIdx.x], total);
  }
}

// A fixed number of blocks per group walks over all row tiles and writes one partial row each: no
// atomics, one order of addition, so the same bits every time. Grid: parts, groups.
template <int kThreads, int kRows, Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads) backward_persistent(Backward call) {
  float sums[kTermsOnDevice] = {};
  const std::int64_t step = std::int64_t{gridDim.x} * kRows;
  for (std::int64_t begin = std::int64_t{blockIdx.x} * kRows; begin < call.shape.rows;
       begin += step) {
    const std::int64_t end = begin + kRows < call.shape.rows ? begin + kRows : call.shape.rows;
    add_rows<kBug>(call, blockIdx.y, begin, end, kThreads, sums);
  }
  const float total = block_total<kThreads, kBug>(sums);
  if (threadIdx.x < kTermsOnDevice) {
    call.partials[(blockIdx.y * gridDim.x + blockIdx.x) * kTermsOnDevice + threadIdx.x] = total;
  }
}

template <Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(256) clear(float* partials, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count - (kBug == Bug::kLastSumNotCleared)) partials[i] = 0;
}

__device__ __forceinline__ double sum_of_parts(const float* partials, int parts, int group,
                                               int term) {
  double sum = 0;
  SB_NO_UNROLL
  for (int first = 0; first < parts; first += 4) {  // loads of four at a time, added in order
    SB_UNROLL
    for (int p = first; p < first + 4; ++p) {
      if (p < parts) sum += partials[(std::int64_t{group} * parts + p) * kTermsOnDevice + term];
    }
  }
  return sum;
}

// da, db from the partial sums, a thread per coefficient; a shared numerator's add up the groups.
template <Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(256)
    write_coefficients(const float* partials, int parts, const float* b, float* da, float* db,
                       DeviceShape s) {
  const int rows = s.shared_numerator ? 1 : s.groups;
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < rows * 6) {
    double sum = sum_of_parts(partials, parts, i / 6, i % 6);
    for (int group = 1; s.shared_numerator && group < s.groups; ++group) {
      sum += sum_of_parts(partials, parts, group, i % 6);
    }
    da[i] = static_cast<float>(sum);
  } else if (i < rows * 6 + s.groups * 4 - (kBug == Bug::kLastCoefficientNotWritten)) {
    const int k = i - rows * 6;
    const double sum = sum_of_parts(partials, parts, k / 4, 6 + k % 4);
    db[k] = static_cast<float>(b[k] < 0 ? sum : -sum);
  }
}

}  // namespace
}  // namespace sb::gr_kan

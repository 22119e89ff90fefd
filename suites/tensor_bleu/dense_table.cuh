// TensorBLEU's method (arXiv:2510.05485) on a GPU. For each order the n-grams of the whole batch
// are sorted, numbered, and counted into dense tables of sentences x different n-grams; maximum
// over the references, minimum with the candidate, row sums. The tables grow with the square of the
// batch.
#pragma once

#include "suites/tensor_bleu/device_rows.cuh"
#include "suites/tensor_bleu/device_score.cuh"

namespace sb::tensor_bleu {
namespace {

// Planted bugs that the tests must see fail; kNone is the kernel.
enum class DenseBug {
  kNone,
  kNoBarrierInScan,
  kLastMergeLeftOut,
  kLastReferenceLeftOut,
  kFirstRowNotRead,
  kFirstPlaceNotListed,
  kFirstPairNotSorted,
  kFirstCellNotCleared,
  kFirstPlaceNotCounted,
  kLastReferenceWins,
  kLastNgramNotSummed
};

inline constexpr int kDenseThreads = 128;

struct DenseCall {
  const std::int64_t *candidates, *references;  // [b][s], [b][refs][s]
  std::int64_t* counts;                         // [b][2 * orders + 2]
  std::int64_t* tokens;                         // [b * (1 + refs)][s]: rows without their pads
  int* lengths;                                 // [b * (1 + refs)]
  int* items;   // [sorted]: place row * s + position of an n-gram, -1 for none
  int* ids;     // [b * (1 + refs) * s]: number of the n-gram at a place
  int* unique;  // how many different ones
  int *of_candidate, *of_reference, *most;  // [b][unique]
  std::int64_t pad;
  int b, s, refs, orders;
  int sorted;  // a power of 2, at least b * (1 + refs) * s

  __device__ __forceinline__ int rows() const { return b * (1 + refs); }
};

__device__ __forceinline__ int global_thread() {
  return static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
}

// A warp per row; row b_i * (1 + refs) is the candidate's, its references follow.
template <DenseBug kBug>
__global__ void __launch_bounds__(kDenseThreads) read_rows(DenseCall call) {
  const int row = global_thread() / 32;
  if (row >= call.rows() || (kBug == DenseBug::kFirstRowNotRead && row == 0)) return;
  const std::int64_t sentence = row / (1 + call.refs);
  const int k = row % (1 + call.refs);
  const std::int64_t* const from = k == 0
                                       ? call.candidates + sentence * call.s
                                       : call.references + (sentence * call.refs + k - 1) * call.s;
  const int length = without_pads(from, call.s, call.pad, call.tokens + std::int64_t{row} * call.s);
  if (threadIdx.x % 32 == 0) call.lengths[row] = length;
}

template <DenseBug kBug>
__global__ void __launch_bounds__(kDenseThreads) list_ngrams(DenseCall call, int n) {
  const int i = global_thread();
  if (i >= call.sorted || (kBug == DenseBug::kFirstPlaceNotListed && i == 0)) return;
  const int row = i / call.s;
  const bool there = row < call.rows() && i % call.s + n <= call.lengths[row];
  call.items[i] = there ? i : -1;
}

// Lexicographic; nothing comes last.
__device__ __forceinline__ int compare(const std::int64_t* tokens, int a, int b, int n) {
  if (a < 0 || b < 0) return a < 0 && b < 0 ? 0 : a < 0 ? 1 : -1;
  // Most n-grams differ at once.
  SB_NO_UNROLL
  for (int i = 0; i < n; ++i) {
    const std::int64_t x = tokens[a + i], y = tokens[b + i];
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

// A step of Batcher's bitonic sort: pairs `distance` apart in runs of `run`.
template <DenseBug kBug>
__global__ void __launch_bounds__(kDenseThreads)
    sort_step(DenseCall call, int n, int run, int distance) {
  const int t = global_thread();
  if (t >= call.sorted / 2 || (kBug == DenseBug::kFirstPairNotSorted && t == 0)) return;
  const int i = t / distance * 2 * distance + t % distance;
  const int a = call.items[i], b = call.items[i + distance];
  const bool ascending = (i & run) == 0;
  const int order = compare(call.tokens, a, b, n);
  if (ascending ? order <= 0 : order >= 0) return;
  call.items[i] = b;
  call.items[i + distance] = a;
}

// Numbers the sorted n-grams, equal ones alike. One block; a thread has a run of them.
template <DenseBug kBug>
__global__ void __launch_bounds__(kDenseThreads) number_ngrams(DenseCall call, int n) {
  SB_SHARED(int, before, [kDenseThreads + 1]);
  const int thread = static_cast<int>(threadIdx.x);
  const int each = (call.sorted + kDenseThreads - 1) / kDenseThreads;
  const int begin = thread * each;
  const int end = begin + each < call.sorted ? begin + each : call.sorted;
  const auto is_new = [&](int i) {
    return call.items[i] >= 0 &&
           (i == 0 || compare(call.tokens, call.items[i - 1], call.items[i], n) != 0);
  };
  int own = 0;
  SB_NO_UNROLL
  for (int i = begin; i < end; ++i) own += is_new(i);
  before[thread + 1] = own;
  if constexpr (kBug != DenseBug::kNoBarrierInScan) __syncthreads();
  if (thread == 0) {
    before[0] = 0;
    for (int i = 1; i <= kDenseThreads; ++i) before[i] += before[i - 1];
    *call.unique = before[kDenseThreads];
  }
  __syncthreads();
  int id = before[thread] - 1;
  SB_NO_UNROLL
  for (int i = begin; i < end; ++i) {
    id += is_new(i);
    if (call.items[i] >= 0) call.ids[call.items[i]] = id;
  }
}

template <DenseBug kBug>
__global__ void __launch_bounds__(kDenseThreads) clear_table(DenseCall call, int* table) {
  const std::int64_t cells = std::int64_t{call.b} * *call.unique;
  const std::int64_t step = std::int64_t{gridDim.x} * kDenseThreads;
  for (std::int64_t i = global_thread(); i < cells; i += step) {
    if (kBug != DenseBug::kFirstCellNotCleared || i != 0) table[i] = 0;
  }
}

// Row k of each sentence (0: the candidate) into `table`.
template <DenseBug kBug>
__global__ void __launch_bounds__(kDenseThreads)
    count_into(DenseCall call, int n, int k, int* table) {
  const int i = global_thread();
  if (i >= call.b * call.s || (kBug == DenseBug::kFirstPlaceNotCounted && i == 0)) return;
  const int sentence = i / call.s, position = i % call.s;
  const int row = sentence * (1 + call.refs) + k;
  if (position + n > call.lengths[row]) return;
  const int id = call.ids[row * call.s + position];
  atomicAdd(&table[std::int64_t{sentence} * *call.unique + id], 1);
}

template <DenseBug kBug>
__global__ void __launch_bounds__(kDenseThreads) raise_most(DenseCall call) {
  const std::int64_t cells = std::int64_t{call.b} * *call.unique;
  const std::int64_t step = std::int64_t{gridDim.x} * kDenseThreads;
  for (std::int64_t i = global_thread(); i < cells; i += step) {
    const bool more = call.of_reference[i] > call.most[i];
    if (more || kBug == DenseBug::kLastReferenceWins) call.most[i] = call.of_reference[i];
  }
}

// Row sums of the minimum: a warp per sentence.
template <DenseBug kBug>
__global__ void __launch_bounds__(kDenseThreads) sum_clipped(DenseCall call, int n) {
  const int sentence = global_thread() / 32;
  if (sentence >= call.b) return;
  const std::int64_t first = std::int64_t{sentence} * *call.unique;
  const int columns = *call.unique - (kBug == DenseBug::kLastNgramNotSummed);
  int sum = 0;
  for (int i = static_cast<int>(threadIdx.x) % 32; i < columns; i += 32) {
    const int own = call.of_candidate[first + i], most = call.most[first + i];
    sum += own < most ? own : most;
  }
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(~0u, sum, distance);
  if (threadIdx.x % 32 != 0) return;
  const int length = call.lengths[sentence * (1 + call.refs)];
  std::int64_t* const counts = call.counts + std::int64_t{sentence} * (2 * call.orders + 2);
  counts[n - 1] = sum;
  counts[call.orders + n - 1] = length >= n ? length - n + 1 : 0;
  counts[2 * call.orders] = length;
  counts[2 * call.orders + 1] =
      closest_length(call.lengths + sentence * (1 + call.refs), call.refs);
}

}  // namespace
}  // namespace sb::tensor_bleu

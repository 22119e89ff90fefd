// BLEU on a GPU without dense tables: a block counts one sentence's n-grams in a hash table of its
// own. A slot names a place of the candidate, and n-grams are compared token by token, so that the
// counts are exact. Work and memory grow linearly with the batch.
#pragma once

#include "suites/tensor_bleu/device_rows.cuh"
#include "suites/tensor_bleu/device_score.cuh"

namespace sb::tensor_bleu {
namespace {

// Planted bugs that the tests must see fail; kNone is the kernel.
enum class Bug {
  kNone,
  kNoBarrierBeforeLookup,
  kTokensNotCompared,
  kLastNgramDropped,
  kNotClipped
};

inline constexpr int kThreads = 128;
inline constexpr int kMostRows = 65;  // the candidate and its references

struct HashCall {
  const std::int64_t *candidates, *references;  // [b][s], [b][refs][s]
  std::int64_t* counts;                         // [b][2 * orders + 2]
  std::int64_t* tokens;                         // [b][1 + refs][s]: rows without their pads
  int* global_table;                            // [b][kPerSlot * slots]; null: shared memory
  std::int64_t pad;
  int s, refs, orders;
  int slots;  // a power of 2, at least 2 s
};

inline constexpr int kPerSlot = 4;  // ints: place in the candidate or -1, and three counts
struct Table {
  int *place, *in_candidate, *in_reference, *most;
  unsigned mask;
};

__device__ __forceinline__ Table table_in(int* memory, int slots) {
  return {memory, memory + slots, memory + 2 * slots, memory + 3 * slots,
          static_cast<unsigned>(slots - 1)};
}

__device__ __forceinline__ unsigned hash_of(const std::int64_t* ngram, int n) {
  std::uint64_t hash = 0;
  for (int i = 0; i < n; ++i) {
    hash = (hash ^ static_cast<std::uint64_t>(ngram[i])) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 32;
  }
  return static_cast<unsigned>(hash);
}

template <Bug kBug>
__device__ __forceinline__ bool same_ngram(const std::int64_t* a, const std::int64_t* b, int n) {
  if (kBug == Bug::kTokensNotCompared) return true;
  for (int i = 0; i < n; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

// The candidate's n-grams become slots; equal ones share a slot.
template <Bug kBug>
__device__ __forceinline__ void insert_candidate(const Table& table, const std::int64_t* candidate,
                                                 int ngrams, int n) {
  if (kBug == Bug::kLastNgramDropped) --ngrams;
  for (int i = static_cast<int>(threadIdx.x); i < ngrams; i += kThreads) {
    unsigned slot = hash_of(candidate + i, n) & table.mask;
    for (;; slot = (slot + 1) & table.mask) {
      const int taken_by = atomicCAS(&table.place[slot], -1, i);
      if (taken_by == -1 || same_ngram<kBug>(candidate + taken_by, candidate + i, n)) break;
    }
    atomicAdd(&table.in_candidate[slot], 1);
  }
}

// Counts those n-grams of a reference that the candidate has.
template <Bug kBug>
__device__ __forceinline__ void look_up_reference(const Table& table, const std::int64_t* candidate,
                                                  const std::int64_t* reference, int ngrams,
                                                  int n) {
  for (int i = static_cast<int>(threadIdx.x); i < ngrams; i += kThreads) {
    unsigned slot = hash_of(reference + i, n) & table.mask;
    for (; table.place[slot] != -1; slot = (slot + 1) & table.mask) {
      if (!same_ngram<kBug>(candidate + table.place[slot], reference + i, n)) continue;
      atomicAdd(&table.in_reference[slot], 1);
      break;
    }
  }
}

__device__ __forceinline__ void clear(const Table& table) {
  for (unsigned slot = threadIdx.x; slot <= table.mask; slot += kThreads) {
    table.place[slot] = -1;
    table.in_candidate[slot] = table.in_reference[slot] = table.most[slot] = 0;
  }
}

__device__ __forceinline__ int sum_over_block(int x) {
  SB_SHARED(int, of_warps, [kThreads / 32]);
  for (int distance = 16; distance > 0; distance /= 2) x += __shfl_xor_sync(~0u, x, distance);
  __syncthreads();  // the sums of the call before have been read
  if (threadIdx.x % 32 == 0) of_warps[threadIdx.x / 32] = x;
  __syncthreads();
  return of_warps[0] + of_warps[1] + of_warps[2] + of_warps[3];
}

// sum over the candidate's n-grams of min(count, largest count in a reference).
template <Bug kBug>
__device__ __forceinline__ int numerator(const Table& table, const HashCall& call,
                                         const std::int64_t* rows, const int* lengths, int n) {
  clear(table);
  __syncthreads();
  insert_candidate<kBug>(table, rows, lengths[0] - n + 1, n);
  if constexpr (kBug != Bug::kNoBarrierBeforeLookup) __syncthreads();
  for (int k = 1; k <= call.refs; ++k) {
    look_up_reference<kBug>(table, rows, rows + std::int64_t{k} * call.s, lengths[k] - n + 1, n);
    __syncthreads();
    for (unsigned slot = threadIdx.x; slot <= table.mask; slot += kThreads) {
      const int count = table.in_reference[slot];
      table.in_reference[slot] = 0;
      if (count > table.most[slot]) table.most[slot] = count;
    }
    __syncthreads();
  }
  int sum = 0;
  for (unsigned slot = threadIdx.x; slot <= table.mask; slot += kThreads) {
    const int most = table.most[slot], own = table.in_candidate[slot];
    sum += kBug == Bug::kNotClipped || most < own ? most : own;
  }
  return sum_over_block(sum);
}

// Grid: sentences. Shared memory of the launch: kPerSlot * slots ints, unless there is a table in
// global memory.
template <Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(kThreads) count_ngrams(HashCall call) {
  SB_SHARED(int, lengths, [kMostRows]);
  SB_SHARED_OF_LAUNCH(int, shared_table);
  const std::int64_t sentence = blockIdx.x;
  std::int64_t* const rows = call.tokens + sentence * (1 + call.refs) * call.s;
  for (int k = static_cast<int>(threadIdx.x) / 32; k <= call.refs; k += kThreads / 32) {
    const std::int64_t* const row = k == 0
                                        ? call.candidates + sentence * call.s
                                        : call.references + (sentence * call.refs + k - 1) * call.s;
    const int length = without_pads(row, call.s, call.pad, rows + std::int64_t{k} * call.s);
    if (threadIdx.x % 32 == 0) lengths[k] = length;
  }
  __syncthreads();
  const Table table =
      table_in(call.global_table == nullptr ? shared_table
                                            : call.global_table + sentence * kPerSlot * call.slots,
               call.slots);
  std::int64_t* const counts = call.counts + sentence * (2 * call.orders + 2);
  for (int n = 1; n <= call.orders; ++n) {
    const int num = numerator<kBug>(table, call, rows, lengths, n);
    if (threadIdx.x != 0) continue;
    counts[n - 1] = num;
    counts[call.orders + n - 1] = lengths[0] >= n ? lengths[0] - n + 1 : 0;
  }
  if (threadIdx.x != 0) return;
  counts[2 * call.orders] = lengths[0];
  counts[2 * call.orders + 1] = closest_length(lengths, call.refs);
}

}  // namespace
}  // namespace sb::tensor_bleu

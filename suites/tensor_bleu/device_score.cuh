// Counts to scores on a GPU, by NLTK's rules (nltk.translate.bleu_score): the smoothing methods
// that look at one order at a time, 0 to 4. score.cpp has all of them.
#pragma once

#include "backend/device.cuh"

namespace sb::tensor_bleu {
namespace {

// Planted bugs that the tests must see fail; kNone is the kernel.
enum class ScoreBug { kNone, kLastSentenceNotScored, kLastSentenceNotSummed };

inline constexpr int kOrdersOnDevice = 5;

struct DeviceRule {
  int smoothing = 1, orders = 4;
  double weights[kOrdersOnDevice] = {};
  bool reweigh = false;  // spread over c orders when c < 4
};

struct DeviceCounts {
  std::int64_t num[kOrdersOnDevice], den[kOrdersOnDevice];  // den at least 1
  std::int64_t c, r;
};

// Of lengths[1 ... refs], the nearest to lengths[0]; the shorter of two.
__device__ __forceinline__ int closest_length(const int* lengths, int refs) {
  int best = lengths[1];
  for (int k = 2; k <= refs; ++k) {
    const int distance =
        lengths[k] > lengths[0] ? lengths[k] - lengths[0] : lengths[0] - lengths[k];
    const int least = best > lengths[0] ? best - lengths[0] : lengths[0] - best;
    if (distance < least || (distance == least && lengths[k] < best)) best = lengths[k];
  }
  return best;
}

// Precision of an order; `zeros` counts the orders without a match so far.
__device__ __forceinline__ double smoothed(const DeviceRule& rule, const DeviceCounts& counts,
                                           int order, int& zeros) {
  const auto num = static_cast<double>(counts.num[order]);
  const auto den = static_cast<double>(counts.den[order]);
  if (rule.smoothing == 2 && order > 0) return (num + 1) / (den + 1);
  if (counts.num[order] != 0 || rule.smoothing == 2) return num / den;
  ++zeros;
  const double halves = static_cast<double>(std::int64_t{1} << zeros);
  if (rule.smoothing == 1) return 0.1 / den;
  if (rule.smoothing == 3) return 1 / (halves * den);
  if (rule.smoothing == 0) return 2.2250738585072014e-308;  // sys.float_info.min
  if (counts.c <= 1) return 0;
  return 1 / (halves * 5 / log(static_cast<double>(counts.c))) / den;
}

__device__ __forceinline__ double nltk_score(const DeviceRule& rule, const DeviceCounts& counts) {
  if (counts.num[0] == 0) return 0;  // before any smoothing
  const auto c = static_cast<double>(counts.c);
  const bool few = rule.reweigh && counts.c < 4;
  double log_mean = 0;
  int zeros = 0;
  SB_UNROLL
  for (int i = 0; i < kOrdersOnDevice; ++i) {  // all of them: a register has no index
    const double p = i < rule.orders ? smoothed(rule, counts, i, zeros) : 0;
    if (p > 0 && !(few && i >= counts.c)) log_mean += (few ? 1 / c : rule.weights[i]) * log(p);
  }
  const auto r = static_cast<double>(counts.r);
  return (counts.c > counts.r ? 1.0 : exp(1 - r / c)) * exp(log_mean);
}

__device__ __forceinline__ std::int64_t at_least_one(std::int64_t x) { return x < 1 ? 1 : x; }

// counts: [b][2 * columns + 2] with columns >= orders. A thread per sentence.
template <ScoreBug kBug>
__global__ void __launch_bounds__(128) score_sentences(const std::int64_t* counts, double* scores,
                                                       int b, int columns, DeviceRule rule) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= b - (kBug == ScoreBug::kLastSentenceNotScored)) return;
  const std::int64_t* const row = counts + std::int64_t{i} * (2 * columns + 2);
  DeviceCounts own = {.c = row[2 * columns], .r = row[2 * columns + 1]};
  SB_UNROLL
  for (int n = 0; n < kOrdersOnDevice; ++n) {
    own.num[n] = n < columns ? row[n] : 0;
    own.den[n] = n < columns ? at_least_one(row[columns + n]) : 1;
  }
  scores[i] = nltk_score(rule, own);
}

// The column's sum over the batch, by one warp; `least` is what an entry counts for at least.
__device__ __forceinline__ std::int64_t column_sum(const std::int64_t* column, int b, int stride,
                                                   std::int64_t least) {
  std::int64_t sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < b; i += 32) {
    const std::int64_t x = column[std::int64_t{i} * stride];
    sum += x < least ? least : x;
  }
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(~0u, sum, distance);
  return sum;
}

// One warp.
template <ScoreBug kBug>
__global__ void __launch_bounds__(32)
    score_corpus(const std::int64_t* counts, double* corpus, int b, int columns, DeviceRule rule) {
  const int stride = 2 * columns + 2;
  if (kBug == ScoreBug::kLastSentenceNotSummed) --b;
  DeviceCounts all;
  SB_UNROLL
  for (int n = 0; n < kOrdersOnDevice; ++n) {
    all.num[n] = n < columns ? column_sum(counts + n, b, stride, 0) : 0;
    all.den[n] = n < columns ? column_sum(counts + columns + n, b, stride, 1) : 1;
  }
  all.c = column_sum(counts + 2 * columns, b, stride, 0);
  all.r = column_sum(counts + 2 * columns + 1, b, stride, 0);
  if (threadIdx.x == 0) *corpus = nltk_score(rule, all);
}

}  // namespace
}  // namespace sb::tensor_bleu

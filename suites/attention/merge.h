// The merge rule of the family. A row's softmax over some keys is (max, sum, o): the subtracted
// maximum in the log2 domain, sum of 2^(score - max), and the values weighted alike and not yet
// divided. Two such parts of one row combine exactly, in any grouping.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace sb::attention {

inline constexpr float kNothingYet = -3.402823466e38f;  // finite: (-inf) - (-inf) never happens

// FlashDecoding++ (arXiv 2311.01282): a maximum fixed beforehand, in the log2 domain, and how far
// from it a row's largest score may lie. 2^60 times 2^60 keys is still a float; a key that vanishes
// below 2^-126 weighs less than 2^-66 of the row.
inline constexpr float kUnifiedMax = 0;
inline constexpr float kUnifiedReach = 60;

// Natural logarithm of the sum of exp(score).
inline float log_sum_exp(float max, float sum) {
  constexpr float kLn2 = 0.6931471805599453f;
  return sum == 0 ? -INFINITY : (max + std::log2(sum)) * kLn2;
}

// Statistics of `rows` rows with their unscaled outputs, as they lie in memory: o[row][stride].
struct Partial {
  float* max = nullptr;
  float* sum = nullptr;
  float* o = nullptr;
  std::int64_t stride = 0;
};

// into += from, for rows of d elements.
inline void merge(const Partial& into, const Partial& from, std::int64_t rows, int d) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const float max = std::max(into.max[r], from.max[r]);
    const float a = std::exp2(into.max[r] - max);
    const float b = std::exp2(from.max[r] - max);
    into.max[r] = max;
    into.sum[r] = a * into.sum[r] + b * from.sum[r];
    float* o = into.o + r * into.stride;
    const float* other = from.o + r * from.stride;
    for (int c = 0; c < d; ++c) o[c] = a * o[c] + b * other[c];
  }
}

}  // namespace sb::attention

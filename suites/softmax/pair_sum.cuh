// Sums of exponentials that carry an exponent of their own and so need no maximum of the row
// (Dukhan and Ablavatski, arXiv:2001.04438), as a GPU wants them: ex2 takes the whole argument, so
// the pair is (sum, integer), not one per element, and the integer moves only when exponents
// outgrow it.
#pragma once

#include "suites/softmax/row_sum.cuh"

namespace sb::softmax {
namespace {

// sum * 2^maximum is the sum of exp(x) over a piece; `maximum` is an integer, -inf of an empty or
// fully masked piece, +inf of one with an element out of reach.
struct PairSum {
  float maximum = -INFINITY;
  double sum = 0;
};

__device__ __forceinline__ double rescaled(const PairSum& piece, float maximum) {
  return piece.maximum == maximum ? piece.sum : piece.sum * exp2f(piece.maximum - maximum);
}

// exp(x) / 2^exponent for |x| <= kReach: log2 e in two floats, so that a large x loses nothing.
inline constexpr float kReach = 90852;  // 131072 ln 2
__device__ __forceinline__ float scaled_exp(float x, float exponent) {
  return exp2f(fmaf(x, 0x1.4ae0c0p-26f, fmaf(x, 0x1.715476p+0f, -exponent)));
}

// Numbers stay below 2^kHeadroom times the sum's unit.
inline constexpr float kHeadroom = 64;

template <Bug kBug = Bug::kNone, typename T>
__device__ __forceinline__ PairSum with_group(PairSum sum, const Group<T>& group) {
  float top = -INFINITY;
  bool reached = true;
  SB_UNROLL
  for (int i = 0; i < kWidth<T>; ++i) {
    const float x = group.v[i];
    top = fmaxf(top, x);
    reached = reached && (fabsf(x) <= kReach || x == -INFINITY);
  }
  const float exponent = reached ? rintf(top * 0x1.715476p+0f) : INFINITY;
  const float limit =
      kBug == Bug::kExponentStays && sum.maximum != -INFINITY ? INFINITY : sum.maximum + kHeadroom;
  if (exponent > limit) {
    sum.sum = rescaled(sum, exponent);
    sum.maximum = exponent;
  }
  const float zero = origin(sum.maximum);
  float added = 0;
  SB_UNROLL
  for (int i = 0; i < kWidth<T>; ++i) added += scaled_exp(group.v[i], zero);
  sum.sum += added;
  return sum;
}

// softmax y = exp(x) / (sum 2^maximum); log_softmax y = x - log of it, in two floats.
template <Result kResult>
struct PairNormaliser {
  float exponent, factor, low = 0;

  __device__ __forceinline__ explicit PairNormaliser(const PairSum& total) {
    if constexpr (kResult == Result::kSoftmax) {
      exponent = total.maximum;
      factor = static_cast<float>(1 / total.sum);
    } else {
      constexpr double kLn2 = 0x1.62e42fefa39efp-1;
      const int more = ilogbf(static_cast<float>(total.sum));
      const float rest = static_cast<float>(total.sum) * exp2f(static_cast<float>(-more));
      const double log = (static_cast<double>(total.maximum) + more) * kLn2 + logf(rest);
      exponent = 0;
      factor = static_cast<float>(log);
      low = static_cast<float>(log - factor);
    }
  }
  __device__ __forceinline__ float operator()(float x) const {
    return kResult == Result::kSoftmax ? scaled_exp(x, exponent) * factor : (x - factor) - low;
  }
};

}  // namespace
}  // namespace sb::softmax

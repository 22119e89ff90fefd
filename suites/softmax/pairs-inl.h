// Sums that carry an exponent beside the mantissa, and what is written from them: exp(x) / (sum *
// 2^e) without any maximum of the row.
#include "suites/softmax/softmax-inl.h"

// Toggling guard: foreach_target.h includes this once per target.
#if defined(SB_SOFTMAX_PAIRS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SB_SOFTMAX_PAIRS_INL_H
#undef SB_SOFTMAX_PAIRS_INL_H
#else
#define SB_SOFTMAX_PAIRS_INL_H
#endif

HWY_BEFORE_NAMESPACE();
namespace sb::softmax {
namespace HWY_NAMESPACE {

template <class T, bool kStream>
void write_pairs(const void* x, void* y, Span span, Partial total) {
  const Inverse inverse(total.sum);
  const ScaledExp exp(total.scale - static_cast<float>(inverse.exponent), inverse.factor);
  transform<kStream>(static_cast<const T*>(x), static_cast<T*>(y), span,
                     [&](V v) HWY_ATTR { return exp(v); });
}

// y = x - lse, lse = e ln 2 + log sum split into two floats.
template <class T, bool kStream>
void write_log_of_pairs(const void* x, void* y, Span span, Partial total) {
  constexpr double kLn2Double = 0x1.62e42fefa39efp-1;
  const double lse = static_cast<double>(total.scale) * kLn2Double + std::log(total.sum);
  const auto high = static_cast<float>(lse);
  write_difference<T, kStream>(x, y, span, high, static_cast<float>(lse - high));
}

}  // namespace HWY_NAMESPACE
}  // namespace sb::softmax
HWY_AFTER_NAMESPACE();

#endif  // toggling guard

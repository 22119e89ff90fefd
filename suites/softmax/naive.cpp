// Naive: no maximum at all, exp(x) / sum exp(x). Right only while no exponential overflows and the
// sum does not vanish; outside of that the row is done by three-pass recompute.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/softmax/naive.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "core/registry.h"
#include "suites/softmax/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::softmax {
namespace HWY_NAMESPACE {

inline Partial sum_of_plain_exp(const float* x, float* y, std::int64_t n, float) {
  return {0, sum_of_exp<false>(x, y, n, 0)};
}

// A sum below 1 may hide elements that were flushed to zero and still matter; above 1e37 its
// inverse is not a normal number. NaN fails both comparisons.
inline bool in_range(Partial total) { return total.sum >= 1 && total.sum <= 1e37; }

constexpr Passes kNaive{nullptr,  sum_of_plain_exp, add,      write_exp<false>,
                        in_range, &kRecompute,      kExpBlock};

}  // namespace HWY_NAMESPACE
}  // namespace sb::softmax
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::softmax {
namespace {

Variant naive(Isa isa, const Passes& passes) {
  return variant_of("naive", isa, passes, 3, "no maximum; falls back where that is wrong");
}

#if HWY_TARGETS & HWY_AVX3
const Registration naive_avx512{naive(Isa::kAvx512, N_AVX3::kNaive)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration naive_avx2{naive(Isa::kAvx2, N_AVX2::kNaive)};
#endif
const Registration naive_scalar{naive(Isa::kScalar, HWY_STATIC_DISPATCH(kNaive))};

}  // namespace
}  // namespace sb::softmax
#endif

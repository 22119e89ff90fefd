// Three passes: maximum, exponentials stored to y and summed, then y scaled in place. Half the
// arithmetic of recompute, the most traffic: reads 3, writes 2, 20 bytes per element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/softmax/three_pass_reload.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "core/registry.h"
#include "suites/softmax/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::softmax {
namespace HWY_NAMESPACE {

inline void scale_in_place(const float*, float* y, std::int64_t n, Partial total) {
  const V inverse = hn::Set(kD, static_cast<float>(1 / total.sum));
  transform<false>(y, y, n, [&](V v) HWY_ATTR { return hn::Mul(v, inverse); });
}

constexpr Passes kReload{maximum,  sum_below_maximum<true>, add, scale_in_place, nullptr, nullptr,
                         kExpBlock};

}  // namespace HWY_NAMESPACE
}  // namespace sb::softmax
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::softmax {
namespace {

Variant reload(Isa isa, const Passes& passes) {
  return variant_of("three_pass_reload", isa, passes, 5,
                    "exponentials stored, then scaled in place");
}

#if HWY_TARGETS & HWY_AVX3
const Registration reload_avx512{reload(Isa::kAvx512, N_AVX3::kReload)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration reload_avx2{reload(Isa::kAvx2, N_AVX2::kReload)};
#endif
const Registration reload_scalar{reload(Isa::kScalar, HWY_STATIC_DISPATCH(kReload))};

}  // namespace
}  // namespace sb::softmax
#endif

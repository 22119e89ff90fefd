// Three passes: maximum, exponentials stored to y and summed, then y scaled in place. Half the
// arithmetic of recompute, the most traffic: reads 3, writes 2, 20 bytes per element. Float only:
// 16-bit storage would round the exponentials once more on their way.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/softmax/three_pass_reload.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "suites/softmax/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::softmax {
namespace HWY_NAMESPACE {

inline void scale_in_place(const void*, void* y, Span span, Partial total) {
  const double sum = total.sum > 0 ? total.sum : std::nan("");
  const V inverse = hn::Set(kD, static_cast<float>(1 / sum));
  transform<false>(static_cast<const float*>(y), static_cast<float*>(y), span,
                   [&](V v) HWY_ATTR { return hn::Mul(v, inverse); });
}

constexpr Passes kPasses{.maximum = maximum<float>,
                         .sum_writes = true,
                         .sum = sum_below_maximum<float, true>,
                         .merge = add,
                         .write = scale_in_place,
                         .block = kSumBlock};
constexpr Algorithm kReload{.softmax = {.f32 = &kPasses}};

}  // namespace HWY_NAMESPACE
}  // namespace sb::softmax
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::softmax {
namespace {

const About kAbout{.name = "three_pass_reload",
                   .summary = "exponentials stored, then scaled in place",
                   .moved = 5};
#if HWY_TARGETS & HWY_AVX3
const Registrations avx512{kAbout, Isa::kAvx512, N_AVX3::kReload};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registrations avx2{kAbout, Isa::kAvx2, N_AVX2::kReload};
#endif
const Registrations scalar{kAbout, Isa::kScalar, HWY_STATIC_DISPATCH(kReload)};

}  // namespace
}  // namespace sb::softmax
#endif

// Three passes: maximum, sum of exp(x - m), then the exponentials once more. Reads x three times
// and writes y once: 16 bytes per element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/softmax/three_pass_recompute.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "core/registry.h"
#include "suites/softmax/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::softmax {
namespace HWY_NAMESPACE {

constexpr Passes kRecomputeStream{
    maximum, sum_below_maximum<false>, add, write_exp<true>, nullptr, nullptr, kExpBlock};

}  // namespace HWY_NAMESPACE
}  // namespace sb::softmax
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::softmax {
namespace {

Variant recompute(Isa isa, const Passes& passes) {
  return variant_of("three_pass_recompute", isa, passes, 4, "maximum, sum, exponentials again");
}
Variant recompute_stream(Isa isa, const Passes& passes) {
  return variant_of("three_pass_recompute_stream", isa, passes, 4,
                    "recompute, y stored past the caches");
}

#if HWY_TARGETS & HWY_AVX3
const Registration recompute_avx512{recompute(Isa::kAvx512, N_AVX3::kRecompute)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration recompute_avx2{recompute(Isa::kAvx2, N_AVX2::kRecompute)};
#endif
const Registration recompute_scalar{recompute(Isa::kScalar, HWY_STATIC_DISPATCH(kRecompute))};
#if HWY_TARGETS & HWY_AVX3
const Registration recompute_stream_avx512{
    recompute_stream(Isa::kAvx512, N_AVX3::kRecomputeStream)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration recompute_stream_avx2{recompute_stream(Isa::kAvx2, N_AVX2::kRecomputeStream)};
#endif
const Registration recompute_stream_scalar{
    recompute_stream(Isa::kScalar, HWY_STATIC_DISPATCH(kRecomputeStream))};

}  // namespace
}  // namespace sb::softmax
#endif

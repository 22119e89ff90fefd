// Online softmax: one pass keeps a running maximum and a running sum that is rescaled when the
// maximum grows. Milakov and Gimelshein, arXiv:1805.02867, with the maximum taken per block of
// kBlock elements, so that rescaling is rare: the block is read twice, the second time from L1.
// Reads x twice from wherever it lives, writes once: 12 bytes per element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/softmax/online.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "core/registry.h"
#include "suites/softmax/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::softmax {
namespace HWY_NAMESPACE {

inline Partial sum_with_own_maximum(const float* x, float* y, std::int64_t n, float) {
  // A block of -inf alone must count as nothing, not as NaN: subtract the lowest finite number.
  const float m = std::max(maximum_of(x, n), std::numeric_limits<float>::lowest());
  return {m, sum_of_exp<false>(x, y, n, m)};
}

inline Partial rescale(Partial a, Partial b) {
  const float m = std::max(a.scale, b.scale);
  const double da = static_cast<double>(a.scale) - m;
  const double db = static_cast<double>(b.scale) - m;
  return {m, a.sum * std::exp(da) + b.sum * std::exp(db)};
}

constexpr Passes kOnline{
    nullptr, sum_with_own_maximum, rescale, write_exp<false>, nullptr, nullptr, kExpBlock};
constexpr Passes kOnlineStream{
    nullptr, sum_with_own_maximum, rescale, write_exp<true>, nullptr, nullptr, kExpBlock};

}  // namespace HWY_NAMESPACE
}  // namespace sb::softmax
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::softmax {
namespace {

Variant online(Isa isa, const Passes& passes) {
  return variant_of("online", isa, passes, 3, "running maximum per block: one read less",
                    "arXiv:1805.02867 algorithm 3");
}
Variant online_stream(Isa isa, const Passes& passes) {
  return variant_of("online_stream", isa, passes, 3, "online, y stored past the caches",
                    "arXiv:1805.02867 algorithm 3");
}

#if HWY_TARGETS & HWY_AVX3
const Registration online_avx512{online(Isa::kAvx512, N_AVX3::kOnline)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration online_avx2{online(Isa::kAvx2, N_AVX2::kOnline)};
#endif
const Registration online_scalar{online(Isa::kScalar, HWY_STATIC_DISPATCH(kOnline))};
#if HWY_TARGETS & HWY_AVX3
const Registration online_stream_avx512{online_stream(Isa::kAvx512, N_AVX3::kOnlineStream)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration online_stream_avx2{online_stream(Isa::kAvx2, N_AVX2::kOnlineStream)};
#endif
const Registration online_stream_scalar{
    online_stream(Isa::kScalar, HWY_STATIC_DISPATCH(kOnlineStream))};

}  // namespace
}  // namespace sb::softmax
#endif

// Two passes without a maximum: exp(x) = m * 2^n with n kept as an integer-valued float, so that
// nothing overflows; sums are pairs (mantissa, exponent). Dukhan and Ablavatski, arXiv:2001.04438.
// Reads x twice, writes y once: 12 bytes per element, at two exponentials per element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/softmax/two_pass.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "core/registry.h"
#include "suites/softmax/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::softmax {
namespace HWY_NAMESPACE {

// Beyond this the mantissa loses digits (spec section 2.6), so the row goes to three-pass
// recompute.
constexpr float kLargestExponent = 131072;
// Clamped from below, a mask of -1e9 or -inf is a zero like any other. Not a clamp from above: a
// large maximum must be seen.
constexpr float kLowest = -1048576;

// x as mantissa (returned) and exponent. Compare and select, since hn::Max lost the NaN in the
// one-lane SSE2 build of g++ 12 (and kept it with AVX).
HWY_INLINE V extended_exp(V x, V& n) {
  const V magic = hn::Set(kD, 0x1.8p23f);
  const V lowest = hn::Set(kD, kLowest);
  const V clamped = hn::IfThenElse(hn::Lt(x, lowest), lowest, x);
  n = hn::Sub(hn::MulAdd(clamped, hn::Set(kD, kLog2E), magic), magic);
  return polynomial(reduced(clamped, n));
}

// 2^k for integers k <= 0 as floats, 0 below -126.
HWY_INLINE V power_of_two(V k) {
  const V biased = hn::Add(hn::Max(k, hn::Set(kD, -127.0f)), hn::Set(kD, 0x1.8p23f + 127));
  return hn::BitCast(kD, hn::ShiftLeft<23>(hn::BitCast(kDI, biased)));
}

// One accumulator of kLanes.
constexpr std::int64_t kPairBlock = kTermsPerLane * kLanes;

// A running sum of pairs, one per lane.
struct Accumulator {
  V mantissa;
  V exponent;

  // kUnroll vectors share one new exponent, so the old sum is rescaled once for all of them.
  template <int kCount>
  HWY_INLINE void add(const V* x) {
    V n[kCount];
    V p[kCount];
    V largest = exponent;
    for (int u = 0; u < kCount; ++u) {
      p[u] = extended_exp(x[u], n[u]);
      largest = hn::Max(n[u], largest);
    }
    mantissa = hn::Mul(mantissa, power_of_two(hn::Sub(exponent, largest)));
    for (int u = 0; u < kCount; ++u) {
      mantissa = hn::MulAdd(p[u], power_of_two(hn::Sub(n[u], largest)), mantissa);
    }
    exponent = largest;
  }
};

inline Partial sum_of_pairs(const float* x, float*, std::int64_t n, float) {
  // -2^22 is below every n of a clamped x.
  Accumulator sum{hn::Zero(kD), hn::Set(kD, -0x1p22f)};
  std::int64_t i = 0;
  for (; i + kUnroll * kLanes <= n; i += kUnroll * kLanes) {
    V v[kUnroll];
    for (int u = 0; u < kUnroll; ++u) v[u] = hn::LoadU(kD, x + i + u * kLanes);
    sum.add<kUnroll>(v);
  }
  for (; i + kLanes <= n; i += kLanes) {
    const V v = hn::LoadU(kD, x + i);
    sum.add<1>(&v);
  }
  if (i < n) {
    const V v = load_rest(x + i, n - i, minus_infinity());
    sum.add<1>(&v);
  }
  const V largest = hn::MaxOfLanes(kD, sum.exponent);
  const V scaled = hn::Mul(sum.mantissa, power_of_two(hn::Sub(sum.exponent, largest)));
  return {hn::GetLane(largest), hn::GetLane(hn::SumOfLanes(kD, scaled))};
}

inline Partial merge_pairs(Partial a, Partial b) {
  const float e = std::max(a.scale, b.scale);
  return {e, a.sum * std::exp2(static_cast<double>(a.scale - e)) +
                 b.sum * std::exp2(static_cast<double>(b.scale - e))};
}

inline bool exponent_in_range(Partial total) { return std::fabs(total.scale) <= kLargestExponent; }

template <bool kStream>
void write_pairs(const float* x, float* y, std::int64_t n, Partial total) {
  const V exponent = hn::Set(kD, total.scale);
  const V inverse = hn::Set(kD, static_cast<float>(1 / total.sum));
  transform<kStream>(x, y, n, [&](V v) HWY_ATTR {
    V k;
    const V p = extended_exp(v, k);
    return hn::Mul(hn::Mul(p, inverse), power_of_two(hn::Sub(k, exponent)));
  });
}

constexpr Passes kTwoPass{nullptr,           sum_of_pairs, merge_pairs, write_pairs<false>,
                          exponent_in_range, &kRecompute,  kPairBlock};
constexpr Passes kTwoPassStream{nullptr,           sum_of_pairs, merge_pairs, write_pairs<true>,
                                exponent_in_range, &kRecompute,  kPairBlock};

}  // namespace HWY_NAMESPACE
}  // namespace sb::softmax
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::softmax {
namespace {

Variant two_pass(Isa isa, const Passes& passes) {
  return variant_of("two_pass", isa, passes, 3,
                    "(mantissa, exponent) pairs: no maximum, no overflow", "arXiv:2001.04438");
}
Variant two_pass_stream(Isa isa, const Passes& passes) {
  return variant_of("two_pass_stream", isa, passes, 3, "two_pass, y stored past the caches",
                    "arXiv:2001.04438");
}

#if HWY_TARGETS & HWY_AVX3
const Registration two_pass_avx512{two_pass(Isa::kAvx512, N_AVX3::kTwoPass)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration two_pass_avx2{two_pass(Isa::kAvx2, N_AVX2::kTwoPass)};
#endif
const Registration two_pass_scalar{two_pass(Isa::kScalar, HWY_STATIC_DISPATCH(kTwoPass))};
#if HWY_TARGETS & HWY_AVX3
const Registration two_pass_stream_avx512{two_pass_stream(Isa::kAvx512, N_AVX3::kTwoPassStream)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration two_pass_stream_avx2{two_pass_stream(Isa::kAvx2, N_AVX2::kTwoPassStream)};
#endif
const Registration two_pass_stream_scalar{
    two_pass_stream(Isa::kScalar, HWY_STATIC_DISPATCH(kTwoPassStream))};

}  // namespace
}  // namespace sb::softmax
#endif

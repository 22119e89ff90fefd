// Exponentials and the passes that several algorithms share, compiled once per instruction set.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "suites/softmax/element-inl.h"
#include "suites/softmax/passes.h"

// Toggling guard: foreach_target.h includes this once per target.
#if defined(SB_SOFTMAX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SB_SOFTMAX_INL_H
#undef SB_SOFTMAX_INL_H
#else
#define SB_SOFTMAX_INL_H
#endif

HWY_BEFORE_NAMESPACE();
namespace sb::softmax {
namespace HWY_NAMESPACE {

constexpr float kLog2E = 0x1.715476p0f;
constexpr float kLn2High = 0x1.62e43p-1f;
constexpr float kLn2Low = -0x1.05c61p-29f;
constexpr float kLn2 = 0x1.62e43p-1f;

// Added to a number below 2^22, rounds it to an integer and leaves that in the low bits.
constexpr float kMagic = 0x1.8p23f;

// exp(x) = 2^(k / kSteps) exp(t), |t| <= ln(2) / (2 kSteps). A table of 2^(j / kSteps) that one
// permutation reads from registers takes three (32 steps) or two (8) of five multiply-adds from the
// polynomial, and those run on fewer ports than a permutation does.
constexpr int kStepBits = HWY_TARGET == HWY_AVX3 ? 5 : HWY_TARGET == HWY_AVX2 ? 3 : 0;
constexpr int kSteps = 1 << kStepBits;

// 2^(j/32)
constexpr float kRoots[32] = {
    0x1p0f,        0x1.059b0ep0f, 0x1.0b5586p0f, 0x1.11301ep0f, 0x1.172b84p0f, 0x1.1d4874p0f,
    0x1.2387a6p0f, 0x1.29e9ep0f,  0x1.306fep0f,  0x1.371a74p0f, 0x1.3dea64p0f, 0x1.44e086p0f,
    0x1.4bfdaep0f, 0x1.5342b6p0f, 0x1.5ab07ep0f, 0x1.6247ecp0f, 0x1.6a09e6p0f, 0x1.71f75ep0f,
    0x1.7a1148p0f, 0x1.82589ap0f, 0x1.8ace54p0f, 0x1.93737cp0f, 0x1.9c4918p0f, 0x1.a5503cp0f,
    0x1.ae89fap0f, 0x1.b7f77p0f,  0x1.c199bep0f, 0x1.cb720ep0f, 0x1.d5818ep0f, 0x1.dfc974p0f,
    0x1.ea4afap0f, 0x1.f50766p0f};

// exp(t), highest power first, p(0) = 1, by the relative error. In one step: 9.5e-8 (weighted least
// squares, Lawson's iteration). In more: the series with the power below its last moved such that
// the error's extremes are even: degree 2, 1 + h^2/8 (5.3e-8); degree 3, 1/2 + 0.8284 h^2/24
// (2.7e-8).
constexpr int kDegree = kStepBits == 5 ? 2 : kStepBits == 3 ? 3 : 5;
constexpr auto kPolynomial = [] {
  if constexpr (kDegree == 2) {
    return std::array{0.5f, 0x1.0000f6p0f, 1.0f};
  } else if constexpr (kDegree == 3) {
    return std::array{0x1.555f96p-3f, 0x1.00087ep-1f, 1.0f, 1.0f};
  } else {
    return std::array{0x1.0fa82ep-7f, 0x1.573a54p-5f, 0x1.555a6ap-3f,
                      0x1.fffdc6p-2f, 0x1.fffff6p-1f, 1.0f};
  }
}();

// x, but at least `low`; a NaN stays one. x86 returns the second operand of a maximum with a NaN.
HWY_INLINE V at_least(V low, V x) {
  if constexpr (kLanes == 1) return hn::IfThenElse(hn::Lt(x, low), low, x);
  return hn::Max(low, x);
}

// x - k ln(2) / kSteps: Cody and Waite in two parts, exact products by FMA. The baseline target has
// no FMA; its single lane goes through double.
HWY_INLINE V reduced(V x, V k) {
  if constexpr (kLanes == 1) {
    constexpr double kLn2Double = 0x1.62e42fefa39efp-1;
    return hn::Set(kD, static_cast<float>(static_cast<double>(hn::GetLane(x)) -
                                          static_cast<double>(hn::GetLane(k)) * kLn2Double));
  } else {
    return hn::NegMulAdd(k, hn::Set(kD, kLn2Low / kSteps),
                         hn::NegMulAdd(k, hn::Set(kD, kLn2High / kSteps), x));
  }
}

// 2^n, n >= -127, of n + 127 + kMagic.
HWY_INLINE V power_of_two(V biased) {
  return hn::BitCast(kD, hn::ShiftLeft<23>(hn::BitCast(kDI, biased)));
}

// 2^(k / kSteps) of k + 127 kSteps + kMagic: k moved to where its upper part is the exponent, plus
// what the root has in those bits beside the lower part. The permutations look at low bits only.
class Powers {
 public:
  HWY_INLINE V operator()(V biased) const {
#if HWY_TARGET == HWY_AVX3
    const VI k = hn::BitCast(kDI, biased);
    const VI root{_mm512_permutex2var_epi32(roots_[0].raw, k.raw, roots_[1].raw)};
    return hn::BitCast(kD, hn::Add(hn::ShiftLeft<23 - kStepBits>(k), root));
#elif HWY_TARGET == HWY_AVX2
    const VI k = hn::BitCast(kDI, biased);
    const VI root{_mm256_permutevar8x32_epi32(roots_[0].raw, k.raw)};
    return hn::BitCast(kD, hn::Add(hn::ShiftLeft<23 - kStepBits>(k), root));
#else
    return power_of_two(biased);
#endif
  }

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  HWY_INLINE Powers() {
    for (int i = 0; i < kVectors; ++i) roots_[i] = hn::LoadU(kDI, kBits.data() + i * kLanes);
  }

 private:
  using VI = hn::Vec<decltype(kDI)>;
  static constexpr int kVectors = kSteps / kLanes;
  static constexpr std::array<std::int32_t, kSteps> kBits = [] {
    std::array<std::int32_t, kSteps> bits{};
    for (int j = 0; j < kSteps; ++j) {
      const float root = kRoots[j * 32 / kSteps];
      bits[j] = std::bit_cast<std::int32_t>(root) - (127 << 23) - (j << (23 - kStepBits));
    }
    return bits;
  }();
  VI roots_[kVectors];
#endif
};

// factor * exp(x) * 2^-exponent, 0 where that is below 2^-126: what every pass of every algorithm
// evaluates. The factor sits in the coefficients, the exponent in the rounding constant, so that
// neither costs an operation per element.
class ScaledExp {
 public:
  // factor in [0.5, 1], |exponent| <= 2^18.
  HWY_INLINE explicit ScaledExp(float exponent = 0, float factor = 1)
      : lowest_(hn::Set(kD, static_cast<float>(((exponent - 127.0) + 0.25 / kSteps) * kLn2))),
        magic_(hn::Set(kD, kMagic + (127 - exponent) * kSteps)) {
    for (int i = 0; i <= kDegree; ++i) c_[i] = hn::Set(kD, kPolynomial[i] * factor);
  }

  HWY_INLINE V operator()(V x) const {
    x = clamped(x);
    const V k = scaled(x);
    return hn::Mul(mantissa(x, k), powers_(k));
  }

  // sum + exp(x): one operation less than adding the result.
  HWY_INLINE V added(V x, V sum) const {
    x = clamped(x);
    const V k = scaled(x);
    return hn::MulAdd(mantissa(x, k), powers_(k), sum);
  }

 private:
  // Brings x into range from below: -inf becomes a number whose exponential is 0. A quarter of a
  // step above 2^-127, which a rounding downwards would turn into a negative exponent.
  HWY_INLINE V clamped(V x) const { return at_least(lowest_, x); }

  // kMagic + k + (127 - exponent) kSteps; the exponent of the result must stay below 129.
  HWY_INLINE V scaled(V x) const { return hn::MulAdd(x, hn::Set(kD, kLog2E * kSteps), magic_); }

  HWY_INLINE V mantissa(V x, V k) const {
    const V t = reduced(x, hn::Sub(k, magic_));
    V p = hn::MulAdd(c_[0], t, c_[1]);
    for (int i = 2; i <= kDegree; ++i) p = hn::MulAdd(p, t, c_[i]);
    return p;
  }

  V lowest_;
  V magic_;
  V c_[kDegree + 1];
  Powers powers_;
};

HWY_INLINE V minus_infinity() { return hn::Set(kD, -std::numeric_limits<float>::infinity()); }

HWY_INLINE V sum_of(const V (&v)[kUnroll]) {
  return hn::Add(hn::Add(v[0], v[1]), hn::Add(v[2], v[3]));
}
HWY_INLINE V max_of(const V (&v)[kUnroll]) {
  return hn::Max(hn::Max(v[0], v[1]), hn::Max(v[2], v[3]));
}

// Largest element, -inf for none. NaNs may be passed over: the sum brings them back.
template <class T>
HWY_INLINE float maximum_of(const T* x, Span span) {
  V m[kUnroll];
  for (V& v : m) v = minus_infinity();
  std::int64_t i = for_each_tile(x, span, [&](Tile<T> tile) HWY_ATTR {
    for (int u = 0; u < kUnroll; ++u) m[u] = hn::Max(load(x + tile[u]), m[u]);
  });
  const std::int64_t n = span.n;
  for (; i + kLanes <= n; i += kLanes) m[0] = hn::Max(load(x + i), m[0]);
  if (i < n) m[1] = hn::Max(load_rest(x + i, n - i, minus_infinity()), m[1]);
  return hn::GetLane(hn::MaxOfLanes(kD, max_of(m)));
}

// sum exp(x - scale); stores the exponentials to y if asked.
template <bool kStore, class T>
HWY_INLINE double sum_of_exp(const T* x, T* y, Span span, float scale) {
  const ScaledExp exp;
  const V m = hn::Set(kD, scale);
  V sum[kUnroll];
  for (V& v : sum) v = hn::Zero(kD);
  const auto add = [&](V& to, V v, T* at) HWY_ATTR {
    if constexpr (kStore) {
      const V e = exp(hn::Sub(v, m));
      store<false>(e, at);
      to = hn::Add(to, e);
    } else {
      to = exp.added(hn::Sub(v, m), to);
    }
  };
  std::int64_t i = for_each_tile(x, span, [&](Tile<T> tile) HWY_ATTR {
    if constexpr (kStore) fetch_to_write(y, span, tile);
    for (int u = 0; u < kUnroll; ++u) {
      add(sum[u], load(x + tile[u]), y + tile[u]);
    }
  });
  const std::int64_t n = span.n;
  for (; i + kLanes <= n; i += kLanes) add(sum[0], load(x + i), y + i);
  if (i < n) {
    const V e = exp(hn::Sub(load_rest(x + i, n - i, minus_infinity()), m));
    if constexpr (kStore) store_rest(e, y + i, n - i);
    // Lanes past the end hold exp(-inf - m), which is NaN for a row of -inf: as it should be.
    sum[1] = hn::Add(sum[1], e);
  }
  return hn::GetLane(hn::SumOfLanes(kD, sum_of(sum)));
}

// --- passes --------------------------------------------------------------------------------------

template <class T>
float maximum(const void* x, Span span) {
  return maximum_of(static_cast<const T*>(x), span);
}

template <class T, bool kStore>
Partial sum_below_maximum(const void* x, void* y, Span span, float scale) {
  return {scale, sum_of_exp<kStore>(static_cast<const T*>(x), static_cast<T*>(y), span, scale)};
}

inline Partial add(Partial a, Partial b) { return {a.scale, a.sum + b.sum}; }

// 1 / sum = factor * 2^exponent with a factor in [0.5, 1). A row that has no softmax (nothing but
// -inf: the sum is 0; NaN; +inf) gets NaN.
struct Inverse {
  explicit Inverse(double sum) {
    const bool usable = sum > 0 && std::isfinite(sum);
    const double f = usable ? std::frexp(1 / sum, &exponent) : std::nan("");
    factor = static_cast<float>(f);
  }
  float factor;
  int exponent = 0;
};

// The last pass of every algorithm that kept a maximum: y = exp(x - m) / sum.
template <class T, bool kStream>
void write_exp(const void* x, void* y, Span span, Partial total) {
  const V m = hn::Set(kD, total.scale);
  const Inverse inverse(total.sum);
  const ScaledExp exp(static_cast<float>(-inverse.exponent), inverse.factor);
  transform<kStream>(static_cast<const T*>(x), static_cast<T*>(y), span,
                     [&](V v) HWY_ATTR { return exp(hn::Sub(v, m)); });
}

// y = (x - a) - b for log-softmax. A float a + b would cost half an ulp of |a|.
template <class T, bool kStream>
void write_difference(const void* x, void* y, Span span, float a, float b) {
  const V va = hn::Set(kD, a);
  const V vb = hn::Set(kD, b);
  transform<kStream>(static_cast<const T*>(x), static_cast<T*>(y), span,
                     [&](V v) HWY_ATTR { return hn::Sub(hn::Sub(v, va), vb); });
}

// The same for log-softmax: y = (x - m) - log sum.
template <class T, bool kStream>
void write_log(const void* x, void* y, Span span, Partial total) {
  const double log_sum = total.sum > 0 ? std::log(total.sum) : std::nan("");
  write_difference<T, kStream>(x, y, span, total.scale, static_cast<float>(log_sum));
}

struct Recompute {
  template <class T, Output kOutput, bool kStream>
  static constexpr Passes passes{
      .maximum = maximum<T>,
      .sum = sum_below_maximum<T, false>,
      .merge = add,
      .write = kOutput == Output::kLog ? write_log<T, kStream> : write_exp<T, kStream>,
      .block = kSumBlock};
};

// All that an algorithm offers.
template <class A, Output kOutput, bool kStream>
constexpr Algorithm::Storage storage_of() {
  return {&A::template passes<float, kOutput, kStream>, &A::template passes<Bf16, kOutput, kStream>,
          &A::template passes<F16, kOutput, kStream>};
}

}  // namespace HWY_NAMESPACE
}  // namespace sb::softmax
HWY_AFTER_NAMESPACE();

#endif  // toggling guard

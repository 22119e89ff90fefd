// Exponentials and the passes that several algorithms share, compiled once per instruction set.
#include <algorithm>
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

// exp(t) for |t| <= ln(2)/2. Minimax for the relative error with p(0) = 1, coefficients rounded to
// float: 9.5e-8 (fitted by weighted least squares, Lawson's iteration). Highest power first.
constexpr float kPolynomial[6] = {0x1.0fa82ep-7f, 0x1.573a54p-5f, 0x1.555a6ap-3f,
                                  0x1.fffdc6p-2f, 0x1.fffff6p-1f, 1.0f};

// x, but at least `low`; a NaN stays one. x86 returns the second operand of a maximum with a NaN.
HWY_INLINE V at_least(V low, V x) {
  if constexpr (kLanes == 1) return hn::IfThenElse(hn::Lt(x, low), low, x);
  return hn::Max(low, x);
}

// x - n ln 2: Cody and Waite in two steps, exact products by FMA. The baseline target has no FMA;
// its single lane goes through double.
HWY_INLINE V reduced(V x, V n) {
  if constexpr (kLanes == 1) {
    constexpr double kLn2Double = 0x1.62e42fefa39efp-1;
    return hn::Set(kD, static_cast<float>(static_cast<double>(hn::GetLane(x)) -
                                          static_cast<double>(hn::GetLane(n)) * kLn2Double));
  } else {
    return hn::NegMulAdd(n, hn::Set(kD, kLn2Low), hn::NegMulAdd(n, hn::Set(kD, kLn2High), x));
  }
}

// factor * exp(x) * 2^-exponent, 0 where that is below 2^-126: what every pass of every algorithm
// evaluates. The factor sits in the coefficients, the exponent in the rounding constant, so that
// neither costs an operation per element.
class ScaledExp {
 public:
  // factor in [0.5, 1], |exponent| < 2^21.
  HWY_INLINE explicit ScaledExp(float exponent = 0, float factor = 1)
      : lowest_(hn::Set(kD, (exponent - 127) * kLn2)),
        magic_(hn::Set(kD, kMagic + 127 - exponent)) {
    for (int i = 0; i < 6; ++i) c_[i] = hn::Set(kD, kPolynomial[i] * factor);
  }

  // Brings x into range from below: -inf becomes a number whose exponential is 0.
  HWY_INLINE V clamped(V x) const { return at_least(lowest_, x); }

  // Of a clamped x: kMagic plus the biased exponent of the result, which must stay below 255.
  HWY_INLINE V shifted(V x) const { return hn::MulAdd(x, hn::Set(kD, kLog2E), magic_); }

  HWY_INLINE V mantissa(V x, V s) const {
    const V t = reduced(x, hn::Sub(s, magic_));
    V p = hn::MulAdd(c_[0], t, c_[1]);
    p = hn::MulAdd(p, t, c_[2]);
    p = hn::MulAdd(p, t, c_[3]);
    p = hn::MulAdd(p, t, c_[4]);
    return hn::MulAdd(p, t, c_[5]);
  }

  static HWY_INLINE V power(V s) { return hn::BitCast(kD, hn::ShiftLeft<23>(hn::BitCast(kDI, s))); }

  HWY_INLINE V operator()(V x) const {
    x = clamped(x);
    const V s = shifted(x);
    return hn::Mul(mantissa(x, s), power(s));
  }

  // sum + exp(x): one operation less than adding the result.
  HWY_INLINE V added(V x, V sum) const {
    x = clamped(x);
    const V s = shifted(x);
    return hn::MulAdd(mantissa(x, s), power(s), sum);
  }

 private:
  V lowest_;
  V magic_;
  V c_[6];
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

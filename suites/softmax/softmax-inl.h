// Vector parts shared by the algorithms, compiled once per instruction set.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "suites/softmax/softmax_op.h"

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
namespace hn = hwy::HWY_NAMESPACE;

// One lane for the baseline target: it stands for "scalar" (backend/targets.h).
using D = hn::CappedTag<float, HWY_TARGET == HWY_STATIC_TARGET ? 1 : 64>;
using V = hn::Vec<D>;
constexpr D kD;
constexpr hn::RebindToSigned<D> kDI;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(D()));

// Vectors in flight: hides the latency of an exponential's chain of 9 dependent operations.
constexpr int kUnroll = 4;

// kUnroll accumulators of kLanes each take kTermsPerLane terms.
constexpr std::int64_t kExpBlock = std::min(kBlock, kTermsPerLane* kUnroll* kLanes);

constexpr float kLog2E = 0x1.715476p0f;
constexpr float kLn2High = 0x1.62e43p-1f;
constexpr float kLn2Low = -0x1.05c61p-29f;

// exp(t) for |t| <= ln(2)/2. Minimax for the relative error with p(0) = 1, coefficients rounded to
// float: 9.5e-8 (fitted by weighted least squares, Lawson's iteration).
HWY_INLINE V polynomial(V t) {
  V p = hn::MulAdd(hn::Set(kD, 0x1.0fa82ep-7f), t, hn::Set(kD, 0x1.573a54p-5f));
  p = hn::MulAdd(p, t, hn::Set(kD, 0x1.555a6ap-3f));
  p = hn::MulAdd(p, t, hn::Set(kD, 0x1.fffdc6p-2f));
  p = hn::MulAdd(p, t, hn::Set(kD, 0x1.fffff6p-1f));
  return hn::MulAdd(p, t, hn::Set(kD, 1.0f));
}

// x - n ln 2: Cody and Waite in two steps, exact products by FMA. The baseline target has no FMA;
// its single lane goes through double.
HWY_INLINE V reduced(V x, V n) {
  if constexpr (kLanes == 1) {
    constexpr double kLn2 = 0x1.62e42fefa39efp-1;
    return hn::Set(kD, static_cast<float>(static_cast<double>(hn::GetLane(x)) -
                                          static_cast<double>(hn::GetLane(n)) * kLn2));
  } else {
    return hn::NegMulAdd(n, hn::Set(kD, kLn2Low), hn::NegMulAdd(n, hn::Set(kD, kLn2High), x));
  }
}

// exp(x) for x <= 88.7, exactly 0 below ln(2^-126); a NaN stays one, -inf gives 0. Adding 1.5 *
// 2^23 rounds to an integer that then sits in the low bits; 127 more makes it a biased exponent.
HWY_INLINE V exp(V x) {
  const V magic = hn::Set(kD, 0x1.8p23f + 127);
  const V shifted = hn::MulAdd(x, hn::Set(kD, kLog2E), magic);
  const V p = polynomial(reduced(x, hn::Sub(shifted, magic)));
  const V scale = hn::BitCast(kD, hn::ShiftLeft<23>(hn::BitCast(kDI, shifted)));
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(kD, -87.33654f)), hn::Mul(p, scale));
}

// The last n < kLanes elements, `neutral` in the other lanes.
HWY_INLINE V load_rest(const float* x, std::int64_t n, V neutral) {
  const auto mask = hn::FirstN(kD, static_cast<std::size_t>(n));
  return hn::IfThenElse(mask, hn::MaskedLoad(mask, kD, x), neutral);
}

HWY_INLINE void store_rest(V v, float* y, std::int64_t n) {
  hn::BlendedStore(v, hn::FirstN(kD, static_cast<std::size_t>(n)), kD, y);
}

HWY_INLINE V minus_infinity() { return hn::Set(kD, -std::numeric_limits<float>::infinity()); }

// Largest element, -inf for none. NaNs may be passed over: the sum brings them back.
HWY_INLINE float maximum_of(const float* x, std::int64_t n) {
  V m[kUnroll];
  for (V& v : m) v = minus_infinity();
  std::int64_t i = 0;
  for (; i + kUnroll * kLanes <= n; i += kUnroll * kLanes) {
    for (int u = 0; u < kUnroll; ++u) m[u] = hn::Max(hn::LoadU(kD, x + i + u * kLanes), m[u]);
  }
  for (; i + kLanes <= n; i += kLanes) m[0] = hn::Max(hn::LoadU(kD, x + i), m[0]);
  if (i < n) m[1] = hn::Max(load_rest(x + i, n - i, minus_infinity()), m[1]);
  return hn::GetLane(hn::MaxOfLanes(kD, hn::Max(hn::Max(m[0], m[1]), hn::Max(m[2], m[3]))));
}

// sum exp(x - scale); stores the exponentials to y if asked.
template <bool kStore>
HWY_INLINE double sum_of_exp(const float* x, float* y, std::int64_t n, float scale) {
  const V m = hn::Set(kD, scale);
  V sum[kUnroll];
  for (V& v : sum) v = hn::Zero(kD);
  std::int64_t i = 0;
  for (; i + kUnroll * kLanes <= n; i += kUnroll * kLanes) {
    for (int u = 0; u < kUnroll; ++u) {
      const V e = exp(hn::Sub(hn::LoadU(kD, x + i + u * kLanes), m));
      if constexpr (kStore) hn::StoreU(e, kD, y + i + u * kLanes);
      sum[u] = hn::Add(sum[u], e);
    }
  }
  for (; i + kLanes <= n; i += kLanes) {
    const V e = exp(hn::Sub(hn::LoadU(kD, x + i), m));
    if constexpr (kStore) hn::StoreU(e, kD, y + i);
    sum[0] = hn::Add(sum[0], e);
  }
  if (i < n) {
    const V e = exp(hn::Sub(load_rest(x + i, n - i, minus_infinity()), m));
    if constexpr (kStore) store_rest(e, y + i, n - i);
    // Lanes past the end hold exp(-inf - m), which is NaN for a row of -inf: as it should be.
    sum[1] = hn::Add(sum[1], e);
  }
  return hn::GetLane(hn::SumOfLanes(kD, hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3]))));
}

// y = f(x), vector by vector; with kStream by non-temporal stores, which need aligned addresses and
// leave no line in any cache (and save the read that an ordinary store makes).
template <bool kStream, class F>
HWY_INLINE void transform(const float* x, float* y, std::int64_t n, const F& f) {
  std::int64_t i = 0;
  if constexpr (kStream) {
    const auto bytes = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(y) %
                                                 (static_cast<std::uintptr_t>(kLanes) * 4));
    const std::int64_t head = bytes == 0 ? 0 : std::min(n, kLanes - bytes / 4);
    if (head > 0) store_rest(f(load_rest(x, head, hn::Zero(kD))), y, head);
    i = head;
  }
  const auto store = [](V v, float* to) {
    if constexpr (kStream) {
      hn::Stream(v, kD, to);
    } else {
      hn::StoreU(v, kD, to);
    }
  };
  for (; i + kUnroll * kLanes <= n; i += kUnroll * kLanes) {
    for (int u = 0; u < kUnroll; ++u) {
      store(f(hn::LoadU(kD, x + i + u * kLanes)), y + i + u * kLanes);
    }
  }
  for (; i + kLanes <= n; i += kLanes) store(f(hn::LoadU(kD, x + i)), y + i);
  if (i < n) store_rest(f(load_rest(x + i, n - i, hn::Zero(kD))), y + i, n - i);
  if constexpr (kStream) hwy::FlushStream();
}

// The last pass of every algorithm that kept a maximum: y = exp(x - m) / sum.
template <bool kStream>
void write_exp(const float* x, float* y, std::int64_t n, Partial total) {
  const V m = hn::Set(kD, total.scale);
  const V inverse = hn::Set(kD, static_cast<float>(1 / total.sum));
  transform<kStream>(x, y, n, [&](V v) HWY_ATTR { return hn::Mul(exp(hn::Sub(v, m)), inverse); });
}

// --- three-pass ----------------------------------------------------------------------------------

inline float maximum(const float* x, std::int64_t n) { return maximum_of(x, n); }

template <bool kStore>
Partial sum_below_maximum(const float* x, float* y, std::int64_t n, float scale) {
  return {scale, sum_of_exp<kStore>(x, y, n, scale)};
}

inline Partial add(Partial a, Partial b) { return {a.scale, a.sum + b.sum}; }

constexpr Passes kRecompute{
    maximum, sum_below_maximum<false>, add, write_exp<false>, nullptr, nullptr, kExpBlock};

}  // namespace HWY_NAMESPACE
}  // namespace sb::softmax
HWY_AFTER_NAMESPACE();

#endif  // toggling guard

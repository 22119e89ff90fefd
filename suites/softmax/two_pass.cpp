// Two passes without a maximum: exp(x) = m * 2^n with n kept as an integer-valued float, so that
// nothing overflows; sums are pairs (mantissa, exponent). Dukhan and Ablavatski, arXiv:2001.04438.
// Reads x twice, writes y once: 12 bytes per float element, at two exponentials per element.
//
// The paper rescales the sum by 2^(old - new) once per tile of vectors. Here a tile first looks
// whether one of its exponents is beyond what the sum's exponent bears; as long as none is, the
// pair (m, n) enters at 2^(n - e) with one shift, and only where one is, the sum moves to a new e.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/softmax/two_pass.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "suites/softmax/pairs-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::softmax {
namespace HWY_NAMESPACE {

// Beyond this the mantissa loses digits (spec section 2.6), so the row goes to three-pass
// recompute.
constexpr float kLargestExponent = 131072;

// A sum of masks alone stands at this one, so that whatever follows moves it.
constexpr float kLowestExponent = -0x1p20f;

// 2^64 times a block of terms is far from an overflow.
constexpr float kHeadroom = 64;

// A running sum of pairs that share one exponent.
class PairSum {
 public:
  HWY_INLINE explicit PairSum(float exponent) : exponent_(exponent), exp_(exponent) {
    for (V& v : sum_) v = hn::Zero(kD);
  }

  template <int kCount>
  HWY_INLINE void add(const V* x) {
    V v[kCount];
    V s[kCount];
    scale<kCount>(x, v, s);
    V top = s[0];
    for (int u = 1; u < kCount; ++u) top = hn::Max(top, s[u]);
    if (!hn::AllFalse(kD, hn::Gt(top, hn::Set(kD, kMagic + 127 + kHeadroom)))) [[unlikely]] {
      raise<kCount>(x);
      scale<kCount>(x, v, s);
    }
    for (int u = 0; u < kCount; ++u) {
      sum_[u] = hn::MulAdd(exp_.mantissa(v[u], s[u]), ScaledExp::power(s[u]), sum_[u]);
    }
  }

  HWY_INLINE Partial total() const {
    return {exponent_, hn::GetLane(hn::SumOfLanes(kD, sum_of(sum_)))};
  }

 private:
  template <int kCount>
  HWY_INLINE void scale(const V* x, V* v, V* s) const {
    for (int u = 0; u < kCount; ++u) {
      v[u] = exp_.clamped(x[u]);
      s[u] = exp_.shifted(v[u]);
    }
  }

  // Moves to the largest exponent of the tile. An infinity or a NaN ends up in the exponent and so
  // in a total that is not trusted.
  template <int kCount>
  HWY_INLINE void raise(const V* x) {
    V top = hn::Set(kD, kLowestExponent);
    for (int u = 0; u < kCount; ++u) top = hn::Max(hn::Mul(x[u], hn::Set(kD, kLog2E)), top);
    const float largest = std::nearbyint(hn::GetLane(hn::MaxOfLanes(kD, top)));
    const V by = hn::Set(kD, std::max(exponent_ - largest, -127.0f) + kMagic + 127);
    for (V& v : sum_) v = hn::Mul(v, ScaledExp::power(by));
    exponent_ = largest;
    exp_ = ScaledExp(largest);
  }

  float exponent_;
  ScaledExp exp_;
  V sum_[kUnroll];
};

template <class T>
Partial sum_of_pairs(const void* x, void*, Span span, float reached) {
  const T* from = static_cast<const T*>(x);
  PairSum sum(reached);
  std::int64_t i = for_each_tile(from, span, [&](std::int64_t first, std::int64_t apart) HWY_ATTR {
    V v[kUnroll];
    for (int u = 0; u < kUnroll; ++u) v[u] = load(from + first + u * apart);
    sum.template add<kUnroll>(v);
  });
  const std::int64_t n = span.n;
  for (; i + kLanes <= n; i += kLanes) {
    const V v = load(from + i);
    sum.add<1>(&v);
  }
  if (i < n) {
    const V v = load_rest(from + i, n - i, minus_infinity());
    sum.add<1>(&v);
  }
  return sum.total();
}

inline Partial merge_pairs(Partial a, Partial b) {
  if (a.scale == b.scale) return add(a, b);
  const float e = std::max(a.scale, b.scale);
  return {e, a.sum * std::exp2(static_cast<double>(a.scale - e)) +
                 b.sum * std::exp2(static_cast<double>(b.scale - e))};
}

inline bool exponent_in_range(Partial total) { return std::fabs(total.scale) <= kLargestExponent; }

struct TwoPass {
  template <class T, Output kOutput, bool kStream>
  static constexpr Passes passes{
      .sum = sum_of_pairs<T>,
      .merge = merge_pairs,
      .write = kOutput == Output::kLog ? write_log_of_pairs<T, kStream> : write_pairs<T, kStream>,
      .trusted = exponent_in_range,
      .rescue = &Recompute::passes<T, kOutput, kStream>,
      .block = kSumBlock};
};
constexpr Algorithm kTwoPass{.softmax = storage_of<TwoPass, Output::kProbability, false>(),
                             .softmax_stream = storage_of<TwoPass, Output::kProbability, true>(),
                             .log_softmax = storage_of<TwoPass, Output::kLog, false>(),
                             .log_softmax_stream = storage_of<TwoPass, Output::kLog, true>()};

}  // namespace HWY_NAMESPACE
}  // namespace sb::softmax
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::softmax {
namespace {

const About kAbout{.name = "two_pass",
                   .summary = "(mantissa, exponent) pairs: no maximum, no overflow",
                   .paper = "arXiv:2001.04438",
                   .moved = 3};
#if HWY_TARGETS & HWY_AVX3
const Registrations avx512{kAbout, Isa::kAvx512, N_AVX3::kTwoPass};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registrations avx2{kAbout, Isa::kAvx2, N_AVX2::kTwoPass};
#endif
const Registrations scalar{kAbout, Isa::kScalar, HWY_STATIC_DISPATCH(kTwoPass)};

}  // namespace
}  // namespace sb::softmax
#endif

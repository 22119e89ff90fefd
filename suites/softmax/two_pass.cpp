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

// A sum of masks alone stands at this one, below every exponent that is trusted.
constexpr float kLowestExponent = -2 * kLargestExponent;

// 2^64 times a block of terms is far from an overflow.
constexpr float kHeadroom = 64;

// A running sum of pairs that share one exponent.
class PairSum {
 public:
  HWY_INLINE explicit PairSum(float exponent)
      : exponent_(exponent), highest_(highest_for(exponent)), exp_(exponent) {
    for (V& v : sum_) v = hn::Zero(kD);
  }

  template <int kCount>
  HWY_INLINE void add(const V* x) {
    V top = x[0];
    for (int u = 1; u < kCount; ++u) top = hn::Max(top, x[u]);
    if (!hn::AllFalse(kD, hn::Gt(top, highest_))) [[unlikely]]
      raise<kCount>(x);
    for (int u = 0; u < kCount; ++u) sum_[u] = exp_.added(x[u], sum_[u]);
  }

  HWY_INLINE Partial total() const {
    return {exponent_, hn::GetLane(hn::SumOfLanes(kD, sum_of(sum_)))};
  }

 private:
  static HWY_INLINE V highest_for(float exponent) {
    return hn::Set(kD, (exponent + kHeadroom) * kLn2);
  }

  // Moves to the largest exponent of the tile. An infinity or a NaN ends up in the exponent and so
  // in a total that is not trusted.
  template <int kCount>
  HWY_INLINE void raise(const V* x) {
    V top = hn::Set(kD, kLowestExponent);
    for (int u = 0; u < kCount; ++u) top = hn::Max(hn::Mul(x[u], hn::Set(kD, kLog2E)), top);
    const float largest = std::nearbyint(hn::GetLane(hn::MaxOfLanes(kD, top)));
    const V by = hn::Set(kD, std::max(exponent_ - largest, -127.0f) + kMagic + 127);
    for (V& v : sum_) v = hn::Mul(v, power_of_two(by));
    exponent_ = largest;
    highest_ = highest_for(largest);
    exp_ = ScaledExp(largest);
  }

  float exponent_;
  V highest_;  // an x above moves the exponent
  ScaledExp exp_;
  V sum_[kUnroll];
};

template <class T>
HWY_INLINE Partial sum_above(const void* x, Span span, float reached) {
  const T* from = static_cast<const T*>(x);
  PairSum sum(reached);
  std::int64_t i = for_each_tile(from, span, [&](Tile<T> tile) HWY_ATTR {
    V v[kUnroll];
    for (int u = 0; u < kUnroll; ++u) v[u] = load(from + tile[u]);
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

// A row begins at exponent 0, which most never leave: to move the sum costs as much as 60 elements.
// What is too small to be told from nothing there is done once more from the bottom; a NaN is, too,
// and stays one.
template <class T>
Partial sum_of_pairs(const void* x, void*, Span span, float reached) {
  constexpr double kEnough = 0x1p-60;
  const bool begins = reached == std::numeric_limits<float>::lowest();
  const Partial total = sum_above<T>(x, span, begins ? 0 : reached);
  if (!begins || total.sum >= kEnough) return total;
  return sum_above<T>(x, span, kLowestExponent);
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

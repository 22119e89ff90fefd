// Naive: no maximum at all, exp(x) / sum exp(x). Right only while no exponential overflows and the
// sum does not vanish; outside of that the row is done by three-pass recompute.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/softmax/naive.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "suites/softmax/pairs-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::softmax {
namespace HWY_NAMESPACE {

// exp(89) is an infinity or a NaN, and what lies above must not come back as a number.
HWY_INLINE V at_most_infinity(V x) {
  const V high = hn::Set(kD, 89.0f);
  if constexpr (kLanes == 1) return hn::IfThenElse(hn::Gt(x, high), high, x);
  return hn::Min(high, x);
}

template <class T>
Partial sum_of_plain_exp(const void* x, void*, Span span, float) {
  const T* from = static_cast<const T*>(x);
  const ScaledExp exp;
  V sum[kUnroll];
  for (V& v : sum) v = hn::Zero(kD);
  std::int64_t i = for_each_tile(from, span, [&](Tile<T> tile) HWY_ATTR {
    for (int u = 0; u < kUnroll; ++u) {
      sum[u] = exp.added(at_most_infinity(load(from + tile[u])), sum[u]);
    }
  });
  const std::int64_t n = span.n;
  for (; i + kLanes <= n; i += kLanes) sum[0] = exp.added(at_most_infinity(load(from + i)), sum[0]);
  if (i < n) {
    sum[1] = exp.added(at_most_infinity(load_rest(from + i, n - i, minus_infinity())), sum[1]);
  }
  return {0, hn::GetLane(hn::SumOfLanes(kD, sum_of(sum)))};
}

// A sum below 1 may hide elements that were flushed to zero and still matter; above 1e37 its
// inverse is not a normal number. NaN fails both comparisons.
inline bool in_range(Partial total) { return total.sum >= 1 && total.sum <= 1e37; }

// Its totals are two-pass totals with an exponent of 0.
struct Naive {
  template <class T, Output kOutput, bool kStream>
  static constexpr Passes passes{
      .sum = sum_of_plain_exp<T>,
      .merge = add,
      .write = kOutput == Output::kLog ? write_log_of_pairs<T, kStream> : write_pairs<T, kStream>,
      .trusted = in_range,
      .rescue = &Recompute::passes<T, kOutput, kStream>,
      .block = kSumBlock};
};
constexpr Algorithm kNaive{.softmax = storage_of<Naive, Output::kProbability, false>(),
                           .log_softmax = storage_of<Naive, Output::kLog, false>()};

}  // namespace HWY_NAMESPACE
}  // namespace sb::softmax
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::softmax {
namespace {

const About kAbout{
    .name = "naive", .summary = "no maximum; falls back where that is wrong", .moved = 3};
#if HWY_TARGETS & HWY_AVX3
const Registrations avx512{kAbout, Isa::kAvx512, N_AVX3::kNaive};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registrations avx2{kAbout, Isa::kAvx2, N_AVX2::kNaive};
#endif
const Registrations scalar{kAbout, Isa::kScalar, HWY_STATIC_DISPATCH(kNaive)};

}  // namespace
}  // namespace sb::softmax
#endif

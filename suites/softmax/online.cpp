// Online softmax: one pass keeps a running maximum and a running sum that is rescaled when the
// maximum grows. Milakov and Gimelshein, arXiv:1805.02867, with the maximum taken per block of
// kSumBlock elements, so that rescaling is rare: the block is read twice, the second time from L1.
// Reads x twice from wherever it lives, writes once: 12 bytes per float element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/softmax/online.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "suites/softmax/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::softmax {
namespace HWY_NAMESPACE {

// `reached` is a finite number: a block of -inf alone counts as nothing, not as NaN.
template <class T>
Partial sum_with_own_maximum(const void* x, void*, Span span, float reached) {
  const T* from = static_cast<const T*>(x);
  const float m = std::max(maximum_of(from, span), reached);
  return {m, sum_of_exp<false>(from, static_cast<T*>(nullptr), span, m)};
}

inline Partial rescale(Partial a, Partial b) {
  if (a.scale == b.scale) return add(a, b);
  const float m = std::max(a.scale, b.scale);
  const double da = static_cast<double>(a.scale) - m;
  const double db = static_cast<double>(b.scale) - m;
  return {m, a.sum * std::exp(da) + b.sum * std::exp(db)};
}

struct Online {
  template <class T, Output kOutput, bool kStream>
  static constexpr Passes passes{
      .sum = sum_with_own_maximum<T>,
      .merge = rescale,
      .write = kOutput == Output::kLog ? write_log<T, kStream> : write_exp<T, kStream>,
      .block = kSumBlock};
};
constexpr Algorithm kOnline{.softmax = storage_of<Online, Output::kProbability, false>(),
                            .softmax_stream = storage_of<Online, Output::kProbability, true>(),
                            .log_softmax = storage_of<Online, Output::kLog, false>(),
                            .log_softmax_stream = storage_of<Online, Output::kLog, true>()};

}  // namespace HWY_NAMESPACE
}  // namespace sb::softmax
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::softmax {
namespace {

const About kAbout{.name = "online",
                   .summary = "running maximum per block: one read less",
                   .paper = "arXiv:1805.02867 algorithm 3",
                   .moved = 3};
#if HWY_TARGETS & HWY_AVX3
const Registrations avx512{kAbout, Isa::kAvx512, N_AVX3::kOnline};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registrations avx2{kAbout, Isa::kAvx2, N_AVX2::kOnline};
#endif
const Registrations scalar{kAbout, Isa::kScalar, HWY_STATIC_DISPATCH(kOnline)};

}  // namespace
}  // namespace sb::softmax
#endif

// kahan: every lane sum carries its rounding error (Kahan), over all rows of a chunk. What a
// blocked fold has to be compared with: the sums are as good as double, at three times the
// additions.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/gr_kan/backward_kahan.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "core/registry.h"
#include "suites/gr_kan/rational-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sb::gr_kan {
namespace HWY_NAMESPACE {

struct KahanSum {
  V sum, error;  // the true sum is sum - error
  HWY_INLINE KahanSum() : sum(hn::Zero(kD)), error(hn::Zero(kD)) {}
  HWY_INLINE void add(V v) { accept(hn::Sub(v, error)); }
  HWY_INLINE void add_product(V v, V w) { accept(hn::MulSub(v, w, error)); }
  HWY_INLINE void accept(V y) {
    const V next = hn::Add(sum, y);
    error = hn::Sub(hn::Sub(next, sum), y);
    sum = next;
  }
};

inline constexpr std::int64_t kKahanScratch = kTerms * kLanes * 2;  // sum and error

void kahan_chunk(const BackwardCall& call, std::int64_t begin, std::int64_t end, float* scratch,
                 double* sums) {
  std::fill_n(scratch, call.shape.groups * kKahanScratch, 0.0f);
  backward_rows<Stores::kOrdinary>(call, begin, end, reinterpret_cast<KahanSum*>(scratch));
  for (std::int64_t i = 0; i < call.shape.groups * kTerms; ++i) {
    const float* sum = scratch + 2 * i * kLanes;  // the lanes of the sum, then of its error
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      sums[i] += static_cast<double>(sum[lane]) - static_cast<double>(sum[kLanes + lane]);
    }
  }
}

constexpr ChunkAlgorithm kahan_algorithm = {kahan_chunk, kKahanScratch};

}  // namespace HWY_NAMESPACE
}  // namespace sb::gr_kan
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::gr_kan {
namespace {

Variant kahan(Isa isa, ChunkAlgorithm algorithm) {
  return {.op = "gr_kan_backward",
          .name = "kahan",
          .isa = isa,
          .summary = "lane sums in float with Kahan's compensation",
          .flops_executed =
              [](const Problem& p) {
                return (58.0 + 3 * kTerms) * static_cast<double>(Shape(p).elements());
              },
          .make = [algorithm](const Problem& p) { return make_chunked(p, algorithm); }};
}

#if HWY_TARGETS & HWY_AVX3
const Registration kahan_avx512{kahan(Isa::kAvx512, N_AVX3::kahan_algorithm)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration kahan_avx2{kahan(Isa::kAvx2, N_AVX2::kahan_algorithm)};
#endif
const Registration kahan_scalar{kahan(Isa::kScalar, HWY_STATIC_DISPATCH(kahan_algorithm))};

}  // namespace
}  // namespace sb::gr_kan
#endif

// direct: the sum itself, for kernels of few taps. Vectors of neighbouring outputs stay in
// registers while all taps pass by; 2 l lk FLOPs a row instead of a transform's 5 n log2 n.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/fft_conv/direct.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "backend/stored-inl.h"
#include "core/buffer.h"
#include "core/registry.h"
#include "suites/fft_conv/pointwise.h"
#include "suites/fft_conv/runs.h"

HWY_BEFORE_NAMESPACE();
namespace sb::fft_conv {
namespace HWY_NAMESPACE {
using namespace sb::HWY_NAMESPACE;

inline constexpr std::int64_t kAccumulators = 8;  // hides the latency of a multiply-add
// What a thread's rows need behind their last element.
inline constexpr std::int64_t kOutputs = kAccumulators * kLanes;

// A float sum of thousands of terms in one chain loses what a transform keeps: chains of this many.
inline constexpr std::int64_t kChain = 128;

// y[i] = sum_m k[m] x[i - m]; x has lk - 1 readable elements before it and kOutputs behind it.
void direct_row(const float* x, const float* k, std::int64_t lk, std::int64_t l, float* y) {
  for (std::int64_t i = 0; i < l; i += kOutputs) {
    V total[kAccumulators];
    for (std::int64_t a = 0; a < kAccumulators; ++a) total[a] = hn::Zero(kD);
    for (std::int64_t begin = 0; begin < lk; begin += kChain) {
      V sum[kAccumulators];
      for (std::int64_t a = 0; a < kAccumulators; ++a) sum[a] = hn::Zero(kD);
      for (std::int64_t m = begin; m < std::min(begin + kChain, lk); ++m) {
        const V tap = hn::Set(kD, k[m]);
        for (std::int64_t a = 0; a < kAccumulators; ++a) {
          sum[a] = hn::MulAdd(tap, load(x + i - m + a * kLanes), sum[a]);
        }
      }
      for (std::int64_t a = 0; a < kAccumulators; ++a) total[a] = hn::Add(total[a], sum[a]);
    }
    for (std::int64_t a = 0; a < kAccumulators; ++a) store(total[a], y + i + a * kLanes);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace sb::fft_conv
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::fft_conv {
namespace {

using namespace forward;
using DirectRow = void (*)(const float* x, const float* k, std::int64_t lk, std::int64_t l,
                           float* y);

constexpr std::int64_t kMostTaps = 4096;

class Direct final : public Kernel {
 public:
  Direct(const Problem& problem, DirectRow row)
      : shape_(problem),
        dtype_(problem.dtype),
        threads_(problem.threads),
        row_(row),
        before_((shape_.lk + 15) / 16 * 16),
        padded_((shape_.l + kMostOutputs + 15) / 16 * 16),
        work_(static_cast<std::size_t>((before_ + 2 * padded_) * threads_) * sizeof(float)) {}

  void run(const Operands& o) override {
    for_each_run(shape_, threads_, 1, [&](int thread, const Run& run) {
      float* x = work_.as<float>() + (before_ + 2 * padded_) * thread + before_;
      float* y = x + padded_;
      for (std::int64_t b = run.begin; b < run.end; ++b) {
        const std::int64_t first = shape_.row(b, run.channel) * shape_.l;
        const auto stored = [&](Place place) {
          return at(dtype_, o.get<const void>(place), first);
        };
        load_row(dtype_, stored(kU), shape_.gated ? stored(kGateIn) : nullptr, shape_.l, padded_,
                 x);
        extend(x);
        row_(x, o.get<float>(kK) + run.channel * shape_.lk, shape_.lk, shape_.l, y);
        store_row(dtype_, y, shape_.gated ? stored(kGateOut) : nullptr, shape_.l,
                  at(dtype_, o.get<void>(kY), first));
      }
    });
  }

 private:
  static constexpr std::int64_t kMostOutputs = 8 * 16;

  // What wraps around from the end of the n points comes before the row.
  void extend(float* x) const {
    for (std::int64_t m = 1; m < shape_.lk; ++m) {
      x[-m] = shape_.n - m < shape_.l ? x[shape_.n - m] : 0.0f;
    }
  }

  Shape shape_;
  Dtype dtype_;
  int threads_;
  DirectRow row_;
  std::int64_t before_, padded_;
  Buffer work_;
};

Variant direct(Isa isa, DirectRow row) {
  return {.op = "fft_conv",
          .name = "direct",
          .isa = isa,
          .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
          .summary = "the sum itself: for kernels of few taps",
          .flops_executed =
              [](const Problem& p) {
                const Shape s(p);
                return 2.0 * static_cast<double>(s.elements()) * static_cast<double>(s.lk);
              },
          .why_not = [](const Problem& p) -> std::string {
            const Shape s(p);
            if (s.sparsity != 0) return "no spectrum to leave bins out of";
            return s.lk <= kMostTaps
                       ? ""
                       : "for kernels of up to " + std::to_string(kMostTaps) + " taps";
          },
          .make = [row](const Problem& p) { return std::make_unique<Direct>(p, row); }};
}

#if HWY_TARGETS & HWY_AVX3
const Registration direct_avx512{direct(Isa::kAvx512, N_AVX3::direct_row)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration direct_avx2{direct(Isa::kAvx2, N_AVX2::direct_row)};
#endif
const Registration direct_scalar{direct(Isa::kScalar, HWY_STATIC_DISPATCH(direct_row))};

}  // namespace
}  // namespace sb::fft_conv
#endif

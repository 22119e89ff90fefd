// fftw_fused, backward: FFTW's real transforms row by row, a channel per thread. The kernel's
// gradient stays a spectrum until all of a channel's sequences are in.
#if SB_HAVE_FFTW
#include <algorithm>

#include "core/registry.h"
#include "suites/fft_conv/fftw.h"
#include "suites/fft_conv/pointwise.h"

namespace sb::fft_conv {
namespace {

using namespace backward;

class FftwBackward final : public FftwRows {
 public:
  explicit FftwBackward(const Problem& problem) : FftwRows(problem, kAreas) {}

  void prepare(const Operands& o) override { spectra_.prepare(o.get<float>(kK)); }

  void run(const Operands& o) override {
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int thread = 0; thread < threads_; ++thread) {
      for (std::int64_t h = shape_.h * thread / threads_; h < shape_.h * (thread + 1) / threads_;
           ++h) {
        channel(o, thread, h);
      }
    }
  }

 private:
  enum Area { kAreaU, kAreaD, kAreaSum, kAreas };

  void channel(const Operands& o, int thread, std::int64_t h) const {
    float *u = bins(thread, kAreaU), *d = bins(thread, kAreaD), *sum = bins(thread, kAreaSum);
    const auto factor = [&](Place place) {
      return shape_.gated ? o.get<const void>(place) : nullptr;
    };
    std::fill_n(sum, 2 * shape_.bins(), 0.0f);
    const float* k = spectra_.of(thread, h, o.get<float>(kK));
    for (std::int64_t b = 0; b < shape_.b; ++b) {
      const std::int64_t first = shape_.row(b, h) * shape_.l;
      load(thread, o.get<void>(kU), factor(kGateIn), first);
      transform_.forward(row(thread), u);
      load(thread, o.get<void>(kDy), factor(kGateOut), first);
      transform_.forward(row(thread), d);
      add_product_conjugate(d, u, shape_.bins(), sum);
      multiply_conjugate(d, k, shape_.bins());
      transform_.inverse(d, row(thread));
      store(thread, factor(kGateIn), first, o.get<void>(kDu));
      if (!shape_.gated) continue;
      store(thread, o.get<void>(kU), first, o.get<void>(kDGateIn));
      multiply(u, k, shape_.bins());
      transform_.inverse(u, row(thread));
      store(thread, o.get<void>(kDy), first, o.get<void>(kDGateOut));
    }
    transform_.inverse(sum, row(thread));
    float* dk = o.get<float>(kDk) + h * shape_.lk;
    const float scale = 1.0f / static_cast<float>(shape_.n);
    for (std::int64_t i = 0; i < shape_.lk; ++i) dk[i] = scale * row(thread)[i];
  }
};

const Registration fftw_fused{
    Variant{.op = "fft_conv_backward",
            .name = "fftw_fused",
            .isa = Isa::kNative,
            .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
            .summary = "FFTW r2c and c2r per sequence, a channel per thread",
            .make = [](const Problem& p) { return std::make_unique<FftwBackward>(p); }}};

}  // namespace
}  // namespace sb::fft_conv
#endif

// fftw_fused: FFTW's real transforms, sequence by sequence, the product and the gates applied while
// the sequence is in a cache. The strongest form of the library for N above 4096.
#if SB_HAVE_FFTW
#include "core/registry.h"
#include "suites/fft_conv/fftw.h"
#include "suites/fft_conv/pointwise.h"
#include "suites/fft_conv/runs.h"

namespace sb::fft_conv {
namespace {

using namespace forward;

class FftwFused final : public FftwRows {
 public:
  explicit FftwFused(const Problem& problem) : FftwRows(problem, 1) {}

  void prepare(const Operands& o) override { spectra_.prepare(o.get<float>(kK)); }

  void run(const Operands& o) override {
    const bool in_place = dtype_ == Dtype::kF32 && !shape_.gated && shape_.l == shape_.n &&
                          rows_aligned(o.get<void>(kU), shape_.n) &&
                          rows_aligned(o.get<void>(kY), shape_.n);
    const auto gate = [&](Place place) {
      return shape_.gated ? o.get<const void>(place) : nullptr;
    };
    for_each_run(shape_, threads_, 1, [&](int thread, const Run& run) {
      const float* k = spectra_.of(thread, run.channel, o.get<float>(kK));
      for (std::int64_t b = run.begin; b < run.end; ++b) {
        const std::int64_t first = shape_.row(b, run.channel) * shape_.l;
        if (in_place) {
          convolve(thread, o.get<float>(kU) + first, k, o.get<float>(kY) + first);
          continue;
        }
        load(thread, o.get<void>(kU), gate(kGateIn), first);
        convolve(thread, row(thread), k, row(thread));
        store(thread, gate(kGateOut), first, o.get<void>(kY));
      }
    });
  }

 private:
  void convolve(int thread, const float* u, const float* k, float* y) const {
    transform_.forward(u, bins(thread));
    multiply(bins(thread), k, shape_.bins());
    transform_.inverse(bins(thread), y);
  }
};

const Registration fftw_fused{
    Variant{.op = "fft_conv",
            .name = "fftw_fused",
            .isa = Isa::kNative,
            .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
            .summary = "FFTW r2c, product, c2r per sequence: one pass over memory",
            .make = [](const Problem& p) { return std::make_unique<FftwFused>(p); }}};

}  // namespace
}  // namespace sb::fft_conv
#endif

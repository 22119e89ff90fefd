// fftw_fused: FFTW's real transforms, sequence by sequence, the product and the gates applied while
// the sequence is in a cache. The strongest form of the library for N above 4096.
#if SB_HAVE_FFTW
#include "core/registry.h"
#include "suites/fft_conv/fftw.h"
#include "suites/fft_conv/pointwise.h"
#include "suites/fft_conv/runs.h"

namespace sb::fft_conv {
namespace {

class FftwFused final : public Kernel {
 public:
  explicit FftwFused(const Problem& problem)
      : shape_(problem),
        dtype_(problem.dtype),
        threads_(problem.threads),
        transform_(shape_.n),
        spectra_(problem, transform_),
        stride_(spectrum_stride(shape_.bins())),
        bins_(floats(stride_ * threads_)),
        rows_(floats(shape_.n * threads_)) {}

  void prepare(const Operands& o) override { spectra_.prepare(o.get<float>(forward::kK)); }

  void run(const Operands& o) override {
    using namespace forward;
    const bool in_place = dtype_ == Dtype::kF32 && !shape_.gated && shape_.l == shape_.n &&
                          rows_aligned(o.get<void>(kU), shape_.n) &&
                          rows_aligned(o.get<void>(kY), shape_.n);
    for_each_run(shape_, threads_, 1, [&](int thread, const Run& run) {
      const float* k = spectra_.of(thread, run.channel, o.get<float>(kK));
      for (std::int64_t b = run.begin; b < run.end; ++b) {
        const std::int64_t first = shape_.row(b, run.channel) * shape_.l;
        in_place ? convolve(thread, o.get<float>(kU) + first, k, o.get<float>(kY) + first)
                 : convolve_through_copy(thread, o, first, k);
      }
    });
  }

 private:
  void convolve(int thread, const float* u, const float* k, float* y) const {
    float* z = bins_.as<float>() + thread * stride_;
    transform_.forward(u, z);
    multiply(z, k, shape_.bins());
    transform_.inverse(z, y);
  }

  void convolve_through_copy(int thread, const Operands& o, std::int64_t first,
                             const float* k) const {
    using namespace forward;
    float* row = rows_.as<float>() + thread * shape_.n;
    const auto gate = [&](Place place) {
      return shape_.gated ? at(dtype_, o.get<const void>(place), first) : nullptr;
    };
    load_row(dtype_, at(dtype_, o.get<const void>(kU), first), gate(kGateIn), shape_.l, shape_.n,
             row);
    convolve(thread, row, k, row);
    store_row(dtype_, row, gate(kGateOut), shape_.l, at(dtype_, o.get<void>(kY), first));
  }

  Shape shape_;
  Dtype dtype_;
  int threads_;
  RealTransform transform_;
  HalfSpectra spectra_;
  std::int64_t stride_;
  Buffer bins_;
  Buffer rows_;
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

// fftw_fused, backward: FFTW's real transforms row by row, a channel per
// thread. The kernel's gradient stays a spectrum until all of a channel's
// sequences are in.
#if SB_HAVE_FFTW
#include <algorithm>

#include "core/registry.h"
#include "suites/fft_conv/fftw.h"
#include "suites/fft_conv/pointwise.h"

namespace sb::fft_conv {
namespace {

using namespace backward;

class FftwBackward final : public Kernel {
 public:
  explicit FftwBackward(const Problem& problem)
      : shape_(problem),
        dtype_(problem.dtype),
        threads_(problem.threads),
        transform_(shape_.n),
        spectra_(problem, transform_),
        stride_(spectrum_stride(shape_.bins())),
        bins_(floats(3 * stride_ * threads_)),
        rows_(floats(shape_.n * threads_)) {}

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
  void channel(const Operands& o, int thread, std::int64_t h) const {
    float* u = bins_.as<float>() + 3 * stride_ * thread;
    float* d = u + stride_;
    float* sum = d + stride_;
    float* row = rows_.as<float>() + shape_.n * thread;
    std::fill_n(sum, stride_, 0.0f);
    const float* k = spectra_.of(thread, h, o.get<float>(kK));
    for (std::int64_t b = 0; b < shape_.b; ++b) {
      const std::int64_t first = shape_.row(b, h) * shape_.l;
      transform(o, kU, kGateIn, first, row, u);
      transform(o, kDy, kGateOut, first, row, d);
      add_product_conjugate(d, u, shape_.bins(), sum);
      multiply_conjugate(d, k, shape_.bins());
      transform_.inverse(d, row);
      write(o, row, kDu, kGateIn, first);
      if (!shape_.gated) continue;
      write(o, row, kDGateIn, kU, first);
      multiply(u, k, shape_.bins());
      transform_.inverse(u, row);
      write(o, row, kDGateOut, kDy, first);
    }
    transform_.inverse(sum, row);
    float* dk = o.get<float>(kDk) + h * shape_.lk;
    const float scale = 1.0f / static_cast<float>(shape_.n);
    for (std::int64_t i = 0; i < shape_.lk; ++i) dk[i] = scale * row[i];
  }

  void transform(const Operands& o, Place x, Place gate, std::int64_t first, float* row,
                 float* z) const {
    load_row(dtype_, at(dtype_, o.get<const void>(x), first), factor(o, gate, first), shape_.l,
             shape_.n, row);
    transform_.forward(row, z);
  }
  void write(const Operands& o, const float* row, Place y, Place times, std::int64_t first) const {
    store_row(dtype_, row, factor(o, times, first), shape_.l, at(dtype_, o.get<void>(y), first));
  }
  const void* factor(const Operands& o, Place place, std::int64_t first) const {
    return shape_.gated ? at(dtype_, o.get<const void>(place), first) : nullptr;
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
    Variant{.op = "fft_conv_backward",
            .name = "fftw_fused",
            .isa = Isa::kNative,
            .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
            .summary = "FFTW r2c and c2r per sequence, a channel per thread",
            .make = [](const Problem& p) { return std::make_unique<FftwBackward>(p); }}};

}  // namespace
}  // namespace sb::fft_conv
#endif

// fftw_pair: two sequences of a channel as the real and the imaginary part of one complex signal:
// with a real kernel, (x1 + i x2) * k = y1 + i y2 and nothing has to be taken apart. FFTW's best
// form for short sequences. Real and imaginary parts lie apart, as its split interface has them.
#if SB_HAVE_FFTW
#include "core/registry.h"
#include "suites/fft_conv/fftw.h"
#include "suites/fft_conv/pointwise.h"
#include "suites/fft_conv/reference.h"
#include "suites/fft_conv/runs.h"

namespace sb::fft_conv {
namespace {

using namespace forward;

// A plan for split arrays holds for one distance between real and imaginary part only.
FftwPlan split_plan(std::int64_t n, float* in_re, float* in_im, float* out_re, float* out_im,
                    unsigned flags) {
  const fftwf_iodim dim{.n = static_cast<int>(n), .is = 1, .os = 1};
  return FftwPlan(fftwf_plan_guru_split_dft(1, &dim, 0, nullptr, in_re, in_im, out_re, out_im,
                                            fftw_effort(n) | flags));
}

class FftwPair final : public Kernel {
 public:
  explicit FftwPair(const Problem& problem)
      : shape_(problem),
        dtype_(problem.dtype),
        threads_(problem.threads),
        real_(shape_.n),
        spectra_(problem, real_),
        apart_(shape_.n + 16),
        // Only whole rows of floats in pairs can be read and written where they lie.
        in_place_(dtype_ == Dtype::kF32 && !shape_.gated && shape_.l == shape_.n &&
                  shape_.b % 2 == 0 && shape_.n % 16 == 0),
        work_(floats(4 * apart_ * threads_)),
        full_(floats(2 * apart_ * (shape_.cached ? shape_.h : threads_))) {
    make_plans();
  }

  void prepare(const Operands& o) override {
    spectra_.prepare(o.get<float>(kK));
    if (!shape_.cached) return;
    for (std::int64_t h = 0; h < shape_.h; ++h) unfold(spectra_.of(0, h, nullptr), full(h));
  }

  void run(const Operands& o) override {
    if (in_place_ &&
        !(rows_aligned(o.get<void>(kU), shape_.n) && rows_aligned(o.get<void>(kY), shape_.n))) {
      throw std::runtime_error("fftw_pair was planned for operands on 64-byte boundaries");
    }
    for_each_run(shape_, threads_, 2, [&](int thread, const Run& run) {
      const float* k = full(shape_.cached ? run.channel : thread);
      if (!shape_.cached) {
        unfold(spectra_.of(thread, run.channel, o.get<float>(kK)), full(thread));
      }
      for (std::int64_t b = run.begin; b < run.end; b += 2) {
        const std::int64_t first = shape_.row(b, run.channel) * shape_.l;
        in_place_ ? pair_in_place(thread, o, first, k)
                  : pair_through_copy(thread, o, first, b + 1 < run.end, k);
      }
    });
  }

 private:
  float* work(int thread) const { return work_.as<float>() + 4 * apart_ * thread; }
  float* full(std::int64_t i) const { return full_.as<float>() + 2 * apart_ * i; }
  std::int64_t next_row() const { return shape_.h * shape_.l; }  // from sequence to sequence

  // Into work (re, im) and back: from the rows themselves, or from copies in the other half of
  // work.
  void make_plans() {
    const std::int64_t distance = in_place_ ? next_row() : apart_;
    const Buffer rows = floats(distance + shape_.n);
    float* row = rows.as<float>();
    float* z = work(0);
    forward_ = split_plan(shape_.n, row, row + distance, z, z + apart_, FFTW_PRESERVE_INPUT);
    // The inverse is the forward transform with real and imaginary parts exchanged.
    inverse_ = split_plan(shape_.n, z + apart_, z, row + distance, row, FFTW_DESTROY_INPUT);
  }

  void transform(int thread, float* in, float* out, std::int64_t distance, const float* k) const {
    float* z = work(thread);
    fftwf_execute_split_dft(forward_.get(), in, in + distance, z, z + apart_);
    multiply_split(z, z + apart_, k, k + apart_, shape_.n);
    fftwf_execute_split_dft(inverse_.get(), z + apart_, z, out + distance, out);
  }

  void pair_in_place(int thread, const Operands& o, std::int64_t first, const float* k) const {
    transform(thread, o.get<float>(kU) + first, o.get<float>(kY) + first, next_row(), k);
  }

  void pair_through_copy(int thread, const Operands& o, std::int64_t first, bool both,
                         const float* k) const {
    float* rows = work(thread) + 2 * apart_;
    const auto element = [&](Place place, int which) {
      return at(dtype_, o.get<const void>(place), first + which * next_row());
    };
    for (int which = 0; which < 2; ++which) {
      const bool there = which == 0 || both;
      load_row(dtype_, there ? element(kU, which) : nullptr,
               there && shape_.gated ? element(kGateIn, which) : nullptr, there ? shape_.l : 0,
               shape_.n, rows + which * apart_);
    }
    transform(thread, rows, rows, apart_, k);
    for (int which = 0; which < (both ? 2 : 1); ++which) {
      store_row(dtype_, rows + which * apart_, shape_.gated ? element(kGateOut, which) : nullptr,
                shape_.l, at(dtype_, o.get<void>(kY), first + which * next_row()));
    }
  }

  // From n/2 + 1 interleaved bins to all n, parts apart.
  void unfold(const float* half, float* whole) const {
    for (std::int64_t f = 0; f < shape_.n; ++f) {
      const std::int64_t mirror = std::min(f, shape_.n - f);
      whole[f] = half[2 * mirror];
      whole[apart_ + f] = f == mirror ? half[2 * mirror + 1] : -half[2 * mirror + 1];
    }
  }

  Shape shape_;
  Dtype dtype_;
  int threads_;
  RealTransform real_;
  HalfSpectra spectra_;
  std::int64_t apart_;  // between real and imaginary part; not a power of two
  bool in_place_;
  Buffer work_;
  Buffer full_;
  FftwPlan forward_, inverse_;
};

const Registration fftw_pair{
    Variant{.op = "fft_conv",
            .name = "fftw_pair",
            .isa = Isa::kNative,
            .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
            .summary = "FFTW on two sequences as one complex signal, split arrays",
            .make = [](const Problem& p) { return std::make_unique<FftwPair>(p); }}};

}  // namespace
}  // namespace sb::fft_conv
#endif

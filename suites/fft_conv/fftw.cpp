#include "suites/fft_conv/fftw.h"

#if SB_HAVE_FFTW
#include <stdexcept>

#include "suites/fft_conv/pointwise.h"
#include "suites/fft_conv/reference.h"

namespace sb::fft_conv {
FftwPlan::FftwPlan(fftwf_plan plan) : plan_(plan) {
  if (plan == nullptr) throw std::runtime_error("FFTW found no plan");
}

unsigned fftw_effort(std::int64_t n) {
  fftwf_set_timelimit(fftw_planning_seconds);
  return n <= 4096 ? FFTW_PATIENT : FFTW_MEASURE;
}

RealTransform::RealTransform(std::int64_t n) {
  const Buffer x = floats(n);
  const Buffer z = floats(spectrum_stride(n / 2 + 1));
  auto* bins = complex(z.as<float>());
  const int size = static_cast<int>(n);
  forward_ = FftwPlan(fftwf_plan_dft_r2c_1d(size, x.as<float>(), bins, fftw_effort(n)));
  inverse_ = FftwPlan(fftwf_plan_dft_c2r_1d(size, bins, x.as<float>(), fftw_effort(n)));
}

ComplexTransform::ComplexTransform(std::int64_t n) {
  const Buffer z = floats(2 * n);
  auto* bins = RealTransform::complex(z.as<float>());
  const int size = static_cast<int>(n);
  forward_ = FftwPlan(fftwf_plan_dft_1d(size, bins, bins, FFTW_FORWARD, fftw_effort(n)));
  inverse_ = FftwPlan(fftwf_plan_dft_1d(size, bins, bins, FFTW_BACKWARD, fftw_effort(n)));
}

HalfSpectra::HalfSpectra(const Problem& problem, const RealTransform& transform)
    : shape_(problem),
      transform_(transform),
      stride_(spectrum_stride(shape_.bins())),
      spectra_(floats(stride_ * (shape_.cached ? shape_.h : problem.threads))),
      padded_(floats(shape_.n * problem.threads)) {}

void HalfSpectra::prepare(const float* k) {
  if (!shape_.cached) return;
  for (std::int64_t h = 0; h < shape_.h; ++h) compute(k + h * shape_.lk, 0, slot(h));
}

const float* HalfSpectra::of(int thread, std::int64_t channel, const float* k) const {
  if (shape_.cached) return slot(channel);
  compute(k + channel * shape_.lk, thread, slot(thread));
  return slot(thread);
}

void HalfSpectra::compute(const float* taps, int thread, float* bins) const {
  float* padded = padded_.as<float>() + thread * shape_.n;
  load_row(Dtype::kF32, taps, nullptr, shape_.lk, shape_.n, padded);
  transform_.forward(padded, bins);
  scale_spectrum(shape_, bins);
}

void scale_spectrum(const Shape& shape, float* bins) {
  const float scale = 1.0f / static_cast<float>(shape.n);
  for (std::int64_t f = 0; f < shape.bins(); ++f) {
    const float factor = keeps_bin(f, shape.n, shape.sparsity) ? scale : 0.0f;
    bins[2 * f] *= factor;
    bins[2 * f + 1] *= factor;
  }
}

FftwRows::FftwRows(const Problem& problem, int areas)
    : shape_(problem),
      dtype_(problem.dtype),
      threads_(problem.threads),
      transform_(shape_.n),
      spectra_(problem, transform_),
      areas_(areas),
      stride_(spectrum_stride(shape_.bins())),
      bins_(floats(stride_ * areas * threads_)),
      rows_(floats(shape_.n * threads_)) {}

void FftwRows::load(int thread, const void* x, const void* gate, std::int64_t first) const {
  load_row(dtype_, at(dtype_, x, first), at(dtype_, gate, first), shape_.l, shape_.n, row(thread));
}

void FftwRows::store(int thread, const void* factor, std::int64_t first, void* y) const {
  store_row(dtype_, row(thread), at(dtype_, factor, first), shape_.l, at(dtype_, y, first));
}

}  // namespace sb::fft_conv
#endif

// FFTW's single-precision transforms behind owners that clean up. Only where FFTW was found.
#pragma once

#if SB_HAVE_FFTW
#include <fftw3.h>

#include <cstdint>
#include <utility>

#include "core/buffer.h"
#include "core/variant.h"
#include "suites/fft_conv/convolution.h"

namespace sb::fft_conv {

class FftwPlan {
 public:
  FftwPlan() = default;
  explicit FftwPlan(fftwf_plan plan);  // throws std::runtime_error if null
  ~FftwPlan() {
    if (plan_ != nullptr) fftwf_destroy_plan(plan_);
  }
  FftwPlan(FftwPlan&& other) noexcept : plan_(std::exchange(other.plan_, nullptr)) {}
  FftwPlan& operator=(FftwPlan&& other) noexcept {
    std::swap(plan_, other.plan_);
    return *this;
  }
  fftwf_plan get() const { return plan_; }

 private:
  fftwf_plan plan_ = nullptr;
};

// FFTW's best honest plan: PATIENT up to 4096 points, MEASURE above, where PATIENT takes minutes.
// (Debian's FFTW 3.3.10 has SSE2 and AVX codelets only: no FMA, no AVX2, no AVX-512.)
unsigned fftw_effort(std::int64_t n);
// For one plan; FFTW then takes the best it has seen. Tests, which time nothing, lower it.
inline double fftw_planning_seconds = 30;

// Real transforms of n points between 64-byte aligned arrays; the inverse destroys its input.
class RealTransform {
 public:
  explicit RealTransform(std::int64_t n);
  void forward(const float* x, float* z) const {
    fftwf_execute_dft_r2c(forward_.get(), const_cast<float*>(x), complex(z));
  }
  void inverse(float* z, float* x) const { fftwf_execute_dft_c2r(inverse_.get(), complex(z), x); }

  static fftwf_complex* complex(float* z) { return reinterpret_cast<fftwf_complex*>(z); }

 private:
  FftwPlan forward_, inverse_;
};

// Complex transforms of n points in place.
class ComplexTransform {
 public:
  explicit ComplexTransform(std::int64_t n);
  void forward(float* z) const { execute(forward_, z); }
  void inverse(float* z) const { execute(inverse_, z); }

 private:
  static void execute(const FftwPlan& plan, float* z) {
    fftwf_execute_dft(plan.get(), RealTransform::complex(z), RealTransform::complex(z));
  }
  FftwPlan forward_, inverse_;
};

// Floats from one row of complex bins to the next: a multiple of 64 bytes.
inline std::int64_t spectrum_stride(std::int64_t bins) { return (2 * bins + 15) / 16 * 16; }

inline Buffer floats(std::int64_t count) {
  return Buffer(static_cast<std::size_t>(count) * sizeof(float));
}

// Scales the n/2 + 1 bins of a kernel by 1/n and drops those that its sparsity leaves out.
void scale_spectrum(const Shape& shape, float* bins);

// Can FFTW work on rows of n floats that begin here, without a copy?
inline bool rows_aligned(const void* base, std::int64_t n) {
  return reinterpret_cast<std::uintptr_t>(base) % 64 == 0 && n % 16 == 0;
}

// The spectra of the kernels, n/2 + 1 bins each, with 1/n folded in and without the bins that the
// problem's sparsity drops: all of them made by prepare(), or one per thread made when asked for.
class HalfSpectra {
 public:
  HalfSpectra(const Problem& problem, const RealTransform& transform);
  void prepare(const float* k);  // does nothing unless cached
  const float* of(int thread, std::int64_t channel, const float* k) const;

 private:
  float* slot(std::int64_t i) const { return spectra_.as<float>() + i * stride_; }
  void compute(const float* taps, int thread, float* bins) const;

  Shape shape_;
  const RealTransform& transform_;
  std::int64_t stride_;
  Buffer spectra_;
  Buffer padded_;  // a kernel of n taps per thread
};

// A kernel that goes row by row: its transforms and spectra, and per thread `areas` rows of bins
// and one row of floats.
class FftwRows : public Kernel {
 protected:
  FftwRows(const Problem& problem, int areas);

  // row(thread) = x gate (null: none) from element `first` on, padded with zeros; and
  // y = row(thread) factor.
  void load(int thread, const void* x, const void* gate, std::int64_t first) const;
  void store(int thread, const void* factor, std::int64_t first, void* y) const;

  float* row(int thread) const { return rows_.as<float>() + thread * shape_.n; }
  float* bins(int thread, int area = 0) const {
    return bins_.as<float>() + (thread * areas_ + area) * stride_;
  }

  Shape shape_;
  Dtype dtype_;
  int threads_;
  RealTransform transform_;
  HalfSpectra spectra_;

 private:
  int areas_;
  std::int64_t stride_;
  Buffer bins_;
  Buffer rows_;
};

}  // namespace sb::fft_conv
#endif

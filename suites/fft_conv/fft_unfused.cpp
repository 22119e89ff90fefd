// The convolution as a tensor library runs it: every step a pass of its own over all sequences.
//   fft_unfused_c2c  complex transforms both ways, the papers' baseline: fft(u), fft(k), product,
//                    ifft, real part, with casts and gates as passes
//   fft_unfused_r2c  the same with real transforms
#if SB_HAVE_FFTW
#include "core/phase.h"
#include "core/registry.h"
#include "suites/fft_conv/fftw.h"
#include "suites/fft_conv/pointwise.h"
#include "suites/fft_conv/reference.h"

namespace sb::fft_conv {
namespace {

using namespace forward;

class Unfused : public Kernel {
 public:
  explicit Unfused(const Problem& problem)
      : shape_(problem), dtype_(problem.dtype), threads_(problem.threads) {}

  void prepare(const Operands& o) override {
    if (shape_.cached) transform_kernels(o.get<float>(kK));
  }

 protected:
  virtual void transform_kernels(const float* k) = 0;

  // f(row) for every row, on all threads; one pass.
  template <class F>
  void pass(const char* name, std::int64_t rows, const F& f) const {
    const Phase phase(name);
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (std::int64_t row = 0; row < rows; ++row) f(row);
  }
  const void* stored(const Operands& o, Place place, std::int64_t row) const {
    return at(dtype_, o.get<const void>(place), row * shape_.l);
  }
  void* result(const Operands& o, std::int64_t row) const {
    return at(dtype_, o.get<void>(kY), row * shape_.l);
  }
  // The padded, widened and gated copy of u; its passes are a library's: cast, then product.
  void load_rows(const Operands& o, float* rows) const {
    pass("load", shape_.rows(), [&](std::int64_t row) {
      load_row(dtype_, stored(o, kU, row), shape_.gated ? stored(o, kGateIn, row) : nullptr,
               shape_.l, shape_.n, rows + row * shape_.n);
    });
  }
  void store_rows(const Operands& o, const float* rows) const {
    pass("store", shape_.rows(), [&](std::int64_t row) {
      store_row(dtype_, rows + row * shape_.n, shape_.gated ? stored(o, kGateOut, row) : nullptr,
                shape_.l, result(o, row));
    });
  }

  Shape shape_;
  Dtype dtype_;
  int threads_;
};

class UnfusedComplex final : public Unfused {
 public:
  explicit UnfusedComplex(const Problem& problem)
      : Unfused(problem),
        transform_(shape_.n),
        rows_(floats(shape_.rows() * shape_.n)),
        bins_(floats(shape_.rows() * 2 * shape_.n)),
        spectra_(floats(shape_.h * 2 * shape_.n)) {}

  void run(const Operands& o) override {
    if (!shape_.cached) transform_kernels(o.get<float>(kK));
    load_rows(o, rows_.as<float>());
    widen(rows_.as<float>(), shape_.rows(), bins_.as<float>());
    pass("transform", shape_.rows(), [&](std::int64_t row) { transform_.forward(bins(row)); });
    pass("product", shape_.rows(), [&](std::int64_t row) {
      multiply(bins(row), spectra_.as<float>() + row % shape_.h * 2 * shape_.n, shape_.n);
    });
    pass("inverse", shape_.rows(), [&](std::int64_t row) { transform_.inverse(bins(row)); });
    pass("real part", shape_.rows(), [&](std::int64_t row) {
      float* to = rows_.as<float>() + row * shape_.n;
      for (std::int64_t i = 0; i < shape_.n; ++i) to[i] = bins(row)[2 * i];
    });
    store_rows(o, rows_.as<float>());
  }

 private:
  float* bins(std::int64_t row) const { return bins_.as<float>() + row * 2 * shape_.n; }

  void widen(const float* rows, std::int64_t count, float* complex) const {
    pass("to complex", count, [&](std::int64_t row) {
      const float* from = rows + row * shape_.n;
      float* to = complex + row * 2 * shape_.n;
      for (std::int64_t i = 0; i < shape_.n; ++i) {
        to[2 * i] = from[i];
        to[2 * i + 1] = 0;
      }
    });
  }

  void transform_kernels(const float* k) override {
    pass("kernels", shape_.h, [&](std::int64_t h) {
      float* z = spectra_.as<float>() + h * 2 * shape_.n;
      for (std::int64_t i = 0; i < 2 * shape_.n; ++i) z[i] = 0;
      for (std::int64_t i = 0; i < shape_.lk; ++i) z[2 * i] = k[h * shape_.lk + i];
      transform_.forward(z);
      const float scale = 1.0f / static_cast<float>(shape_.n);
      for (std::int64_t f = 0; f < shape_.n; ++f) {
        const float factor = keeps_bin(f, shape_.n, shape_.sparsity) ? scale : 0.0f;
        z[2 * f] *= factor;
        z[2 * f + 1] *= factor;
      }
    });
  }

  ComplexTransform transform_;
  Buffer rows_;
  Buffer bins_;
  Buffer spectra_;
};

class UnfusedReal final : public Unfused {
 public:
  explicit UnfusedReal(const Problem& problem)
      : Unfused(problem),
        transform_(shape_.n),
        stride_(spectrum_stride(shape_.bins())),
        rows_(floats(shape_.rows() * shape_.n)),
        bins_(floats(shape_.rows() * stride_)),
        padded_(floats(shape_.h * shape_.n)),
        spectra_(floats(shape_.h * stride_)) {}

  void run(const Operands& o) override {
    if (!shape_.cached) transform_kernels(o.get<float>(kK));
    load_rows(o, rows_.as<float>());
    pass("transform", shape_.rows(), [&](std::int64_t row) {
      transform_.forward(rows_.as<float>() + row * shape_.n, bins(row));
    });
    pass("product", shape_.rows(), [&](std::int64_t row) {
      multiply(bins(row), spectra_.as<float>() + row % shape_.h * stride_, shape_.bins());
    });
    pass("inverse", shape_.rows(), [&](std::int64_t row) {
      transform_.inverse(bins(row), rows_.as<float>() + row * shape_.n);
    });
    store_rows(o, rows_.as<float>());
  }

 private:
  float* bins(std::int64_t row) const { return bins_.as<float>() + row * stride_; }

  void transform_kernels(const float* k) override {
    pass("kernels", shape_.h, [&](std::int64_t h) {
      float* padded = padded_.as<float>() + h * shape_.n;
      load_row(Dtype::kF32, k + h * shape_.lk, nullptr, shape_.lk, shape_.n, padded);
      float* z = spectra_.as<float>() + h * stride_;
      transform_.forward(padded, z);
      scale_spectrum(shape_, z);
    });
  }

  RealTransform transform_;
  std::int64_t stride_;
  Buffer rows_;
  Buffer bins_;
  Buffer padded_;
  Buffer spectra_;
};

template <class Form>
Variant unfused(const char* name, const char* summary) {
  return {.op = "fft_conv",
          .name = name,
          .isa = Isa::kNative,
          .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
          .summary = summary,
          .paper = "arXiv:2311.05908, its baseline",
          .make = [](const Problem& p) { return std::make_unique<Form>(p); }};
}

const Registration c2c{unfused<UnfusedComplex>(
    "fft_unfused_c2c", "complex transforms, every step a pass over all sequences")};
const Registration r2c{unfused<UnfusedReal>(
    "fft_unfused_r2c", "real transforms, every step a pass over all sequences")};

}  // namespace
}  // namespace sb::fft_conv
#endif

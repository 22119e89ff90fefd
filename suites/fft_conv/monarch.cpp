// monarch: the papers' method as it stands, dense DFT matrices through a
// library's matrix product. Several sequences of a channel go through every
// product together. 10 to 30 times the FLOPs of an FFT: made for matrix units
// that are 16 times as fast as vector units. Where the kernel's spectrum is
// zero in whole blocks, the last stage's products leave them out on both sides.
#if SB_HAVE_OPENBLAS
#include <cblas.h>

#include <algorithm>

#include "core/registry.h"
#include "suites/fft_conv/monarch_plan.h"
#include "suites/fft_conv/pointwise.h"
#include "suites/fft_conv/reference.h"
#include "suites/fft_conv/runs.h"

namespace sb::fft_conv {
namespace {

using namespace forward;

// C (m x n) = A (m x k) B (k x n) + beta C; row-major, no gaps.
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, const float* a,
          const float* b, float beta, float* c) {
  const auto size = [](std::int64_t v) { return static_cast<blasint>(v); };
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size(m), size(n), size(k), alpha, a,
              size(k), b, size(n), beta, c, size(n));
}

// (re + i im) (b_re + i b_im), planes apart: four real products.
void complex_gemm(std::int64_t m, std::int64_t n, std::int64_t k, const float* a, const float* b,
                  float* c) {
  const float *a_im = a + m * k, *b_im = b + k * n;
  float* c_im = c + m * n;
  gemm(m, n, k, 1, a, b, 0, c);
  gemm(m, n, k, -1, a_im, b_im, 1, c);
  gemm(m, n, k, 1, a, b_im, 0, c_im);
  gemm(m, n, k, 1, a_im, b, 1, c_im);
}

// The transforms of `batch` sequences in a thread's two buffers, which swap
// their roles stage by stage.
class MonarchTransform {
 public:
  MonarchTransform(const MonarchPlan& plan, std::int64_t batch, float* a, float* b)
      : plan_(plan), batch_(batch), a_(a), b_(b) {}

  float* data() const { return a_; }  // real input [n1][sequence][m]; later the bins, planes apart

  void forward() {
    const MonarchStage& first = plan_.stages().front();
    gemm(2 * first.factor, batch_ * first.rest, first.factor, 1, first.matrix, a_, 0, b_);
    std::int64_t blocks = 1;  // of the stage, each [re, im][factor][columns]
    for (std::size_t i = 0; i + 1 < plan_.stages().size(); ++i) {
      const MonarchStage& stage = plan_.stages()[i];
      if (i > 0) {
        const std::int64_t size = 2 * stage.factor * stage.rest;
        for (std::int64_t q = 0; q < blocks; ++q) {
          gemm(2 * stage.factor, stage.rest, 2 * stage.factor, 1, stage.matrix, a_ + q * size, 0,
               b_ + q * size);
        }
      }
      twiddle(i, blocks, 1, b_, a_);
      blocks *= stage.factor * (i == 0 ? batch_ : 1);
    }
    const MonarchStage& last = plan_.stages().back();
    complex_gemm(batch_ * plan_.rows(), plan_.kept(), last.factor, a_, last.matrix, b_);
    std::swap(a_, b_);
  }

  void inverse() {
    const MonarchStage& last = plan_.stages().back();
    complex_gemm(batch_ * plan_.rows(), last.factor, plan_.kept(), a_, last.inverse, b_);
    std::int64_t blocks = batch_ * plan_.rows();
    for (std::size_t i = plan_.stages().size() - 1; i-- > 0;) {
      const MonarchStage& stage = plan_.stages()[i];
      blocks /= stage.factor * (i == 0 ? batch_ : 1);
      twiddle(i, blocks, -1, b_, a_);
      if (i == 0) break;
      const std::int64_t size = 2 * stage.factor * stage.rest;
      for (std::int64_t q = 0; q < blocks; ++q) {
        gemm(2 * stage.factor, stage.rest, 2 * stage.factor, 1, stage.inverse, a_ + q * size, 0,
             b_ + q * size);
      }
    }
    const MonarchStage& first = plan_.stages().front();
    gemm(first.factor, batch_ * first.rest, 2 * first.factor, 1, first.inverse, a_, 0, b_);
    std::swap(a_, b_);
  }

  // Bins times a spectrum of plan.bins() bins, planes apart.
  void multiply_by(const float* spectrum) const {
    const std::int64_t inner = plan_.rows() / plan_.stages().front().factor;  // rows of a k1
    const std::int64_t points = batch_ * plan_.bins();
    for (std::int64_t q = 0; q < plan_.stages().front().factor * batch_; ++q) {
      const std::int64_t count = inner * plan_.kept();
      const float* k = spectrum + q / batch_ * count;
      multiply_split(a_ + q * count, a_ + points + q * count, k, k + plan_.bins(), count);
    }
  }

 private:
  // Between the layout that stage i leaves and the one that the next takes:
  // every row k of a block becomes a block [re, im][rest], or a row of each of
  // two planes if the next stage is the last. sign -1: back, by the conjugate.
  void twiddle(std::size_t i, std::int64_t blocks, int sign, const float* from, float* to) const {
    const MonarchStage& stage = plan_.stages()[i];
    const std::int64_t columns = stage.rest;
    const std::int64_t sequences = i == 0 ? batch_ : 1;
    const std::int64_t plane = stage.factor * sequences * columns;  // of a block of this stage
    const bool planes = i + 2 == plan_.stages().size();
    const std::int64_t next_im = planes ? batch_ * plan_.n() : columns;
    for (std::int64_t row = 0; row < blocks * stage.factor * sequences; ++row) {
      const std::int64_t block = row / (stage.factor * sequences);
      const std::int64_t within = row % (stage.factor * sequences);
      const std::int64_t here = block * 2 * plane + within * columns;
      const std::int64_t there = row * columns * (planes ? 1 : 2);
      const float* w_re = stage.twiddles + within / sequences * columns;
      const float* w_im = w_re + stage.factor * columns;
      const std::int64_t in = sign > 0 ? here : there;
      const std::int64_t out = sign > 0 ? there : here;
      rotate(from + in, from + in + (sign > 0 ? plane : next_im), w_re, w_im,
             static_cast<float>(sign), columns, to + out, to + out + (sign > 0 ? next_im : plane));
    }
  }

  static void rotate(const float* re, const float* im, const float* w_re, const float* w_im,
                     float sign, std::int64_t count, float* out_re, float* out_im) {
    for (std::int64_t m = 0; m < count; ++m) {
      const float w = sign * w_im[m];
      out_re[m] = re[m] * w_re[m] - im[m] * w;
      out_im[m] = re[m] * w + im[m] * w_re[m];
    }
  }

  const MonarchPlan& plan_;
  std::int64_t batch_;
  float *a_, *b_;
};

// Sequences whose bins fill a good part of a second-level cache go through the
// products together.
std::int64_t batch_of(const Shape& s) {
  return std::clamp<std::int64_t>(32768 / s.n, 1, std::min<std::int64_t>(s.b, 16));
}

class Monarch final : public Kernel {
 public:
  Monarch(const Problem& problem, std::vector<std::int64_t> factors)
      : shape_(problem),
        dtype_(problem.dtype),
        threads_(problem.threads),
        plan_(shape_.n, std::move(factors), shape_.sparsity),
        batch_(batch_of(shape_)),
        buffer_(2 * batch_ * shape_.n),
        work_(floats((2 * buffer_ + shape_.n) * threads_)),
        spectra_(floats(2 * plan_.bins() * (shape_.cached ? shape_.h : threads_))) {}

  void prepare(const Operands& o) override {
    if (!shape_.cached) return;
    openblas_set_num_threads(1);
    for (std::int64_t h = 0; h < shape_.h; ++h) {
      make_spectrum(0, o.get<float>(kK) + h * shape_.lk, spectrum(h));
    }
  }

  void run(const Operands& o) override {
    openblas_set_num_threads(1);
    for_each_run(shape_, threads_, batch_, [&](int thread, const Run& run) {
      if (!shape_.cached) {
        make_spectrum(thread, o.get<float>(kK) + run.channel * shape_.lk, spectrum(thread));
      }
      for (std::int64_t b = run.begin; b < run.end; b += batch_) {
        const std::int64_t count = std::min(batch_, run.end - b);
        MonarchTransform transform(plan_, count, work(thread), work(thread) + buffer_);
        load(o, thread, run.channel, b, count, transform.data());
        transform.forward();
        transform.multiply_by(spectrum(shape_.cached ? run.channel : thread));
        transform.inverse();
        store(o, thread, run.channel, b, count, transform.data());
      }
    });
  }

 private:
  static Buffer floats(std::int64_t count) {
    return Buffer(static_cast<std::size_t>(count) * sizeof(float));
  }
  float* work(int thread) const { return work_.as<float>() + thread * (2 * buffer_ + shape_.n); }
  float* row(int thread) const { return work(thread) + 2 * buffer_; }
  float* spectrum(std::int64_t i) const { return spectra_.as<float>() + i * 2 * plan_.bins(); }

  void make_spectrum(int thread, const float* k, float* to) const {
    MonarchTransform transform(plan_, 1, work(thread), work(thread) + buffer_);
    load_row(Dtype::kF32, k, nullptr, shape_.lk, shape_.n, transform.data());
    transform.forward();
    const float scale = 1.0f / static_cast<float>(shape_.n);
    for (std::int64_t i = 0; i < plan_.bins(); ++i) {
      const std::int64_t f = plan_.frequency(i / plan_.kept(), i % plan_.kept());
      const float factor = keeps_bin(f, shape_.n, shape_.sparsity) ? scale : 0.0f;
      to[i] = factor * transform.data()[i];
      to[plan_.bins() + i] = factor * transform.data()[plan_.bins() + i];
    }
  }

  // Sequences side by side: [n1][sequence][m].
  void load(const Operands& o, int thread, std::int64_t channel, std::int64_t b, std::int64_t count,
            float* to) const {
    const MonarchStage& first = plan_.stages().front();
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t at_row = shape_.row(b + i, channel) * shape_.l;
      load_row(dtype_, at(dtype_, o.get<const void>(kU), at_row),
               shape_.gated ? at(dtype_, o.get<const void>(kGateIn), at_row) : nullptr, shape_.l,
               shape_.n, row(thread));
      for (std::int64_t n1 = 0; n1 < first.factor; ++n1) {
        std::copy_n(row(thread) + n1 * first.rest, first.rest, to + (n1 * count + i) * first.rest);
      }
    }
  }
  void store(const Operands& o, int thread, std::int64_t channel, std::int64_t b,
             std::int64_t count, const float* from) const {
    const MonarchStage& first = plan_.stages().front();
    for (std::int64_t i = 0; i < count; ++i) {
      for (std::int64_t n1 = 0; n1 < first.factor; ++n1) {
        std::copy_n(from + (n1 * count + i) * first.rest, first.rest,
                    row(thread) + n1 * first.rest);
      }
      const std::int64_t at_row = shape_.row(b + i, channel) * shape_.l;
      store_row(dtype_, row(thread),
                shape_.gated ? at(dtype_, o.get<const void>(kGateOut), at_row) : nullptr, shape_.l,
                at(dtype_, o.get<void>(kY), at_row));
    }
  }

  Shape shape_;
  Dtype dtype_;
  int threads_;
  MonarchPlan plan_;
  std::int64_t batch_;
  std::int64_t buffer_;  // floats
  Buffer work_;
  Buffer spectra_;
};

using Factors = std::vector<std::int64_t> (*)(std::int64_t n);

// A stage of factor f costs 8 n f, the outermost, real on one side, half of it;
// twice for the inverse.
double monarch_flops(const Problem& problem, Factors factors) {
  const Shape s(problem);
  const MonarchPlan plan(s.n, factors(s.n), s.sparsity);
  const auto n = static_cast<double>(s.n);
  double per_row = 6 * static_cast<double>(plan.bins());
  for (const MonarchStage& stage : plan.stages()) {
    const bool first = stage.factor * stage.rest == s.n;
    const bool last = stage.rest == 1;
    per_row += 2 * (first ? 4 : 8) * n * static_cast<double>(last ? plan.kept() : stage.factor);
    if (!last) per_row += 12 * n;
  }
  return per_row * static_cast<double>(s.rows());
}

Variant monarch(std::string name, std::string summary, Factors factors) {
  return {
      .op = "fft_conv",
      .name = std::move(name),
      .isa = Isa::kNative,
      .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
      .summary = std::move(summary),
      .paper = "arXiv:2311.05908 section 3",
      .flops_executed = [factors](const Problem& p) { return monarch_flops(p, factors); },
      .why_not = [factors](const Problem& p) -> std::string {
        return factors(Shape(p).n).empty() ? "no factors are shipped for this n" : "";
      },
      .make = [factors](
                  const Problem& p) { return std::make_unique<Monarch>(p, factors(Shape(p).n)); }};
}

template <int kOrder>
std::vector<std::int64_t> balanced(std::int64_t n) {
  return n < 256 ? std::vector<std::int64_t>() : balanced_factors(n, kOrder);
}

const Registration shipped{
    monarch("monarch", "dense DFT matrices, factors as FlashFFTConv ships them", shipped_factors)};
const Registration order2{monarch("monarch_2", "the same of order 2", balanced<2>)};
const Registration order3{monarch("monarch_3", "the same of order 3", balanced<3>)};
const Registration order4{monarch("monarch_4", "the same of order 4", balanced<4>)};

}  // namespace
}  // namespace sb::fft_conv
#endif

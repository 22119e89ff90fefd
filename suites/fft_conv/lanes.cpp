// lanes: as many pairs of sequences as a vector has lanes, transposed in,
// transformed with one sequence per lane (no shuffles, twiddle factors
// broadcast), transposed out. Kept as a finding: the work area is 8 n bytes per
// lane instead of 8 n in all, so every pass runs from the second-level cache,
// and the two transposes cost the shuffles that `fused` spends inside its
// innermost blocks.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "suites/fft_conv/lanes.cpp"
#include "backend/targets.h"
// clang-format off
#include "hwy/foreach_target.h"
// clang-format on
#include "core/buffer.h"
#include "core/registry.h"
#include "suites/fft_conv/complex-inl.h"
#include "suites/fft_conv/lanes.h"
#include "suites/fft_conv/pointwise.h"
#include "suites/fft_conv/runs.h"

HWY_BEFORE_NAMESPACE();
namespace sb::fft_conv {
namespace HWY_NAMESPACE {

// Point e of all sequences: kLanes real parts, then kLanes imaginary parts.
HWY_INLINE float* point(float* work, std::int64_t e) { return work + 2 * kLanes * e; }
HWY_INLINE C load_point(float* work, std::int64_t e) {
  return load_complex(point(work, e), point(work, e) + kLanes);
}
HWY_INLINE void store_point(C v, float* work, std::int64_t e) {
  store_complex(v, point(work, e), point(work, e) + kLanes);
}
HWY_INLINE C broadcast(const float* w) { return {hn::Set(kD, w[0]), hn::Set(kD, w[1])}; }

enum class Pass { kForward, kInverse };

// One radix-4 pass over all blocks of 4 * stride points. The inverse works on
// exchanged real and imaginary parts, as in blocks-inl.h.
template <Pass kPass>
void pass4(float* work, std::int64_t n, const LanesLevel& level) {
  for (std::int64_t begin = 0; begin < n; begin += 4 * level.stride) {
    for (std::int64_t j = 0; j < level.stride; ++j) {
      C a[4];
      for (int q = 0; q < 4; ++q) a[q] = load_point(work, begin + q * level.stride + j);
      const float* w = level.twiddles + 6 * j;
      if constexpr (kPass == Pass::kForward) {
        dft4(a[0], a[1], a[2], a[3]);
        for (int r = 1; r < 4; ++r) a[r] = mul(a[r], broadcast(w + 2 * (r - 1)));
      } else {
        twiddled_dft4(a[0], a[1], a[2], a[3], broadcast(w), broadcast(w + 2));
      }
      for (int q = 0; q < 4; ++q) store_point(a[q], work, begin + q * level.stride + j);
    }
  }
}

void pass2(float* work, std::int64_t n) {
  for (std::int64_t e = 0; e < n; e += 2) {
    C a[2] = {load_point(work, e), load_point(work, e + 1)};
    dft2(a);
    store_point(a[0], work, e);
    store_point(a[1], work, e + 1);
  }
}

void lanes_forward(const LanesPlan& plan, float* work) {
  for (const LanesLevel& level : plan.levels) pass4<Pass::kForward>(work, plan.n, level);
  if (plan.odd) pass2(work, plan.n);
}

void lanes_convolve(const LanesPlan& plan, float* work, const float* spectrum) {
  lanes_forward(plan, work);
  for (std::int64_t e = 0; e < plan.n; ++e) {
    store_point(swapped(mul(load_point(work, e), broadcast(spectrum + 2 * e))), work, e);
  }
  if (plan.odd) pass2(work, plan.n);
  for (std::size_t i = plan.levels.size(); i-- > 0;) {
    pass4<Pass::kInverse>(work, plan.n, plan.levels[i]);
  }
}

// The kernel in all lanes, its spectrum from the first.
void lanes_spectrum(const LanesPlan& plan, float* work, const float* k, std::int64_t lk,
                    float* spectrum) {
  for (std::int64_t e = 0; e < plan.n; ++e) {
    store_point({hn::Set(kD, e < lk ? k[e] : 0.0f), hn::Zero(kD)}, work, e);
  }
  lanes_forward(plan, work);
  const float scale = 1.0f / static_cast<float>(plan.n);
  for (std::int64_t e = 0; e < plan.n; ++e) {
    spectrum[2 * e] = scale * point(work, e)[0];
    spectrum[2 * e + 1] = scale * point(work, e)[kLanes];
  }
}

// Between rows of n floats and points. Blocks of 16 columns: a cache line of
// each row at a time.
void lanes_in(const float* rows, std::int64_t n, float* work) {
  for (std::int64_t e = 0; e < n; e += 16) {
    for (std::int64_t row = 0; row < 2 * kLanes; ++row) {
      for (std::int64_t i = e; i < e + 16; ++i) work[2 * kLanes * i + row] = rows[row * n + i];
    }
  }
}
void lanes_out(const float* work, std::int64_t n, float* rows) {
  for (std::int64_t e = 0; e < n; e += 16) {
    for (std::int64_t row = 0; row < 2 * kLanes; ++row) {
      // Real and imaginary parts are exchanged.
      const std::int64_t from = (row + kLanes) % (2 * kLanes);
      for (std::int64_t i = e; i < e + 16; ++i) rows[row * n + i] = work[2 * kLanes * i + from];
    }
  }
}

LanesEngine lanes_engine() {
  return {2 * kLanes, lanes_spectrum, lanes_convolve, lanes_in, lanes_out};
}

}  // namespace HWY_NAMESPACE
}  // namespace sb::fft_conv
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sb::fft_conv {
namespace {

using namespace forward;

class Lanes final : public Kernel {
 public:
  Lanes(const Problem& problem, LanesEngine engine)
      : shape_(problem),
        dtype_(problem.dtype),
        threads_(problem.threads),
        engine_(engine),
        plan_(shape_.n),
        area_(engine.rows * shape_.n),
        work_(floats(2 * area_ * threads_)),
        spectra_(floats(2 * shape_.n * (shape_.cached ? shape_.h : threads_))) {}

  void prepare(const Operands& o) override {
    if (!shape_.cached) return;
    for (std::int64_t h = 0; h < shape_.h; ++h) make_spectrum(0, h, o.get<float>(kK), spectrum(h));
  }

  void run(const Operands& o) override {
    for_each_run(shape_, threads_, engine_.rows, [&](int thread, const Run& run) {
      float* k = spectrum(shape_.cached ? run.channel : thread);
      if (!shape_.cached) make_spectrum(thread, run.channel, o.get<float>(kK), k);
      for (std::int64_t b = run.begin; b < run.end; b += engine_.rows) {
        const std::int64_t count = std::min(engine_.rows, run.end - b);
        for (std::int64_t i = 0; i < engine_.rows; ++i) load(o, thread, run.channel, b, i, count);
        engine_.in(rows(thread), shape_.n, work(thread));
        engine_.convolve(plan_, work(thread), k);
        engine_.out(work(thread), shape_.n, rows(thread));
        for (std::int64_t i = 0; i < count; ++i) store(o, thread, run.channel, b, i);
      }
    });
  }

 private:
  static Buffer floats(std::int64_t count) {
    return Buffer(static_cast<std::size_t>(count) * sizeof(float));
  }
  float* work(int thread) const { return work_.as<float>() + 2 * area_ * thread; }
  float* rows(int thread) const { return work(thread) + area_; }
  float* spectrum(std::int64_t i) const { return spectra_.as<float>() + 2 * shape_.n * i; }

  void make_spectrum(int thread, std::int64_t channel, const float* k, float* to) const {
    engine_.spectrum(plan_, work(thread), k + channel * shape_.lk, shape_.lk, to);
  }

  void load(const Operands& o, int thread, std::int64_t channel, std::int64_t b, std::int64_t i,
            std::int64_t count) const {
    const bool there = i < count;
    const std::int64_t first = shape_.row(there ? b + i : b, channel) * shape_.l;
    load_row(dtype_, at(dtype_, o.get<const void>(kU), first),
             shape_.gated ? at(dtype_, o.get<const void>(kGateIn), first) : nullptr,
             there ? shape_.l : 0, shape_.n, rows(thread) + i * shape_.n);
  }
  void store(const Operands& o, int thread, std::int64_t channel, std::int64_t b,
             std::int64_t i) const {
    const std::int64_t first = shape_.row(b + i, channel) * shape_.l;
    store_row(dtype_, rows(thread) + i * shape_.n,
              shape_.gated ? at(dtype_, o.get<const void>(kGateOut), first) : nullptr, shape_.l,
              at(dtype_, o.get<void>(kY), first));
  }

  Shape shape_;
  Dtype dtype_;
  int threads_;
  LanesEngine engine_;
  LanesPlan plan_;
  std::int64_t area_;  // floats of the work area, and of the rows before they
                       // are transposed
  Buffer work_;
  Buffer spectra_;
};

// The engine is asked for when a kernel is made: its code is not for every
// machine.
Variant lanes(Isa isa, LanesEngine (*engine)()) {
  return {.op = "fft_conv",
          .name = "lanes",
          .isa = isa,
          .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
          .summary =
              "a sequence per lane, transposed in and out: a finding, "
              "not a recommendation",
          .why_not = [](const Problem& p) -> std::string {
            const Shape s(p);
            if (s.n < 16 || s.n > kLongestInLanes) return "for n from 16 to 4096";
            return s.sparsity == 0 ? "" : "does not skip zero blocks";
          },
          .make = [engine](const Problem& p) { return std::make_unique<Lanes>(p, engine()); }};
}

#if HWY_TARGETS & HWY_AVX3
const Registration lanes_avx512{lanes(Isa::kAvx512, N_AVX3::lanes_engine)};
#endif
#if HWY_TARGETS & HWY_AVX2
const Registration lanes_avx2{lanes(Isa::kAvx2, N_AVX2::lanes_engine)};
#endif

}  // namespace
}  // namespace sb::fft_conv
#endif

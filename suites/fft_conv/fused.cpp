// fused: ours. A real pass reads the rows (times the input gate), each block is transformed,
// multiplied by the kernel's spectrum and transformed back while it is in a cache, a real pass
// writes the rows (times the output gate). No pass reorders anything: the spectrum is kept in the
// order in which the transform leaves it. While blocks are computed the next rows are fetched.
#include "core/registry.h"
#include "hwy/cache_control.h"
#include "suites/fft_conv/fused_rows.h"
#include "suites/fft_conv/pointwise.h"

namespace sb::fft_conv {
namespace {

using namespace forward;

class Fused final : public Kernel {
 public:
  Fused(const Problem& problem, Isa isa) : rows_(problem, isa, 1) {}

  void prepare(const Operands& o) override { rows_.prepare(o.get<float>(kK)); }

  void run(const Operands& o) override {
    bypass_ = rows_.bypasses_caches(o.get<void>(kY));
    const auto gate = [&](Place place) {
      return rows_.shape().gated ? o.get<const void>(place) : nullptr;
    };
    rows_.for_each_share(false, [&](int thread, const Run& run, bool shared) {
      const float* k = rows_.spectrum_of(thread, run.channel, o.get<float>(kK), shared);
      for (std::int64_t b = run.begin; b < run.end; b += rows_.team_rows()) {
        for (std::int64_t i = 0; i < run.channels; ++i) {
          const std::int64_t channel = run.channel + i;
          Ahead ahead;
          if (!shared) {
            ahead =
                rows_.fetched(run, channel, b, {o.get<void>(kU), gate(kGateIn)}, {gate(kGateOut)});
          }
          convolve(o, thread, rows_.team(channel, b, run.end),
                   k + i * rows_.plan().spectrum_floats(), ahead, shared);
        }
      }
      if (bypass_) hwy::FlushStream();
    });
  }

 private:
  void convolve(const Operands& o, int thread, const Team& team, const float* k, Ahead& ahead,
                bool shared) const {
    const auto gate = [&](Place place) {
      return rows_.shape().gated ? o.get<const void>(place) : nullptr;
    };
    rows_.columns(shared, rows_.ragged(), [&](std::int64_t begin, std::int64_t end) {
      rows_.forward(thread, 0, team, o.get<void>(kU), gate(kGateIn), begin, end, &ahead);
    });
    rows_.frequencies(shared, [&](FrequencyRange range) {
      rows_.engine().convolve(rows_.plan(), rows_.work(thread), k, team.rows, range, ahead);
    });
    rows_.columns(shared, rows_.ragged(), [&](std::int64_t begin, std::int64_t end) {
      rows_.inverse(thread, 0, team, {{o.get<void>(kY), gate(kGateOut)}}, bypass_, begin, end,
                    &ahead);
    });
  }

  FusedRows rows_;
  bool bypass_ = false;
};

Variant fused(Isa isa) {
  return {.op = "fft_conv",
          .name = "fused",
          .isa = isa,
          .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
          .summary = "own transforms, product and gates inside, spectrum in the order it comes in",
          .streams = isa == Isa::kAvx512,
          .why_not = why_not_fused,
          .make = [isa](const Problem& p) { return std::make_unique<Fused>(p, isa); }};
}

#if defined(__x86_64__)
const Registration fused_avx512{fused(Isa::kAvx512)};
const Registration fused_avx2{fused(Isa::kAvx2)};
#endif
const Registration fused_scalar{fused(Isa::kScalar)};

}  // namespace
}  // namespace sb::fft_conv

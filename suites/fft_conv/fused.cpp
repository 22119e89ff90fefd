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

// Longer rows would push each other out of the second-level cache before they are used.
constexpr std::int64_t kLongestFetched = 32768;

class Fused final : public Kernel {
 public:
  Fused(const Problem& problem, Isa isa) : rows_(problem, isa, 1) {}

  void prepare(const Operands& o) override { rows_.prepare(o.get<float>(kK)); }

  void run(const Operands& o) override {
    bypass_ = rows_.bypasses_caches(o.get<void>(kY));
    rows_.for_each_share([&](int thread, const Run& run, bool shared) {
      const float* k = rows_.spectrum_of(thread, run.channel, o.get<float>(kK), shared);
      for (std::int64_t b = run.begin; b < run.end; b += rows_.team_rows()) {
        const Team team = rows_.team(run.channel, b, run.end);
        Ahead ahead = shared ? Ahead() : fetched(o, team, run, b);
        convolve(o, thread, team, k, ahead, shared);
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
      rows_.forward(thread, 0, team, o.get<void>(kU), gate(kGateIn), begin, end);
    });
    rows_.frequencies(shared, [&](FrequencyRange range) {
      rows_.engine().convolve(rows_.plan(), rows_.work(thread), k, team.rows, range, ahead);
    });
    rows_.columns(shared, rows_.ragged(), [&](std::int64_t begin, std::int64_t end) {
      rows_.inverse(thread, 0, team, {{o.get<void>(kY), gate(kGateOut)}}, bypass_, begin, end);
    });
  }

  // The inputs of the next team of this run, and this team's output gates.
  Ahead fetched(const Operands& o, const Team& team, const Run& run, std::int64_t b) const {
    const Shape& s = rows_.shape();
    Ahead ahead;
    if (s.n > kLongestFetched || !rows_.out_of_cache()) return ahead;
    const auto add = [&](Place place, const Team& of) {
      for (int row = 0; row < of.rows; ++row) {
        ahead.stream[ahead.count++] =
            static_cast<const char*>(rows_.element(o.get<void>(place), of, row));
      }
    };
    const std::int64_t next = b + rows_.team_rows();
    if (next < run.end || run.channel + 1 < s.h) {
      const Team then = next < run.end ? rows_.team(run.channel, next, run.end)
                                       : rows_.team(run.channel + 1, 0, s.b);
      add(kU, then);
      if (s.gated) add(kGateIn, then);
    }
    if (s.gated) add(kGateOut, team);
    const std::int64_t lines = (s.l * static_cast<std::int64_t>(size_of(rows_.dtype())) + 63) / 64;
    const std::int64_t blocks = team.rows * rows_.plan().own() + 2;
    const std::int64_t innermost = blocks * rows_.plan().s / 64;
    ahead.lines = static_cast<int>((lines + innermost - 1) / innermost);
    return ahead;
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

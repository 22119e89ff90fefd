// fused, backward: the same passes and blocks. Per team z and d = dy g_out are transformed block by
// block; where both spectra of a block are at hand, d conj(k) goes back to dz, d conj(z) is added
// to the kernel's gradient (a spectrum until all sequences are in) and, if there are gates, z k
// goes back to c. Three transforms a row, four if gated; u's spectrum is never stored.
#include "core/registry.h"
#include "hwy/cache_control.h"
#include "suites/fft_conv/fused_rows.h"
#include "suites/fft_conv/pointwise.h"

namespace sb::fft_conv {
namespace {

using namespace backward;
enum Area { kAreaU, kAreaD, kAreas };

// A thread's part of a channel whose other sequences are another thread's.
struct Part {
  std::int64_t channel;
  float* sum;
};

class FusedBackward final : public Kernel {
 public:
  FusedBackward(const Problem& problem, Isa isa)
      : rows_(problem, isa, kAreas),
        sums_(static_cast<std::size_t>(kSums * problem.threads * rows_.plan().spectrum_floats()) *
              sizeof(float)),
        parts_(static_cast<std::size_t>(problem.threads)) {}

  void prepare(const Operands& o) override { rows_.prepare(o.get<float>(kK)); }

  void run(const Operands& o) override {
    for (std::vector<Part>& parts : parts_) parts.clear();
    bypass_ = rows_.bypasses_caches(o.get<void>(kDu));
    if (rows_.shape().gated) {
      bypass_ &= rows_.bypasses_caches(o.get<void>(kDGateIn));
      bypass_ &= rows_.bypasses_caches(o.get<void>(kDGateOut));
    }
    rows_.for_each_share(true, [&](int thread, const Run& run, bool shared) {
      const bool whole = run.begin == 0 && run.end == rows_.shape().b;
      std::vector<Part>& parts = parts_[static_cast<std::size_t>(thread)];
      float* sum = sum_of(thread, whole ? 0 : 1 + static_cast<int>(parts.size()));
      add_run(o, thread, run, sum, shared);
      if (whole) {
        write_kernel_gradient(o, thread, run.channel, sum, shared);
      } else {
        parts.push_back({run.channel, sum});
      }
    });
    join_parts(o);
  }

 private:
  // One for channels that a thread has alone; its first and its last run may be shared.
  static constexpr int kSums = 3;
  float* sum_of(int thread, int i) const {
    return sums_.as<float>() + (thread * kSums + i) * rows_.plan().spectrum_floats();
  }

  void add_run(const Operands& o, int thread, const Run& run, float* sum, bool shared) const {
    const std::int64_t floats_per_column = rows_.plan().spectrum_floats() / rows_.plan().s;
    rows_.columns(shared, false, [&](std::int64_t begin, std::int64_t end) {
      std::fill(sum + floats_per_column * begin, sum + floats_per_column * end, 0.0f);
    });
    const float* k = rows_.spectrum_of(thread, run.channel, o.get<float>(kK), shared);
    for (std::int64_t b = run.begin; b < run.end; b += rows_.team_rows()) {
      Ahead ahead;
      if (!shared) {
        ahead = rows_.fetched(
            run, run.channel, b,
            {o.get<void>(kU), o.get<void>(kDy), gate(o, kGateIn), gate(o, kGateOut)}, {});
      }
      add_team(o, thread, rows_.team(run.channel, b, run.end), k, sum, ahead, shared);
    }
    if (bypass_) hwy::FlushStream();
  }

  const void* gate(const Operands& o, Place place) const {
    return rows_.shape().gated ? o.get<const void>(place) : nullptr;
  }

  void add_team(const Operands& o, int thread, const Team& team, const float* k, float* sum,
                Ahead& ahead, bool shared) const {
    const bool gated = rows_.shape().gated;
    rows_.columns(shared, rows_.ragged(), [&](std::int64_t begin, std::int64_t end) {
      rows_.forward(thread, kAreaU, team, o.get<void>(kU), gate(o, kGateIn), begin, end, &ahead);
      rows_.forward(thread, kAreaD, team, o.get<void>(kDy), gate(o, kGateOut), begin, end);
    });
    rows_.frequencies(shared, [&](FrequencyRange range) {
      rows_.engine().gradients(rows_.plan(), rows_.work(thread, kAreaU), rows_.work(thread, kAreaD),
                               k, sum, team.rows, gated, range, ahead);
    });
    rows_.columns(shared, rows_.ragged(), [&](std::int64_t begin, std::int64_t end) {
      const auto write = [&](int area, std::initializer_list<FusedResult> results, Ahead* beside) {
        rows_.inverse(thread, area, team, results, bypass_, begin, end, beside);
      };
      if (!gated) return write(kAreaD, {{o.get<void>(kDu), nullptr}}, &ahead);
      write(kAreaD,
            {{o.get<void>(kDu), o.get<void>(kGateIn)}, {o.get<void>(kDGateIn), o.get<void>(kU)}},
            &ahead);
      write(kAreaU, {{o.get<void>(kDGateOut), o.get<void>(kDy)}}, nullptr);
    });
  }

  void write_kernel_gradient(const Operands& o, int thread, std::int64_t channel, const float* sum,
                             bool shared) const {
    const Shape& s = rows_.shape();
    const bool direct = s.lk == rows_.row_points();
    float* dk = o.get<float>(kDk) + channel * s.lk;
    TeamOutput out;
    out.result[0][0].y = direct ? dk : rows_.copy(thread, 0);
    rows_.frequencies(shared, [&](FrequencyRange range) {
      rows_.engine().from_spectrum(rows_.plan(), sum, rows_.work(thread), range);
    });
    rows_.columns(shared, !direct, [&](std::int64_t begin, std::int64_t end) {
      rows_.engine().inverse(rows_.plan(), Dtype::kF32, rows_.work(thread), out, begin, end);
      if (!direct) std::copy_n(rows_.copy(thread, 0), s.lk, dk);
    });
  }

  // In the order of the threads, which is that of the sequences: the same bits every time.
  void join_parts(const Operands& o) const {
    Part open{-1, nullptr};
    for (const std::vector<Part>& parts : parts_) {
      for (const Part& part : parts) {
        if (open.sum == nullptr || part.channel != open.channel) {
          if (open.sum != nullptr) write_kernel_gradient(o, 0, open.channel, open.sum, false);
          open = part;
          continue;
        }
        for (std::int64_t i = 0; i < rows_.plan().spectrum_floats(); ++i) {
          open.sum[i] += part.sum[i];
        }
      }
    }
    if (open.sum != nullptr) write_kernel_gradient(o, 0, open.channel, open.sum, false);
  }

  FusedRows rows_;
  Buffer sums_;
  std::vector<std::vector<Part>> parts_;
  bool bypass_ = false;
};

Variant fused(Isa isa) {
  return {.op = "fft_conv_backward",
          .name = "fused",
          .isa = isa,
          .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
          .summary = "own transforms; u's spectrum is made again and never stored",
          .streams = isa == Isa::kAvx512,
          .why_not = why_not_fused,
          .make = [isa](const Problem& p) { return std::make_unique<FusedBackward>(p, isa); }};
}

#if defined(__x86_64__)
const Registration fused_avx512{fused(Isa::kAvx512)};
const Registration fused_avx2{fused(Isa::kAvx2)};
#endif
const Registration fused_scalar{fused(Isa::kScalar)};

}  // namespace
}  // namespace sb::fft_conv

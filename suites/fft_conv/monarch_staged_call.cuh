// Plan and launches of the staged Monarch convolution.
#pragma once

#include <cmath>

#include "suites/fft_conv/monarch_call.cuh"
#include "suites/fft_conv/monarch_staged_device.cuh"

namespace sb::fft_conv {
namespace {

inline constexpr std::int64_t kMostStagedN = 4 << 20;

class StagedPlan {
 public:
  explicit StagedPlan(std::int64_t n) : inner_(2 * inner_points(n)) {
    while (1ll << log_n_ < n) ++log_n_;
    inner_.t.rows = 1;
    std::vector<Complex> roots;
    for (int j = 0; j < 2048; ++j) roots.push_back(single_precision(root_of_unity(j, n)));
    for (std::int64_t j = 0; j < n; j += 2048) {
      roots.push_back(single_precision(root_of_unity(j, n)));
    }
    roots_ = on_device(roots);
    int left = log_n_ - inner_.t.log_m;  // 4, 5 or 8
    for (int log_stride = log_n_; left > 0;) {
      const int log_radix = left == 5 ? 5 : 4;
      log_stride -= log_radix;
      left -= log_radix;
      matrices_.push_back(on_device(dft_fragments(1 << log_radix)));
      stages_.push_back({matrices_.back()->as<const uint4>(), roots_->as<const Complex>(), log_n_,
                         log_radix, log_stride, false});
    }
  }

  // The same number of points with one or two factors before them: 4096, 8192 or 16384.
  static std::int64_t inner_points(std::int64_t n) {
    if (n <= 1 << 18) return n / 16;
    return n == 1 << 19 ? n / 32 : n / 256;
  }

  const std::vector<OuterStage>& stages() const { return stages_; }
  const Transform& inner() const { return inner_.t; }
  int log_n() const { return log_n_; }
  unsigned chunks() const { return 1u << (log_n_ - inner_.t.log_m); }
  std::size_t shared_bytes() const { return monarch_shared_bytes(2ll << inner_.t.log_m); }

 private:
  int log_n_ = 0;
  MonarchTables inner_;
  std::shared_ptr<DeviceArray> roots_;
  std::vector<std::shared_ptr<DeviceArray>> matrices_;
  std::vector<OuterStage> stages_;
};

// Sequences of a channel, two and two.
inline std::int64_t pairs_of(std::int64_t b, std::int64_t h) { return (b + 1) / 2 * h; }

// Launches over points of `pairs` pairs.
template <Bug kBug>
class StagedPoints {
 public:
  StagedPoints(const StagedPlan& plan, Complex* points, std::int64_t b, std::int64_t h)
      : plan_(plan), points_(points), b_(b), h_(h) {}

  // From rows of `l` samples, times `gate` (null: 1), through the outer stages.
  template <typename T>
  void take(const void* rows, const void* gate, std::int64_t l) const {
    launch(outer(), staged_in<T, kBug>, call(rows, gate, nullptr, l, plan_.stages()[0]));
    for (std::size_t i = 1; i < plan_.stages().size(); ++i) {
      launch(outer(), staged_between<kBug>, call(nullptr, nullptr, nullptr, l, plan_.stages()[i]));
    }
  }
  // Through the inner transform, times `spectra` and back; null: they are the spectra.
  void transform(const Complex* spectra) const {
    launch({.x = plan_.chunks(),
            .y = static_cast<unsigned>(pairs_of(b_, h_)),
            .threads = kThreads,
            .shared_bytes = plan_.shared_bytes()},
           staged_inner<kBug>,
           InnerCall{points_, spectra, static_cast<int>(h_), plan_.log_n(),
                     std::sqrt(std::ldexp(1.0f, plan_.log_n())), plan_.inner()});
  }
  // Back through the outer stages, to rows times `gate`.
  template <typename T>
  void give(void* rows, const void* gate, std::int64_t l) const {
    for (std::size_t i = plan_.stages().size(); i-- > 1;) {
      launch(outer(), staged_between<kBug>, call(nullptr, nullptr, nullptr, l, back(i)));
    }
    launch(outer(), staged_out<T, kBug>, call(nullptr, gate, rows, l, back(0)));
  }

 private:
  // A warp has eight columns at a time; 64 blocks a pair, or as many as there are columns for.
  Blocks outer() const {
    return {.x = 64, .y = static_cast<unsigned>(pairs_of(b_, h_)), .threads = kOuterThreads};
  }
  OuterStage back(std::size_t i) const {
    OuterStage stage = plan_.stages()[i];
    stage.inverse = true;
    return stage;
  }
  StagedCall call(const void* in, const void* gate, void* out, std::int64_t l,
                  const OuterStage& stage) const {
    return {
        in,   gate, out, points_, static_cast<int>(b_), static_cast<int>(h_), static_cast<int>(l),
        stage};
  }

  const StagedPlan& plan_;
  Complex* points_;
  std::int64_t b_, h_;
};

inline std::string why_not_staged(const Problem& problem) {
  const Shape s(problem);
  if (s.n <= kMostN || s.n > kMostStagedN) return "for n = 65536 to 4194304; below, monarch";
  if (s.sparsity != 0) return "takes whole spectra; monarch skips, up to n = 32768";
  if (s.cached) return "makes spectra inside the call only";
  if (pairs_of(s.b, s.h) > 65535) return "more than 65535 pairs of sequences";
  const std::size_t shared =
      monarch_shared_bytes(2 * StagedPlan::inner_points(s.n)) + sizeof(Scratch);
  if (shared > most_shared_bytes()) {
    return "needs " + std::to_string(shared) + " bytes of shared memory a block";
  }
  return "";
}

template <typename T, Bug kBug = Bug::kNone>
DeviceRun staged_run(const Problem& problem) {
  const Shape s(problem);
  const auto plan = std::make_shared<StagedPlan>(s.n);
  const auto of_points = [&](std::int64_t sequences) {
    return std::make_shared<DeviceArray>(static_cast<std::size_t>(sequences * s.n) *
                                         sizeof(Complex));
  };
  const auto points = of_points(pairs_of(s.b, s.h)), spectra = of_points(s.h);
  return [=](const Operands& o) {
    const auto gate = [&](int place) { return s.gated ? o.get<void>(place) : nullptr; };
    const StagedPoints<kBug> kernels(*plan, spectra->template as<Complex>(), 1, s.h);
    kernels.template take<float>(o.get<void>(forward::kK), nullptr, s.lk);
    kernels.transform(nullptr);
    const StagedPoints<kBug> signals(*plan, points->template as<Complex>(), s.b, s.h);
    signals.template take<T>(o.get<void>(forward::kU), gate(forward::kGateIn), s.l);
    signals.transform(spectra->template as<Complex>());
    signals.template give<T>(o.get<void>(forward::kY), gate(forward::kGateOut), s.l);
  };
}

}  // namespace
}  // namespace sb::fft_conv

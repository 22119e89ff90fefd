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
  // inner: points of the inner transform, n / 16, n / 32 or n / 256.
  StagedPlan(std::int64_t n, std::int64_t inner) : inner_(2 * inner) {
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
      matrices_.push_back(on_device(dft_fragments(1 << log_radix, [](int i) { return i; })));
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

// Points of all pairs of sequences, and launches over them.
template <Bug kOuter, Bug kInner>
class StagedPoints {
 public:
  StagedPoints(std::shared_ptr<const StagedPlan> plan, std::int64_t b, std::int64_t h)
      : plan_(std::move(plan)),
        b_(static_cast<int>(b)),
        h_(h),
        pairs_(pairs_of(b, h)),
        points_(bytes()) {}

  Complex* data() const { return points_.as<Complex>(); }

  // From rows of `l` samples, times `gate` (null: 1), through the outer stages.
  void take(const void* rows, Storage storage, const void* gate, std::int64_t l) const {
    for (std::size_t i = 0; i < plan_->stages().size(); ++i) {
      outer({.in = i == 0 ? rows : nullptr, .gate = gate, .storage = storage, .b = b_}, l, i,
            false);
    }
  }
  // Back through the outer stages, to rows times `gate`.
  void give(void* rows, Storage storage, const void* gate, std::int64_t l) const {
    return_between(b_);
    give_again(rows, storage, gate, l);
  }
  // After give(): to others, times another gate.
  void give_again(void* rows, Storage storage, const void* gate, std::int64_t l) const {
    outer({.gate = gate, .out = rows, .storage = storage, .b = b_}, l, 0, true);
  }
  // To the spectrum. `true_scale`: of the DFT by definition, else unitary.
  void transform(bool true_scale) const {
    inner(pairs_, {.what = Inner::kSpectrum, .factor = true_scale ? unit() : 1});
  }
  // Convolved with the kernels, of which `spectra` are given in true scale.
  void convolve(const Complex* spectra) const {
    inner(pairs_, {.what = Inner::kConvolve, .spectra = spectra, .factor = 1});
  }
  // The convolution of sequences whose spectra, in unitary scale, are given.
  void apply(const Complex* sequences, const Complex* spectra) const {
    inner(pairs_, {.what = Inner::kApply, .from = sequences, .spectra = spectra, .factor = 1});
  }
  // Correlated with the kernels; spectra `kept` of other sequences become those of dk.
  void correlate(const Complex* spectra, Complex* kept) const {
    inner(pairs_, {.what = Inner::kCorrelate, .spectra = spectra, .kept = kept, .factor = 1});
  }
  // Spectra of dk, a pair each, of unitary factors: their sum, back, to a row per channel.
  void give_sums(void* rows, std::int64_t l) const {
    inner(h_, {.what = Inner::kSum, .parts = static_cast<int>(pairs_ / h_), .factor = unit()});
    return_between(1);
    outer({.out = rows, .storage = Storage::kF32, .b = 1}, l, 0, true);
  }

 private:
  std::size_t bytes() const {
    return static_cast<std::size_t>(pairs_ << plan_->log_n()) * sizeof(Complex);
  }
  float unit() const { return static_cast<float>(std::sqrt(std::ldexp(1.0, plan_->log_n()))); }

  // The outer stages back but for the last, of the first b sequences of every channel.
  void return_between(int b) const {
    for (std::size_t i = plan_->stages().size(); i-- > 1;) outer({.b = b}, 0, i, true);
  }
  // A warp has eight columns at a time; four blocks a multiprocessor for each pair, or as many as
  // there are columns for.
  void outer(OuterCall call, std::int64_t l, std::size_t stage, bool back) const {
    call.points = data();
    call.h = static_cast<int>(h_);
    call.l = static_cast<int>(l);
    call.stage = plan_->stages()[stage];
    call.stage.inverse = back;
    const std::int64_t of_block = 8 * kOuterThreads / 32;
    const std::int64_t columns = 1ll << (call.stage.log_n - call.stage.log_radix);
    const std::int64_t blocks =
        std::min<std::int64_t>((columns + of_block - 1) / of_block, 4 * multiprocessors());
    launch({.x = static_cast<unsigned>(blocks),
            .y = static_cast<unsigned>(pairs_of(call.b, h_)),
            .threads = kOuterThreads},
           staged_outer<kOuter>, call);
  }
  void inner(std::int64_t pairs, InnerCall call) const {
    if (call.from == nullptr) call.from = data();
    call.to = data();
    call.h = static_cast<int>(h_);
    call.log_n = plan_->log_n();
    call.parts = std::max(call.parts, 1);
    call.transform = plan_->inner();
    launch({.x = plan_->chunks(),
            .y = static_cast<unsigned>(pairs),
            .threads = kThreads,
            .shared_bytes = plan_->shared_bytes()},
           staged_inner<kInner>, call);
  }

  std::shared_ptr<const StagedPlan> plan_;
  int b_;
  std::int64_t h_, pairs_;
  DeviceArray points_;
};

inline std::string why_not_staged(const Problem& problem) {
  const Shape s(problem);
  if (s.n <= kMostN || s.n > kMostStagedN) return "for n = 65536 to 4194304; below, monarch";
  if (s.sparsity != 0) return "takes whole spectra; monarch skips, up to n = 32768";
  if (pairs_of(s.b, s.h) > 65535) return "more than 65535 pairs of sequences";
  const std::size_t shared =
      monarch_shared_bytes(2 * StagedPlan::inner_points(s.n)) + sizeof(Scratch);
  if (shared > most_shared_bytes()) {
    return "needs " + std::to_string(shared) + " bytes of shared memory a block";
  }
  return "";
}

// Of the kernels, before all runs if they are cached.
template <typename Pairs>
DeviceRun with_staged_spectra(const Shape& s, int place_of_taps,
                              const std::shared_ptr<const Pairs>& spectra,
                              DeviceRun::Launches after) {
  const auto make = [=, l = s.lk](const Operands& o) {
    spectra->take(o.get<void>(place_of_taps), Storage::kF32, nullptr, l);
    spectra->transform(true);
  };
  if (s.cached) return {make, after};
  return [=](const Operands& o) {
    make(o);
    after(o);
  };
}

template <Bug kOuter = Bug::kNone, Bug kInner = kOuter>
DeviceRun staged_run_with(const Problem& problem, std::int64_t inner_points) {
  using Pairs = StagedPoints<kOuter, kInner>;
  const Shape s(problem);
  const Storage storage = storage_of(problem);
  const auto plan = std::make_shared<const StagedPlan>(s.n, inner_points);
  const auto spectra = std::make_shared<const Pairs>(plan, 1, s.h);
  const auto signals = std::make_shared<const Pairs>(plan, s.b, s.h);
  return with_staged_spectra(s, forward::kK, spectra, [=](const Operands& o) {
    const auto gate = [&](int place) { return s.gated ? o.get<void>(place) : nullptr; };
    signals->take(o.get<void>(forward::kU), storage, gate(forward::kGateIn), s.l);
    signals->convolve(spectra->data());
    signals->give(o.get<void>(forward::kY), storage, gate(forward::kGateOut), s.l);
  });
}

template <Bug kOuter = Bug::kNone, Bug kInner = kOuter>
DeviceRun staged_backward_run_with(const Problem& problem, std::int64_t inner_points) {
  using Pairs = StagedPoints<kOuter, kInner>;
  const Shape s(problem);
  const Storage storage = storage_of(problem);
  const auto plan = std::make_shared<const StagedPlan>(s.n, inner_points);
  const auto spectra = std::make_shared<const Pairs>(plan, 1, s.h);
  const auto z = std::make_shared<const Pairs>(plan, s.b, s.h);
  const auto d = std::make_shared<const Pairs>(plan, s.b, s.h);
  return with_staged_spectra(s, backward::kK, spectra, [=](const Operands& o) {
    const auto at = [&](int place) { return o.get<void>(place); };
    const auto gate = [&](int place) { return s.gated ? at(place) : nullptr; };
    z->take(at(backward::kU), storage, gate(backward::kGateIn), s.l);
    z->transform(false);
    if (s.gated) {
      d->apply(z->data(), spectra->data());
      d->give(at(backward::kDGateOut), storage, at(backward::kDy), s.l);
    }
    d->take(at(backward::kDy), storage, gate(backward::kGateOut), s.l);
    d->correlate(spectra->data(), z->data());
    d->give(at(backward::kDu), storage, gate(backward::kGateIn), s.l);
    if (s.gated) d->give_again(at(backward::kDGateIn), storage, at(backward::kU), s.l);
    z->give_sums(at(backward::kDk), s.lk);
  });
}

template <Bug kBug = Bug::kNone>
DeviceRun staged_run(const Problem& problem) {
  return staged_run_with<kBug>(problem, StagedPlan::inner_points(Shape(problem).n));
}
template <Bug kBug = Bug::kNone>
DeviceRun staged_backward_run(const Problem& problem) {
  return staged_backward_run_with<kBug>(problem, StagedPlan::inner_points(Shape(problem).n));
}

}  // namespace
}  // namespace sb::fft_conv

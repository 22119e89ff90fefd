// What the fused forward and backward kernels share: the plan, the kernels' spectra, teams of rows
// with the copies that rows of odd lengths need, and the decision to bypass the caches.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "core/buffer.h"
#include "suites/fft_conv/convolution.h"
#include "suites/fft_conv/fused.h"
#include "suites/fft_conv/runs.h"

namespace sb::fft_conv {

std::string why_not_fused(const Problem& problem);

// Rows that are transformed together: sequences of one channel, the first of which begins at
// element `first` of a signal.
struct Team {
  std::int64_t first;
  int rows;
};

struct FusedResult {
  void* y;
  const void* factor;  // null: none
};

class FusedRows {
 public:
  FusedRows(const Problem& problem, Isa isa, int areas);  // work areas per thread

  const Shape& shape() const { return shape_; }
  Dtype dtype() const { return dtype_; }
  int threads() const { return threads_; }
  const FusedPlan& plan() const { return plan_; }
  const FusedEngine& engine() const { return engine_; }

  float* work(int thread, int area = 0) const {
    const auto address = reinterpret_cast<std::uintptr_t>(work_.data());
    const std::int64_t begin = static_cast<std::int64_t>(address / sizeof(float));
    const std::int64_t to_first = (work_alignment_ - begin % work_alignment_) % work_alignment_;
    return work_.as<float>() + to_first + thread * thread_stride_ + area * work_stride_;
  }

  void prepare(const float* k);  // does nothing unless spectra are cached
  // Called by one thread of its own, or by all that share the work of `thread` (for_each_share).
  const float* spectrum_of(int thread, std::int64_t channel, const float* k, bool shared) const;

  int team_rows() const { return team_; }  // most that a team has
  Team team(std::int64_t channel, std::int64_t b, std::int64_t end) const;

  // Calls body(thread, run, shared) for every run: each thread has runs and a work area of its own
  // (`in_order`: the same runs every time, each of one channel), or, with fewer teams than threads,
  // all of them call it for every channel and thread 0, and divide columns and frequencies among
  // them.
  template <class Body>
  void for_each_share(bool in_order, const Body& body) const {
    if (shape_.h * ((shape_.b + team_ - 1) / team_) >= threads_) {
      const auto own = [&](int thread, const Run& run) { body(thread, run, false); };
      return in_order ? for_each_run_in_order(shape_, threads_, team_, own)
                      : for_each_run(shape_, threads_, team_, own, tile_);
    }
#pragma omp parallel num_threads(threads_)
    for (std::int64_t channel = 0; channel < shape_.h; ++channel) {
      body(0, Run{channel, 0, shape_.b}, true);
    }
  }
  // f(begin, end) for all columns of a real pass. What goes through a copy is `whole`: not cut.
  template <class F>
  void columns(bool shared, bool whole, const F& f) const {
    if (!shared) return f(0, plan_.s);
    const std::int64_t parts = whole ? 1 : threads_;
#pragma omp for schedule(static)
    for (std::int64_t t = 0; t < parts; ++t) {
      f(plan_.s / 16 * t / parts * 16, plan_.s / 16 * (t + 1) / parts * 16);
    }
  }
  template <class F>
  void frequencies(bool shared, const F& f) const {
    if (!shared) return f(FrequencyRange{0, plan_.frequencies()});
#pragma omp for schedule(dynamic)
    for (int i = 0; i < plan_.frequencies(); ++i) f(FrequencyRange{i, i + 1});
  }

  // Columns [begin, end) of the real passes: x times gate (null: none) into a work area, and the
  // work area into up to two results.
  void forward(int thread, int area, const Team& team, const void* x, const void* gate,
               std::int64_t begin, std::int64_t end, Ahead* ahead = nullptr) const;
  void inverse(int thread, int area, const Team& team, std::initializer_list<FusedResult> results,
               bool bypass, std::int64_t begin, std::int64_t end, Ahead* ahead = nullptr) const;

  // Passes read and write rows where they lie if they are as long as the plan's; others go through
  // a thread's copies.
  bool ragged() const { return shape_.l != row_points_; }
  std::int64_t row_points() const { return row_points_; }
  float* copy(int thread, int which) const {  // two per work area
    return copies_.as<float>() + (thread * 2 * areas_ + which) * row_points_;
  }
  const void* element(const void* base, const Team& team, int row) const;

  // What to fetch while the team at sequence `b` of a run's channel is computed: the next team's
  // rows of some inputs, its own of others (null: no such input), unless passes fetch those
  // themselves.
  Ahead fetched(const Run& run, std::int64_t channel, std::int64_t b,
                std::initializer_list<const void*> next,
                std::initializer_list<const void*> own) const;
  bool out_of_cache() const;  // a call's rows
  // May a call's results y bypass the caches, and is that worth it?
  bool bypasses_caches(const void* y) const;

 private:
  float* spectrum(std::int64_t i) const {
    return spectra_.as<float>() + i * plan_.spectrum_floats();
  }
  bool passes_fetch() const;
  FetchedByPass fetched_by_pass(bool passes) const;
  std::optional<Team> after(const Run& run, std::int64_t channel, std::int64_t b) const;
  void make_spectrum(int thread, const float* k, float* to, bool shared) const;

  Shape shape_;
  Dtype dtype_;
  int threads_;
  FusedEngine engine_;
  FusedPlan plan_;
  int areas_;
  int team_;
  std::int64_t tile_;  // channels of a run
  std::int64_t row_points_;
  std::int64_t work_alignment_;  // floats
  std::int64_t work_stride_;
  std::int64_t thread_stride_;
  Buffer work_;
  Buffer spectra_;
  Buffer copies_;
};

}  // namespace sb::fft_conv

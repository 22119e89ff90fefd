// What the fused forward and backward kernels share: the plan, the kernels' spectra, teams of rows
// with the copies that rows of odd lengths need, and the decision to bypass the caches.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "core/buffer.h"
#include "suites/fft_conv/convolution.h"
#include "suites/fft_conv/fused.h"

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
    return work_.as<float>() + (thread * areas_ + area) * work_stride_;
  }

  void prepare(const float* k);  // does nothing unless spectra are cached
  const float* spectrum_of(int thread, std::int64_t channel, const float* k) const;

  int team_rows() const { return team_; }  // most that a team has
  Team team(std::int64_t channel, std::int64_t b, std::int64_t end) const;

  // Columns [begin, end) of the real passes: x times gate (null: none) into a work area, and the
  // work area into up to two results.
  void forward(int thread, int area, const Team& team, const void* x, const void* gate,
               std::int64_t begin, std::int64_t end) const;
  void inverse(int thread, int area, const Team& team, std::initializer_list<FusedResult> results,
               bool bypass, std::int64_t begin, std::int64_t end) const;

  // Passes read and write rows where they lie if they are as long as the plan's; others go through
  // a thread's copies, and then a real pass is not to be cut into parts.
  bool ragged() const { return shape_.l != row_points_; }
  std::int64_t row_points() const { return row_points_; }
  float* copy(int thread, int which) const {  // two per work area
    return copies_.as<float>() + (thread * 2 * areas_ + which) * row_points_;
  }
  const void* element(const void* base, const Team& team, int row) const;

  bool out_of_cache() const;  // a call's rows
  // May a call's results y bypass the caches, and is that worth it?
  bool bypasses_caches(const void* y) const;

 private:
  float* spectrum(std::int64_t i) const {
    return spectra_.as<float>() + i * plan_.spectrum_floats();
  }
  void make_spectrum(int thread, const float* k, float* to) const;

  Shape shape_;
  Dtype dtype_;
  int threads_;
  FusedEngine engine_;
  FusedPlan plan_;
  int areas_;
  int team_;
  std::int64_t row_points_;
  std::int64_t work_stride_;
  Buffer work_;
  Buffer spectra_;
  Buffer copies_;
};

}  // namespace sb::fft_conv

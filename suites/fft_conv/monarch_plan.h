// The Monarch decomposition of a transform of n = N1 N2 ... Np points
// (FlashFFTConv, arXiv:2311.05908 section 3; Bailey's four-step, repeated):
// dense DFT matrices and the twiddle factors between them.
//
//   A[k1, m] = sum_n1 W_N1^(k1 n1) x[n1, m]       a matrix product; then times
//   W_n^(k1 m) and so on over the remaining M = n / N1 points of each k1;
//   frequency k = k1 + N1 (k2 + N2 (...))
#pragma once

#include <cstdint>
#include <vector>

#include "core/buffer.h"

namespace sb::fft_conv {

struct MonarchStage {
  std::int64_t factor = 0;  // Ni
  std::int64_t rest = 0;    // points that follow: N(i+1) ... Np
  // First stage: (re; im), 2 Ni x Ni. Middle stages: (re -im; im re), 2 Ni x 2
  // Ni. Last stage: re, then im, each Ni x kept.
  const float* matrix = nullptr;
  const float* inverse = nullptr;   // of the conjugate: first (re im), Ni x 2 Ni; last kept x Ni
  const float* twiddles = nullptr;  // not of the last: re, then im, each Ni x rest
};

class MonarchPlan {
 public:
  // `sparsity` percent of the highest frequencies are zero: of the last digit
  // of k only those values are kept that some other frequency has.
  MonarchPlan(std::int64_t n, std::vector<std::int64_t> factors, std::int64_t sparsity);

  const std::vector<MonarchStage>& stages() const { return stages_; }
  std::int64_t n() const { return n_; }
  std::int64_t kept() const { return static_cast<std::int64_t>(digits_.size()); }
  std::int64_t rows() const { return n_ / stages_.back().factor; }  // of the last stage, a sequence
  std::int64_t bins() const { return rows() * kept(); }             // of a spectrum
  // Frequency of bin (row, column) of the last stage.
  std::int64_t frequency(std::int64_t row, std::int64_t column) const;

 private:
  const float* keep(const std::vector<float>& values);
  void make_first(MonarchStage& stage);
  void make_middle(MonarchStage& stage);
  void make_last(MonarchStage& stage);
  void make_twiddles(MonarchStage& stage);

  std::int64_t n_;
  std::vector<MonarchStage> stages_;
  std::vector<std::int64_t> digits_;  // kept values of the last digit
  std::vector<Buffer> tables_;
};

// The factors that FlashFFTConv ships for n, outermost first; its 512 and 2048,
// which it does as half as many complex points, are 16 x 32 and 32 x 64 here.
// Empty below 256 and above 4 Mi.
std::vector<std::int64_t> shipped_factors(std::int64_t n);
// n as `order` powers of two that differ least, the largest last.
std::vector<std::int64_t> balanced_factors(std::int64_t n, int order);

}  // namespace sb::fft_conv

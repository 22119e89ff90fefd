// What fft_conv and fft_conv_backward share as operations: parameters, inputs, tolerance.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "suites/fft_conv/convolution.h"

namespace sb::fft_conv {

class ConvolutionOperation : public Operation {
 public:
  std::vector<ParamSpec> params() const override;
  std::vector<Dtype> dtypes() const override { return {Dtype::kF32, Dtype::kBf16, Dtype::kF16}; }
  std::string why_not(const Problem& problem) const override;
  std::vector<std::string> fills() const override;

 protected:
  // u and k as the fill says, the signals at `others` normal(0, 1).
  static void fill_signals(const Problem& problem, const Fill& fill, std::uint64_t seed,
                           const Operands& o, std::initializer_list<int> others);
};

// FLOPs of one real transform of n points by the usual count, 2.5 n log2 n.
double transform_flops(std::int64_t n);

TensorSpec signal_spec(const Problem& problem, std::string name, Role role);
TensorSpec kernel_spec(const Problem& problem, std::string name, Role role);

// Sequences take the fill as it is; of the operation's own, some shape the kernel and some the
// sequence.
void fill_signal(const Problem& problem, const Fill& fill, std::uint64_t seed, void* u);
void fill_kernel(const Problem& problem, const Fill& fill, std::uint64_t seed, float* k);

// Rows of signals that the reference checks, ascending, the first and the last among them: all, or
// as many as `cost_per_row` (multiply-adds) allows.
std::vector<std::int64_t> sampled_rows(std::int64_t rows, double cost_per_row);

// Multiply-adds of one reference convolution.
double reference_cost(const Shape& shape);

// A row of results and what an element of it may be off. Rounding spreads over a row: an element
// may be off by `kFloatError log2 n` of the row's size, where the size is that of its largest
// element, or of its typical element if the taps did not cancel (|k| rms(z)), times the output
// gate's. A 16-bit element may be off by its own half ulp on top.
class ExpectedRows {
 public:
  ExpectedRows(std::int64_t n, Dtype dtype);
  // `gate`: what the row was multiplied by, null if nothing. `size`: |k| rms(z) of this row.
  void append(const std::vector<double>& row, const std::vector<double>* gate, double size);
  void append_index(std::int64_t first, std::int64_t count);
  Expected take() { return std::move(expected_); }

 private:
  double float_error_;
  double least_;  // a smaller element has no smaller ulp
  Expected expected_;
};

}  // namespace sb::fft_conv

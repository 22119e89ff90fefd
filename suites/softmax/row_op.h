// What softmax and log-softmax have in common: operands, fills, mutants.
#pragma once

#include <string>
#include <vector>

#include "suites/softmax/softmax_op.h"

namespace sb::softmax {

// A row in double.
struct RowTruth {
  double maximum = 0;
  double sum = 0;         // of exp(x - maximum), compensated
  bool poisoned = false;  // by a NaN, a +inf, or nothing but -inf: every y is NaN
};

class RowOp : public Operation {
 public:
  std::vector<ParamSpec> params() const override;
  std::vector<Dtype> dtypes() const override { return {Dtype::kF32, Dtype::kBf16, Dtype::kF16}; }
  std::string why_not(const Problem& problem) const override;
  std::vector<TensorSpec> tensors(const Problem& problem) const override;
  std::vector<std::string> fills() const override;
  Fill default_fill() const override { return {.kind = Fill::Kind::kNormal, .a = 0, .b = 4}; }
  void fill(const Problem& problem, const Fill& fill, std::uint64_t seed,
            const Operands& operands) const override;
  std::vector<Expected> reference(const Problem& problem, const Operands& operands) const override;
  std::vector<Mutant> mutants() const override;

 protected:
  // y, and the unit of its error in which `allowed.all()` is stated.
  struct Element {
    double value, scale;
  };
  virtual Element element(double x, const RowTruth& row, Dtype dtype,
                          const Tolerance& allowed) const = 0;
  // The float that a kernel without maximum subtraction would give.
  virtual float naive(float x, float sum) const = 0;
};

}  // namespace sb::softmax

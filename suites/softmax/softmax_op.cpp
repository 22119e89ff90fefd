#include "suites/softmax/softmax_op.h"

#include <algorithm>
#include <cmath>

#include "core/dtype.h"
#include "core/registry.h"
#include "suites/softmax/row_op.h"

namespace sb::softmax {
namespace {

class SoftmaxOp final : public RowOp {
 public:
  std::string_view name() const override { return "softmax"; }
  std::string_view formula() const override { return "y = exp(x - max x) / sum exp(x - max x)"; }

  // Spec section 2.2: subtract, exponential of 16 + 1 operations, add, multiply.
  Cost cost(const Problem& problem) const override {
    const Shape s(problem);
    const double n = static_cast<double>(s.rows) * static_cast<double>(s.cols);
    return {.flops = 21 * n, .bytes_compulsory = bytes_moved(problem, 2)};
  }

 private:
  Element element(double x, const RowTruth& row, Dtype dtype,
                  const Tolerance& allowed) const override {
    const double distance = row.maximum - x;
    if (std::isinf(distance)) return {0, 0};  // masked: exactly zero
    const double value = std::exp(-distance) / row.sum;
    // x - m rounds to |x - m| 2^-24, which the exponential turns into relative error. What is below
    // the smallest normal float may be flushed to zero; f16 loses its last bits long before: half
    // of its smallest number, and a tie may fall the other way.
    const double rounding = std::min(distance, 200.0) / 24 * (allowed.arithmetic / allowed.all());
    const double absolute = dtype == Dtype::kF16 ? 0x1.01p-25 : 0x1p-126;
    return {value, value * (1 + rounding) + absolute / allowed.all()};
  }

  float naive(float x, float sum) const override { return std::exp(x) / sum; }
};

constexpr double kUnits = 24;  // of 2^-24

const Registration softmax_op{std::make_unique<SoftmaxOp>()};

}  // namespace

Shape::Shape(const Problem& problem)
    : rows(problem.params.integer("rows")),
      cols(problem.params.integer("cols")),
      stride(problem.params.integer("stride")) {
  if (stride == 0) stride = cols;
}

Tolerance tolerance(const Problem& problem) {
  const double ulp = problem.dtype == Dtype::kF32 ? 0 : epsilon_of(problem.dtype);
  return {kUnits * 0x1p-24, ulp / 2};
}

double library_tolerance_factor(const Problem& problem) {
  const double terms = static_cast<double>(Shape(problem).cols) / 8;
  return (64 + terms / 8) / kUnits;
}

double bytes_moved(const Problem& problem, double passes) {
  const Shape s(problem);
  return static_cast<double>(size_of(problem.dtype)) * passes * static_cast<double>(s.rows) *
         static_cast<double>(s.cols);
}

}  // namespace sb::softmax

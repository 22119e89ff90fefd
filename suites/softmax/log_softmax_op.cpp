// The logarithm of softmax, without taking one of a number that has vanished.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/dtype.h"
#include "core/registry.h"
#include "suites/softmax/row_op.h"

namespace sb::softmax {
namespace {

class LogSoftmaxOp final : public RowOp {
 public:
  std::string_view name() const override { return "log_softmax"; }
  std::string_view formula() const override { return "y = (x - max x) - log sum exp(x - max x)"; }

  // Spec section 2.2: maximum, subtract, exponential of 16 + 1 operations, add, two subtractions.
  Cost cost(const Problem& problem) const override {
    const Shape s(problem);
    const double n = static_cast<double>(s.rows) * static_cast<double>(s.cols);
    return {.flops = 22 * n, .bytes_compulsory = bytes_moved(problem, 2)};
  }

 private:
  // The sum's relative error is an absolute one of its logarithm; x - m and the last subtraction
  // round relative to y.
  Element element(double x, const RowTruth& row, Dtype dtype,
                  const Tolerance& allowed) const override {
    const double value = (x - row.maximum) - std::log(row.sum);
    const double stored = round_to(dtype, value);
    if (std::isinf(stored)) return {stored, 0};  // masked, or beyond the format
    return {value, std::abs(value) + allowed.arithmetic / allowed.all()};
  }

  float naive(float x, float sum) const override { return x - std::log(sum); }
};

const Registration log_softmax_op{std::make_unique<LogSoftmaxOp>()};

}  // namespace
}  // namespace sb::softmax

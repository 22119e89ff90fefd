// Gradients in double from the definition, with O and the log-sum-exp taken as the inputs they are:
// P = exp(S - L), delta = sum dO * O, dS = P (dP - delta).
#pragma once

#include <cstdint>
#include <vector>

#include "core/operation.h"
#include "suites/attention/attention_op.h"

namespace sb::attention {

// What a planted bug gets wrong.
enum class GradientBug {
  kNone,
  kNoDelta,
  kUnscaledQueries,
  kNoMask,
  kLastHeadOfGroupOnly,
  kStaleLse,
  kLastKeysSkipped,
};

struct Gradient {
  std::vector<double> value;
  std::vector<double> scale;  // what honest roundings scale with
};

class BackwardReference {
 public:
  BackwardReference(const Shape& shape, Dtype dtype, const Operands& operands,
                    GradientBug bug = GradientBug::kNone);

  Gradient dq(std::int64_t batch, std::int64_t head, std::int64_t row) const;
  void dk_dv(std::int64_t batch, std::int64_t key_head, std::int64_t key, Gradient& dk,
             Gradient& dv) const;

 private:
  struct Pair {
    double p = 0, ds = 0;            // one weight and its gradient
    double p_size = 0, ds_size = 0;  // the sizes of their terms, roundings of the score included
  };
  struct View {
    const float *q, *k, *v, *d_o;
    const float* lse;
    std::int64_t head;  // batch * h + head
  };
  View view(std::int64_t batch, std::int64_t head) const;
  Pair pair(const View& view, std::int64_t row, std::int64_t key) const;

  const float* input(const Operands& operands, Dtype dtype, int place, std::int64_t count);

  Shape shape_;
  GradientBug bug_;
  std::vector<std::vector<float>> widened_;  // inputs of 16 bits
  const float *q_, *k_, *v_, *d_o_, *lse_;
  std::vector<double> delta_, delta_size_;  // per query row
};

}  // namespace sb::attention

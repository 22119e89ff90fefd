// standard: S = Q K^T and P = softmax(S) in memory for all heads, as training frameworks had it,
// with a library's matrix product (FlashAttention-2, arXiv 2307.08691, section 2.2).
// standard_fused: its best form; one matrix per thread, softmax in place, the mask a loop bound.
#include <omp.h>

#include "core/buffer.h"
#include "core/phase.h"
#include "core/registry.h"
#include "suites/attention/attention_op.h"
#include "suites/attention/gemm.h"

#define SB_ISA_FILE "suites/attention/standard-inl.h"
#include "suites/attention/for_each_isa.h"

namespace sb::attention {
namespace {

// Rows [first, first + rows) of one head.
struct Slice {
  Head head;
  std::int64_t first, rows;

  Rows<const float*> q() const {
    return {static_cast<const float*>(head.q.data) + first * head.q.stride, head.q.stride};
  }
  Rows<const float*> k() const { return {static_cast<const float*>(head.k.data), head.k.stride}; }
  Rows<const float*> v() const { return {static_cast<const float*>(head.v.data), head.v.stride}; }
  Rows<float*> o() const {
    return {static_cast<float*>(head.o.data) + first * head.o.stride, head.o.stride};
  }
  float* lse() const { return head.lse == nullptr ? nullptr : head.lse + first; }
};

class Standard final : public Kernel {
 public:
  Standard(const Problem& problem, bool fused)
      : shape_(problem),
        lse_(problem.params.flag("lse")),
        fused_(fused),
        threads_(problem.threads),
        mask_then_softmax_(SB_FOR_ISA(widest_isa(), mask_then_softmax)),
        softmax_in_place_(SB_FOR_ISA(widest_isa(), softmax_in_place)) {
    const std::int64_t heads = shape_.b * shape_.h;
    // Heads over threads; where there are too few, rows of a head as well.
    slices_ = std::min(shape_.m, (threads_ + heads - 1) / heads);
    const std::int64_t slice_rows = (shape_.m + slices_ - 1) / slices_;
    const std::int64_t rows = fused_ ? threads_ * slice_rows : 2 * heads * shape_.m;
    memory_ = Buffer(static_cast<std::size_t>(rows * shape_.n) * sizeof(float));
  }

  void run(const Operands& operands) override {
    gemm_begin();
    const std::int64_t tasks = shape_.b * shape_.h * slices_;
#pragma omp parallel for num_threads(threads_) schedule(dynamic, 1)
    for (std::int64_t task = 0; task < tasks; ++task) {
      const Slice slice = slice_of(operands, task);
      fused_ ? run_fused(slice) : run_materialised(slice, task);
    }
  }

 private:
  Slice slice_of(const Operands& operands, std::int64_t task) const {
    const std::int64_t head = task / slices_;
    const std::int64_t first = task % slices_ * shape_.m / slices_;
    const std::int64_t end = (task % slices_ + 1) * shape_.m / slices_;
    Slice slice{head_of(shape_, Dtype::kF32, operands, head / shape_.h, head % shape_.h), first,
                end - first};
    if (lse_) slice.head.lse = operands.get<float>(forward::kLse) + head * shape_.m;
    return slice;
  }

  void scores(const Slice& slice, float* s) const {
    const Phase phase("scores");
    gemm(Form::kABt, slice.rows, shape_.n, shape_.d, slice.head.scale, slice.q(), slice.k(), 0,
         {s, shape_.n});
  }
  void outputs(const Slice& slice, const float* p) const {
    const Phase phase("values");
    gemm(Form::kAB, slice.rows, shape_.d, shape_.n, 1, {p, shape_.n}, slice.v(), 0, slice.o());
  }

  void run_materialised(const Slice& slice, std::int64_t task) const {
    const std::int64_t row = task / slices_ * shape_.m + slice.first;
    float* s = memory_.as<float>() + row * shape_.n;
    float* p = s + shape_.b * shape_.h * shape_.m * shape_.n;
    scores(slice, s);
    {
      const Phase phase("softmax");
      mask_then_softmax_(s, p, slice.rows, slice.first, slice.head.diagonal, shape_.n, slice.lse());
    }
    outputs(slice, p);
  }

  void run_fused(const Slice& slice) const {
    const std::int64_t slice_rows = (shape_.m + slices_ - 1) / slices_;
    float* s = memory_.as<float>() + omp_get_thread_num() * slice_rows * shape_.n;
    scores(slice, s);
    {
      const Phase phase("softmax");
      softmax_in_place_(s, slice.rows, slice.first, slice.head.diagonal, shape_.n, slice.lse());
    }
    outputs(slice, s);
  }

  Shape shape_;
  bool lse_, fused_;
  int threads_;
  decltype(&scalar::mask_then_softmax) mask_then_softmax_;
  decltype(&scalar::softmax_in_place) softmax_in_place_;
  std::int64_t slices_ = 1;
  Buffer memory_;
};

// Spec 0.4: what is compulsory, and the score matrix `passes` times.
double bytes_algorithm(const Problem& problem, double plain, double masked) {
  const Shape s(problem);
  const double rows = 2.0 * static_cast<double>(s.b * s.h * s.m) * s.d;
  const double keys = 2.0 * static_cast<double>(s.b * s.h * s.n) * s.d;
  const double passes = s.causal == "none" ? plain : masked;
  const double scores = static_cast<double>(s.b * s.h * s.m) * static_cast<double>(s.n);
  return 4 * (rows + keys + passes * scores);
}

// The library computes what the mask throws away.
double flops_executed(const Problem& problem) {
  const Shape s(problem);
  return 4.0 * static_cast<double>(s.b * s.h * s.m) * static_cast<double>(s.n) * s.d;
}

Variant standard(const char* name, bool fused, const char* summary) {
  return {
      .op = "attention",
      .name = name,
      .isa = Isa::kNative,
      .summary = summary,
      .paper = "arXiv:2307.08691 section 2.2",
      .bytes_algorithm = [fused](const Problem& p) { return bytes_algorithm(p, 4, fused ? 4 : 6); },
      .flops_executed = flops_executed,
      .why_not = [](const Problem&) { return why_not_gemm(); },
      .make = [fused](const Problem& p) -> std::unique_ptr<Kernel> {
        return std::make_unique<Standard>(p, fused);
      }};
}

const Registration materialised{standard(
    "standard", false, "scores and weights in memory, library GEMM, mask and softmax apart")};
const Registration fused{standard("standard_fused", true,
                                  "standard with one score matrix per thread, softmax in place")};

}  // namespace
}  // namespace sb::attention

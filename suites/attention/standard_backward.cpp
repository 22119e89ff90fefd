// attention_backward, standard: S, P and dS as matrices in memory, five library products.
#include <omp.h>

#include "core/buffer.h"
#include "core/phase.h"
#include "core/registry.h"
#include "suites/attention/attention_op.h"
#include "suites/attention/gemm.h"

#define SB_ISA_FILE "suites/attention/standard_backward-inl.h"
#include "suites/attention/for_each_isa.h"

namespace sb::attention {
namespace {

class StandardBackward final : public Kernel {
 public:
  explicit StandardBackward(const Problem& problem)
      : shape_(problem),
        threads_(problem.threads),
        differentiate_(SB_FOR_ISA(widest_isa(), differentiate_row)),
        memory_(static_cast<std::size_t>(2 * threads_ * shape_.m * shape_.n) * sizeof(float)) {}

  void run(const Operands& operands) override {
    gemm_begin();
#pragma omp parallel for num_threads(threads_) schedule(dynamic, 1)
    for (std::int64_t key_head = 0; key_head < shape_.b * shape_.hkv; ++key_head) {
      for (std::int64_t g = 0; g < shape_.group(); ++g) run_head(operands, key_head, g);
    }
  }

 private:
  void run_head(const Operands& operands, std::int64_t key_head, std::int64_t g) const {
    const std::int64_t batch = key_head / shape_.hkv;
    const std::int64_t head = key_head % shape_.hkv * shape_.group() + g;
    const auto queries = [&](int place) {
      return Rows<float*>{operands.get<float>(place) + shape_.query_head(batch, head),
                          shape_.query_stride()};
    };
    const auto keys = [&](int place) {
      return Rows<float*>{
          operands.get<float>(place) + shape_.key_head(batch, key_head % shape_.hkv),
          shape_.key_stride()};
    };
    const auto in = [](const Rows<float*>& rows) {
      return Rows<const float*>{rows.data, rows.stride};
    };
    const std::int64_t m = shape_.m, n = shape_.n, d = shape_.d;
    float* s = memory_.as<float>() + 2 * omp_get_thread_num() * m * n;
    float* ds = s + m * n;
    const auto scale = static_cast<float>(shape_.scale());
    const auto log2e = static_cast<float>(kLog2E);
    const float onto = g == 0 ? 0 : 1;
    const Phase phase("backward");
    gemm(Form::kABt, m, n, d, scale * log2e, in(queries(backward::kQ)), in(keys(backward::kK)), 0,
         {s, n});
    gemm(Form::kABt, m, n, d, 1, in(queries(backward::kDO)), in(keys(backward::kV)), 0, {ds, n});
    const float* lse = operands.get<float>(backward::kLse) + (batch * shape_.h + head) * m;
    for (std::int64_t i = 0; i < m; ++i) {
      differentiate_(s + i * n, ds + i * n, visible_keys(i, shape_.diagonal(), n), n,
                     lse[i] * log2e, delta(queries(backward::kO), queries(backward::kDO), i));
    }
    gemm(Form::kAtB, n, d, m, 1, {s, n}, in(queries(backward::kDO)), onto, keys(backward::kDV));
    gemm(Form::kAB, m, d, n, scale, {ds, n}, in(keys(backward::kK)), 0, queries(backward::kDQ));
    gemm(Form::kAtB, n, d, m, scale, {ds, n}, in(queries(backward::kQ)), onto, keys(backward::kDK));
  }

  float delta(const Rows<float*>& o, const Rows<float*>& d_o, std::int64_t row) const {
    float sum = 0;
    for (int c = 0; c < shape_.d; ++c) {
      sum += o.data[row * o.stride + c] * d_o.data[row * d_o.stride + c];
    }
    return sum;
  }

  Shape shape_;
  int threads_;
  decltype(&scalar::differentiate_row) differentiate_;
  Buffer memory_;
};

// Two matrices written, read and written over, and read: dS twice.
double bytes_algorithm(const Problem& problem) {
  const Shape s(problem);
  const double rows = static_cast<double>(s.b * s.h * s.m);
  const double size = static_cast<double>(s.d);
  return 4 * (rows * static_cast<double>(s.n) * 9 + rows * size * 6 +
              static_cast<double>(s.b * s.h * s.n) * size * 6);
}

double flops_executed(const Problem& problem) {
  const Shape s(problem);
  return 10.0 * static_cast<double>(s.b * s.h * s.m) * static_cast<double>(s.n) * s.d;
}

const Registration standard{Variant{.op = "attention_backward",
                                    .name = "standard",
                                    .isa = Isa::kNative,
                                    .summary = "S, P and dS in memory, five library products",
                                    .paper = "arXiv:2307.08691 section 2.2",
                                    .bytes_algorithm = bytes_algorithm,
                                    .flops_executed = flops_executed,
                                    .why_not = [](const Problem&) { return why_not_gemm(); },
                                    .make = [](const Problem& p) -> std::unique_ptr<Kernel> {
                                      return std::make_unique<StandardBackward>(p);
                                    }}};

}  // namespace
}  // namespace sb::attention

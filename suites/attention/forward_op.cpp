// attention: O = softmax(Q K^T / sqrt(d) + mask) V, and on request L = log sum exp per row.
#include <algorithm>
#include <cmath>

#include "core/registry.h"
#include "suites/attention/attention_op.h"
#include "suites/attention/mutants.h"
#include "suites/attention/reference.h"

namespace sb::attention {
namespace {

using namespace forward;

// Weights that become bf16 are computed with three terms of the exponential (8.6e-5).
double lse_tolerance(Dtype dtype) {
  return dtype == Dtype::kBf16 ? 0x1p-13 : output_tolerance(Dtype::kF32);
}

class Attention final : public Operation {
 public:
  std::string_view name() const override { return "attention"; }
  std::string_view formula() const override { return "O = softmax(Q K^T / sqrt(d) + mask) V"; }
  std::vector<ParamSpec> params() const override {
    std::vector<ParamSpec> specs = shape_params(true);
    specs.push_back({.name = "lse",
                     .doc = "also write the log-sum-exp of every row",
                     .choices = {"false", "true"},
                     .default_value = "false"});
    return specs;
  }
  std::vector<Dtype> dtypes() const override { return {Dtype::kF32, Dtype::kBf16, Dtype::kF16}; }
  std::string why_not(const Problem& problem) const override { return why_not_shape(problem); }
  std::vector<std::string> fills() const override { return family_fills(); }

  std::vector<TensorSpec> tensors(const Problem& p) const override {
    const Shape s(p);
    std::vector<TensorSpec> specs = {
        s.queries("q", p.dtype, Role::kInput), s.keys("k", p.dtype, Role::kInput),
        s.keys("v", p.dtype, Role::kInput), s.queries("o", p.dtype, Role::kOutput)};
    if (p.params.flag("lse")) {
      specs.push_back({.name = "lse", .dims = {s.b, s.h, s.m}, .role = Role::kOutput});
    }
    return specs;
  }

  // Two matrix products over the visible pairs; the softmax itself is not counted.
  Cost cost(const Problem& p) const override {
    const Shape s(p);
    double bytes = 0;
    for (const TensorSpec& spec : tensors(p)) bytes += static_cast<double>(spec.bytes());
    return {.flops = 4.0 * static_cast<double>(s.b * s.h) * s.visible_pairs() * s.d,
            .bytes_compulsory = bytes};
  }

  void fill(const Problem& problem, const Fill& fill, std::uint64_t seed,
            const Operands& operands) const override {
    fill_inputs(*this, problem, fill, seed, operands);
  }

  std::vector<Expected> reference(const Problem& p, const Operands& operands) const override {
    const Shape s(p);
    Expected o{.tolerance = output_tolerance(p.dtype)};
    Expected lse{.tolerance = lse_tolerance(p.dtype)};
    // In the order in which rows lie, so that indices ascend.
    for (const std::int64_t row :
         sampled_rows(s.b * s.h * s.m, 4.0 * static_cast<double>(s.n) * s.d)) {
      const std::int64_t batch = row / (s.h * s.m);
      const std::int64_t inside = row % (s.h * s.m);
      const std::int64_t head = s.heads_inside ? inside % s.h : inside / s.m;
      const std::int64_t i = s.heads_inside ? inside / s.h : inside % s.m;
      const ReferenceRow answer = reference_row(head_of(s, p.dtype, operands, batch, head), i,
                                                visible_keys(i, s.diagonal(), s.n));
      expect_row(answer, p.dtype, row, o);
      if (!p.params.flag("lse")) continue;
      lse.value.push_back(answer.lse);
      lse.scale.push_back(1 + std::abs(answer.lse) + answer.largest_score_terms);
      lse.index.push_back((batch * s.h + head) * s.m + i);
    }
    if (!p.params.flag("lse")) return {std::move(o)};
    sort_by_index(lse);
    return {std::move(o), std::move(lse)};
  }

  std::vector<Mutant> mutants() const override { return forward_mutants(); }

 private:
  static void sort_by_index(Expected& e) {
    std::vector<std::size_t> order(e.index.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&e](std::size_t x, std::size_t y) { return e.index[x] < e.index[y]; });
    const Expected from = e;
    for (std::size_t i = 0; i < order.size(); ++i) {
      e.value[i] = from.value[order[i]];
      e.scale[i] = from.scale[order[i]];
      e.index[i] = from.index[order[i]];
    }
  }
};

const Registration attention{std::make_unique<Attention>()};

}  // namespace
}  // namespace sb::attention

// attention_decode: one new query per sequence and head against the keys and values so far.
#include "core/registry.h"
#include "suites/attention/attention_op.h"
#include "suites/attention/mutants.h"
#include "suites/attention/reference.h"

namespace sb::attention {
namespace {

double total_context(const Shape& s) {
  double keys = 0;
  for (std::int64_t batch = 0; batch < s.b; ++batch) keys += static_cast<double>(s.context(batch));
  return keys;
}

class AttentionDecode final : public Operation {
 public:
  std::string_view name() const override { return "attention_decode"; }
  std::string_view formula() const override { return "o = softmax(q K^T / sqrt(d)) V, one q"; }
  std::vector<ParamSpec> params() const override {
    std::vector<ParamSpec> specs = shape_params(false);
    specs.push_back({.name = "ragged",
                     .doc = "longest context over the shortest; n is the longest",
                     .max = 1 << 20,
                     .default_value = "1"});
    specs.push_back({.name = "rescale",
                     .doc = "keys between two rescales of the online forms",
                     .max = 1024,
                     .default_value = "128"});
    return specs;
  }
  std::vector<Dtype> dtypes() const override { return {Dtype::kF32, Dtype::kBf16, Dtype::kF16}; }
  std::string why_not(const Problem& problem) const override { return why_not_shape(problem); }
  std::vector<std::string> fills() const override { return family_fills(); }

  std::vector<TensorSpec> tensors(const Problem& p) const override {
    const Shape s(p);
    return {s.queries("q", p.dtype, Role::kInput), s.keys("k", p.dtype, Role::kInput),
            s.keys("v", p.dtype, Role::kInput), s.queries("o", p.dtype, Role::kOutput)};
  }

  Cost cost(const Problem& p) const override {
    const Shape s(p);
    const double keys = total_context(s);
    const double rows = 2.0 * static_cast<double>(s.b * s.h) * s.d;
    return {.flops = 4.0 * static_cast<double>(s.h) * keys * s.d,
            .bytes_compulsory = (rows + 2.0 * static_cast<double>(s.hkv) * keys * s.d) *
                                static_cast<double>(size_of(p.dtype))};
  }

  void fill(const Problem& problem, const Fill& fill, std::uint64_t seed,
            const Operands& operands) const override {
    fill_inputs(*this, problem, fill, seed, operands);
  }

  std::vector<Expected> reference(const Problem& p, const Operands& operands) const override {
    const Shape s(p);
    Expected o{.tolerance = output_tolerance(p.dtype)};
    for (const std::int64_t row : sampled_rows(s.b * s.h, 4.0 * static_cast<double>(s.n) * s.d)) {
      const std::int64_t batch = row / s.h;
      const Head head = head_of(s, p.dtype, operands, batch, row % s.h);
      expect_row(reference_row(head, 0, s.context(batch)), p.dtype, row, o);
    }
    return {std::move(o)};
  }

  std::vector<Mutant> mutants() const override { return decode_mutants(); }
};

const Registration attention_decode{std::make_unique<AttentionDecode>()};

}  // namespace
}  // namespace sb::attention

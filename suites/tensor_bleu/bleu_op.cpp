// tensor_bleu as an operation: parameters, inputs, cost, tolerance.
#include <cmath>

#include "core/registry.h"
#include "suites/tensor_bleu/bleu_reference.h"
#include "suites/tensor_bleu/fills.h"

namespace sb::tensor_bleu {
namespace {

class TensorBleu final : public Operation {
 public:
  std::string_view name() const override { return "tensor_bleu"; }
  std::string_view formula() const override {
    return "BP exp(sum_n w_n ln p_n), p_n = sum_g min(C(g), max_k R_k(g)) / n-grams, smoothed";
  }
  std::vector<Dtype> dtypes() const override { return {Dtype::kI64}; }
  std::vector<std::string> fills() const override { return fill_words(); }
  Fill default_fill() const override { return {.kind = Fill::Kind::kNamed, .word = "edited"}; }

  std::vector<ParamSpec> params() const override {
    return {
        {.name = "b", .doc = "sentences"},
        {.name = "s", .doc = "tokens of a row, pads included", .max = 1 << 24},
        {.name = "refs", .doc = "references per sentence", .max = 64, .default_value = "1"},
        {.name = "vocab", .doc = "token ids that the fills draw from", .default_value = "32000"},
        {.name = "smoothing",
         .doc = "NLTK's SmoothingFunction method",
         .choices = {"method0", "method1", "method2", "method3", "method4", "method5", "method6",
                     "method7"},
         .default_value = "method1"},
        {.name = "semantics",
         .doc = "nltk, or the released TensorBLEU's own rules",
         .choices = {"nltk", "released"},
         .default_value = "nltk"},
        {.name = "weights",
         .doc = "of the orders: uniform over 1 ... n, or 0.4 0.3 0.2 0.1",
         .choices = {"uniform1", "uniform2", "uniform3", "uniform4", "uniform5", "decay4"},
         .default_value = "uniform4"},
        {.name = "auto_reweigh",
         .doc = "NLTK's option for candidates shorter than 4",
         .choices = {"false", "true"},
         .default_value = "false"},
        {.name = "pad", .doc = "id that marks padding", .min = INT64_MIN, .default_value = "0"},
    };
  }

  std::string why_not(const Problem& problem) const override {
    const Rule rule = Shape(problem).rule;
    if (rule.semantics == Semantics::kReleased && rule.smoothing > 3) {
      return "released semantics know method0 (none), method1 (floor), method2 (add-k) and "
             "method3 (exp) only";
    }
    if (rule.semantics == Semantics::kReleased && rule.auto_reweigh) {
      return "released semantics have no auto_reweigh";
    }
    if (rule.smoothing == 6 && rule.orders() < 3) return "method6 needs weights of 3 orders";
    return "";
  }

  std::vector<TensorSpec> tensors(const Problem& problem) const override {
    const Shape s(problem);
    return {
        {.name = "candidates", .dtype = Dtype::kI64, .dims = {s.b, s.s}},
        {.name = "references", .dtype = Dtype::kI64, .dims = {s.b, s.refs, s.s}},
        {.name = "scores", .dtype = Dtype::kF64, .dims = {s.b}, .role = Role::kOutput},
        {.name = "corpus", .dtype = Dtype::kF64, .dims = {1}, .role = Role::kOutput},
        {.name = "counts",
         .dtype = Dtype::kI64,
         .dims = {s.b, s.count_columns()},
         .role = Role::kOutput},
    };
  }

  // Counting is integer work; a score takes a logarithm, a product and a sum per order.
  Cost cost(const Problem& problem) const override {
    const Shape s(problem);
    Cost cost{.flops = static_cast<double>(4 * s.rule.orders() * (s.b + 1))};
    for (const TensorSpec& spec : tensors(problem)) {
      cost.bytes_compulsory += static_cast<double>(spec.bytes());
    }
    return cost;
  }

  void fill(const Problem& problem, const Fill& fill, std::uint64_t seed,
            const Operands& o) const override {
    fill_tokens(problem, fill, seed, o.get<std::int64_t>(kCandidates),
                o.get<std::int64_t>(kReferences));
  }

  std::vector<Expected> reference(const Problem& problem, const Operands& o) const override {
    const Shape shape(problem);
    const Answer right = answer(problem, o);
    const auto close = [](const std::vector<double>& value) {
      Expected e{.value = value, .tolerance = 1e-12};
      for (const double one : value) e.scale.push_back(std::abs(one));
      return e;
    };
    Expected counts;  // scale 0: exact
    std::vector<std::int64_t> row(static_cast<std::size_t>(shape.count_columns()));
    for (const Counts& one : right.counts) {
      store_counts(one, shape.rule.counted_orders(), row.data());
      counts.value.insert(counts.value.end(), row.begin(), row.end());
    }
    counts.scale.assign(counts.value.size(), 0);
    return {close(right.scores), close({right.corpus}), counts};
  }

  std::vector<Mutant> mutants() const override { return bleu_mutants(); }
};

const Registration tensor_bleu{std::make_unique<TensorBleu>()};

}  // namespace
}  // namespace sb::tensor_bleu

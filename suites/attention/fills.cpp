// What the inputs hold when a workload asks for more than random numbers.
#include <cmath>

#include "suites/attention/attention_op.h"

namespace sb::attention {
namespace {

// The generator of the golden vectors: the same numbers in every language.
double golden_unit(std::uint32_t index, std::uint32_t matrix) {
  std::uint32_t x = (index + 1000 * matrix + 1) * 2654435761u;
  x ^= x >> 16;
  x *= 2246822507u;
  x ^= x >> 13;
  return static_cast<double>(x) / 4294967296.0 * 2 - 1;
}

std::uint32_t golden_matrix(const std::string& name) {
  return name == "q" ? 1 : name == "k" ? 2 : name == "v" ? 3 : 4;
}

bool is_queries(const std::string& name) { return name == "q"; }

// One element of a named fill.
double named_value(const std::string& word, const TensorSpec& spec, std::uint64_t seed,
                   std::int64_t i) {
  const double x = random_normal(seed, static_cast<std::uint64_t>(i));
  if (word == "golden") {
    return golden_unit(static_cast<std::uint32_t>(i), golden_matrix(spec.name));
  }
  if (word == "large_scores") return is_queries(spec.name) ? 30 * x : x;
  if (word == "equal_scores") return is_queries(spec.name) ? 0 : x;
  if (word == "constant_values") return spec.name == "v" ? 0.75 : x;
  if (word == "ascending_keys") {  // scores rise with the key, so every block moves the maximum
    const std::int64_t row = i / spec.cols();
    const std::int64_t rows = std::max<std::int64_t>(1, spec.count() / spec.cols());
    const double along = static_cast<double>(row) / static_cast<double>(rows);
    if (is_queries(spec.name)) return 1 + 0.1 * x;
    return spec.name == "k" ? 4 * along + 0.1 * x : x;
  }
  // one_nan: a NaN in the first key reaches every row that sees it.
  return spec.name == "k" && i == 0 ? std::nan("") : x;
}

}  // namespace

std::vector<std::string> family_fills() {
  return {"golden", "large_scores", "equal_scores", "constant_values", "ascending_keys", "one_nan"};
}

void fill_inputs(const Operation& op, const Problem& problem, const Fill& fill, std::uint64_t seed,
                 const Operands& operands) {
  const std::vector<TensorSpec> specs = op.tensors(problem);
  for (std::size_t t = 0; t < specs.size(); ++t) {
    const TensorSpec& spec = specs[t];
    if (spec.role != Role::kInput) continue;
    void* data = operands.get<void>(static_cast<int>(t));
    const std::uint64_t stream = random_bits(seed, t);
    if (fill.kind != Fill::Kind::kNamed) {
      fill_tensor(spec, data, fill, stream);
      continue;
    }
    for (std::int64_t i = 0; i < spec.count(); ++i) {
      store_from_double(spec.dtype, data, spec.offset(i), named_value(fill.word, spec, stream, i));
    }
  }
}

}  // namespace sb::attention

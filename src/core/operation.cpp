#include "core/operation.h"

namespace sb {

void Operation::fill(const Problem& problem, const Fill& fill, std::uint64_t seed,
                     const Operands& operands) const {
  const std::vector<TensorSpec> specs = tensors(problem);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].role != Role::kInput || !is_floating(specs[i].dtype)) continue;
    // A stream per tensor: identical q and k would make attention trivially easy.
    fill_tensor(specs[i], operands.get<void>(static_cast<int>(i)), fill, random_bits(seed, i));
  }
}

}  // namespace sb

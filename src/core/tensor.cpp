#include "core/tensor.h"

namespace sb {

std::int64_t TensorSpec::count() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : dims) product *= extent;
  return product;
}

std::int64_t TensorSpec::cols() const { return dims.empty() ? 1 : dims.back(); }

std::int64_t TensorSpec::bytes() const {
  return count() * static_cast<std::int64_t>(size_of(dtype));
}

std::int64_t TensorSpec::allocated() const {
  const std::int64_t elements = count();
  return elements == 0 ? 0 : (offset(elements - 1) + 1) * static_cast<std::int64_t>(size_of(dtype));
}

}  // namespace sb

// y = 2 x for n numbers in rows of `n`, with a gap behind each of two rows.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "core/registry.h"

namespace sb {

class Twice final : public Operation {
 public:
  static constexpr std::int64_t kRows = 2;
  static constexpr std::int64_t kCols = 8;
  static constexpr std::int64_t kStride = 16;

  std::string_view name() const override { return "twice"; }
  std::string_view formula() const override { return "y = 2 x"; }
  std::vector<ParamSpec> params() const override { return {}; }
  std::vector<Dtype> dtypes() const override { return {Dtype::kF32}; }
  std::vector<TensorSpec> tensors(const Problem&) const override {
    return {{"x", Dtype::kF32, {kRows, kCols}, Role::kInput, kStride},
            {"y", Dtype::kF32, {kRows, kCols}, Role::kOutput, kStride}};
  }
  Cost cost(const Problem&) const override { return {.flops = 1000, .bytes_compulsory = 2000}; }
  std::vector<Expected> reference(const Problem&, const Operands& o) const override {
    Expected expected{.tolerance = 1e-6};
    for (std::int64_t i = 0; i < kRows * kCols; ++i) {
      const double x = o.get<float>(0)[i / kCols * kStride + i % kCols];
      expected.value.push_back(2 * x);
      expected.scale.push_back(std::abs(2 * x));
    }
    return {expected};
  }
  std::vector<Mutant> mutants() const override { return {}; }
};

// The right kernel, and then `spoil`.
template <typename F>
std::unique_ptr<Kernel> twice_and(F spoil) {
  return kernel_from([spoil](const Operands& o) {
    for (std::int64_t r = 0; r < Twice::kRows; ++r) {
      for (std::int64_t c = 0; c < Twice::kCols; ++c) {
        const std::int64_t i = r * Twice::kStride + c;
        o.get<float>(1)[i] = 2 * o.get<float>(0)[i];
      }
    }
    spoil(o.get<float>(0), o.get<float>(1));
  });
}

}  // namespace sb

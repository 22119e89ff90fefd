// One case of an operation in memory, as a family's own tests need it: operands between guard
// zones, inputs filled, outputs poisoned, and the verdict in words.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "core/buffer.h"
#include "core/registry.h"

namespace sb::testing {

// Why `got` misses `expected`; empty if it does not. The rule is Expected's, its tolerance counted
// `factor` times.
inline std::string why_wrong(const TensorSpec& spec, const void* got, const Expected& expected,
                             double factor = 1) {
  for (std::size_t k = 0; k < expected.value.size(); ++k) {
    const auto i = expected.index.empty() ? static_cast<std::int64_t>(k) : expected.index[k];
    const double value = load_as_double(spec.dtype, got, spec.offset(i));
    const double want = expected.value[k];
    if (std::isnan(want) ? std::isnan(value) : value == want) continue;
    const double allowed = factor * expected.tolerance * expected.scale[k];
    if (std::abs(value - want) <= allowed) continue;
    return spec.name + "[" + std::to_string(i) + "] is " + std::to_string(value) + ", not " +
           std::to_string(want) + " (off by " + std::to_string(std::abs(value - want)) +
           ", allowed " + std::to_string(allowed) + ")";
  }
  return "";
}

class Case {
 public:
  Case(const std::string& op, const std::map<std::string, std::string>& params,
       const std::string& fill = "", int threads = 1, Dtype dtype = Dtype::kF32)
      : op_(Registry::instance().find_operation(op)),
        problem_{.params = Params(op_->params(), params), .dtype = dtype, .threads = threads},
        specs_(op_->tensors(problem_)) {
    std::vector<void*> pointers;
    for (const TensorSpec& spec : specs_) {
      buffers_.emplace_back(static_cast<std::size_t>(spec.allocated()) + 2 * kGuard);
      std::memset(buffers_.back().data(), kGuardByte, buffers_.back().size());
      pointers.push_back(buffers_.back().as<char>() + kGuard);
    }
    operands_ = Operands(pointers);
    op_->fill(problem_, fill.empty() ? op_->default_fill() : parse_fill(fill, op_->fills()), kSeed,
              operands_);
    expected_ = op_->reference(problem_, operands_);
  }

  const Operation& op() const { return *op_; }
  const Problem& problem() const { return problem_; }
  const Operands& operands() const { return operands_; }
  const std::vector<TensorSpec>& specs() const { return specs_; }
  const std::vector<Expected>& expected() const { return expected_; }

  // Runs the variant on poisoned outputs, twice: a kernel must not live on what a call left behind.
  void run(const Variant& variant, int calls = 2) {
    const auto kernel = variant.make(problem_);
    kernel->prepare(operands_);
    tolerance_factor_ = variant.tolerance_factor_for(problem_);
    for (int call = 0; call < calls; ++call) {
      poison();
      kernel->run(operands_);
    }
  }

  // Outputs hold the reference's values, rounded: the right answer, for mutants to corrupt.
  void store_expected() {
    tolerance_factor_ = 1;
    std::size_t output = 0;
    for (std::size_t t = 0; t < specs_.size(); ++t) {
      if (specs_[t].role != Role::kOutput) continue;
      const Expected& e = expected_[output++];
      for (std::size_t k = 0; k < e.value.size(); ++k) {
        const auto i = e.index.empty() ? static_cast<std::int64_t>(k) : e.index[k];
        store_from_double(specs_[t].dtype, data(t), specs_[t].offset(i), e.value[k]);
      }
    }
  }

  // What is wrong with the outputs or with the memory around the operands; empty if nothing is.
  std::string fault() const { return fault(tolerance_factor_); }
  std::string fault(double tolerance_factor) const {
    std::size_t output = 0;
    for (std::size_t t = 0; t < specs_.size(); ++t) {
      if (!guards_intact(t)) return specs_[t].name + ": written outside of the tensor";
      if (specs_[t].role != Role::kOutput) continue;
      const Expected& expected = expected_[output++];
      if (auto why = why_wrong(specs_[t], data(t), expected, tolerance_factor); !why.empty()) {
        return why;
      }
    }
    return "";
  }

  std::vector<unsigned char> output_bits() const {
    std::vector<unsigned char> bits;
    for (std::size_t t = 0; t < specs_.size(); ++t) {
      if (specs_[t].role != Role::kOutput) continue;
      const auto* bytes = static_cast<const unsigned char*>(data(t));
      bits.insert(bits.end(), bytes, bytes + specs_[t].allocated());
    }
    return bits;
  }

 private:
  static constexpr std::size_t kGuard = 256;  // keeps the operands on cache lines
  static constexpr unsigned char kGuardByte = 0xa5;
  static constexpr std::uint64_t kSeed = 7;

  void* data(std::size_t tensor) const { return operands_.get<void>(static_cast<int>(tensor)); }

  void poison() const {
    for (std::size_t t = 0; t < specs_.size(); ++t) {
      if (specs_[t].role != Role::kOutput) continue;
      // All bits set: a NaN in every floating format, -1 in the integers.
      std::memset(data(t), 0xff, static_cast<std::size_t>(specs_[t].allocated()));
    }
  }

  bool guards_intact(std::size_t tensor) const {
    const auto* begin = buffers_[tensor].as<unsigned char>();
    const std::size_t size = buffers_[tensor].size();
    for (std::size_t i = 0; i < kGuard; ++i) {
      if (begin[i] != kGuardByte || begin[size - 1 - i] != kGuardByte) return false;
    }
    return true;
  }

  const Operation* op_;
  Problem problem_;
  std::vector<TensorSpec> specs_;
  std::vector<Buffer> buffers_;
  Operands operands_;
  std::vector<Expected> expected_;
  double tolerance_factor_ = 1;  // of the variant that ran last
};

}  // namespace sb::testing

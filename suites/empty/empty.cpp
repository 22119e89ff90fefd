// y = x for one number: the least a kernel can do, so that its row is the instrument's own cost.
#include "core/registry.h"

namespace sb::empty {
namespace {

enum Place { kX, kY };

class Empty final : public Operation {
 public:
  std::string_view name() const override { return "empty"; }
  std::string_view formula() const override { return "y = x, one number"; }
  std::vector<ParamSpec> params() const override { return {}; }
  std::vector<Dtype> dtypes() const override { return {Dtype::kF32}; }

  std::vector<TensorSpec> tensors(const Problem&) const override {
    return {{.name = "x", .dims = {1}}, {.name = "y", .dims = {1}, .role = Role::kOutput}};
  }
  Cost cost(const Problem&) const override { return {.flops = 0, .bytes_compulsory = 8}; }

  std::vector<Expected> reference(const Problem&, const Operands& operands) const override {
    return {{.value = {*operands.get<float>(kX)}, .scale = {0}, .tolerance = 0}};
  }

  std::vector<Mutant> mutants() const override {
    return {{"zero", [](const Problem&, const Operands& o) { *o.get<float>(kY) = 0; }}};
  }
};

const Registration operation{std::make_unique<Empty>()};

void copy(const Operands& operands) { *operands.get<float>(kY) = *operands.get<float>(kX); }

const Registration one_store{Variant{.op = "empty",
                                     .name = "one_store",
                                     .summary = "one load and one store",
                                     .make = [](const Problem&) { return kernel_from(copy); }}};

}  // namespace
}  // namespace sb::empty

#include "ptx/module.h"

#include "ptx/assemble.h"

namespace sb::ptx {

const Kernel& Module::kernel(std::string_view name) const {
  const auto known = kernels_.find(name);
  if (known != kernels_.end()) return *known->second;
  return *kernels_.emplace(std::string(name), assemble(source_, name)).first->second;
}

}  // namespace sb::ptx

// A variant that this build has no library for: listed, with what to install, and skipped, so that
// a workload may name it everywhere.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "core/registry.h"

namespace sb {

// `why`: "built without XNNPACK; install libxnnpack-dev".
inline Variant absent(std::string op, std::string name, const std::string& why) {
  return {
      .op = std::move(op),
      .name = std::move(name),
      .isa = Isa::kNative,
      .dtypes = {Dtype::kF32, Dtype::kBf16, Dtype::kF16},
      .summary = why,
      .why_not = [why](const Problem&) { return why; },
      .make = [why](const Problem&) -> std::unique_ptr<Kernel> { throw std::runtime_error(why); }};
}

}  // namespace sb

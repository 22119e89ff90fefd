// A PTX module: what nvcc made of one .cu file for one architecture.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ptx/instruction.h"
#include "ptx/source.h"

namespace sb::ptx {

class Module {
 public:
  explicit Module(std::string text) : source_(std::move(text)) {}  // throws Refused

  std::vector<std::string_view> names() const { return source_.names(); }
  const std::string& text() const { return source_.text(); }
  bool has(std::string_view name) const { return source_.has(name); }

  // Made at the first call. Throws Refused for instructions that are not known.
  const Kernel& kernel(std::string_view name) const;

  // Those that were asked for.
  const std::map<std::string, std::unique_ptr<Kernel>, std::less<>>& kernels() const {
    return kernels_;
  }

 private:
  Source source_;
  mutable std::map<std::string, std::unique_ptr<Kernel>, std::less<>> kernels_;
};

}  // namespace sb::ptx

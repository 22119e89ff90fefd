#include "testing/ptx_proof.h"

#if defined(__x86_64__)
#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>

#include "ptx/program.h"

namespace sb::testing {
namespace {

std::string demangled(const std::string& name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  std::string result = status == 0 ? text : name;
  std::free(text);
  return result.substr(0, result.find("]("));
}

template <typename F>
void for_each_kernel(F f) {
  for (const int arch : ptx::kArchs) {
    for (const ptx::Module* module : ptx::modules(arch)) {
      for (const std::string_view name : module->names()) f(arch, module->kernel(name));
    }
  }
}

}  // namespace

std::vector<std::string> unexecuted_instructions(const std::vector<Unreached>& stated) {
  std::vector<std::string> all;
  for_each_kernel([&](int arch, const ptx::Kernel& kernel) {
    const std::string name = demangled(kernel.name);
    for (std::size_t i = 0; i < kernel.code.size(); ++i) {
      const auto says = [&](const Unreached& u) {
        return name.find(u.kernel) != std::string::npos &&
               kernel.sites[i].find(u.site) != std::string::npos;
      };
      if (kernel.executed[i] != 0 || std::any_of(stated.begin(), stated.end(), says)) continue;
      all.push_back(std::to_string(arch) + " " + name + ": " + kernel.sites[i]);
    }
  });
  return all;
}

std::size_t instructions_of_all_kernels() {
  std::size_t count = 0;
  for_each_kernel([&](int, const ptx::Kernel& kernel) { count += kernel.code.size(); });
  return count;
}

}  // namespace sb::testing
#endif

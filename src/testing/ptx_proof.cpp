#include "testing/ptx_proof.h"

#if defined(__x86_64__)
#include <algorithm>
#include <cstdio>

#include "ptx/program.h"
#include "ptx/summary.h"

namespace sb::testing {
namespace {

// A family's: sb::softmax::... A library's kernels (CUB's) come along in our objects, and the
// instrument's own, sb::(anonymous namespace)::..., read clocks, which are not interpreted.
bool is_of_a_family(std::string_view mangled) {
  if (!mangled.starts_with("_ZN2sb")) return false;
  mangled.remove_prefix(6);
  mangled.remove_prefix(std::min(mangled.find_first_not_of("0123456789"), mangled.size()));
  return !mangled.starts_with("_GLOBAL__");
}

template <typename F>
void for_each_kernel(F f) {
  for (const int arch : ptx::kArchs) {
    for (const ptx::Module* module : ptx::modules(arch)) {
      for (const std::string_view name : module->names()) {
        if (is_of_a_family(name)) f(arch, module->kernel(name));
      }
    }
  }
}

}  // namespace

std::vector<bool> in_long_divisions(const ptx::Kernel& kernel) {
  const std::size_t count = kernel.code.size();
  std::vector<bool> begins_block(count + 1), result(count);
  begins_block[count] = true;
  for (std::size_t i = 0; i < count; ++i) {
    if (!kernel.opcodes[i].starts_with("bra")) continue;
    begins_block[kernel.code[i].target] = begins_block[i + 1] = true;
  }
  for (std::size_t begin = 0, end = 0; begin < count; begin = end) {
    do ++end;
    while (!begins_block[end]);
    const auto first = kernel.opcodes.begin() + static_cast<std::ptrdiff_t>(begin);
    const bool divides =
        std::any_of(first, kernel.opcodes.begin() + static_cast<std::ptrdiff_t>(end),
                    [](const std::string& opcode) {
                      return (opcode.starts_with("div.") || opcode.starts_with("rem.")) &&
                             opcode.ends_with("64") && !opcode.ends_with("f64");
                    });
    for (std::size_t i = begin; divides && i < end; ++i) result[i] = true;
  }
  return result;
}

std::vector<std::string> unexecuted_instructions(const std::vector<Unreached>& stated) {
  std::vector<std::string> all;
  for_each_kernel([&](int arch, const ptx::Kernel& kernel) {
    const std::string name = ptx::demangled(kernel.name);
    const std::vector<bool> divides = in_long_divisions(kernel);
    std::map<std::string, int> by_place;
    for (std::size_t i = 0; i < kernel.code.size(); ++i) {
      if (kernel.executed[i] != 0 || divides[i]) continue;
      ++by_place[kernel.sites[i].substr(0, kernel.sites[i].find(": "))];
    }
    const auto is_stated = [&](std::string_view place, int count) {
      return std::any_of(stated.begin(), stated.end(), [&](const Unreached& u) {
        const bool named = name.find(u.kernel) != std::string::npos ||
                           kernel.name.find(u.kernel) != std::string::npos;
        return named && place == u.place && count <= u.most;
      });
    };
    std::string text;
    int left = 0;
    for (const auto& [place, count] : by_place) {
      if (is_stated(place, count)) continue;
      text += " " + place + " x" + std::to_string(count);
      left += count;
    }
    if (left == 0) return;
    text = std::to_string(arch) + " " + name + ", " + std::to_string(left) + " of " +
           std::to_string(kernel.code.size()) + ":" + text;
    std::printf("not executed: %s\n", text.c_str());
    if (!is_stated("", left)) all.push_back(text);
  });
  return all;
}

std::vector<std::string> machine_code_faults(const std::vector<MachineClaim>& claims) {
  std::vector<std::string> faults;
  for (const int arch : ptx::kArchs) {
    std::vector<bool> about_a_kernel(claims.size());
    for (const std::string_view cubin : ptx::cubins(arch)) {
      for (const auto& [mangled, code] : ptx::machine_code(cubin, arch)) {
        if (!is_of_a_family(mangled)) continue;
        const std::string name = ptx::demangled(mangled);
        const std::string where = std::to_string(arch) + " " + name + ": ";
        if (code.frame_bytes != 0 || code.count("LDL") + code.count("STL") != 0) {
          faults.push_back(where + "local memory");
        }
        for (std::size_t i = 0; i < claims.size(); ++i) {
          if (name.find(claims[i].kernel) == std::string::npos) continue;
          about_a_kernel[i] = true;
          if (code.count(claims[i].instruction) != 0) continue;
          faults.push_back(where + "no " + std::string(claims[i].instruction));
        }
      }
    }
    for (std::size_t i = 0; i < claims.size(); ++i) {
      if (!about_a_kernel[i]) faults.push_back("no kernel " + std::string(claims[i].kernel));
    }
  }
  return faults;
}

std::map<std::string, double> figures_of(const Case& c, const std::string& variant, Isa isa) {
  for (const Variant* v : Registry::instance().variants_of(c.op().name())) {
    if (v->isa != isa || v->name != variant) continue;
    const MixedSchedule mixed;
    const auto kernel = v->make(c.problem());
    kernel->prepare(c.operands());
    const ptx::Recorder recorder;
    kernel->run(c.operands());
    const std::string fault = c.fault(v->tolerance_factor_for(c.problem()));
    if (!fault.empty()) throw std::runtime_error(fault);
    const double compulsory = c.op().cost(c.problem()).bytes_compulsory;
    std::map<std::string, double> figures;
    for (const Metric& metric : ptx::metrics_of(
             ptx::summarise(recorder, isa == Isa::kCompute90 ? 90 : 80, compulsory), compulsory)) {
      figures[metric.name] = metric.value;
    }
    return figures;
  }
  throw std::invalid_argument("no variant " + variant + " for " + std::string(name_of(isa)));
}

std::size_t instructions_of_all_kernels() {
  std::size_t count = 0;
  for_each_kernel([&](int, const ptx::Kernel& kernel) { count += kernel.code.size(); });
  return count;
}

}  // namespace sb::testing
#endif

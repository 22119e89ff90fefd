// For a family's PTX tests: its variants as nvcc compiled them, and what no test has executed.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "ptx/instruction.h"
#include "simt/launch.h"
#include "testing/check_case.h"

namespace sb::testing {

// The cheapest schedule that mixes threads: the checker reports races in any of them.
struct MixedSchedule {
  MixedSchedule() { simt::current_schedule().order = simt::Order::kRandom; }
  ~MixedSchedule() { simt::current_schedule() = before; }
  simt::Schedule before = simt::current_schedule();
};

// A GPU so small that grids are small and threads go round many times.
struct OneMultiprocessor {
  OneMultiprocessor() { simt::current_schedule().multiprocessors = 1; }
  ~OneMultiprocessor() { simt::current_schedule() = before; }
  simt::Schedule before = simt::current_schedule();
};

// Runs the case with every PTX variant of its operation that can; how many these were.
inline int expect_right_as_ptx(Case c) {
  const MixedSchedule mixed;
  int ran = 0;
  for (const Variant* variant : Registry::instance().variants_of(c.op().name())) {
    if (variant->device != Device::kPtx || !why_not(*variant, c.problem()).empty()) continue;
    ++ran;
    std::string fault;
    try {
      c.run(*variant, 1);
      fault = c.fault();
    } catch (const std::runtime_error& error) {  // what the memory checker saw
      fault = error.what();
    }
    EXPECT_EQ(fault, "") << variant->full_name() << " " << name_of(c.problem().dtype) << " "
                         << c.problem().params.text();
  }
  return ran;
}

// Instructions that no test executes, and why that is so.
struct Unreached {
  std::string_view kernel;  // part of its name, demangled, or mangled: that one has its file's
  std::string_view place;   // "file:line" of the CUDA source; empty: anywhere else in the kernel
  int most;                 // so many of them in one kernel
  std::string_view reason;
};

// Of each instruction: is it where nvcc divides 64-bit integers at full length? That is entered
// only with operands above 2^32, which no test has the memory for.
std::vector<bool> in_long_divisions(const ptx::Kernel& kernel);

// Of all kernels of this program, for both architectures, "arch kernel: file:line x how many, ..."
// of what no launch executed and nobody stated, long divisions aside. Assembles all kernels: an
// unknown instruction throws.
std::vector<std::string> unexecuted_instructions(const std::vector<Unreached>& stated);

// What ptxas made of the kernels, for sm_80 and sm_90. A claim: each kernel whose demangled name
// contains `kernel` has such an instruction ("HMMA", "LDG.128").
struct MachineClaim {
  std::string_view kernel, instruction;
};
// Kernels with local memory (spills, indexed arrays) or without what is claimed of them; claims
// that are about no kernel.
std::vector<std::string> machine_code_faults(const std::vector<MachineClaim>& claims);

// The figures of one run of the case by the variant as PTX of compute_80 or 90: counted, static,
// predicted (ptx/summary.h). Throws if the answer is wrong.
std::map<std::string, double> figures_of(const Case& c, const std::string& variant, Isa isa);

// How many instructions there are, both architectures together.
std::size_t instructions_of_all_kernels();

}  // namespace sb::testing

// What a cubin says about its kernels: registers, and which machine instructions there are. Read
// from the ELF file itself; no disassembler needed. Matched against ptxas -v and nvdisasm for sm_80
// and sm_90 only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sb::ptx {

struct MachineCode {
  int arch = 0;
  unsigned registers = 0;    // of a thread
  unsigned frame_bytes = 0;  // local memory of a thread: spills, arrays that are indexed
  std::map<std::string, std::uint64_t> instructions;  // "HMMA", "LDG.128", those that matter here

  std::uint64_t count(std::string_view prefix) const;  // of all that begin so
};

// By mangled kernel name. Throws std::runtime_error for what is no cubin.
std::map<std::string, MachineCode> machine_code(std::string_view cubin, int arch);

// Blocks that a multiprocessor of sm_80 (A100) or sm_90 (H100) takes at a time, and why no more.
struct Occupancy {
  unsigned blocks = 0, warps = 0, most_warps = 0;
  std::string limit;  // "registers", "shared memory", "warps", "blocks"
};
Occupancy occupancy(int arch, unsigned registers, std::size_t shared_bytes, unsigned threads);

}  // namespace sb::ptx

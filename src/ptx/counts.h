// What can be counted exactly without a GPU, from the addresses that the lanes of a warp use
// together. Rules: CUDA C++ programming guide, "shared memory" and "device memory accesses" of
// compute capability 5 and later; a profiler has not confirmed them. Never a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ptx/instruction.h"

namespace sb::ptx {

// Of one instruction of a kernel, summed over warps. A request is one warp's execution; lanes'
// n-th executions of an instruction are taken to be one request.
struct InstructionCounts {
  std::string opcode, site;
  std::uint64_t executed = 0;  // warp instructions
  std::uint64_t shared_requests = 0;
  std::uint64_t wavefronts = 0;        // passes over the 32 banks of 4 bytes
  std::uint64_t ideal_wavefronts = 0;  // what the distinct bytes need at least
  std::uint64_t global_requests = 0;
  std::uint64_t sectors = 0;          // of 32 bytes
  std::uint64_t ideal_sectors = 0;    // what the distinct bytes need at least
  std::uint64_t sectors_written = 0;  // of `sectors`
};

struct KernelCounts {
  std::string kernel;  // mangled
  std::uint64_t launches = 0;
  unsigned threads = 0;          // of a block, of the last launch
  std::size_t shared_bytes = 0;  // of a block, of the last launch
  std::vector<InstructionCounts> instructions;
  // Distinct sectors that a block reads, and that it writes, summed over blocks: what leaves a
  // cache that forgets nothing as long as its block lives.
  std::uint64_t block_sectors = 0;

  InstructionCounts total() const;
  std::uint64_t executed(std::string_view opcode_prefix) const;  // "mma", "atom", "red"
};

// Collects counts of the launches made while it lives. One at a time.
class Recorder {
 public:
  Recorder();
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  const std::map<std::string, KernelCounts>& kernels() const { return kernels_; }

  // From the interpreter.
  static Recorder* active();
  void launch_begins(const Kernel& kernel, unsigned threads);
  void launch_ends(std::size_t shared_bytes);
  void access(const Frame& frame, const Instruction& instruction, bool shared, bool write,
              const void* address, unsigned bytes);
  void thread_ends(const Frame& frame);

 private:
  struct Access {
    std::uint64_t request;  // block, warp, instruction, visit: sorted by
    std::uint64_t address;
    std::uint32_t instruction;
    std::uint8_t lane, bytes;
    bool shared, write;
  };
  // Of one block on its way.
  struct BlockState {
    std::vector<Access> accesses;
    std::vector<std::uint32_t> executed;  // [warp][instruction]: by the lane that was there most
    unsigned ended = 0;                   // threads
  };
  void settle(BlockState& block);
  void count_sectors_of_block(const std::vector<Access>& accesses);
  void settle_request(const Access* begin, const Access* end);

  std::map<std::string, KernelCounts> kernels_;
  KernelCounts* now_ = nullptr;
  std::map<std::uint64_t, BlockState> blocks_;
};

}  // namespace sb::ptx

// Runs what nvcc made of a CUDA kernel, its PTX, on the fibers of simt/, every memory access
// checked. What stays unknown: ptxas and the hardware.
#pragma once

#include <cstddef>
#include <initializer_list>

#include "ptx/instruction.h"
#include "simt/launch.h"

namespace sb::ptx {

struct Argument {
  const void* at;
  std::size_t bytes;
};

// A thread that executes more instructions than this is taken to be in an endless loop.
std::uint64_t& step_limit();

// Operands must be memory from simt::device_allocate. Throws std::invalid_argument if the arguments
// are not the kernel's.
simt::Report launch(const Kernel& kernel, const simt::LaunchShape& shape,
                    const simt::Schedule& schedule, std::initializer_list<Argument> arguments);

}  // namespace sb::ptx

// Counts, machine code and declared peaks put together, kernel by kernel: what can be said about a
// launch without a GPU. None of it is a time.
#pragma once

#include <string>
#include <vector>

#include "core/operation.h"
#include "ptx/counts.h"
#include "ptx/cubin.h"

namespace sb::ptx {

// Declared peaks of a device, per multiprocessor and clock. NVIDIA's data sheets; the clock is the
// one at which they hold.
struct DeviceModel {
  const char* name;
  int arch;
  double multiprocessors, clock_ghz, memory_gb_per_s;
  double tensor_flop;                          // of 16-bit operands with 32-bit sums
  double fma_lanes;                            // 32-bit
  static constexpr double kSpecialLanes = 16;  // ex2, rcp and their like
};
const DeviceModel& model_of(int arch);  // 80: A100 SXM 80 GB, 90: H100 SXM

// Cycles that a unit needs at least if the work is spread evenly over all multiprocessors.
struct Bound {
  double tensor = 0, shared = 0, special = 0, fma = 0, memory = 0;
  double cycles() const;        // of the busiest
  std::string limit() const;    // its name
  double tensor_share() const;  // of the tensor peak that the bound allows, 0 to 1
};

struct KernelSummary {
  std::string name;  // demangled
  int arch = 0;
  KernelCounts counts;
  MachineCode code;
  Occupancy occupancy;
  Bound bound;
};

// The kernels that `recorder` saw, which ran as PTX of `arch`. `compulsory_bytes` go through memory
// at least; they count for the first kernel's bound only if it is the only one.
std::vector<KernelSummary> summarise(const Recorder& recorder, int arch, double compulsory_bytes);

// The figures of a case, of all its kernels together: counted, static (the worst kernel's) and
// predicted.
std::vector<Metric> metrics_of(const std::vector<KernelSummary>& kernels, double compulsory_bytes);

// A few lines per kernel; instructions with bank conflicts or half-used sectors by line.
std::string text_of(const KernelSummary& summary);

std::string demangled(const std::string& name);

}  // namespace sb::ptx

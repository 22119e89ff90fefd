// Measured ceilings of a GPU, beside those of the CPU in one Peaks.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/peaks.h"
#include "machine/gpu.h"
#include "machine/throttle.h"

namespace sb {

// A launch that does nothing but move bytes or compute.
struct GpuLoad {
  Roof roof;          // without its figures
  double amount = 0;  // bytes or FLOP of one launch
  std::function<void()> enqueue;
};

// Copy and read bandwidth of memory, read bandwidth of the second level, FMA rates (f32, f64, f16),
// tensor rates (f16, bf16, tf32 with f32 sums). Empty where this program was built without CUDA.
std::vector<GpuLoad> gpu_loads(Gpu& gpu);

// Throws as Gpu does, and where the GPU stays throttled.
std::vector<Roof> measure_gpu_roofs(Gpu& gpu, const std::vector<GpuLoad>& loads, bool quick,
                                    const ThrottleRule& rule = {});

// Adds declared roofs for what no roof of `peaks` on the GPU covers: a level, or a kind of
// arithmetic on a dtype. `declared` is a machine file (configs/machines/*.yaml).
void add_declared(const Peaks& declared, Peaks& peaks);

// Whether `word` ("h100") is a word of a GPU's name ("NVIDIA H100 80GB HBM3"), in either case.
bool names_gpu(const std::string& word, const std::string& gpu);

}  // namespace sb

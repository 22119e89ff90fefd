// What a GPU counts while kernels run: CUPTI's Range Profiler, loaded at run time.
#pragma once

#include <memory>
#include <string>

#include "core/counter_source.h"

namespace sb {

namespace counter {
inline constexpr const char* kDramBytesRead = "dram_bytes_read";           // B
inline constexpr const char* kDramBytesWritten = "dram_bytes_written";     // B
inline constexpr const char* kL2Sectors = "l2_sectors";                    // of 32 bytes
inline constexpr const char* kTensorInstructions = "tensor_instructions";  // of warps
}  // namespace counter

// Shared libraries, by name or path; empty: those that belong to the headers of this build.
struct GpuCounterLibraries {
  std::string cupti, driver;
};

// Counters of the CUDA context that is current in this thread. What the chip has no counter for is
// left out. Each kernel between start() and stop() is run again, with its memory put back, until
// all is counted. Null where nothing can be counted, with a sentence in `why`. start() and stop()
// throw std::runtime_error with such a sentence.
std::unique_ptr<CounterSource> open_gpu_counters(std::string& why,
                                                 const GpuCounterLibraries& asked = {});

}  // namespace sb

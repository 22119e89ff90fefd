// What a kernel on a device offers the clock, and how it says that its device is gone.
#pragma once

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "core/tensor.h"

namespace sb {

// Kernel::run() without the copies: for the clock.
class DeviceWork {
 public:
  virtual ~DeviceWork() = default;

  // Enqueues one call on `stream` (a cudaStream_t); operands lie in device memory. Returns at once,
  // unless the work itself has to hear from the device before it can go on.
  virtual void enqueue(const Operands& on_device, void* stream) = 0;
};

// A CUDA error after which every call of this process fails: only another process can go on.
class DeviceLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Whether a cudaError_t is one of those ("sticky"): what a kernel or the hardware did to the
// context, not what a call was given. Those of which driver_types.h (CUDA 13.0) says that the
// process must be terminated, uncorrectable memory and link errors, and a destroyed context.
inline bool loses_device(int cuda_error) {
  constexpr int kSticky[] = {214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721};
  return std::find(std::begin(kSticky), std::end(kSticky), cuda_error) != std::end(kSticky);
}

}  // namespace sb

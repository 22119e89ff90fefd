// Launches and memory, the same words for both builds of a .cu file: a GPU (nvcc) or fibers.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

#include "backend/device.cuh"
#include "core/isa.h"
#if defined(__CUDACC__) && defined(SB_HAVE_PTX)
#include "ptx/program.h"
#include "simt/launch.h"
#endif

namespace sb {

// A grid of `x` times `y` blocks of `threads` threads in one dimension. `shared_bytes`: of the
// array that the kernel declares with SB_SHARED_OF_LAUNCH.
struct Blocks {
  unsigned x = 1, y = 1, threads = 128;
  std::size_t shared_bytes = 0;
};

#if defined(__CUDACC__)
inline namespace on_gpu {

inline constexpr Device kDevice = Device::kCuda;

// Does nvcc's PTX stand in for the GPU, on fibers? Then memory and launches are theirs.
#if defined(SB_HAVE_PTX)
inline bool interpreted() { return ptx::interpreted_arch() != 0; }
#else
inline bool interpreted() { return false; }
#endif

// Throws std::runtime_error that names `what` and CUDA's own words.
inline void check_cuda(cudaError_t error, const char* what) {
  if (error != cudaSuccess) {
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
  }
}

// Empty if a GPU answers. Without a driver the count is left untouched and every call fails with
// the same cudaErrorInsufficientDriver.
inline std::string why_no_device() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaErrorInsufficientDriver) return "built, not run: no usable CUDA driver";
  if (error == cudaErrorNoDevice || (error == cudaSuccess && count == 0)) {
    return "built, not run: the driver sees no GPU";
  }
  return error == cudaSuccess ? "" : std::string("built, not run: ") + cudaGetErrorString(error);
}

// How many blocks that fill a multiprocessor run at a time.
inline int multiprocessors() {
  if (interpreted()) return 16;  // as fibers have
  int device = 0, count = 0;
  check_cuda(cudaGetDevice(&device), "cudaGetDevice");
  check_cuda(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device),
             "multiprocessor count");
  return count;
}

inline void* allocate_on_device(std::size_t bytes) {
  void* memory = nullptr;
#if defined(SB_HAVE_PTX)
  if (interpreted()) return simt::device_allocate(bytes);
#endif
  check_cuda(cudaMalloc(&memory, bytes), "cudaMalloc");
  return memory;
}
inline void free_on_device(void* memory) {
#if defined(SB_HAVE_PTX)
  if (simt::device_free(memory)) return;
#endif
  cudaFree(memory);
}
inline void copy_bytes(void* to, const void* from, std::size_t bytes) {
  if (interpreted()) {
    __builtin_memcpy(to, from, bytes);
    return;
  }
  check_cuda(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "cudaMemcpy");
}

#if defined(SB_HAVE_PTX)
template <typename... Parameters>
void launch_interpreted(const Blocks& blocks, void (*kernel)(Parameters...),
                        std::remove_cv_t<Parameters>... arguments) {
  simt::demand_ok(
      ptx::launch(ptx::kernel_of(reinterpret_cast<const void*>(kernel), ptx::interpreted_arch()),
                  {.grid = {blocks.x, blocks.y},
                   .block = {blocks.threads},
                   .shared_bytes = blocks.shared_bytes},
                  simt::current_schedule(), {ptx::Argument{&arguments, sizeof arguments}...}));
}
#endif

template <typename... Parameters, typename... Arguments>
void launch(const Blocks& blocks, void (*kernel)(Parameters...), Arguments&&... arguments) {
#if defined(SB_HAVE_PTX)
  if (interpreted()) {
    launch_interpreted(blocks, kernel, std::forward<Arguments>(arguments)...);
    return;
  }
#endif
  if (blocks.shared_bytes > 48 * 1024) {  // more must be asked for, and is per function
    check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(blocks.shared_bytes)),
               "shared memory");
  }
  kernel<<<dim3(blocks.x, blocks.y), blocks.threads, blocks.shared_bytes>>>(
      std::forward<Arguments>(arguments)...);
  check_cuda(cudaGetLastError(), "kernel launch");
}

}  // namespace on_gpu
#else
inline namespace on_fibers {

inline constexpr Device kDevice = Device::kSimt;

inline std::string why_no_device() { return ""; }
inline int multiprocessors() { return 16; }  // few, so that small problems are cut the same way
inline void* allocate_on_device(std::size_t bytes) { return simt::device_allocate(bytes); }
inline void free_on_device(void* memory) { simt::device_free(memory); }
inline void copy_bytes(void* to, const void* from, std::size_t bytes) {
  __builtin_memcpy(to, from, bytes);
}

// Throws std::runtime_error with what the kernel did wrong: deadlocks, races, bad masks.
template <typename... Parameters, typename... Arguments>
void launch(const Blocks& blocks, void (*kernel)(Parameters...), Arguments... arguments) {
  simt::demand_ok(simt::launch({.grid = {blocks.x, blocks.y},
                                .block = {blocks.threads},
                                .shared_bytes = blocks.shared_bytes},
                               simt::current_schedule(), [=] { kernel(arguments...); }));
}

}  // namespace on_fibers
#endif

// Device memory of a kernel, freed with it.
inline namespace
#if defined(__CUDACC__)
    on_gpu
#else
    on_fibers
#endif
{

class DeviceArray {
 public:
  explicit DeviceArray(std::size_t bytes) : data_(allocate_on_device(bytes)), bytes_(bytes) {}
  ~DeviceArray() { free_on_device(data_); }
  DeviceArray(DeviceArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_) {}
  DeviceArray& operator=(DeviceArray&&) = delete;

  void* data() const { return data_; }
  std::size_t size() const { return bytes_; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_;
  std::size_t bytes_;
};

}  // namespace on_gpu
}  // namespace sb

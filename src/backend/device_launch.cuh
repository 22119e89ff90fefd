// Launches and memory, the same words for both builds of a .cu file: a GPU (nvcc) or fibers.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "backend/device.cuh"
#include "core/device_work.h"
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

// Throws std::runtime_error that names `what` and CUDA's own words; DeviceLost where no call of
// this process will succeed again.
inline void check_cuda(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  const std::string text = std::string(what) + ": " + cudaGetErrorString(error);
  if (loses_device(error)) throw DeviceLost(text);
  throw std::runtime_error(text);
}

// The stream that launches go to: the clock's while it times, else the default one. Libraries that
// a kernel calls (cuBLAS, cuFFT) have to be given it at each call.
inline thread_local cudaStream_t launch_stream = nullptr;

struct LaunchesOn {
  explicit LaunchesOn(void* stream) { launch_stream = static_cast<cudaStream_t>(stream); }
  ~LaunchesOn() { launch_stream = nullptr; }
  LaunchesOn(const LaunchesOn&) = delete;
  LaunchesOn& operator=(const LaunchesOn&) = delete;
};

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
#if defined(SB_HAVE_PTX)
  if (interpreted()) return simt::current_schedule().multiprocessors;
#endif
  int device = 0, count = 0;
  check_cuda(cudaGetDevice(&device), "cudaGetDevice");
  check_cuda(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device),
             "multiprocessor count");
  return count;
}

// Shared memory that a block can have.
inline std::size_t most_shared_bytes() {
#if defined(SB_HAVE_PTX)
  if (interpreted()) return simt::kSharedLimit;
#endif
  int device = 0, bytes = 0;
  check_cuda(cudaGetDevice(&device), "cudaGetDevice");
  check_cuda(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
             "shared memory of a block");
  return static_cast<std::size_t>(bytes);
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
    if (bytes > 0) __builtin_memcpy(to, from, bytes);  // an empty vector may have no place
    return;
  }
  check_cuda(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "cudaMemcpy");
}

#if defined(SB_HAVE_PTX)
template <typename... Parameters>
void launch_interpreted(const Blocks& blocks, bool together, void (*kernel)(Parameters...),
                        std::remove_cv_t<Parameters>... arguments) {
  const ptx::Kernel& of_arch =
      ptx::kernel_of(reinterpret_cast<const void*>(kernel), ptx::interpreted_arch());
  simt::demand_ok(ptx::launch(of_arch,
                              {.grid = {blocks.x, blocks.y},
                               .block = {blocks.threads},
                               .shared_bytes = blocks.shared_bytes,
                               .together = together},
                              simt::current_schedule(),
                              {ptx::Argument{&arguments, sizeof arguments}...}));
}
#endif

template <typename... Parameters, typename... Arguments>
void launch(const Blocks& blocks, void (*kernel)(Parameters...), Arguments&&... arguments) {
#if defined(SB_HAVE_PTX)
  if (interpreted()) {
    launch_interpreted(blocks, false, kernel, std::forward<Arguments>(arguments)...);
    return;
  }
#endif
  if (blocks.shared_bytes > 48 * 1024) {  // more must be asked for, and is per function
    check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(blocks.shared_bytes)),
               "shared memory");
  }
  kernel<<<dim3(blocks.x, blocks.y), blocks.threads, blocks.shared_bytes, launch_stream>>>(
      std::forward<Arguments>(arguments)...);
  check_cuda(cudaGetLastError(), "kernel launch");
}

// How many blocks of the kernel can be alive at a time.
template <typename... Parameters>
int blocks_together(void (*kernel)(Parameters...), unsigned threads) {
  if (interpreted()) return multiprocessors();
  int of_one = 0;
  check_cuda(
      cudaOccupancyMaxActiveBlocksPerMultiprocessor(&of_one, kernel, static_cast<int>(threads), 0),
      "occupancy");
  return of_one * multiprocessors();
}

// All blocks are alive at a time and may wait for each other.
template <typename... Parameters>
void launch_together(const Blocks& blocks, void (*kernel)(Parameters...), Parameters... arguments) {
#if defined(SB_HAVE_PTX)
  if (interpreted()) {
    launch_interpreted(blocks, true, kernel, arguments...);
    return;
  }
#endif
  void* pointers[] = {&arguments...};
  check_cuda(cudaLaunchCooperativeKernel(kernel, dim3(blocks.x, blocks.y), dim3(blocks.threads),
                                         pointers, blocks.shared_bytes, launch_stream),
             "cooperative launch");
}

}  // namespace on_gpu
#else
inline namespace on_fibers {

inline constexpr Device kDevice = Device::kSimt;

struct LaunchesOn {  // fibers have no streams
  explicit LaunchesOn(void*) {}
};

inline std::string why_no_device() { return ""; }
inline int multiprocessors() { return simt::current_schedule().multiprocessors; }
inline std::size_t most_shared_bytes() { return simt::kSharedLimit; }
inline void* allocate_on_device(std::size_t bytes) { return simt::device_allocate(bytes); }
inline void free_on_device(void* memory) { simt::device_free(memory); }
inline void copy_bytes(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) __builtin_memcpy(to, from, bytes);  // an empty vector may have no place
}

// Throws std::runtime_error with what the kernel did wrong: deadlocks, races, bad masks.
inline void launch_on_fibers(const Blocks& blocks, bool together,
                             const std::function<void()>& body) {
  simt::demand_ok(simt::launch({.grid = {blocks.x, blocks.y},
                                .block = {blocks.threads},
                                .shared_bytes = blocks.shared_bytes,
                                .together = together},
                               simt::current_schedule(), body));
}

template <typename... Parameters, typename... Arguments>
void launch(const Blocks& blocks, void (*kernel)(Parameters...), Arguments... arguments) {
  launch_on_fibers(blocks, false, [=] { kernel(arguments...); });
}

template <typename... Parameters>
int blocks_together(void (*)(Parameters...), unsigned) {
  return 8;
}
template <typename... Parameters>
void launch_together(const Blocks& blocks, void (*kernel)(Parameters...), Parameters... arguments) {
  launch_on_fibers(blocks, true, [=] { kernel(arguments...); });
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

// A copy of host data; shared, because a std::function that keeps it can be copied.
template <typename Item>
std::shared_ptr<DeviceArray> on_device(const std::vector<Item>& items) {
  auto array = std::make_shared<DeviceArray>(items.size() * sizeof(Item));
  copy_bytes(array->data(), items.data(), array->size());
  return array;
}

}  // namespace on_gpu
}  // namespace sb

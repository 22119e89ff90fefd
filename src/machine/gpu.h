// The GPU as the clock needs it: memory, one stream, two time stamps on it, a kernel that holds it
// back. Nothing is decided here (measure/gpu_sampling.h does); tests put a fake in its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace sb {

struct GpuInfo {
  std::string name;
  int multiprocessors = 0;
  double clock_mhz = 0;  // of the multiprocessors, as the device declares it (boost)
  std::int64_t l2_bytes = 0;
  std::int64_t memory_bytes = 0;
  int driver = 0;  // 13000 is CUDA 13.0
  int runtime = 0;
};

// Between start() and stop() on the stream.
struct Stamps {
  double ns = 0;               // by events
  double clock_mhz = 0;        // cycles of a multiprocessor over its global timer; 0: not known
  bool block_expired = false;  // the blocking kernel reached its limit before release()
};

class GpuRecording {
 public:
  virtual ~GpuRecording() = default;
  virtual void replay() = 0;  // on the stream
};

// Every member throws std::runtime_error with CUDA's own words, DeviceLost after a sticky error.
class Gpu {
 public:
  virtual ~Gpu() = default;

  virtual const GpuInfo& info() const = 0;
  virtual std::int64_t free_bytes() const = 0;

  virtual void* allocate(std::size_t bytes) = 0;
  virtual void free(void* memory) noexcept = 0;
  virtual void copy(void* to, const void* from, std::size_t bytes) = 0;  // either side may be host

  // All below is enqueued on one stream, in order, but release() and wait().
  virtual void* stream() = 0;
  virtual void flush_l2() = 0;
  virtual void block(double limit_s) = 0;  // what follows starts at release(), or after limit_s
  virtual void release() = 0;              // by the host
  virtual void start() = 0;
  virtual void stop() = 0;
  virtual Stamps wait() = 0;  // for stop(); the host waits as well

  // Records what `enqueue` puts on the stream, without running it; throws where that cannot be
  // done.
  virtual std::unique_ptr<GpuRecording> record(const std::function<void()>& enqueue) = 0;
};

// Device memory that is freed with its owner.
class GpuMemory {
 public:
  GpuMemory(Gpu& gpu, std::size_t bytes) : gpu_(&gpu), data_(gpu.allocate(bytes)) {}
  ~GpuMemory() {
    if (data_ != nullptr) gpu_->free(data_);
  }
  GpuMemory(GpuMemory&& other) noexcept
      : gpu_(other.gpu_), data_(std::exchange(other.data_, nullptr)) {}
  GpuMemory& operator=(GpuMemory&&) = delete;

  void* data() const { return data_; }

 private:
  Gpu* gpu_;
  void* data_;
};

// The device that CUDA would choose. Null, with the reason in `why`, where there is none: this
// program was built without CUDA, no driver, no device.
std::unique_ptr<Gpu> open_gpu(std::string& why);

}  // namespace sb

// machine/gpu.h over the CUDA runtime: thin, because no GPU is at hand where it is tested.
#include "machine/gpu.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <string>

#include "core/device_work.h"

namespace sb {
namespace {

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  const std::string text = std::string(what) + ": " + cudaGetErrorString(error);
  if (loses_device(error)) throw DeviceLost(text);
  throw std::runtime_error(text);
}

// One multiprocessor's counters; `mp` tells whether two readings are of the same one.
struct Reading {
  std::uint64_t cycles, ns;
  unsigned mp;
};
// Page-locked memory that host and device read and write in place.
struct Shared {
  volatile int open;     // the blocking kernel may end
  volatile int expired;  // it ended by its limit
  Reading first, last;
};

__global__ void hold(Shared* shared, std::uint64_t limit_ns) {
  std::uint64_t begin, now;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(begin));
  while (shared->open == 0) {
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
    if (now - begin > limit_ns) {
      shared->expired = 1;
      return;
    }
    __nanosleep(200);
  }
}

__global__ void read_counters(Reading* reading) {
  asm volatile("mov.u64 %0, %clock64;" : "=l"(reading->cycles));
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(reading->ns));
  asm volatile("mov.u32 %0, %smid;" : "=r"(reading->mp));
}

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "device attribute");
  return value;
}

GpuInfo query(int device) {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, device), "device properties");
  GpuInfo info{.name = properties.name,
               .multiprocessors = properties.multiProcessorCount,
               .clock_mhz = attribute(cudaDevAttrClockRate, device) / 1e3,
               .l2_bytes = properties.l2CacheSize,
               .memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem)};
  check(cudaDriverGetVersion(&info.driver), "driver version");
  check(cudaRuntimeGetVersion(&info.runtime), "runtime version");
  return info;
}

// The stream and everything that lives as long as it: made together, destroyed in reverse.
class Stream {
 public:
  Stream() {
    check(cudaStreamCreate(&stream), "stream");  // waits for the default stream, and it for this
    check(cudaEventCreate(&begin), "event");
    check(cudaEventCreate(&end), "event");
    check(cudaHostAlloc(&shared, sizeof(Shared), cudaHostAllocMapped), "page-locked memory");
    check(cudaHostGetDevicePointer(&on_device, shared, 0), "page-locked memory");
  }
  ~Stream() {
    cudaFreeHost(shared);
    cudaEventDestroy(end);
    cudaEventDestroy(begin);
    cudaStreamDestroy(stream);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t stream = nullptr;
  cudaEvent_t begin = nullptr, end = nullptr;
  Shared* shared = nullptr;     // as the host sees it
  Shared* on_device = nullptr;  // the same memory
};

struct Destroy {
  void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
  void operator()(cudaGraphExec_t graph) const { cudaGraphExecDestroy(graph); }
};

// A recorded graph, ready to run.
class Graph final : public GpuRecording {
 public:
  Graph(cudaStream_t stream, const std::function<void()>& enqueue) : stream_(stream) {
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "begin of capture");
    try {
      enqueue();
    } catch (...) {
      end_capture();
      cudaGetLastError();  // a broken capture is not the device's fault
      throw;
    }
    check(end_capture(), "end of capture");
    cudaGraphExec_t ready = nullptr;
    check(cudaGraphInstantiate(&ready, graph_.get(), 0), "graph");
    ready_.reset(ready);
    check(cudaGraphUpload(ready, stream), "graph");  // not at the first replay, which is timed
  }
  void replay() override { check(cudaGraphLaunch(ready_.get(), stream_), "graph launch"); }

 private:
  cudaError_t end_capture() {
    cudaGraph_t graph = nullptr;
    const cudaError_t error = cudaStreamEndCapture(stream_, &graph);
    graph_.reset(graph);
    return error;
  }

  cudaStream_t stream_;
  std::unique_ptr<CUgraph_st, Destroy> graph_;
  std::unique_ptr<CUgraphExec_st, Destroy> ready_;
};

class CudaGpu final : public Gpu {
 public:
  explicit CudaGpu(int device) : info_(query(device)) {}

  const GpuInfo& info() const override { return info_; }
  std::int64_t free_bytes() const override {
    std::size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total), "free memory");
    return static_cast<std::int64_t>(free);
  }

  void* allocate(std::size_t bytes) override {
    void* memory = nullptr;
    check(cudaMalloc(&memory, bytes), "cudaMalloc");
    return memory;
  }
  void free(void* memory) noexcept override { cudaFree(memory); }
  void copy(void* to, const void* from, std::size_t bytes) override {
    check(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "cudaMemcpy");
  }

  void* stream() override { return on_.stream; }
  void flush_l2() override {
    if (!flush_) flush_ = std::make_unique<GpuMemory>(*this, flush_bytes());
    check(cudaMemsetAsync(flush_->data(), 0, flush_bytes(), on_.stream), "flush of L2");
  }
  void block(double limit_s) override {
    on_.shared->open = 0;
    on_.shared->expired = 0;
    hold<<<1, 1, 0, on_.stream>>>(on_.on_device, static_cast<std::uint64_t>(limit_s * 1e9));
    check(cudaGetLastError(), "blocking kernel");
  }
  void release() override { on_.shared->open = 1; }
  void start() override {
    read_counters<<<1, 1, 0, on_.stream>>>(&on_.on_device->first);
    check(cudaEventRecord(on_.begin, on_.stream), "event");
  }
  void stop() override {
    check(cudaEventRecord(on_.end, on_.stream), "event");
    read_counters<<<1, 1, 0, on_.stream>>>(&on_.on_device->last);
    check(cudaGetLastError(), "counters");
  }
  Stamps wait() override {
    check(cudaStreamSynchronize(on_.stream), "kernel");
    float ms = 0;
    check(cudaEventElapsedTime(&ms, on_.begin, on_.end), "event");
    const Reading &first = on_.shared->first, &last = on_.shared->last;
    const int expired = on_.shared->expired;
    on_.shared->expired = 0;  // the next sample may have no block
    const bool comparable = first.mp == last.mp && last.ns > first.ns;
    return {.ns = 1e6 * ms,
            .clock_mhz = comparable ? 1e3 * static_cast<double>(last.cycles - first.cycles) /
                                          static_cast<double>(last.ns - first.ns)
                                    : 0,
            .block_expired = expired != 0};
  }

  std::unique_ptr<GpuRecording> record(const std::function<void()>& enqueue) override {
    return std::make_unique<Graph>(on_.stream, enqueue);
  }

 private:
  std::size_t flush_bytes() const {
    return static_cast<std::size_t>(std::max<std::int64_t>(2 * info_.l2_bytes, 1 << 20));
  }

  GpuInfo info_;
  Stream on_;
  std::unique_ptr<GpuMemory> flush_;
};

}  // namespace

std::unique_ptr<Gpu> open_gpu(std::string& why) {
  int count = 0, device = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaErrorInsufficientDriver) {
    why = "no usable CUDA driver";
  } else if (error == cudaErrorNoDevice || (error == cudaSuccess && count == 0)) {
    why = "the driver sees no GPU";
  } else if (error != cudaSuccess) {
    why = cudaGetErrorString(error);
  } else {
    check(cudaGetDevice(&device), "cudaGetDevice");
    return std::make_unique<CudaGpu>(device);
  }
  return nullptr;
}

}  // namespace sb

// The loops whose speed is a GPU's ceiling. Thin: gpu_peaks.cpp times and chooses.
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <memory>
#include <string>

#include "machine/gpu_peaks.h"

namespace sb {
namespace {

constexpr int kThreads = 256;
constexpr int kChains = 8;    // independent FMA chains per thread hide the latency
constexpr int kSteps = 1024;  // of each chain in a launch
constexpr std::int64_t kLarge = std::int64_t{1} << 30;

__global__ void read_all(const uint4* from, std::int64_t n, int times, unsigned* sink) {
  unsigned sum = 0;
  for (int t = 0; t < times; ++t) {
    for (std::int64_t i = blockIdx.x * std::int64_t{kThreads} + threadIdx.x; i < n;
         i += std::int64_t{gridDim.x} * kThreads) {
      const uint4 v = __ldcg(from + i);  // past L1, which would answer a small buffer
      sum += v.x ^ v.y ^ v.z ^ v.w;
    }
  }
  if (sum == 0x9e3779b9u) *sink = sum;  // practically never, but nobody can know
}

__global__ void copy_all(const uint4* from, uint4* to, std::int64_t n) {
  for (std::int64_t i = blockIdx.x * std::int64_t{kThreads} + threadIdx.x; i < n;
       i += std::int64_t{gridDim.x} * kThreads) {
    to[i] = from[i];
  }
}

template <typename T>
__device__ T multiply_add(T a, T b, T c) {
  return a * b + c;
}
template <>
__device__ __half2 multiply_add(__half2 a, __half2 b, __half2 c) {
  return __hfma2(a, b, c);
}

template <typename T>
__global__ void fma_chains(T factor, T* sink) {
  T sum[kChains];
#pragma unroll
  for (int k = 0; k < kChains; ++k) sum[k] = factor;
#pragma unroll 4
  for (int i = 0; i < kSteps; ++i) {
#pragma unroll
    for (int k = 0; k < kChains; ++k) sum[k] = multiply_add(sum[k], factor, factor);
  }
#pragma unroll
  for (int k = 1; k < kChains; ++k) sum[0] = multiply_add(sum[k], factor, sum[0]);
  if (threadIdx.x >= kThreads) *sink = sum[0];  // never; the compiler is not told
}

enum class Tensor { kF16, kBf16, kTf32 };

// mma.sync.m16n8k16 (k8 for tf32), f32 sums. `word`: ones of the type.
template <Tensor kType>
__global__ void mma_chains(unsigned word, float* sink) {
  float sum[kChains][4] = {};
#pragma unroll 2
  for (int i = 0; i < kSteps; ++i) {
#pragma unroll
    for (int k = 0; k < kChains; ++k) {
      if constexpr (kType == Tensor::kF16) {
        asm volatile(
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, "
            "{%4,%4}, {%0,%1,%2,%3};"
            : "+f"(sum[k][0]), "+f"(sum[k][1]), "+f"(sum[k][2]), "+f"(sum[k][3])
            : "r"(word));
      } else if constexpr (kType == Tensor::kBf16) {
        asm volatile(
            "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, "
            "{%4,%4}, {%0,%1,%2,%3};"
            : "+f"(sum[k][0]), "+f"(sum[k][1]), "+f"(sum[k][2]), "+f"(sum[k][3])
            : "r"(word));
      } else {
        asm volatile(
            "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%4,%4,%4}, "
            "{%4,%4}, {%0,%1,%2,%3};"
            : "+f"(sum[k][0]), "+f"(sum[k][1]), "+f"(sum[k][2]), "+f"(sum[k][3])
            : "r"(word));
      }
    }
  }
  float total = 0;
#pragma unroll
  for (int k = 0; k < kChains; ++k) total += sum[k][0] + sum[k][1] + sum[k][2] + sum[k][3];
  if (total == 1.5f) *sink = total;  // never: sums of ones are whole
}

class Loads {
 public:
  explicit Loads(Gpu& gpu)
      : stream_(static_cast<cudaStream_t>(gpu.stream())),
        blocks_(static_cast<unsigned>(8 * gpu.info().multiprocessors)),
        large_(std::min(kLarge, gpu.free_bytes() / 4) / 4096 * 4096),
        memory_(std::make_shared<GpuMemory>(gpu, static_cast<std::size_t>(2 * large_))) {}

  std::vector<GpuLoad> all(std::int64_t l2_bytes) {
    const auto from = static_cast<uint4*>(memory_->data());
    uint4* to = from + large_ / 16;
    reads("mem", from, large_, 1);
    add({.id = "gpu/mem/copy", .level = "mem", .kind = "copy"}, 2.0 * large_,
        [=, b = blocks_, n = large_ / 16, s = stream_] {
          copy_all<<<b, kThreads, 0, s>>>(from, to, n);
        });
    // Half of it: on large devices the level is two parts, and each holds a copy of what it serves.
    if (l2_bytes > 0) reads("L2", from, std::min(l2_bytes / 2, large_) / 16 * 16, 16);
    fma("f32", 2, 0.999f);
    fma("f64", 2, 0.999);
    fma("f16", 4, __float2half2_rn(0.999f));
    mma<Tensor::kF16>("f16", 16, 0x3c003c00);
    mma<Tensor::kBf16>("bf16", 16, 0x3f803f80);
    mma<Tensor::kTf32>("tf32", 8, 0x3f800000);
    return std::move(loads_);
  }

 private:
  void add(Roof roof, double amount, std::function<void()> enqueue) {
    roof.device = "cuda";
    loads_.push_back({std::move(roof), amount, [keep = memory_, enqueue = std::move(enqueue)] {
                        enqueue();
                        if (const cudaError_t error = cudaGetLastError()) {
                          throw std::runtime_error(std::string("ceiling: ") +
                                                   cudaGetErrorString(error));
                        }
                      }});
  }
  void reads(const char* level, const uint4* from, std::int64_t bytes, int times) {
    auto* sink = static_cast<unsigned*>(memory_->data());
    add({.id = std::string("gpu/") + level + "/read", .level = level, .kind = "read"},
        static_cast<double>(bytes) * times, [=, b = blocks_, s = stream_] {
          read_all<<<b, kThreads, 0, s>>>(from, bytes / 16, times, sink);
        });
  }
  template <typename T>
  void fma(const char* dtype, double flops, T factor) {
    auto* sink = static_cast<T*>(memory_->data());
    flop_load("fma", dtype, flops * kThreads, [=, b = blocks_, s = stream_] {
      fma_chains<T><<<b, kThreads, 0, s>>>(factor, sink);
    });
  }
  template <Tensor kType>
  void mma(const char* dtype, int depth, unsigned ones) {
    auto* sink = static_cast<float*>(memory_->data());
    flop_load("mma", dtype, 2.0 * 16 * 8 * depth * kThreads / 32, [=, b = blocks_, s = stream_] {
      mma_chains<kType><<<b, kThreads, 0, s>>>(ones, sink);
    });
  }
  // `flops` of one step of one chain of a block.
  void flop_load(const char* kind, const char* dtype, double flops, std::function<void()> enqueue) {
    add({.id = std::string("gpu/") + kind + "/" + dtype,
         .is_flops = true,
         .kind = kind,
         .isa = "cuda",
         .dtype = dtype},
        flops * kChains * kSteps * blocks_, std::move(enqueue));
  }

  cudaStream_t stream_;
  unsigned blocks_;
  std::int64_t large_;
  std::shared_ptr<GpuMemory> memory_;
  std::vector<GpuLoad> loads_;
};

}  // namespace

std::vector<GpuLoad> gpu_loads(Gpu& gpu) { return Loads(gpu).all(gpu.info().l2_bytes); }

}  // namespace sb

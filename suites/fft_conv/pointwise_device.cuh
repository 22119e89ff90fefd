// What unfused convolutions on a GPU do between transforms, a launch each, an element per thread at
// a time.
#pragma once

#include "backend/device_types.cuh"

namespace sb::fft_conv {
namespace {

// Planted bugs that the tests must see fail; kNone is the kernel.
enum class PointwiseBug {
  kNone,
  kFirstNotGated,
  kTailNotCleared,
  kFirstBinNotMultiplied,
  kFirstBinNotCleared,
  kLastSampleLeftOut,
};

inline constexpr int kPointwiseThreads = 256;

struct Sequences {
  std::int64_t count;
  std::int64_t length, padded;  // samples of one, and points of its transform
};

__device__ __forceinline__ std::int64_t first_element() {
  return std::int64_t{blockIdx.x} * kPointwiseThreads + threadIdx.x;
}
__device__ __forceinline__ std::int64_t all_threads() {
  return std::int64_t{gridDim.x} * kPointwiseThreads;
}

// to = x times g, elementwise. What is not a result stays in float: rounded twice it would be off
// by more than the operation allows.
template <typename From, typename T, typename To, PointwiseBug kBug>
__global__ void __launch_bounds__(kPointwiseThreads)
    multiply_gate(const From* __restrict__ x, const T* __restrict__ g, To* __restrict__ to,
                  std::int64_t count) {
  for (std::int64_t i = first_element(); i < count; i += all_threads()) {
    const bool gated = kBug != PointwiseBug::kFirstNotGated || i != 0;
    narrow(to_float(x[i]) * (gated ? to_float(g[i]) : 1.0f), to[i]);
  }
}

// Sequences as floats, kStep floats apart (2: complex numbers), zeros behind them.
template <typename T, int kStep, PointwiseBug kBug>
__global__ void __launch_bounds__(kPointwiseThreads)
    widen_rows(const T* __restrict__ x, float* __restrict__ to, Sequences s) {
  for (std::int64_t i = first_element(); i < s.count * s.padded; i += all_threads()) {
    const std::int64_t at = i % s.padded;
    if (kBug == PointwiseBug::kTailNotCleared && at >= s.length) continue;
    to[kStep * i] = at < s.length ? to_float(x[i / s.padded * s.length + at]) : 0.0f;
    if (kStep == 2) to[2 * i + 1] = 0;
  }
}

// Spectra of `bins` complex numbers times that of their channel, row % channels, and `factor`.
template <PointwiseBug kBug>
__global__ void __launch_bounds__(kPointwiseThreads)
    multiply_bins(float2* __restrict__ x, const float2* __restrict__ of_channels, std::int64_t rows,
                  std::int64_t channels, std::int64_t bins, float factor) {
  for (std::int64_t i = first_element(); i < rows * bins; i += all_threads()) {
    if (kBug == PointwiseBug::kFirstBinNotMultiplied && i == 0) continue;
    const float2 a = x[i], k = of_channels[i / bins % channels * bins + i % bins];
    x[i] = make_float2(factor * (a.x * k.x - a.y * k.y), factor * (a.x * k.y + a.y * k.x));
  }
}

// Bins [first, end) of every channel's spectrum become zero.
template <PointwiseBug kBug>
__global__ void __launch_bounds__(kPointwiseThreads)
    clear_bins(float2* __restrict__ spectra, std::int64_t channels, std::int64_t bins,
               std::int64_t first, std::int64_t end) {
  for (std::int64_t i = first_element(); i < channels * bins; i += all_threads()) {
    const std::int64_t bin = i % bins;
    if (kBug == PointwiseBug::kFirstBinNotCleared && bin == first) continue;
    if (bin >= first && bin < end) spectra[i] = make_float2(0.0f, 0.0f);
  }
}

// The first `length` samples of each sequence, kStep floats apart, in the storage type.
template <typename T, int kStep, PointwiseBug kBug>
__global__ void __launch_bounds__(kPointwiseThreads)
    narrow_rows(const float* __restrict__ x, T* __restrict__ to, Sequences s) {
  for (std::int64_t i = first_element(); i < s.count * s.length; i += all_threads()) {
    if (kBug == PointwiseBug::kLastSampleLeftOut && i == s.count * s.length - 1) continue;
    narrow(x[kStep * (i / s.length * s.padded + i % s.length)], to[i]);
  }
}

}  // namespace
}  // namespace sb::fft_conv

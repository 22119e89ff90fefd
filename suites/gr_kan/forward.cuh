// gr_kan on a GPU: element by element.
#pragma once

#include "suites/gr_kan/rational.cuh"

namespace sb::gr_kan {
namespace {

// Grid-stride; neighbours read neighbours, the coefficients come from cache.
template <Bug kBug = Bug::kNone>
__global__ void __launch_bounds__(256)
    forward_elements(const float* __restrict__ x, const float* __restrict__ a,
                     const float* __restrict__ b, float* __restrict__ y, DeviceShape s) {
  const std::int64_t elements = (s.rows - (kBug == Bug::kDroppedLastRow)) * s.d;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t e = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; e < elements;
       e += step) {
    const Coefficients c = coefficients_of<kBug>(a, b, e % s.d / s.group_size, s.shared_numerator);
    y[e] = numerator(x[e], c) / denominator(fabsf(x[e]), c);
  }
}

}  // namespace
}  // namespace sb::gr_kan

#include <algorithm>

#include "backend/device_variant.cuh"
#include "suites/gr_kan/gr_kan_op.h"
#include "suites/gr_kan/rational.cuh"

namespace sb::gr_kan {
namespace {

constexpr unsigned kMostBlocks = 4096;

// Grid-stride; neighbours read neighbours, the coefficients come from cache.
__global__ void __launch_bounds__(256)
    forward_elements(const float* __restrict__ x, const float* __restrict__ a,
                     const float* __restrict__ b, float* __restrict__ y, DeviceShape s) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t e = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; e < s.rows * s.d;
       e += step) {
    const Coefficients c = coefficients_of(a, b, e % s.d / s.group_size, s.shared_numerator);
    y[e] = numerator(x[e], c) / denominator(fabsf(x[e]), c);
  }
}

DeviceRun prepare(const Problem& problem) {
  return [s = Shape(problem)](const Operands& o) {
    using namespace forward;
    if (s.elements() == 0) return;
    const auto blocks = static_cast<unsigned>((s.elements() + 255) / 256);
    launch({.x = std::min(blocks, kMostBlocks), .threads = 256}, forward_elements, o.get<float>(kX),
           o.get<float>(kA), o.get<float>(kB), o.get<float>(kY),
           DeviceShape{.rows = s.rows,
                       .d = s.d,
                       .group_size = s.group_size,
                       .groups = static_cast<int>(s.groups),
                       .shared_numerator = s.shared_numerator});
  };
}

const DeviceRegistration registration{
    Variant{.op = "gr_kan", .name = "vector", .summary = "a thread per element"}, prepare};

}  // namespace
}  // namespace sb::gr_kan
